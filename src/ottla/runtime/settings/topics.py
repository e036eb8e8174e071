"""What a topic's and a group's settings are, and which changes to them are refused.

A topic's value is its own, or else what the broker's settings give (``LogConfig.fromProps``). Refusals carry Kafka's
error code and sentence (``LogConfig.validate``, ``ControllerConfigurationValidator``).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .checks import lag_conflict
from .model import Setting, SettingError, Value, Values
from .table import BROKER, BROKER_SETTING_OF_TOPIC, GROUP, GROUP_PREFIX, TOPIC
from .values import parse_value

if TYPE_CHECKING:
    from .config import BrokerConfig

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


def topic_defaults(config: "BrokerConfig") -> dict[str, Value]:
    """Return the typed value of every topic setting where the topic itself says nothing."""
    values = config.values
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


def topic_values(config: "BrokerConfig", overrides: Mapping[str, str]) -> dict[str, Value]:
    """Return every setting of a topic, typed, with the topic's own ``overrides`` (texts as stored) put over the rest.

    What is stored was checked when it came in; what this version does not know or refuses is left out.
    """
    return _over(dict(config.topic_defaults), TOPIC, overrides)


def group_values(config: "BrokerConfig", overrides: Mapping[str, str]) -> dict[str, Value]:
    """Return every setting of a group, typed, with the group's own ``overrides`` put over the broker's settings."""
    defaults: dict[str, Value] = {}
    for name, setting in GROUP.items():
        broker_name = GROUP_PREFIX + name
        defaults[name] = config.values[broker_name] if broker_name in BROKER else setting.default
    return _over(defaults, GROUP, overrides)


def _over(values: dict[str, Value], table: Mapping[str, Setting], overrides: Mapping[str, str]) -> dict[str, Value]:
    for name, text in overrides.items():
        setting = table.get(name)
        if setting is not None:
            try:
                values[name] = parse_value(setting, text)
            except SettingError:
                continue
    return values


def validate_topic_configs(config: "BrokerConfig", configs: Mapping[str, str | None]) -> dict[str, Value]:
    """Return the typed values of a topic's own settings, all of them as they would be after the change.

    ApiError with INVALID_CONFIG and Kafka's sentence if a name is unknown, a value is null or refused, or the values
    contradict each other or what the broker's settings give.
    """
    nulls = [name for name, text in configs.items() if text is None]
    if nulls:
        raise ApiError(ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(nulls)}")
    typed: dict[str, Value] = {}
    for name in configs:
        if name not in TOPIC:
            raise ApiError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
    for name, text in configs.items():
        assert text is not None
        try:
            typed[name] = parse_value(TOPIC[name], text)
        except SettingError as error:
            raise ApiError(ErrorCode.INVALID_CONFIG, str(error)) from None
    effective = {**config.topic_defaults, **typed}
    conflict = lag_conflict(effective, "min.compaction.lag.ms", "max.compaction.lag.ms")
    if conflict is not None:
        raise ApiError(ErrorCode.INVALID_CONFIG, conflict)
    return typed
