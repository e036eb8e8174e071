"""Settings of topics, groups and client-metrics subscriptions, and the broker settings behind them."""

from .model import Effect, Importance, Rule, Scope, Setting, Type, Value
from .rules import Choice, ListOf, OffsetReset, Range, ThrottledReplicas
from .vocabulary import (
    ACTIVE,
    ANY_LIST,
    BOOLEAN,
    CLUSTER_WIDE,
    DOUBLE,
    INT,
    LATER,
    LIST,
    LONG,
    MAX_LONG,
    MEDIUM,
    STRING,
    at_least,
)


def _topic(
    name: str,
    type: Type,
    default: Value,
    importance: Importance,
    rule: Rule | None = None,
    effect: Effect = ACTIVE,
    *,
    internal: bool = False,
) -> Setting:
    return Setting(name, type, default, importance, rule, CLUSTER_WIDE, effect, scope=Scope.TOPIC, internal=internal)


def _group(name: str, type: Type, default: Value, importance: Importance, rule: Rule | None = None) -> Setting:
    return Setting(name, type, default, importance, rule, CLUSTER_WIDE, LATER, scope=Scope.GROUP)


def _client_metrics(name: str, type: Type, default: Value, importance: Importance, rule: Rule | None = None) -> Setting:
    return Setting(name, type, default, importance, rule, CLUSTER_WIDE, LATER, scope=Scope.CLIENT_METRICS)


