"""Counters, gauges and histograms that cost next to nothing, and a registry to read them from.

A counter is an object with a ``value``: ``requests.value += 1`` is all that a hot path does. A family has one of them
for each combination of label values, of which there is a highest number: what comes after it shares the child whose
labels are all ``other``, so that no peer can fill the memory with names. Figures that somebody keeps anyway are read
when asked for, by a function given to ``Registry.read``.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

Labels = tuple[str, ...]
"""Label values, in the order of the family's label names."""

Reading = float | Mapping[Any, float]
"""A single figure, or one for each value of the only label, or for each tuple of values of several."""

MAX_CHILDREN = 1000
OTHER = "other"

LATENCY_BOUNDS_MS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


class Counter:
    """Something that only grows; add to ``value``."""

    __slots__ = ("value",)
    kind = "counter"

    def __init__(self) -> None:
        self.value: float = 0

    def samples(self, name: str) -> Iterator[tuple[str, str, float]]:
        """Yield (name, extra label, value)."""
        yield name, "", self.value


class Gauge:
    """Something that goes up and down; set ``value``."""

    __slots__ = ("value",)
    kind = "gauge"

    def __init__(self) -> None:
        self.value: float = 0

    def samples(self, name: str) -> Iterator[tuple[str, str, float]]:
        """Yield (name, extra label, value)."""
        yield name, "", self.value


class Histogram:
    """How often a figure fell below each of a few bounds, with count and sum."""

    __slots__ = ("bounds", "counts", "sum")
    kind = "histogram"

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_MS) -> None:
        assert list(bounds) == sorted(bounds)
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, figure: float) -> None:
        """Take one figure in."""
        self.counts[bisect_left(self.bounds, figure)] += 1
        self.sum += figure

    @property
    def count(self) -> int:
        """How many figures were taken in."""
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """Return the bound that ``share`` (0 to 1) of the figures are at or below; infinity beyond the last."""
        wanted = share * self.count
        seen = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            seen += count
            if seen >= wanted:
                return bound
        return float("inf")

    def samples(self, name: str) -> Iterator[tuple[str, str, float]]:
        """Yield the cumulative buckets, the sum and the count."""
        seen = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            seen += count
            yield f"{name}_bucket", "+Inf" if bound == float("inf") else f"{bound:g}", seen
        yield f"{name}_sum", "", self.sum
        yield f"{name}_count", "", seen


Metric = TypeVar("Metric", bound=Counter | Gauge | Histogram)


class Family(Generic[Metric]):
    """The metrics of one name, one for each combination of label values."""

    __slots__ = ("_children", "_make", "help", "kind", "label_names", "max_children", "name")

    def __init__(
        self, name: str, help: str, label_names: Labels, make: Callable[[], Metric], max_children: int = MAX_CHILDREN
    ) -> None:
        self.name = name
        self.help = help
        self.kind = make().kind
        self.label_names = label_names
        self.max_children = max_children
        self._make = make
        self._children: dict[Labels, Metric] = {}

    def labels(self, *values: str) -> Metric:
        """Return the child with these label values; keep it where it is used often."""
        child = self._children.get(values)
        if child is None:
            assert len(values) == len(self.label_names)
            if len(self._children) >= self.max_children:
                values = (OTHER,) * len(values)
            child = self._children.setdefault(values, self._make())
        return child

    def remove(self, *values: str) -> None:
        """Forget the child with these label values, if there is one."""
        self._children.pop(values, None)

    def children(self) -> Iterator[tuple[Labels, Metric]]:
        """Yield the children there are now."""
        yield from list(self._children.items())


class Sample(NamedTuple):
    """One figure of one metric."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class Metrics(NamedTuple):
    """All figures of one name."""

    name: str
    kind: str
    help: str
    samples: list[Sample]


class Registry:
    """Every metric of a node, by name; a name is taken once."""

    __slots__ = ("_families", "_readers")

    def __init__(self) -> None:
        self._families: dict[str, Family[Any]] = {}
        self._readers: dict[str, tuple[str, str, Labels, Callable[[], Reading]]] = {}

    def counter(self, name: str, help: str) -> Counter:
        """Register a counter without labels."""
        return self.counters(name, help).labels()

    def gauge(self, name: str, help: str) -> Gauge:
        """Register a gauge without labels."""
        return self.gauges(name, help).labels()

    def histogram(self, name: str, help: str, bounds: tuple[float, ...] = LATENCY_BOUNDS_MS) -> Histogram:
        """Register a histogram without labels."""
        return self.histograms(name, help, bounds=bounds).labels()

    def counters(self, name: str, help: str, *label_names: str) -> Family[Counter]:
        """Register a family of counters."""
        return self._add(Family(name, help, label_names, Counter))

    def gauges(self, name: str, help: str, *label_names: str) -> Family[Gauge]:
        """Register a family of gauges."""
        return self._add(Family(name, help, label_names, Gauge))

    def histograms(
        self, name: str, help: str, *label_names: str, bounds: tuple[float, ...] = LATENCY_BOUNDS_MS
    ) -> Family[Histogram]:
        """Register a family of histograms."""
        return self._add(Family(name, help, label_names, lambda: Histogram(bounds)))

    def read(
        self, name: str, help: str, function: Callable[[], Reading], *label_names: str, kind: str = "gauge"
    ) -> None:
        """Register a figure, or one for each label, that ``function`` returns when asked."""
        self._claim(name)
        self._readers[name] = (kind, help, label_names, function)

    def _add(self, family: Family[Metric]) -> Family[Metric]:
        self._claim(family.name)
        self._families[family.name] = family
        return family

    def _claim(self, name: str) -> None:
        assert name not in self._families
        assert name not in self._readers

    def collect(self) -> Iterator[Metrics]:
        """Yield every name with its figures as they are now, in the order of names."""
        for name in sorted({*self._families, *self._readers}):
            family = self._families.get(name)
            if family is None:
                kind, help, label_names, function = self._readers[name]
                yield Metrics(name, kind, help, _read_samples(name, label_names, function()))
            else:
                yield Metrics(name, family.kind, family.help, _family_samples(family))


def _family_samples(family: Family[Any]) -> list[Sample]:
    samples = []
    for values, metric in family.children():
        labels = tuple(zip(family.label_names, values, strict=True))
        for name, bound, value in metric.samples(family.name):
            samples.append(Sample(name, (*labels, ("le", bound)) if bound else labels, value))
    return samples


def _read_samples(name: str, label_names: Labels, reading: Reading) -> list[Sample]:
    if not isinstance(reading, Mapping):
        return [Sample(name, (), reading)]
    samples = []
    for key, value in reading.items():
        values = (key,) if isinstance(key, str) else key
        samples.append(Sample(name, tuple(zip(label_names, values, strict=True)), value))
    return samples
