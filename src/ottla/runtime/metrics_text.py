"""Metrics as text for those who collect them: Prometheus' format (0.0.4) and OpenMetrics (1.0.0).

Both are lines of ``name{label="value"} figure``, the lines of one metric together, after its help and kind. What is
different: OpenMetrics' head lines name a counter without its ``_total``, and its last line says that it is the last.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from .metrics import Kind, Metric

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Sample = tuple[str, str, float]
"""What to add to the metric's name (``_sum``), the labels as they are written (``a="b",c="d"``), the figure."""

_LABEL_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_HELP_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_PLAIN_HELP_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n"})


def labels_text(names: Sequence[str], values: Iterable[object]) -> str:
    """Return labels as a sample has them."""
    return ",".join(
        f'{name}="{str(value).translate(_LABEL_ESCAPES)}"' for name, value in zip(names, values, strict=True)
    )


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header asks for OpenMetrics."""
    return "application/openmetrics-text" in accept


def head_lines(metric: Metric, *, openmetrics: bool) -> str:
    """Return what stands before a metric's samples."""
    name = metric.name
    if openmetrics and metric.kind is Kind.COUNTER:
        name = name.removesuffix("_total")
    help_text = metric.help.translate(_HELP_ESCAPES if openmetrics else _PLAIN_HELP_ESCAPES)
    return f"# HELP {name} {help_text}\n# TYPE {name} {metric.kind.value}\n"


def sample_line(name: str, labels: str, value: float) -> str:
    """Return one line."""
    if value.__class__ is not int:
        value = _float_text(value)  # type: ignore[assignment]  # written into the line either way
    return f"{name}{{{labels}}} {value}\n" if labels else f"{name} {value}\n"


def _float_text(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))


def histogram_samples(labels: str, bounds: Sequence[float], counts: Sequence[int], total: float) -> Iterator[Sample]:
    """Yield the samples of a histogram whose ``counts`` are those between the bounds and beyond the last."""
    before = labels + "," if labels else ""
    sums = list(accumulate(counts))
    for bound, count in zip(bounds, sums, strict=False):
        yield "_bucket", f'{before}le="{float(bound)!r}"', count
    yield "_bucket", f'{before}le="+Inf"', sums[-1]
    yield "_sum", labels, total
    yield "_count", labels, sums[-1]
