"""Rules that more than one setting takes part in (``KafkaConfig.validateValues``, ``LogConfig.validateValues``)."""

from .model import Value, Values
from .table import BROKER


def _number(values: Values, name: str) -> float | None:
    value: Value = values[name] if name in values else BROKER[name].default
    return value if isinstance(value, (int, float)) else None


_PAIRS = (
    ("group.min.session.timeout.ms", "group.max.session.timeout.ms"),
    ("replica.fetch.wait.max.ms", "replica.lag.time.max.ms"),
    ("replica.fetch.wait.max.ms", "replica.socket.timeout.ms"),
    ("group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
    ("group.consumer.min.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms"),
    ("group.consumer.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
    ("group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
    ("group.consumer.min.session.timeout.ms", "group.consumer.session.timeout.ms"),
    ("group.consumer.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
)
"""The first must not be greater than the second."""

_NOT_ZERO = ("log.retention.ms", "log.retention.minutes", "log.retention.hours")
_AT_LEAST_ONE = ("log.roll.ms",)
_NOT_NEGATIVE = ("log.roll.jitter.ms",)


def static_conflict(values: Values) -> str | None:
    """Return what is wrong between a node's settings and how to mend it, None when nothing is.

    ``values`` holds what was given; the defaults stand for the rest.
    """
    for low, high in _PAIRS:
        if low in values or high in values:
            low_value, high_value = _number(values, low), _number(values, high)
            assert low_value is not None
            assert high_value is not None
            if low_value > high_value:
                return f"{low} ({low_value}) must not be greater than {high} ({high_value}); change one of them"
    return (
        _single_conflict(values)
        or _queue_conflict(values)
        or lag_conflict(values, "log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms")
    )


def _single_conflict(values: Values) -> str | None:
    for name in _NOT_ZERO:
        value = values.get(name)
        if value == 0 and isinstance(value, int):
            return f"{name} cannot be 0; give at least 1, or -1 to keep everything"
    for name, least in (*((name, 1) for name in _AT_LEAST_ONE), *((name, 0) for name in _NOT_NEGATIVE)):
        value = values.get(name)
        if isinstance(value, int) and value < least:
            return f"{name} cannot be {value}; give at least {least}"
    return None


def _queue_conflict(values: Values) -> str | None:
    queued = _number(values, "queued.max.request.bytes")
    largest = _number(values, "socket.request.max.bytes")
    assert queued is not None
    assert largest is not None
    if 0 < queued < largest:
        return (
            f"queued.max.request.bytes ({queued}) must not be smaller than socket.request.max.bytes ({largest}); "
            "change one of them, or give -1 for no limit"
        )
    return None


def lag_conflict(values: Values, low: str, high: str) -> str | None:
    """Return the sentence about a least compaction lag above the greatest, None when there is no conflict."""
    low_value, high_value = values.get(low), values.get(high)
    if isinstance(low_value, int) and isinstance(high_value, int) and low_value > high_value:
        return f"conflict topic config setting {low} ({low_value}) > {high} ({high_value})"
    return None
