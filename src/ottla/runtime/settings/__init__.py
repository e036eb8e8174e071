"""The settings of Ottla: which there are, what was given, what is in force now.

``load`` reads a properties file and ``--set``; ``BrokerConfig`` holds what is in force, and changes while the node
runs; ``topic_values`` and ``group_values`` resolve what one topic or group has; ``validate_topic_configs``
and ``validate_group_configs`` refuse what Kafka refuses. The modules ``dynamic`` (changes by clients), ``describe``
and ``descriptions`` are imported by whoever answers the requests about settings.
"""

from .config import BrokerConfig
from .load import Settings, load, load_text
from .model import Effect, Importance, Scope, Secret, Setting, SettingError, Source, Type, UpdateMode, Value, Values
from .properties import parse_properties
from .topics import group_values, topic_values, validate_group_configs, validate_topic_configs

__all__ = [
    "BrokerConfig",
    "Effect",
    "Importance",
    "Scope",
    "Secret",
    "Setting",
    "SettingError",
    "Settings",
    "Source",
    "Type",
    "UpdateMode",
    "Value",
    "Values",
    "group_values",
    "load",
    "load_text",
    "parse_properties",
    "topic_values",
    "validate_group_configs",
    "validate_topic_configs",
]
