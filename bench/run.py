"""``make bench``: Ottla, Apache Kafka and a raw floor on this machine in one run, the sides in turns.

Ottla is measured as compiled (``make compiled``) where there is a C compiler, and as it is with ``ARGS=--pure``.
``make bench ONLY=produce`` (or several parts with commas between them) runs a part, ``QUICK=1`` fewer rounds and cases.
Prints a table, writes ``bench-results/latest.json`` and a copy with the time in its name. A whole run draws the page
and its chart; ``python -m bench.report`` draws them anew from any of these files.
"""

import argparse
import functools
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from bench import about, builds, report, table
from bench.brokers import KAFKA_JARS, ROOT, Broker, Kafka, Ottla
from bench.figures import Figures
from bench.parts import ceiling, compaction, groups, latency, raw, starting, throughput, tools
from bench.programs import ProgramFailed
from bench.stage import Effort, Stage

RESULTS = ROOT / "bench-results"
PARTS: dict[str, Callable[[Stage], None]] = {
    "throughput": throughput.produce_and_consume,
    "produce": throughput.produce,
    "consume": throughput.consume,
    "raw": raw.raw,
    "ping": latency.ping,
    "ceiling": ceiling.ceiling,
    "latency": latency.end_to_end,
    "tools": tools.java_tools,
    "groups": groups.groups,
    "start": starting.start,
    "memory": starting.memory,
    "partitions": starting.partitions,
    "compaction": compaction.compaction,
}
#: Halves of ``throughput``, which measures both in one go.
HALVES = ("produce", "consume")


def main() -> int:
    """Run what was asked for."""
    arguments = _arguments()
    # Ended from outside: what was started is stopped, and what was measured is kept.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    chosen = arguments.only or [name for name in PARTS if name not in HALVES]
    figures = Figures()
    build = builds.PURE if arguments.pure else builds.usual()
    ottla = functools.partial(Ottla, source=builds.source(build))
    makers: Sequence[Callable[[str], Broker]] = [ottla] if arguments.without_kafka else [ottla, Kafka]
    begin_s = time.time()
    failures: dict[str, str] = {}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ottla-bench-", dir=arguments.dir))
    stage = Stage(folder, figures, Effort(quick=arguments.quick, cases=arguments.cases), makers)

    def document() -> dict[str, object]:
        seconds = time.time() - begin_s
        run = about.about(begin_s=begin_s, seconds=seconds, quick=arguments.quick, parts=chosen, build=build)
        return {"about": run | {"failures": failures}, "figures": figures.to_json()}

    try:
        for name in chosen:
            print(f"{name} (after {(time.time() - begin_s) / 60:.1f} minutes)", file=sys.stderr, flush=True)
            try:
                PARTS[name](stage)
            except (ProgramFailed, RuntimeError, OSError) as error:  # half an hour of other figures is not thrown away
                failures[name] = str(error)
                print(f"bench: {name} failed: {error}", file=sys.stderr, flush=True)
    finally:
        stage.close()
        shutil.rmtree(folder, ignore_errors=True)
        _write(document(), begin_s)
        print(table.plain(figures))
    if not (arguments.only or arguments.quick or arguments.cases or arguments.without_kafka):
        report.draw(document())
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure Ottla beside Apache Kafka.")
    parser.add_argument("only", nargs="*", help=f"parts to run: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and cases: a first impression")
    parser.add_argument("--cases", default="", help="of throughput only what matches, as '1 KiB, none, 1 partition,'")
    parser.add_argument("--without-kafka", action="store_true", help="only Ottla and the raw floor")
    parser.add_argument("--pure", action="store_true", help="measure the sources as they are, not the compiled build")
    parser.add_argument("--dir", help="where the logs go (default: the temporary directory)")
    arguments = parser.parse_args()
    arguments.only = [name for word in arguments.only for name in word.split(",") if name]
    unknown = [name for name in arguments.only if name not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}; there are {', '.join(PARTS)}")
    if not arguments.without_kafka and (shutil.which("java") is None or not KAFKA_JARS.exists()):
        print("bench: Apache Kafka is missing (Java 17 and 'make clients'): only Ottla is measured", file=sys.stderr)
        arguments.without_kafka = True
    if about.memory_goes_back(about.PAGE_REPORTING):
        print(
            f"bench: this machine gives freed memory back to its host: figures of writing vary with that, not with the "
            f"broker (to switch it off: echo {about.LARGEST_ORDER + 1} > {about.PAGE_REPORTING})",
            file=sys.stderr,
        )
    return arguments


def _write(document: dict[str, object], begin_s: float) -> None:
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(document, indent=1) + "\n"
    (RESULTS / "latest.json").write_text(text)
    (RESULTS / time.strftime("%Y-%m-%d-%H%M%S.json", time.gmtime(begin_s))).write_text(text)


if __name__ == "__main__":
    sys.exit(main())
