"""What Ottla is to reach beside Apache Kafka on two cores, and whether a run says that it does.

A target is met if every case that it names meets it: the records of 100 B and 1 KiB without a codec, in one partition
and from one client, which are also the cases that are measured longest. The other cases are shown beside it.
"""

import dataclasses

from bench.figures import METRICS, Figure, Figures, geometric_mean


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A ratio to Apache Kafka that the named cases of one part are to reach."""

    title: str
    part: str
    metric: str
    cases: tuple[str, ...]
    limit: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run says of a target; ``reached`` is None where it was not measured."""

    target: Target
    ratios: dict[str, float]
    others: tuple[float, ...]
    reached: bool | None

    @property
    def mean_of_all(self) -> float | None:
        """The geometric mean over every case of the part, the named ones included."""
        return geometric_mean([*self.ratios.values(), *self.others])


BASE = ("100 B, none, 1 partition, 1 client", "1 KiB, none, 1 partition, 1 client")
TARGETS = (
    Target(title="produce, MB/s", part="throughput", metric="produce", cases=BASE, limit=1.7),
    Target(title="consume, MB/s", part="throughput", metric="consume", cases=BASE, limit=1.2),
    Target(title="broker CPU per GB, producing", part="throughput", metric="produce_cpu", cases=BASE, limit=0.5),
    Target(title="broker CPU per GB, consuming", part="throughput", metric="consume_cpu", cases=BASE, limit=0.6),
    Target(
        title="one record per request",
        part="ping",
        metric="requests",
        cases=("one in flight", "one after the other"),
        limit=1.5,
    ),
    Target(title="end to end, p99", part="latency", metric="p99", cases=("1,000 records/s",), limit=0.6),
    Target(
        title="resident memory",
        part="memory",
        metric="resident",
        cases=("idle", "after 10 million records"),
        limit=1 / 8,
    ),
    Target(
        title="process start to first answer",
        part="start",
        metric="start",
        cases=("fresh", "after a clean stop", "after a kill -9 with 1 GB of log"),
        limit=1 / 8,
    ),
)


def outcomes(figures: Figures) -> list[Outcome]:
    """Hold a run against every target."""
    return [_outcome(target, figures.select(target.part, target.metric)) for target in TARGETS]


def _outcome(target: Target, measured: list[Figure]) -> Outcome:
    named: dict[str, float] = {}
    others = []
    for figure in measured:
        ratio = figure.ratio()
        if ratio is None:
            continue
        if figure.case in target.cases:
            named[figure.case] = ratio
        else:
            others.append(ratio)
    reached = None
    if len(named) == len(target.cases):
        reached = all(is_reached(target, ratio) for ratio in named.values())
    return Outcome(target=target, ratios=named, others=tuple(others), reached=reached)


def is_reached(target: Target, ratio: float) -> bool:
    """Whether one ratio is good enough."""
    if METRICS[target.metric].higher_is_better:
        return ratio >= target.limit
    return ratio <= target.limit
