"""What comes in to a group coordinator and what it answers, free of wire versions.

Handlers translate between these and the messages. Results carry an error code and, where there is none, what was
asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID, Uuid

from .member import Protocols

UNKNOWN_MEMBER_ID = ""
"""The member id of who has none yet."""

UNKNOWN_GENERATION_ID = -1
"""The generation of who is no member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A JoinGroup. ``fresh_id`` is random text for the member id that this request may need."""

    group_id: str
    member_id: str
    instance_id: str | None
    protocol_type: str
    protocols: Protocols
    session_timeout_ms: int
    rebalance_timeout_ms: int
    client_id: str
    client_host: str
    fresh_id: str
    requires_known_member_id: bool = True
    """From version 4 on (KIP-394): a new dynamic member is first given an id, and joins with it."""
    supports_skipping_assignment: bool = True
    """From version 9 on (KIP-814): a static leader can be told not to compute an assignment."""

    @property
    def new_member_id(self) -> str:
        """The member id that a newcomer gets."""
        return f"{self.client_id if self.instance_id is None else self.instance_id}-{self.fresh_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedMember:
    """A member as the leader is told of it."""

    member_id: str
    instance_id: str | None
    metadata: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinResult:
    """The answer to a JoinGroup; only the leader is told the ``members``.

    With an error the protocol is empty, but None where the member was fenced or is unknown: as Kafka has it.
    """

    error: ErrorCode = ErrorCode.NONE
    member_id: str = UNKNOWN_MEMBER_ID
    generation_id: int = UNKNOWN_GENERATION_ID
    protocol_type: str | None = None
    protocol: str | None = ""
    leader: str = ""
    skip_assignment: bool = False
    members: tuple[JoinedMember, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """A SyncGroup; ``assignments`` come from the leader only."""

    group_id: str
    generation_id: int
    member_id: str
    instance_id: str | None = None
    protocol_type: str | None = None
    protocol: str | None = None
    assignments: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """The answer to a SyncGroup."""

    error: ErrorCode = ErrorCode.NONE
    protocol_type: str | None = None
    protocol: str | None = None
    assignment: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingMember:
    """Who shall leave: a member, or by its instance id alone (an administrator's doing) whoever holds that."""

    member_id: str
    instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveResult:
    """The answer to a LeaveGroup: one error code for all, or one for each that was named."""

    error: ErrorCode = ErrorCode.NONE
    members: tuple[tuple[LeavingMember, ErrorCode], ...] = ()


class OffsetToCommit:
    """One partition of an OffsetCommit (a plain class: there are many of these)."""

    __slots__ = ("commit_timestamp_ms", "leader_epoch", "metadata", "offset", "partition", "topic", "topic_id")

    def __init__(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        leader_epoch: int = -1,
        metadata: str | None = None,
        commit_timestamp_ms: int = -1,
        topic_id: Uuid = ZERO_UUID,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.leader_epoch = leader_epoch
        self.metadata = metadata
        self.commit_timestamp_ms = commit_timestamp_ms
        self.topic_id = topic_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRequest:
    """An OffsetCommit of partitions that exist.

    ``retention_ms`` of -1 leaves expiry to the broker. ``unknown_group_error`` is what a member of a group that does
                     not
    exist is told: GROUP_ID_NOT_FOUND from version 9 on, ILLEGAL_GENERATION before.
    """

    group_id: str
    generation_id: int = UNKNOWN_GENERATION_ID
    member_id: str = UNKNOWN_MEMBER_ID
    instance_id: str | None = None
    retention_ms: int = -1
    offsets: Sequence[OffsetToCommit] = ()
    unknown_group_error: ErrorCode = ErrorCode.GROUP_ID_NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitResult:
    """The answer to an OffsetCommit: one error for all, or the partitions whose metadata is too large."""

    error: ErrorCode = ErrorCode.NONE
    too_large: frozenset[tuple[str, int]] = frozenset()


COMMITTED = CommitResult()
"""The answer to nearly every commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedOffset:
    """The answer for one partition of an OffsetFetch; offset -1 when there is none."""

    partition: int
    offset: int = -1
    leader_epoch: int = -1
    metadata: str | None = ""
    error: ErrorCode = ErrorCode.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """The answer to an OffsetFetch of one group, in the order asked for."""

    error: ErrorCode = ErrorCode.NONE
    topics: tuple[tuple[str, tuple[FetchedOffset, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOffsetsResult:
    """The answer to an OffsetDelete: one error for all, or the topics that the group subscribes to."""

    error: ErrorCode = ErrorCode.NONE
    subscribed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroupResult:
    """The answer to a DeleteGroups for one group."""

    error: ErrorCode = ErrorCode.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupListing:
    """One group as ListGroups shows it."""

    group_id: str
    protocol_type: str
    state: str
    group_type: str = "classic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListResult:
    """The answer to a ListGroups."""

    error: ErrorCode = ErrorCode.NONE
    groups: tuple[GroupListing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedMember:
    """A member as DescribeGroups shows it; ``metadata`` is empty unless the group is stable."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDescription:
    """The answer to a DescribeGroups for one group."""

    group_id: str = ""
    error: ErrorCode = ErrorCode.NONE
    state: str = ""
    protocol_type: str = ""
    protocol: str = ""
    members: tuple[DescribedMember, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatResult:
    """The answer to a Heartbeat."""

    error: ErrorCode = ErrorCode.NONE


Result = (
    JoinResult
    | SyncResult
    | LeaveResult
    | CommitResult
    | FetchResult
    | DeleteOffsetsResult
    | DeleteGroupResult
    | ListResult
    | GroupDescription
    | HeartbeatResult
)
"""Each can be made of an error alone."""
