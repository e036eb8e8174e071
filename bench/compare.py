"""``python -m bench.compare REV1 REV2 [ONLY]``: two commits side by side, in turns, by the parts of the benchmark.

Each commit is checked out into a git worktree of its own and started from there with this checkout's interpreter and
libraries, so that only Ottla's sources differ. ``.`` stands for this checkout as it is, ``compiled`` for its compiled
build. The second is held against the first.
"""

import argparse
import contextlib
import functools
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence

from bench import builds
from bench.brokers import ROOT, Ottla
from bench.figures import METRICS, Figures, show_ratio
from bench.run import HALVES, PARTS
from bench.stage import Effort, Stage
from bench.table import cell

HERE = "."
DEFAULT_PARTS = ("throughput", "ping", "latency")


class Revision(Ottla):
    """Ottla from the sources of one commit."""

    def __init__(self, folder: str, name: str, source: pathlib.Path) -> None:
        super().__init__(folder, source=source)
        self.name = name


def main() -> int:
    """Measure both and print the ratios."""
    options = _options()
    figures = Figures()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ottla-compare-"))
    names = [f"{mark}:{revision}" for mark, revision in zip("AB", options.revisions, strict=True)]
    try:
        with contextlib.ExitStack() as stack:
            sources = [
                stack.enter_context(_sources(revision, folder / f"tree-{index}"))
                for index, revision in enumerate(options.revisions)
            ]
            makers = [
                functools.partial(Revision, name=name, source=source)
                for name, source in zip(names, sources, strict=True)
            ]
            stage = Stage(folder, figures, Effort(quick=not options.whole, cases=options.cases), makers)
            try:
                for part in options.only:
                    print(part, file=sys.stderr, flush=True)
                    PARTS[part](stage)
            finally:
                stage.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(show(figures, names))
    return 0


@contextlib.contextmanager
def _sources(revision: str, folder: pathlib.Path) -> Iterator[pathlib.Path]:
    if revision == builds.COMPILED:
        yield builds.source(revision)
        return
    if revision == HERE:
        yield ROOT / "src"
        return
    _git("worktree", "add", "--quiet", "--detach", str(folder), revision)
    try:
        yield folder / "src"
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench.compare: git {arguments[0]}: {done.stderr.strip()}")


def show(figures: Figures, names: Sequence[str]) -> str:
    """Return a line for each figure, with the ratio of the second to the first, and a word where they part clearly."""
    first, second = names
    lines = []
    for figure in figures:
        metric = METRICS[figure.metric]
        title = f"{figure.case}: {metric.title}, {metric.unit}"
        ratio = figure.ratio(second, first)
        clearly = judge(figure.spread(first), figure.spread(second), higher_is_better=metric.higher_is_better)
        values = " ".join(f"{name} {cell(figure, name):<28}" for name in names)
        lines.append(f"{title:<72} {values} {show_ratio(ratio)} {clearly}".rstrip())
    return "\n".join(lines)


def judge(first: tuple[float, float] | None, second: tuple[float, float] | None, *, higher_is_better: bool) -> str:
    """Say ``better`` or ``worse`` where every round of the second lies on one side of every round of the first."""
    if first is None or second is None:
        return ""
    if second[0] > first[1]:
        return "better" if higher_is_better else "worse"
    if second[1] < first[0]:
        return "worse" if higher_is_better else "better"
    return ""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description="Two commits side by side.")
    parser.add_argument("revisions", nargs=2, metavar="REV", help="a commit, . for this checkout, or compiled")
    parser.add_argument("only", nargs="*", default=DEFAULT_PARTS, help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--cases", default="", help="of throughput only what matches, as '1 KiB, none, 1 partition,'")
    parser.add_argument("--whole", action="store_true", help="every case, as in a whole run of the benchmark")
    options = parser.parse_args()
    options.only = [name for word in options.only for name in word.split(",")]
    unknown = [name for name in options.only if name not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}; there are {', '.join(n for n in PARTS if n not in HALVES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
