"""Typed values as text, as Kafka's ``ConfigDef.convertToString`` writes them."""

from .model import Secret, Value


def value_to_text(value: Value) -> str | None:
    """Return what stands for ``value`` in a properties file and in DescribeConfigs; None for a secret."""
    if value is None or isinstance(value, Secret):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java_double(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def _java_double(value: float) -> str:
    """``Double.toString``: plain between 0.001 and ten million, else one digit, a point, and an exponent."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = _shortest_scientific(value).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def _shortest_scientific(value: float) -> str:
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            break
    return text
