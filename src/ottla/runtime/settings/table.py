"""All settings, by what they are settings of and by name.

Four tables: the broker's (Kafka's and ours), a topic's, a group's, a client-metrics subscription's. The broker's
rows stand in ``table_*.py`` in groups by what a user wants to do; ``GROUPS`` keeps that order for the reference.
"""

from . import table_cluster, table_group, table_log, table_node, table_ottla, table_resource, table_security
from .model import Setting, Value

GROUPS: tuple[tuple[str, tuple[Setting, ...]], ...] = (
    ("Name the node", table_node.IDENTITY),
    ("Choose where data lives", table_log.DIRECTORIES),
    ("Choose addresses", table_node.LISTENERS),
    ("Limit connections and requests", table_node.CONNECTIONS),
    ("Create and delete topics", table_log.TOPICS),
    ("Decide how long data is kept", table_log.RETENTION),
    ("Shape segments and indexes", table_log.SEGMENTS),
    ("Decide what an acknowledgement means", table_log.FLUSH),
    ("Compact topics", table_log.COMPACTION),
    ("Check and shape what producers send", table_log.PRODUCE),
    ("Serve consumers", table_log.FETCH),
    ("Run consumer groups", table_group.GROUPS),
    ("Keep committed offsets", table_group.OFFSETS),
    ("Tune Ottla itself", table_ottla.OTTLA),
    ("Run consumer groups of the new protocol", table_group.CONSUMER_GROUPS),
    ("Run share groups", table_group.SHARE_GROUPS),
    ("Run streams groups", table_group.STREAMS_GROUPS),
    ("Run transactions", table_group.TRANSACTIONS),
    ("Replicate", table_cluster.REPLICATION),
    ("Keep the cluster together", table_cluster.MEMBERSHIP),
    ("Limit clients with quotas", table_cluster.QUOTAS),
    ("Measure", table_cluster.METRICS),
    ("Encrypt with TLS", table_security.TLS),
    ("Authenticate with SASL", table_security.SASL),
    ("Authorize, and hand out tokens", table_security.AUTHORIZATION),
    ("Keep old data in object storage", table_log.TIERS),
)

BROKER: dict[str, Setting] = {setting.name: setting for _, rows in GROUPS for setting in rows}
TOPIC: dict[str, Setting] = {setting.name: setting for setting in table_resource.TOPIC}
GROUP: dict[str, Setting] = {setting.name: setting for setting in table_resource.GROUP}
CLIENT_METRICS: dict[str, Setting] = {setting.name: setting for setting in table_resource.CLIENT_METRICS}


def defaults() -> dict[str, Value]:
    """Return every broker setting's default, typed."""
    return {name: setting.default for name, setting in BROKER.items()}


BROKER_SETTING_OF_TOPIC = table_resource.BROKER_SETTING_OF_TOPIC
GROUP_PREFIX = table_resource.GROUP_PREFIX

DYNAMIC_ONLY = frozenset(
    (
        "leader.replication.throttled.rate",
        "follower.replication.throttled.rate",
        "replica.alter.log.dirs.io.max.bytes.per.second",
    )
)
"""Broker settings that can be set by a client only; in a properties file Kafka does not know them."""

_RETENTION = ("log.retention.ms", "log.retention.minutes", "log.retention.hours")
_ROLL = ("log.roll.ms", "log.roll.hours")
_JITTER = ("log.roll.jitter.ms", "log.roll.jitter.hours")

SYNONYMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_RETENTION, _RETENTION),
    **dict.fromkeys(_ROLL, _ROLL),
    **dict.fromkeys(_JITTER, _JITTER),
    "log.flush.interval.ms": ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
}
"""Broker settings that several names stand for, the winner first (``DynamicBrokerConfig.brokerConfigSynonyms``)."""


def synonyms(name: str) -> tuple[str, ...]:
    """Return the names that can give the broker's setting ``name`` its value, the one that wins first."""
    found = SYNONYMS.get(name)
    if found is None:
        base = listener_base_name(name)
        found = (name,) if base is None else (name, base)
    return found


def broker_setting(name: str) -> Setting | None:
    """Return the broker's setting called ``name``, with or without the prefix of a listener."""
    setting = BROKER.get(name)
    if setting is None:
        base = listener_base_name(name)
        if base is not None:
            setting = BROKER.get(base)
    return setting


LISTENER_PREFIX = "listener.name."

_MECHANISM_SETTINGS = (
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
)
"""Settings that may have a mechanism's name between the listener's prefix and their own."""


def listener_base_name(name: str) -> str | None:
    """Return ``x`` for ``listener.name.<listener>.x`` and ``listener.name.<listener>.<mechanism>.x``, else None."""
    if not name.startswith(LISTENER_PREFIX):
        return None
    base = name[len(LISTENER_PREFIX) :].partition(".")[2]
    for setting in _MECHANISM_SETTINGS:
        if base.endswith(setting):
            return setting
    return base or None
