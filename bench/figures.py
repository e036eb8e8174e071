"""What was measured: values of several rounds for each side, and what is said of them (median, spread, ratio).

A figure is one metric of one case, as ``throughput`` / ``1 KiB, lz4, 16 partitions, 1 client`` / ``produce``. The whole
set is one JSON document, from which the page and the chart are drawn without measuring again.
"""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

OTTLA = "ottla"
KAFKA = "kafka"
FLOOR = "floor"
CEILING = "ceiling"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric:
    """What a number means."""

    title: str
    unit: str
    higher_is_better: bool
    decimals: int


METRICS = {
    "produce": Metric(title="produce", unit="MB/s", higher_is_better=True, decimals=0),
    "consume": Metric(title="consume", unit="MB/s", higher_is_better=True, decimals=0),
    "produce_cpu": Metric(title="broker CPU, producing", unit="s/GB", higher_is_better=False, decimals=2),
    "consume_cpu": Metric(title="broker CPU, consuming", unit="s/GB", higher_is_better=False, decimals=2),
    "requests": Metric(title="requests", unit="/s", higher_is_better=True, decimals=0),
    "mean": Metric(title="mean", unit="ms", higher_is_better=False, decimals=2),
    "p50": Metric(title="p50", unit="ms", higher_is_better=False, decimals=2),
    "p99": Metric(title="p99", unit="ms", higher_is_better=False, decimals=2),
    "p99.9": Metric(title="p99.9", unit="ms", higher_is_better=False, decimals=2),
    "start": Metric(title="process start to first answer", unit="s", higher_is_better=False, decimals=2),
    "resident": Metric(title="resident", unit="MB", higher_is_better=False, decimals=0),
    "settle": Metric(title="settled", unit="s", higher_is_better=False, decimals=2),
    "seconds": Metric(title="time", unit="s", higher_is_better=False, decimals=2),
    "percent": Metric(title="of one core", unit="%", higher_is_better=False, decimals=2),
    "files": Metric(title="open files", unit="", higher_is_better=False, decimals=0),
    "hold": Metric(title="a small request waits", unit="ms", higher_is_better=False, decimals=2),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """One metric of one case, with the values of every round for each side that was measured."""

    part: str
    case: str
    metric: str
    values: Mapping[str, Sequence[float]]

    def median(self, side: str) -> float | None:
        """Return the median of a side's rounds, or None if it was not measured."""
        values = self.values.get(side)
        return statistics.median(values) if values else None

    def spread(self, side: str) -> tuple[float, float] | None:
        """Return the least and the greatest value of a side."""
        values = self.values.get(side)
        return (min(values), max(values)) if values else None

    def ratio(self, side: str = OTTLA, base: str = KAFKA) -> float | None:
        """Return how the median of ``side`` stands to that of ``base``; None if either is missing or the base is 0."""
        above, below = self.median(side), self.median(base)
        if above is None or not below:
            return None
        return above / below


class Figures:
    """All figures of a run, in the order in which they were first seen."""

    def __init__(self, figures: Iterable[Figure] = ()) -> None:
        self._values: dict[tuple[str, str, str], dict[str, list[float]]] = {
            (figure.part, figure.case, figure.metric): {side: list(values) for side, values in figure.values.items()}
            for figure in figures
        }

    def add(self, part: str, case: str, metric: str, side: str, value: float) -> None:
        """Note what one round gave for one side."""
        assert metric in METRICS, metric
        self._values.setdefault((part, case, metric), {}).setdefault(side, []).append(value)

    def __iter__(self) -> Iterator[Figure]:
        for (part, case, metric), values in self._values.items():
            yield Figure(part=part, case=case, metric=metric, values=values)

    def select(self, part: str | None = None, metric: str | None = None) -> list[Figure]:
        """Return the figures of a part, of a metric, or of both."""
        return [
            figure
            for figure in self
            if (part is None or figure.part == part) and (metric is None or figure.metric == metric)
        ]

    def get(self, part: str, case: str, metric: str) -> Figure | None:
        """Return one figure, if it was measured."""
        values = self._values.get((part, case, metric))
        return Figure(part=part, case=case, metric=metric, values=values) if values else None

    def to_json(self) -> list[dict[str, object]]:
        """Return a value for ``json.dump``."""
        return [
            {
                "part": figure.part,
                "case": figure.case,
                "metric": figure.metric,
                "unit": METRICS[figure.metric].unit,
                "ratio_to_kafka": figure.ratio(),
                "median": {side: figure.median(side) for side in figure.values},
                "values": {side: list(values) for side, values in figure.values.items()},
            }
            for figure in self
        ]

    @staticmethod
    def from_json(document: object) -> "Figures":
        """Return what :meth:`to_json` gave."""
        entries = cast(list[dict[str, Any]], document)
        return Figures(
            Figure(part=entry["part"], case=entry["case"], metric=entry["metric"], values=entry["values"])
            for entry in entries
        )


def geometric_mean(ratios: Sequence[float]) -> float | None:
    """Return the mean that is right for ratios: of 2 and 1/2 it is 1."""
    if not ratios:
        return None
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def show_number(value: float | None, decimals: int) -> str:
    """Return a number for people: thousands apart, small ones with at least two digits that say something."""
    if value is None:
        return "–"
    if value and abs(value) < 10.0 ** (1 - decimals) and decimals:
        decimals += 1
    return f"{value:,.{decimals}f}"


def show_ratio(ratio: float | None) -> str:
    """Return a ratio with two decimals, very small ones with three."""
    if ratio is None:
        return "–"
    return f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}"
