"""Rules that more than one setting takes part in, or that need more than a range.

Those of a node are Kafka's own (``KafkaConfig.validateValues``, ``GroupCoordinatorConfig``), no more and no fewer, so
that a ``server.properties`` that works there works here. A sentence says what is wrong and how to mend it.
"""

from collections.abc import Callable

from .listeners import AddressError, parse_ip_overrides
from .model import Value, Values
from .table import BROKER

_ORDERED = (
    ("replica.fetch.wait.max.ms", "replica.socket.timeout.ms"),
    ("replica.fetch.wait.max.ms", "replica.lag.time.max.ms"),
    *(
        pair
        for kind in ("consumer", "share", "streams")
        for what in ("heartbeat.interval.ms", "session.timeout.ms")
        for low, given, high in ((f"group.{kind}.min.{what}", f"group.{kind}.{what}", f"group.{kind}.max.{what}"),)
        for pair in ((low, high), (low, given), (given, high))
    ),
    ("group.share.min.record.lock.duration.ms", "group.share.record.lock.duration.ms"),
    ("group.share.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"),
    ("group.streams.num.standby.replicas", "group.streams.max.standby.replicas"),
)
"""The first must not be greater than the second."""

_CODECS = 5
_BYTES_PER_CLEANER = 1 << 20


def conflict(values: Values) -> str | None:
    """Return what is wrong between a node's settings, None when nothing is.

    ``values`` holds what was given; the defaults stand for the rest.
    """
    for check in _CHECKS:
        found = check(values)
        if found is not None:
            return found
    return None


def _number(values: Values, name: str) -> float:
    value: Value = values[name] if name in values else BROKER[name].default
    assert isinstance(value, (int, float))
    return value


def _order(values: Values) -> str | None:
    for low, high in _ORDERED:
        if (low in values or high in values) and _number(values, low) > _number(values, high):
            return (
                f"{low} ({_number(values, low)}) must not be greater than {high} ({_number(values, high)}); "
                "change one of them"
            )
    return None


def _times(values: Values) -> str | None:
    for name in ("log.retention.ms", "log.retention.minutes", "log.retention.hours"):
        if values.get(name) == 0:
            return f"{name} cannot be 0; give at least 1, or -1 to keep everything"
    for name, least in (("log.roll.ms", 1), ("log.roll.jitter.ms", 0)):
        value = values.get(name)
        if isinstance(value, int) and value < least:
            return f"{name} cannot be {value}; give at least {least}"
    return None


def _queue(values: Values) -> str | None:
    queued, largest = _number(values, "queued.max.request.bytes"), _number(values, "socket.request.max.bytes")
    if 0 < queued < largest:
        return (
            f"queued.max.request.bytes ({queued}) must not be smaller than socket.request.max.bytes ({largest}); "
            "change one of them, or give -1 for no limit"
        )
    return None


def _connections_per_ip(values: Values) -> str | None:
    overrides = values.get("max.connections.per.ip.overrides", "")
    try:
        parsed = parse_ip_overrides(overrides if isinstance(overrides, str) else "")
    except AddressError as error:
        return str(error)
    if values.get("max.connections.per.ip") == 0 and not parsed:
        return "max.connections.per.ip can be 0 only if max.connections.per.ip.overrides lets somebody in; give both"
    return None


def _codec(values: Values) -> str | None:
    for name in ("offsets.topic.compression.codec", "share.coordinator.state.topic.compression.codec"):
        if not 0 <= _number(values, name) < _CODECS:
            return f"{name} cannot be {values[name]}; give 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd)"
    return None


def _protocols(values: Values) -> str | None:
    given = values.get("group.coordinator.rebalance.protocols")
    if isinstance(given, tuple) and "classic" not in given:
        return "group.coordinator.rebalance.protocols must hold classic, which cannot be disabled; add it"
    return None


def _cleaner(values: Values) -> str | None:
    threads = max(1, _number(values, "log.cleaner.threads"))
    if _number(values, "log.cleaner.dedupe.buffer.size") / threads < _BYTES_PER_CLEANER:
        return "log.cleaner.dedupe.buffer.size must be at least 1048576 for each of log.cleaner.threads; give more"
    return None


_CHECKS: tuple[Callable[[Values], str | None], ...] = (
    _order,
    _times,
    _queue,
    _connections_per_ip,
    _codec,
    _protocols,
    _cleaner,
)


def lag_conflict(values: Values) -> str | None:
    """Return Kafka's sentence about a topic whose least compaction lag is above its greatest, None if it is not."""
    low, high = values["min.compaction.lag.ms"], values["max.compaction.lag.ms"]
    assert isinstance(low, int)
    assert isinstance(high, int)
    if low > high:
        return f"conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})"
    return None
