"""What a collector gives: metrics with their samples, and the limit on how many of them there are."""

from collections.abc import Iterable, Iterator

from ottla.replica.figures import OTHER_TOPICS
from ottla.runtime.metrics import Metric
from ottla.runtime.metrics_text import Sample, labels_text

OTHER = OTHER_TOPICS
"""The label of what is summed up because there is too much of it."""

Samples = Iterable[Sample | None]
"""The samples of one metric; None is a place where the event loop may turn, as after any sample."""

Collected = Iterator[tuple[Metric, Samples]]


def single(value: float) -> Samples:
    """Return the sample of a metric without labels."""
    return (("", "", value),)


def labelled(metric: Metric, values: Iterable[tuple[object, float]]) -> Iterator[Sample]:
    """Yield the samples of a metric from pairs of its label's value, or a tuple of several, and the figure."""
    for value, figure in values:
        yield "", labels_text(metric.labels, value if isinstance(value, tuple) else (value,)), figure


def bounded(series: Iterable[tuple[str, int]], limit: int, other_labels: str) -> Iterator[Sample | None]:
    """Yield the first ``limit`` of (labels, figure) one by one, and the sum of the others, if there are any, as one."""
    rest = number = 0
    for number, (labels, figure) in enumerate(series, 1):
        if number <= limit:
            yield "", labels, figure
        else:
            rest += figure
            yield None
    if number > limit:
        yield "", other_labels, rest
