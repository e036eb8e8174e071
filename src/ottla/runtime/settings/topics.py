"""What a topic's and a group's settings are, and which changes to them are refused.

A topic's value is its own, or else what the broker's settings give (``LogConfig.fromProps``). Refusals carry Kafka's
error code and sentence (``LogConfig.validate``, ``ControllerConfigurationValidator``).
"""

from collections.abc import Mapping

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .checks import lag_conflict
from .config import BrokerConfig
from .model import Setting, SettingError, Value
from .table import BROKER, GROUP, GROUP_PREFIX, TOPIC
from .values import parse_value


def topic_values(config: BrokerConfig, overrides: Mapping[str, str]) -> dict[str, Value]:
    """Return every setting of a topic, typed, with the topic's own ``overrides`` (texts as stored) put over the rest.

    What is stored was checked when it came in; what this version does not know or refuses is left out.
    """
    return _over(dict(config.topic_defaults), TOPIC, overrides)


def group_values(config: BrokerConfig, overrides: Mapping[str, str]) -> dict[str, Value]:
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


def validate_topic_configs(config: BrokerConfig, configs: Mapping[str, str | None]) -> dict[str, Value]:
    """Return the typed values of a topic's own settings, all of them as they would be after the change.

    ApiError with INVALID_CONFIG and Kafka's sentence if a name is unknown, a value is null or refused, or the values
    contradict each other or what the broker's settings give.
    """
    nulls = [name for name, text in configs.items() if text is None]
    if nulls:
        raise ApiError(ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(nulls)}")
    typed = _typed("topic", TOPIC, {name: text for name, text in configs.items() if text is not None})
    effective = {**config.topic_defaults, **typed}
    if effective["remote.storage.enable"] and not config.values["remote.log.storage.system.enable"]:
        raise ApiError(ErrorCode.INVALID_CONFIG, _NO_TIERS)
    conflict = lag_conflict(effective)
    if conflict is not None:
        raise ApiError(ErrorCode.INVALID_CONFIG, conflict)
    return typed


_NO_TIERS = (
    "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."
)


def validate_group_configs(config: BrokerConfig, configs: Mapping[str, str]) -> dict[str, Value]:
    """Return the typed values of a group's own settings, all of them as they would be after the change.

    ApiError with INVALID_CONFIG and Kafka's sentence if a name is unknown, or a value is refused or outside the
    bounds that the broker's settings draw (``GroupConfig.validate``).
    """
    typed = _typed("group", GROUP, configs)
    for name, value in typed.items():
        kind, _, what = name.partition(".")
        for bound, sign, words in (("min", -1, "greater"), ("max", 1, "less")):
            broker_name = f"{GROUP_PREFIX}{kind}.{bound}.{what.removeprefix('num.')}"
            limit = config.values.get(broker_name)
            if isinstance(limit, int) and isinstance(value, int) and sign * value > sign * limit:
                raise ApiError(ErrorCode.INVALID_CONFIG, f"{name} must be {words} than or equal to {broker_name}")
    return typed


def _typed(kind: str, table: Mapping[str, Setting], configs: Mapping[str, str]) -> dict[str, Value]:
    for name in configs:
        if name not in table:
            raise ApiError(ErrorCode.INVALID_CONFIG, f"Unknown {kind} config name: {name}")
    try:
        return {name: parse_value(table[name], text) for name, text in configs.items()}
    except SettingError as error:
        raise ApiError(ErrorCode.INVALID_CONFIG, str(error)) from None
