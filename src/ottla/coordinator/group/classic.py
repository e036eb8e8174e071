"""The state of one classic group: its states, the legal moves between them, and its members.

What a client gets in each state (reference section 6.1; ``ClassicGroupState`` upstream):

``EMPTY``                 No members, though perhaps committed offsets. A join of a new member begins the initial
                          rebalance; whoever claims to be a member already is told UNKNOWN_MEMBER_ID.
``PREPARING_REBALANCE``   Waiting for members to join. Joins are parked; syncs and heartbeats get REBALANCE_IN_PROGRESS;
                          commits of the old generation are taken.
``COMPLETING_REBALANCE``  Everyone has joined and waits for the leader's assignment. Syncs are parked; heartbeats are
                          fine; commits get REBALANCE_IN_PROGRESS; a join that changes something starts over.
``STABLE``                Syncs are answered with the assignment; heartbeats and commits are fine; a join of a new
                          member, of the leader, or with other metadata starts a rebalance.
``DEAD``                  Removed. Everything gets COORDINATOR_NOT_AVAILABLE.

Of all this only ``EMPTY`` and ``STABLE`` are ever written to the log (:meth:`ClassicGroup.stored`); a group in the
middle of a rebalance is, after a restart, in its last written state, and its members find out by their next request.
"""

from collections.abc import Iterable
from enum import Enum

from ottla.model.error_codes import ErrorCode

from .member import Member
from .records import GroupStored, StoredMember
from .subscription import CONSUMER_PROTOCOL_TYPE, subscribed_topics


