"""The settings that the classic group protocol and committed offsets obey (reference section 3.2).

An immutable value, so that a decision sees one consistent set; the node replaces the whole of it when a dynamic setting
changes.
"""

from dataclasses import dataclass

NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000
"""How long a JoinGroup of a member that has no session yet may stay parked (``classicGroupNewMemberJoinTimeoutMs``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupConfig:
    """Values by their Kafka names; the defaults are Kafka 4.2's."""

    initial_rebalance_delay_ms: int = 3_000
    """``group.initial.rebalance.delay.ms``"""
    min_session_timeout_ms: int = 6_000
    """``group.min.session.timeout.ms``"""
    max_session_timeout_ms: int = 1_800_000
    """``group.max.session.timeout.ms``"""
    max_size: int = 2**31 - 1
    """``group.max.size``"""
    offset_metadata_max_bytes: int = 4_096
    """``offset.metadata.max.bytes``"""
    offsets_retention_ms: int = 7 * 24 * 60 * 60 * 1000
    """``offsets.retention.minutes``, in milliseconds"""
    offsets_retention_check_interval_ms: int = 600_000
    """``offsets.retention.check.interval.ms``"""
    offsets_commit_timeout_ms: int = 5_000
    """``offsets.commit.timeout.ms``"""
