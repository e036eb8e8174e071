"""The command: generate the codec into ``src/ottla/protocol``, or check that what is there is what would be written."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import catalogue, jars, modules, tables, vectors

PROTOCOL = Path(__file__).resolve().parents[2] / "src" / "ottla" / "protocol"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="tools/generate_protocol", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file differs")
    parser.add_argument("--if-here", action="store_true", help="do nothing where Kafka's jars are not here yet")
    parser.add_argument("--jars", type=Path, metavar="FOLDER", help="look for Kafka's jars here first")
    parser.add_argument("--vectors", action="store_true", help="write the test vectors instead (needs Java)")
    options = parser.parse_args(arguments)
    if options.if_here and not all(map(jars.is_here, jars.PINNED)):
        print("Kafka's jars are not here: the codec is not compared with its source (make clients fetches them)")
        return 0
    if options.vectors:
        print(f"{vectors.write(catalogue.read(options.jars), options.jars)} vectors in {vectors.FILE}")
        return 0
    wanted = generate(options.jars)
    there = set((PROTOCOL / "messages").glob("*.py")) | {PROTOCOL / "api_table.py"}
    stale = [path for path in sorted(there | set(wanted)) if _text(path) != wanted.get(path)]
    if options.check:
        for path in stale:
            print(f"not as generated: {path}")
        return 1 if stale else 0
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path])
        else:
            path.unlink()
    print(f"{len(wanted)} files, {sum(map(len, wanted.values())) // 1024} KiB, {len(stale)} changed")
    return 0


def generate(folder: Path | None) -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    content = catalogue.read(folder)
    texts = {PROTOCOL / "messages" / name: text for name, text in modules.files(content)}
    texts[PROTOCOL / "api_table.py"] = tables.api_table(content)
    return texts


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