class GroupState(Enum):
    """The states of a classic group, by the names that ListGroups and DescribeGroups give them."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


MOVES: dict[GroupState, frozenset[GroupState]] = {
    GroupState.EMPTY: frozenset({GroupState.PREPARING_REBALANCE}),
    GroupState.PREPARING_REBALANCE: frozenset({GroupState.STABLE, GroupState.COMPLETING_REBALANCE, GroupState.EMPTY}),
    GroupState.COMPLETING_REBALANCE: frozenset({GroupState.PREPARING_REBALANCE}),
    GroupState.STABLE: frozenset({GroupState.COMPLETING_REBALANCE}),
    GroupState.DEAD: frozenset(GroupState),
}
"""For each state, the states that lead to it."""


class ClassicGroup:
    """One group. Changed only on a copy that a decision makes, or while it is built from the log.

    ``initial`` holds while the rebalance under way began with an empty group: such a one ends by time only.
    ``extension`` is then (the delay under way, what is left for extending it), both in milliseconds, and ``newcomers``
    whether somebody joined during that delay. ``awaiting_join`` counts the members with a parked JoinGroup.
    ``pending_join`` are member ids that were handed out and not used yet, ``pending_sync`` the members from which this
    generation's SyncGroup is still to come.
    """

    __slots__ = (
        "awaiting_join",
        "extension",
        "generation_id",
        "group_id",
        "initial",
        "leader",
        "members",
        "newcomers",
        "pending_join",
        "pending_sync",
        "protocol",
        "protocol_type",
        "state",
        "state_since_ms",
        "static_members",
        "subscribed",
        "supported",
    )

    def __init__(self, group_id: str, *, state_since_ms: int | None) -> None:
        self.group_id = group_id
        self.state = GroupState.EMPTY
        self.state_since_ms = state_since_ms
        self.generation_id = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}
        """Member id by instance id (KIP-345)."""
        self.supported: dict[str, int] = {}
        """How many members support each protocol."""
        self.subscribed: frozenset[str] | None = None
        """The topics the members subscribe to; None when that is not known."""
        self.awaiting_join = 0
        self.pending_join: set[str] = set()
        self.pending_sync: set[str] = set()
        self.initial = False
        self.extension: tuple[int, int] | None = None
        self.newcomers = False

    @classmethod
    def from_stored(cls, stored: GroupStored) -> "ClassicGroup":
        """Return the group that the log describes."""
        group = cls(stored.group_id, state_since_ms=stored.state_since_ms)
        group.generation_id = stored.generation_id
        group.protocol_type = stored.protocol_type
        group.protocol = stored.protocol
        for member in stored.members:
            group.add(
                Member(
                    member_id=member.member_id,
                    instance_id=member.instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    rebalance_timeout_ms=member.rebalance_timeout_ms,
                    session_timeout_ms=member.session_timeout_ms,
                    protocols=((stored.protocol or "", member.subscription),),
                    assignment=member.assignment,
                )
            )
        group.leader = stored.leader
        if stored.members:
            group.state = GroupState.STABLE
        group.subscribed = group.compute_subscribed()
        return group

    def stored(self) -> GroupStored:
        """Return what the log shall say of the group as it stands; it must be empty or have a protocol."""
        return GroupStored(
            group_id=self.group_id,
            generation_id=self.generation_id,
            protocol_type=self.protocol_type,
            protocol=self.protocol,
            leader=self.leader,
            state_since_ms=self.state_since_ms,
            members=tuple(
                StoredMember(
                    member_id=member.member_id,
                    instance_id=member.instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    rebalance_timeout_ms=member.rebalance_timeout_ms,
                    session_timeout_ms=member.session_timeout_ms,
                    subscription=member.metadata(self.protocol),
                    assignment=member.assignment,
                )
                for member in self.members.values()
            ),
        )

    def copy(self) -> "ClassicGroup":
        """Return a group that can be changed without changing this one."""
        twin = ClassicGroup.__new__(ClassicGroup)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.members = self.members.copy()
        twin.static_members = self.static_members.copy()
        twin.supported = self.supported.copy()
        twin.pending_join = self.pending_join.copy()
        twin.pending_sync = self.pending_sync.copy()
        return twin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClassicGroup):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def __repr__(self) -> str:
        return f"ClassicGroup({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    # -- questions ------------------------------------------------------------------------------------------------

    @property
    def is_simple(self) -> bool:
        """Whether it only keeps offsets: it never had members, and nothing in the log speaks of it but offsets."""
        return self.protocol_type is None and not self.members and not self.pending_join

    @property
    def uses_consumer_protocol(self) -> bool:
        """Whether its members are consumers, so that their metadata can be read."""
        return self.protocol_type == CONSUMER_PROTOCOL_TYPE

    @property
    def all_joined(self) -> bool:
        """Whether every member has a parked JoinGroup and no member id is out."""
        return len(self.members) == self.awaiting_join and not self.pending_join

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest of the members' rebalance timeouts, in milliseconds."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    def can_rebalance(self) -> bool:
        """Whether a rebalance may begin in this state."""
        return self.state in MOVES[GroupState.PREPARING_REBALANCE]

    def supports(self, protocol_type: str, protocols: Iterable[str]) -> bool:
        """Whether a member with these protocols fits: same type, and one protocol at least that all support."""
        if self.state is GroupState.EMPTY:
            return bool(protocol_type) and any(True for _ in protocols)
        count = len(self.members)
        return self.protocol_type == protocol_type and any(self.supported.get(name, 0) == count for name in protocols)

    def is_subscribed(self, topic: str) -> bool:
        """Whether offsets of ``topic`` are in use; a consumer group that cannot be read counts as using all."""
        return self.uses_consumer_protocol if self.subscribed is None else topic in self.subscribed

    def check_member(self, member_id: str, instance_id: str | None) -> ErrorCode:
        """Say whether the sender of a request is a member, and if it names an instance, the one that holds it."""
        if instance_id is not None:
            holder = self.static_members.get(instance_id)
            if holder is None:
                return ErrorCode.UNKNOWN_MEMBER_ID
            if holder != member_id:
                return ErrorCode.FENCED_INSTANCE_ID
        return ErrorCode.NONE if member_id in self.members else ErrorCode.UNKNOWN_MEMBER_ID

    def select_protocol(self) -> str:
        """Return the protocol with most votes among those that every member supports.

        Each member votes for the one it likes best; of equals, the one voted for first is taken (upstream leaves that
        open).
        """
        count = len(self.members)
        candidates = {name for name, supporters in self.supported.items() if supporters == count}
        votes: dict[str, int] = {}
        for member in self.members.values():
            choice = member.vote(candidates)
            votes[choice] = votes.get(choice, 0) + 1
        return max(votes, key=votes.__getitem__)

    def compute_subscribed(self) -> frozenset[str] | None:
        """Return the topics the members subscribe to, as far as this is a consumer group that can be read."""
        if not self.uses_consumer_protocol:
            return None
        if not self.members:
            return frozenset()
        if self.protocol is None:
            return None
        return subscribed_topics(member.metadata(self.protocol) for member in self.members.values())

    # -- changes (on a copy) --------------------------------------------------------------------------------------

    def move_to(self, state: GroupState, now_ms: int) -> None:
        """Go to another state; an illegal move is a bug."""
        assert self.state in MOVES[state], f"group {self.group_id} may not go from {self.state} to {state}"
        self.state = state
        self.state_since_ms = now_ms

    def add(self, member: Member) -> None:
        """Take a member in; the first one becomes the leader."""
        assert member.member_id not in self.members
        if member.instance_id is not None:
            assert member.instance_id not in self.static_members
            self.static_members[member.instance_id] = member.member_id
        if self.leader is None:
            self.leader = member.member_id
        self.members[member.member_id] = member
        self._count(member, 1)
        self.pending_join.discard(member.member_id)

    def put(self, member: Member) -> None:
        """Replace a member by what became of it."""
        self._count(self.members[member.member_id], -1)
        self.members[member.member_id] = member
        self._count(member, 1)

    def remove(self, member_id: str) -> None:
        """Let a member or a handed-out member id go; another member takes over from a leader."""
        member = self.members.pop(member_id, None)
        if member is not None:
            self._count(member, -1)
            if member.instance_id is not None:
                del self.static_members[member.instance_id]
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)
        self.pending_join.discard(member_id)
        self.pending_sync.discard(member_id)

    def rename(self, old_id: str, member: Member) -> None:
        """Put a static member's new incarnation in the place of its old one."""
        old = self.members[old_id]
        self._count(old, -1)
        # The order of members is the order in which they joined: the newcomer goes last.
        del self.members[old_id]
        self.members[member.member_id] = member
        self._count(member, 1)
        if self.leader == old_id:
            self.leader = member.member_id
        assert member.instance_id is not None
        self.static_members[member.instance_id] = member.member_id
        if old_id in self.pending_sync:
            # Kafka goes on waiting for the old member id and so rebalances for nothing.
            self.pending_sync.remove(old_id)
            self.pending_sync.add(member.member_id)

    def _count(self, member: Member, step: int) -> None:
        for name, _ in member.protocols:
            supporters = self.supported.get(name, 0) + step
            if supporters:
                self.supported[name] = supporters
            else:
                del self.supported[name]
        if member.join is not None:
            self.awaiting_join += step
