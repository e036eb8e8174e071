"""A log's settings (reference section 3.1)."""

from ottla.log.config import NO_LIMIT, LogConfig


def test_a_logs_settings_come_from_the_topics() -> None:
    config = LogConfig.from_settings(
        {
            "retention.ms": 5,
            "segment.bytes": 2_000_000,
            "cleanup.policy": ("compact", "delete"),
            "internal.segment.bytes": None,
            "follower.replication.throttled.replicas": (),
            "message.timestamp.type": "LogAppendTime",
        }
    )
    assert (config.retention_ms, config.segment_bytes, config.flush_messages) == (5, 2_000_000, NO_LIMIT)
    assert config.is_compacted
    assert config.is_deleted
    assert config.message_timestamp_type == "LogAppendTime"
    assert LogConfig.from_settings({"internal.segment.bytes": 99}).segment_bytes == 99
    assert LogConfig.from_settings({"cleanup.policy": "compact"}).cleanup_policy == {"compact"}
    assert LogConfig.from_settings({}) == LogConfig()
