"""The settings of one topic that its logs go by (reference section 3.1; ``LogConfig`` upstream)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

NO_LIMIT = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """Typed topic settings with Kafka's defaults; a field is named as its setting, with ``_`` for ``.``.

    ``segment_bytes`` is ``internal.segment.bytes`` where that is set: tests need segments below the official
    1 MiB.
    """

    cleanup_policy: frozenset[str] = frozenset({"delete"})
    compression_gzip_level: int = -1
    compression_lz4_level: int = 9
    compression_type: str = "producer"
    compression_zstd_level: int = 3
    delete_retention_ms: int = 86_400_000
    file_delete_delay_ms: int = 60_000
    flush_messages: int = NO_LIMIT
    flush_ms: int = NO_LIMIT
    index_interval_bytes: int = 4096
    max_compaction_lag_ms: int = NO_LIMIT
    max_message_bytes: int = 1_048_588
    message_timestamp_after_max_ms: int = 3_600_000
    message_timestamp_before_max_ms: int = NO_LIMIT
    message_timestamp_type: str = "CreateTime"
    min_cleanable_dirty_ratio: float = 0.5
    min_compaction_lag_ms: int = 0
    min_insync_replicas: int = 1
    preallocate: bool = False
    retention_bytes: int = -1
    retention_ms: int = 604_800_000
    segment_bytes: int = 1_073_741_824
    segment_index_bytes: int = 10_485_760
    segment_jitter_ms: int = 0
    segment_ms: int = 604_800_000
    unclean_leader_election_enable: bool = False

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> "LogConfig":
        """Take what concerns a log from typed values by Kafka's topic-setting names; the rest is ignored."""
        values: dict[str, object] = {}
        for name in _FIELDS:
            value = settings.get(name.replace("_", "."))
            if value is not None:
                values[name] = value
        internal = settings.get("internal.segment.bytes")
        if internal is not None:
            values["segment_bytes"] = internal
        policy = values.get("cleanup_policy")
        if policy is not None:
            values["cleanup_policy"] = frozenset(policy.split(",") if isinstance(policy, str) else _strings(policy))
        return cls(**values)  # type: ignore[arg-type]  # typed by the settings' table, which a mapping cannot say

    @property
    def is_compacted(self) -> bool:
        """Whether the cleaner looks after the topic."""
        return "compact" in self.cleanup_policy

    @property
    def is_deleted(self) -> bool:
        """Whether old segments are removed by time and size."""
        return "delete" in self.cleanup_policy


def _strings(values: object) -> list[str]:
    assert isinstance(values, (list, tuple, set, frozenset))
    return [str(value) for value in values]


_FIELDS = tuple(field.name for field in fields(LogConfig))
