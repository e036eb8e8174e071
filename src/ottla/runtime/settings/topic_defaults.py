"""What a topic's settings are where the topic itself says nothing (``KafkaConfig.extractLogConfigMap``)."""

from .model import Value, Values
from .table import BROKER_SETTING_OF_TOPIC, TOPIC

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


def topic_defaults(values: Values) -> dict[str, Value]:
    """Return the typed default of every topic setting; ``values`` are the broker's, all of them."""
    defaults: dict[str, Value] = {}
    for name, setting in TOPIC.items():
        broker_name = BROKER_SETTING_OF_TOPIC.get(name)
        defaults[name] = setting.default if broker_name is None else values[broker_name]
    defaults["retention.ms"] = _retention_ms(values)
    defaults["segment.ms"] = _milliseconds(values, "log.roll.ms", "log.roll.hours")
    defaults["segment.jitter.ms"] = _milliseconds(values, "log.roll.jitter.ms", "log.roll.jitter.hours")
    if defaults["flush.ms"] is None:
        defaults["flush.ms"] = values["log.flush.scheduler.interval.ms"]
    return defaults


def _retention_ms(values: Values) -> int:
    minutes = values["log.retention.minutes"]
    retention_ms = values["log.retention.ms"]
    if retention_ms is None:
        retention_ms = (
            _whole(minutes) * _MINUTE_MS if minutes is not None else _whole(values["log.retention.hours"]) * _HOUR_MS
        )
    return max(-1, _whole(retention_ms))


def _milliseconds(values: Values, in_ms: str, in_hours: str) -> int:
    value = values[in_ms]
    return _whole(value) if value is not None else _whole(values[in_hours]) * _HOUR_MS


def _whole(value: Value) -> int:
    assert isinstance(value, int)
    return value
