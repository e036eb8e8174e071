"""What each setting does, in our own words; loaded only for DescribeConfigs and the reference page."""

from . import (
    descriptions_cluster,
    descriptions_group,
    descriptions_log,
    descriptions_node,
    descriptions_ottla,
    descriptions_security,
    descriptions_topic,
)
from .model import Effect, Scope, Setting

_TEXTS = {
    Scope.BROKER: {
        **descriptions_node.DESCRIPTIONS,
        **descriptions_log.DESCRIPTIONS,
        **descriptions_group.DESCRIPTIONS,
        **descriptions_cluster.DESCRIPTIONS,
        **descriptions_security.DESCRIPTIONS,
        **descriptions_ottla.DESCRIPTIONS,
    },
    Scope.TOPIC: descriptions_topic.OF_ONE_TOPIC,
    Scope.GROUP: descriptions_group.OF_ONE_GROUP,
    Scope.CLIENT_METRICS: descriptions_topic.OF_CLIENT_METRICS,
}

NOTES = {
    Effect.ACTIVE: "",
    Effect.LATER: " Known and checked, without effect in this version of Ottla.",
    Effect.NONE: " Known and checked, without effect on Ottla.",
}
"""What is said besides of a setting that changes nothing."""


def meaning(setting: Setting) -> str:
    """Return what the setting stands for, whether it has an effect here or not."""
    return _TEXTS[setting.scope][setting.name]


def describe(setting: Setting) -> str:
    """Return what the setting does, and if it does nothing here, that it does not."""
    return meaning(setting) + NOTES[setting.effect]
