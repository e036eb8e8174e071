"""What makes committed offsets, and groups without any, go away by themselves (KIP-211, ``OffsetExpirationCondition``).

When an offset ran out its retention is reckoned from a time that depends on the group:

- an offset with an expiry of its own (OffsetCommit 2-4 with a retention) goes at that time;
- a group that is empty: from when it became empty, or, where the log does not say, from the commit;
- a stable group of consumers: from the commit, and only for topics that it does not subscribe to;
- a simple group (no protocol type): from the commit;
- any other group keeps its offsets.

An offset for which a transaction is open stays. An empty group without offsets is deleted.
"""

from collections.abc import Iterable

from ottla.model.ids import ZERO_UUID, Uuid

from .classic import ClassicGroup, GroupState
from .config import GroupConfig
from .decision import NOTHING, Decision
from .offsets import Offsets
from .records import NO_EXPIRY, CommittedOffset, GroupDeleted, OffsetDeleted, Record

MAX_TOMBSTONES = 500
"""How many offsets one decision lets go, so that the event loop is never held for long."""


def decide_expiry(
    group: ClassicGroup, offsets: Offsets, *, now_ms: int, config: GroupConfig, limit: int = MAX_TOMBSTONES
) -> Decision:
    """Decide which of a group's offsets go, ``limit`` at most, and whether the group itself does.

    As many records as ``limit`` say that there may be more to do.
    """
    topics = offsets.of_group(group.group_id)
    pending = offsets.pending_of(group.group_id)
    records: list[Record] = []
    kept = len(pending)
    if topics and not _may_expire(group):
        return NOTHING
    for topic, partitions in topics.items():
        if group.is_subscribed(topic):
            kept += len(partitions)
            continue
        for partition, committed in partitions.items():
            if len(records) == limit:
                return Decision(records=tuple(records))
            if (topic, partition) in pending or not _is_expired(group, committed, now_ms, config.offsets_retention_ms):
                kept += 1
            else:
                records.append(OffsetDeleted(group_id=group.group_id, topic=topic, partition=partition))
    if not kept and group.state is GroupState.EMPTY and not group.pending_join:
        records.append(GroupDeleted(group_id=group.group_id))
    return Decision(records=tuple(records))


def _may_expire(group: ClassicGroup) -> bool:
    if group.protocol_type is None or group.state is GroupState.EMPTY:
        return True
    return group.state is GroupState.STABLE and group.uses_consumer_protocol and group.subscribed is not None


def _is_expired(group: ClassicGroup, committed: CommittedOffset, now_ms: int, retention_ms: int) -> bool:
    if committed.expire_timestamp_ms != NO_EXPIRY:
        return now_ms >= committed.expire_timestamp_ms
    since_ms = committed.commit_timestamp_ms
    if group.protocol_type is not None and group.state is GroupState.EMPTY and group.state_since_ms is not None:
        since_ms = group.state_since_ms
    return now_ms - since_ms >= retention_ms


def decide_topics_deleted(offsets: Offsets, group_id: str, topics: Iterable[tuple[str, Uuid]]) -> Decision:
    """Decide which of a group's offsets go with (topic, topic id) pairs that were deleted.

    An offset that was committed for another topic of the same name stays.
    """
    records: list[Record] = []
    known = offsets.of_group(group_id)
    pending = offsets.pending_of(group_id)
    for topic, topic_id in topics:
        gone = {
            partition
            for partition, committed in known.get(topic, {}).items()
            if ZERO_UUID in (topic_id, committed.topic_id) or committed.topic_id == topic_id
        }
        kept = known.get(topic, {}).keys() - gone
        gone |= {partition for name, partition in pending if name == topic and partition not in kept}
        records += [OffsetDeleted(group_id=group_id, topic=topic, partition=partition) for partition in sorted(gone)]
    return Decision(records=tuple(records))
