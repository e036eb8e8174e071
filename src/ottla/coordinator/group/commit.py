"""OffsetCommit and OffsetFetch (``OffsetMetadataManager`` upstream)."""

from collections.abc import Mapping, Sequence

from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID, Uuid

from .classic import ClassicGroup, GroupState
from .config import GroupConfig
from .decision import Decision, Reply, SetTimer, TimerKey, TimerKind, refuse
from .member import Token
from .offsets import Offsets
from .records import NO_EXPIRY, CommittedOffset, OffsetCommitted, string_fits
from .requests import COMMITTED, CommitRequest, CommitResult, FetchedOffset, FetchResult

NO_RETENTION = -1
"""The client leaves it to the broker how long an offset is kept."""

LATEST_MS = 2**63 - 1


def check_commit(group: ClassicGroup | None, request: CommitRequest) -> ErrorCode:
    """Say whether the sender may commit.

    A negative generation is that of an administrator or of a consumer that assigns itself its partitions: welcome as
    long as the group has no members (or does not exist yet). Any other commit must come from a member of the current
    generation.
    """
    generation_id = request.generation_id
    if group is None:
        if not string_fits(request.group_id):
            return ErrorCode.INVALID_GROUP_ID
        return ErrorCode.NONE if generation_id < 0 else request.unknown_group_error
    state = group.state
    if state is GroupState.DEAD:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    if generation_id < 0 and state is GroupState.EMPTY:
        return ErrorCode.NONE
    if generation_id < 0 and not request.member_id and request.instance_id is None:
        return ErrorCode.UNKNOWN_MEMBER_ID
    error = group.check_member(request.member_id, request.instance_id)
    if error is not ErrorCode.NONE:
        return error
    if generation_id != group.generation_id:
        return ErrorCode.ILLEGAL_GENERATION
    if state is GroupState.COMPLETING_REBALANCE:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return ErrorCode.NONE


def decide_commit(
    groups: Mapping[str, ClassicGroup], request: CommitRequest, token: Token, *, now_ms: int, config: GroupConfig
) -> Decision:
    """Decide on an OffsetCommit; partitions whose metadata is too large are left out, the others count."""
    group_id = request.group_id
    group = groups.get(group_id)
    error = check_commit(group, request)
    if error is not ErrorCode.NONE:
        return refuse(token, CommitResult(error=error))
    expire_timestamp_ms = NO_EXPIRY
    if request.retention_ms != NO_RETENTION:
        expire_timestamp_ms = min(max(now_ms + request.retention_ms, 0), LATEST_MS)
    records: list[OffsetCommitted] = []
    too_large: list[tuple[str, int]] = []
    max_chars = config.offset_metadata_max_bytes
    for wanted in request.offsets:
        metadata = wanted.metadata or ""
        if len(metadata) * 2 > max_chars and _java_length(metadata) > max_chars:
            too_large.append((wanted.topic, wanted.partition))
            continue
        records.append(
            OffsetCommitted(
                group_id=group_id,
                topic=wanted.topic,
                partition=wanted.partition,
                committed=CommittedOffset(
                    offset=wanted.offset,
                    # An expiry of its own is said in a format that has neither epoch nor topic id.
                    leader_epoch=wanted.leader_epoch if expire_timestamp_ms == NO_EXPIRY else -1,
                    metadata=metadata,
                    commit_timestamp_ms=now_ms if wanted.commit_timestamp_ms == -1 else wanted.commit_timestamp_ms,
                    expire_timestamp_ms=expire_timestamp_ms,
                    topic_id=wanted.topic_id if expire_timestamp_ms == NO_EXPIRY else ZERO_UUID,
                ),
            )
        )
    result = CommitResult(too_large=frozenset(too_large)) if too_large else COMMITTED
    reply = Reply(token=token, result=result)
    if group is None or group.state is GroupState.EMPTY:
        return Decision(records=tuple(records), effects=(reply,))
    # A commit is a sign of life.
    renewal = SetTimer(
        key=TimerKey(TimerKind.SESSION, group_id, request.member_id),
        delay_ms=group.members[request.member_id].session_timeout_ms,
    )
    return Decision(records=tuple(records), effects=(reply, renewal))


def _java_length(text: str) -> int:
    """The length that Kafka compares with ``offset.metadata.max.bytes``: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fetch_offsets(
    groups: Mapping[str, ClassicGroup],
    offsets: Offsets,
    group_id: str,
    topics: Sequence[tuple[str, Uuid, Sequence[int]]],
    *,
    require_stable: bool,
) -> FetchResult:
    """Answer an OffsetFetch of (topic, topic id, partitions): -1 where nothing is committed, be the group known or not.

    With ``require_stable`` a partition for which a transaction is open gets UNSTABLE_OFFSET_COMMIT (KIP-447).
    """
    group = groups.get(group_id)
    known = {} if group is None or group.state is GroupState.DEAD else offsets.of_group(group_id)
    unstable = offsets.pending_of(group_id) if require_stable else frozenset()
    answers: list[tuple[str, tuple[FetchedOffset, ...]]] = []
    for topic, topic_id, partitions in topics:
        committed = known.get(topic, {})
        answers.append(
            (
                topic,
                tuple(
                    FetchedOffset(partition=partition, error=ErrorCode.UNSTABLE_OFFSET_COMMIT)
                    if (topic, partition) in unstable
                    else _fetched(partition, committed.get(partition), topic_id)
                    for partition in partitions
                ),
            )
        )
    return FetchResult(topics=tuple(answers))


def fetch_all_offsets(
    groups: Mapping[str, ClassicGroup], offsets: Offsets, group_id: str, *, require_stable: bool
) -> FetchResult:
    """Answer an OffsetFetch of whatever the group has committed."""
    group = groups.get(group_id)
    known = {} if group is None or group.state is GroupState.DEAD else offsets.of_group(group_id)
    topics = [(topic, ZERO_UUID, list(partitions)) for topic, partitions in known.items()]
    return fetch_offsets(groups, offsets, group_id, topics, require_stable=require_stable)


def _fetched(partition: int, committed: CommittedOffset | None, topic_id: Uuid) -> FetchedOffset:
    if committed is None:
        return FetchedOffset(partition=partition)
    if ZERO_UUID not in (topic_id, committed.topic_id) and topic_id != committed.topic_id:
        # Committed for a topic that had this name before (KIP-1022 and successors, OffsetFetch 10).
        return FetchedOffset(partition=partition)
    return FetchedOffset(
        partition=partition,
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
    )
