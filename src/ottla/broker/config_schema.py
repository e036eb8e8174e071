"""The rules of settings for the controller, which stores them as texts and does not know what they mean."""

from collections.abc import Mapping

from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.runtime.settings import BrokerConfig, Setting, Type
from ottla.runtime.settings.table import BROKER, GROUP, TOPIC

TABLES: Mapping[ConfigResourceType, Mapping[str, Setting]] = {
    ConfigResourceType.TOPIC: TOPIC,
    ConfigResourceType.BROKER: BROKER,
    ConfigResourceType.GROUP: GROUP,
}


class SettingsSchema:
    """Checks against the table of settings (:class:`ottla.controller.config_schema.ConfigSchema`)."""

    def __init__(self, config: BrokerConfig) -> None:
        self._config = config

    def validate(
        self, resource: ConfigResource, values: Mapping[str, str | None], changed: Mapping[str, str | None]
    ) -> None:
        """Raise ApiError if a resource may not have ``values``, which is all it would have after the change."""
        texts = {name: text for name, text in values.items() if text is not None}
        if resource.type == ConfigResourceType.TOPIC:
            from ottla.runtime.settings.topics import validate_topic_configs

            validate_topic_configs(self._config, values)
        elif resource.type == ConfigResourceType.BROKER:
            from ottla.runtime.settings.dynamic import validate_broker_dynamic

            validate_broker_dynamic(self._config, texts, per_broker=bool(resource.name))
        elif resource.type == ConfigResourceType.GROUP:
            from ottla.runtime.settings.topics import validate_group_configs

            validate_group_configs(self._config, texts)
        else:
            raise ApiError(ErrorCode.INVALID_REQUEST, f"settings of {resource.type.name} are not served")

    def list_default(self, resource: ConfigResource, name: str) -> tuple[str, ...] | None:
        """Return the default members of a setting that is a list; None for any other."""
        setting = TABLES.get(resource.type, {}).get(name)
        if setting is None or setting.type is not Type.LIST:
            return None
        default = setting.default
        return default if isinstance(default, tuple) else ()
