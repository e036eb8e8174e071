"""Settings that change while the node runs: from the cluster's image to those who go by them.

The image holds what clients have set for topics, for this broker and for all brokers. Before a new image is shown, its
settings are put in force here, so that whoever reads them back finds them at work.
"""

from ottla.coordinator.group.config import GroupConfig
from ottla.log.config import LogConfig
from ottla.log.manager import LogManager, LogManagerConfig
from ottla.metadata.image import Changes, Image
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.runtime.settings import BrokerConfig, topic_values

MINUTE_MS = 60_000
EVERY_BROKER = ""


def group_config(config: BrokerConfig) -> GroupConfig:
    """Return what the group coordinator goes by."""
    return GroupConfig(
        initial_rebalance_delay_ms=config.int("group.initial.rebalance.delay.ms"),
        min_session_timeout_ms=config.int("group.min.session.timeout.ms"),
        max_session_timeout_ms=config.int("group.max.session.timeout.ms"),
        max_size=config.int("group.max.size"),
        offset_metadata_max_bytes=config.int("offset.metadata.max.bytes"),
        offsets_retention_ms=config.int("offsets.retention.minutes") * MINUTE_MS,
        offsets_retention_check_interval_ms=config.int("offsets.retention.check.interval.ms"),
        offsets_commit_timeout_ms=config.int("offsets.commit.timeout.ms"),
    )


def log_manager_config(config: BrokerConfig) -> LogManagerConfig:
    """Return what the log manager's background jobs go by."""
    return LogManagerConfig(
        num_recovery_threads_per_data_dir=config.int("num.recovery.threads.per.data.dir"),
        retention_check_interval_ms=config.int("log.retention.check.interval.ms"),
        flush_offset_checkpoint_interval_ms=config.int("log.flush.offset.checkpoint.interval.ms"),
        flush_start_offset_checkpoint_interval_ms=config.int("log.flush.start.offset.checkpoint.interval.ms"),
        replica_high_watermark_checkpoint_interval_ms=config.int("replica.high.watermark.checkpoint.interval.ms"),
        producer_id_expiration_ms=config.int("producer.id.expiration.ms"),
        producer_id_expiration_check_interval_ms=config.int("producer.id.expiration.check.interval.ms"),
        initial_task_delay_ms=config.int("log.initial.task.delay.ms"),
    )


def update_log_manager(logs: LogManager, config: BrokerConfig) -> None:
    """Have the log manager and its logs go by what is in force now, except for what each topic says itself."""
    logs.config = log_manager_config(config)
    logs.default_config = LogConfig.from_settings(config.topic_defaults)
    expiration_ms = logs.config.producer_id_expiration_ms
    if logs.context.producer_id_expiration_ms != expiration_ms:
        logs.context.producer_id_expiration_ms = expiration_ms
        for log in logs:
            log.producers.expiration_ms = expiration_ms


def log_config(config: BrokerConfig, image: Image, topic: str) -> LogConfig:
    """Return what the logs of a topic go by."""
    return LogConfig.from_settings(topic_values(config, image.topic_config(topic)))


def put_in_force(config: BrokerConfig, image: Image, node_id: int) -> frozenset[str]:
    """Apply the broker's dynamic settings of ``image``; return the names whose value changed."""
    changed = config.set_cluster_dynamic(image.config(ConfigResource(ConfigResourceType.BROKER, EVERY_BROKER)))
    return changed | config.set_dynamic(image.config(ConfigResource(ConfigResourceType.BROKER, str(node_id))))


def changed_topics(changes: Changes) -> list[str]:
    """Return the topics whose own settings changed."""
    return [resource.name for resource in changes.configs if resource.type == ConfigResourceType.TOPIC]


def brokers_changed(changes: Changes) -> bool:
    """Whether a broker's settings changed, or those of all."""
    return any(resource.type == ConfigResourceType.BROKER for resource in changes.configs)