TOPIC = (
    _topic("cleanup.policy", LIST, ("delete",), MEDIUM, ListOf("compact", "delete")),
    _topic("compression.gzip.level", INT, -1, MEDIUM, Range(1, 9, also=-1)),
    _topic("compression.lz4.level", INT, 9, MEDIUM, Range(1, 17)),
    _topic(
        "compression.type",
        STRING,
        "producer",
        MEDIUM,
        Choice("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
    ),
    _topic("compression.zstd.level", INT, 3, MEDIUM, Range(-131_072, 22)),
    _topic("delete.retention.ms", LONG, 86_400_000, MEDIUM, at_least(0)),
    _topic("file.delete.delay.ms", LONG, 60_000, MEDIUM, at_least(0)),
    _topic("flush.messages", LONG, MAX_LONG, MEDIUM, at_least(1)),
    _topic("flush.ms", LONG, MAX_LONG, MEDIUM, at_least(0)),
    _topic("follower.replication.throttled.replicas", LIST, (), MEDIUM, ThrottledReplicas(), LATER),
    _topic("index.interval.bytes", INT, 4096, MEDIUM, at_least(0)),
    _topic("internal.segment.bytes", INT, None, MEDIUM, None, internal=True),
    _topic("leader.replication.throttled.replicas", LIST, (), MEDIUM, ThrottledReplicas(), LATER),
    _topic("local.retention.bytes", LONG, -2, MEDIUM, at_least(-2), LATER),
    _topic("local.retention.ms", LONG, -2, MEDIUM, at_least(-2), LATER),
    _topic("max.compaction.lag.ms", LONG, MAX_LONG, MEDIUM, at_least(1)),
    _topic("max.message.bytes", INT, 1_048_588, MEDIUM, at_least(0)),
    _topic("message.timestamp.after.max.ms", LONG, 3_600_000, MEDIUM, at_least(0)),
    _topic("message.timestamp.before.max.ms", LONG, MAX_LONG, MEDIUM, at_least(0)),
    _topic("message.timestamp.type", STRING, "CreateTime", MEDIUM, Choice("CreateTime", "LogAppendTime")),
    _topic("min.cleanable.dirty.ratio", DOUBLE, 0.5, MEDIUM, Range(0, 1)),
    _topic("min.compaction.lag.ms", LONG, 0, MEDIUM, at_least(0)),
    _topic("min.insync.replicas", INT, 1, MEDIUM, at_least(1), LATER),
    _topic("preallocate", BOOLEAN, False, MEDIUM),
    _topic("remote.log.copy.disable", BOOLEAN, False, MEDIUM, None, LATER),
    _topic("remote.log.delete.on.disable", BOOLEAN, False, MEDIUM, None, LATER),
    _topic("remote.storage.enable", BOOLEAN, False, MEDIUM, None, LATER),
    _topic("retention.bytes", LONG, -1, MEDIUM),
    _topic("retention.ms", LONG, 604_800_000, MEDIUM, at_least(-1)),
    _topic("segment.bytes", INT, 1_073_741_824, MEDIUM, at_least(1_048_576)),
    _topic("segment.index.bytes", INT, 10_485_760, MEDIUM, at_least(4)),
    _topic("segment.jitter.ms", LONG, 0, MEDIUM, at_least(0)),
    _topic("segment.ms", LONG, 604_800_000, MEDIUM, at_least(1)),
    _topic("unclean.leader.election.enable", BOOLEAN, False, MEDIUM, None, LATER),
)

GROUP = (
    _group("consumer.heartbeat.interval.ms", INT, 5000, MEDIUM, at_least(1)),
    _group("consumer.session.timeout.ms", INT, 45_000, MEDIUM, at_least(1)),
    _group("share.auto.offset.reset", STRING, "latest", MEDIUM, OffsetReset()),
    _group("share.heartbeat.interval.ms", INT, 5000, MEDIUM, at_least(1)),
    _group(
        "share.isolation.level",
        STRING,
        "read_uncommitted",
        MEDIUM,
        Choice("read_committed", "read_uncommitted"),
    ),
    _group("share.record.lock.duration.ms", INT, 30_000, MEDIUM, at_least(1000)),
    _group("share.session.timeout.ms", INT, 45_000, MEDIUM, at_least(1)),
    _group("streams.heartbeat.interval.ms", INT, 5000, MEDIUM, at_least(1)),
    _group("streams.initial.rebalance.delay.ms", INT, 3000, MEDIUM, at_least(0)),
    _group("streams.num.standby.replicas", INT, 0, MEDIUM, at_least(0)),
    _group("streams.session.timeout.ms", INT, 45_000, MEDIUM, at_least(1)),
)

CLIENT_METRICS = (
    _client_metrics("interval.ms", INT, 300_000, MEDIUM),
    _client_metrics("match", LIST, (), MEDIUM, ANY_LIST),
    _client_metrics("metrics", LIST, (), MEDIUM, ANY_LIST),
)

BROKER_SETTING_OF_TOPIC = {
    "cleanup.policy": "log.cleanup.policy",
    "compression.gzip.level": "compression.gzip.level",
    "compression.lz4.level": "compression.lz4.level",
    "compression.type": "compression.type",
    "compression.zstd.level": "compression.zstd.level",
    "delete.retention.ms": "log.cleaner.delete.retention.ms",
    "file.delete.delay.ms": "log.segment.delete.delay.ms",
    "flush.messages": "log.flush.interval.messages",
    "flush.ms": "log.flush.interval.ms",
    "index.interval.bytes": "log.index.interval.bytes",
    "local.retention.bytes": "log.local.retention.bytes",
    "local.retention.ms": "log.local.retention.ms",
    "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
    "max.message.bytes": "message.max.bytes",
    "message.timestamp.after.max.ms": "log.message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms": "log.message.timestamp.before.max.ms",
    "message.timestamp.type": "log.message.timestamp.type",
    "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
    "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
    "min.insync.replicas": "min.insync.replicas",
    "preallocate": "log.preallocate",
    "retention.bytes": "log.retention.bytes",
    "retention.ms": "log.retention.ms",
    "segment.bytes": "log.segment.bytes",
    "segment.index.bytes": "log.index.size.max.bytes",
    "segment.jitter.ms": "log.roll.jitter.ms",
    "segment.ms": "log.roll.ms",
    "unclean.leader.election.enable": "unclean.leader.election.enable",
}
"""The broker's setting that a topic's setting falls back to; the others have a fixed default."""

GROUP_PREFIX = "group."
"""What turns a group's setting into the broker's setting that it falls back to, where there is one."""
