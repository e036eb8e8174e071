"""Metrics in Prometheus' text format, version 0.0.4."""

from .metrics import Registry, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LABEL_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_HELP_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n"})


def render(registry: Registry) -> str:
    """Return every metric of ``registry``, with its help and kind, one figure a line."""
    lines = []
    for metrics in registry.collect():
        lines.append(f"# HELP {metrics.name} {metrics.help.translate(_HELP_ESCAPES)}")
        lines.append(f"# TYPE {metrics.name} {metrics.kind}")
        lines.extend(map(_line, metrics.samples))
    return "\n".join(lines) + "\n" if lines else ""


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{value.translate(_LABEL_ESCAPES)}"' for name, value in sample.labels)
    return f"{sample.name}{{{labels}}} {_number(sample.value)}" if labels else f"{sample.name} {_number(sample.value)}"


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
