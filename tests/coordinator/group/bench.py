"""A bench for the group machines: it carries out decisions and asks the questions that every machine must answer.

A decision leaves the state as it is; replaying the log gives the writer's state; the invariants hold after each step;
and every request is answered once, or parked where the machine can find it.
"""

import itertools
from collections.abc import Callable
from typing import Any

from ottla.coordinator.group import admin, commit, expiry, join, leave, session, sync
from ottla.coordinator.group.classic import ClassicGroup, GroupState
from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.decision import CancelTimer, Decision, Reply, SetTimer, TimerKey, TimerKind
from ottla.coordinator.group.records import decode, encode
from ottla.coordinator.group.requests import (
    CommitRequest,
    JoinRequest,
    LeavingMember,
    OffsetToCommit,
    SyncRequest,
)
from ottla.coordinator.group.state import Groups
from ottla.coordinator.group.timers import Deadlines
from ottla.model.error_codes import ErrorCode

RANGE = (("range", b"\0\1\0\0\0\1\0\1t\xff\xff\xff\xff\0\0\0\0"),)
START_MS = 1_700_000_000_000


def snapshot(groups: Groups) -> Groups:
    twin = Groups()
    twin.by_id = {group_id: group.copy() for group_id, group in groups.by_id.items()}
    for place in groups.offsets:
        twin.offsets.put(*place)
    return twin


class Bench:
    """One partition's machines under virtual time."""

    def __init__(self, config: GroupConfig | None = None) -> None:
        self.config = GroupConfig() if config is None else config
        self.groups = Groups()
        self.now_ms = START_MS
        self.log: list[tuple[bytes, bytes | None]] = []
        self.deadlines: Deadlines[TimerKey] = Deadlines()
        self.timers: dict[TimerKey, int] = {}
        self.replies: dict[int, Any] = {}
        self.open_tokens: set[int] = set()
        self._tokens = itertools.count(1)
        self._ids = itertools.count(1)

    # -- running --------------------------------------------------------------------------------------------------

    def decide(self, make: Callable[[], Decision]) -> Decision:
        before = snapshot(self.groups)
        decision = make()
        assert self.groups == before, "a decision changed the state"
        self.groups.apply(decision)
        for record in decision.records:
            key, value = encode(record)
            assert decode(key, value) == record
            self.log.append((key, value))
        for effect in decision.effects:
            if isinstance(effect, Reply):
                token = effect.token
                assert isinstance(token, int)
                assert token in self.open_tokens, "a request was answered twice"
                self.open_tokens.remove(token)
                self.replies[token] = effect.result
            elif isinstance(effect, SetTimer):
                assert effect.delay_ms >= 0
                self.timers.pop(effect.key, None)
                self.timers[effect.key] = self.now_ms + effect.delay_ms
                self.deadlines.set(effect.key, self.now_ms + effect.delay_ms)
            else:
                assert isinstance(effect, CancelTimer)
                self.timers.pop(effect.key, None)
                self.deadlines.cancel(effect.key)
        self.check()
        return decision

    def token(self) -> int:
        token = next(self._tokens)
        self.open_tokens.add(token)
        return token

    def advance(self, delta_ms: int) -> None:
        """Let time pass, timer by timer."""
        target_ms = self.now_ms + delta_ms
        while (next_ms := min(self.timers.values(), default=target_ms + 1)) <= target_ms:
            self.now_ms = max(self.now_ms, next_ms)
            due = list(self.deadlines.due(self.now_ms))
            assert due
            # What comes due together comes in the order in which it was set.
            for key in sorted(due, key=list(self.timers).index):
                if self.timers.get(key, target_ms + 1) <= self.now_ms:
                    del self.timers[key]
                    self.decide(
                        lambda key=key: session.decide_timer(  # type: ignore[misc]  # a default binds the key
                            self.groups.by_id, key, now_ms=self.now_ms, config=self.config
                        )
                    )
        self.now_ms = target_ms

    # -- requests -------------------------------------------------------------------------------------------------

    def join(self, group_id: str = "g", member_id: str = "", **fields: Any) -> int:
        token = self.token()
        known = {
            "instance_id": None,
            "protocol_type": "consumer",
            "protocols": RANGE,
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": 60_000,
            "client_id": "c",
            "client_host": "/h",
            "fresh_id": f"{next(self._ids)}",
        }
        request = JoinRequest(group_id=group_id, member_id=member_id, **(known | fields))
        self.decide(lambda: join.decide_join(self.groups.by_id, request, token, now_ms=self.now_ms, config=self.config))
        return token

    def sync(self, member_id: str, generation_id: int, group_id: str = "g", **fields: Any) -> int:
        token = self.token()
        request = SyncRequest(group_id=group_id, member_id=member_id, generation_id=generation_id, **fields)
        self.decide(lambda: sync.decide_sync(self.groups.by_id, request, token, now_ms=self.now_ms, config=self.config))
        return token

    def leave(self, *leaving: LeavingMember, group_id: str = "g") -> int:
        token = self.token()
        self.decide(
            lambda: leave.decide_leave(
                self.groups.by_id, group_id, leaving, token, now_ms=self.now_ms, config=self.config
            )
        )
        return token

    def heartbeat(
        self, member_id: str, generation_id: int, instance_id: str | None = None, group_id: str = "g"
    ) -> ErrorCode:
        error, session_ms = session.check_heartbeat(
            self.groups.by_id.get(group_id), member_id, instance_id, generation_id
        )
        if session_ms:
            key = TimerKey(TimerKind.SESSION, group_id, member_id)
            self.timers.pop(key, None)
            self.timers[key] = self.now_ms + session_ms
            self.deadlines.set(key, self.now_ms + session_ms)
        return error

    def commit(self, *offsets: OffsetToCommit, group_id: str = "g", **fields: Any) -> Any:
        token = self.token()
        request = CommitRequest(group_id=group_id, offsets=offsets, **fields)
        self.decide(
            lambda: commit.decide_commit(self.groups.by_id, request, token, now_ms=self.now_ms, config=self.config)
        )
        return self.replies[token]

    def delete_group(self, group_id: str = "g") -> ErrorCode:
        token = self.token()
        self.decide(lambda: admin.decide_delete_group(self.groups.by_id, self.groups.offsets, group_id, token))
        error: ErrorCode = self.replies[token].error
        return error

    def delete_offsets(self, *topics: tuple[str, list[int]], group_id: str = "g") -> Any:
        token = self.token()
        self.decide(
            lambda: admin.decide_delete_offsets(self.groups.by_id, self.groups.offsets, group_id, topics, token)
        )
        return self.replies[token]

    def expire(self) -> None:
        for group in list(self.groups.by_id.values()):
            self.decide(
                lambda group=group: expiry.decide_expiry(  # type: ignore[misc]  # a default binds the group
                    group, self.groups.offsets, now_ms=self.now_ms, config=self.config
                )
            )

    # -- shorthands -----------------------------------------------------------------------------------------------

    def group(self, group_id: str = "g") -> ClassicGroup:
        return self.groups.by_id[group_id]

    def new_member(self, group_id: str = "g", **fields: Any) -> tuple[str, int]:
        """Join in two steps as clients do from version 4 on; return the member id and the parked token."""
        if fields.get("instance_id") is not None:
            token = self.join(group_id, **fields)
            return self.group(group_id).static_members[fields["instance_id"]], token
        first = self.replies[self.join(group_id, **fields)]
        assert first.error is ErrorCode.MEMBER_ID_REQUIRED
        return first.member_id, self.join(group_id, first.member_id, **fields)

    def stable(self, count: int = 1, group_id: str = "g", **fields: Any) -> list[str]:
        """Bring up a stable group of ``count`` members, the leader first; member i is assigned ``b"a<i>"``."""
        instances = fields.pop("instances", [None] * count)
        members = [self.new_member(group_id, instance_id=instance, **fields)[0] for instance in instances]
        self.advance(self.config.initial_rebalance_delay_ms * (count + 1))
        group = self.group(group_id)
        assert group.state is GroupState.COMPLETING_REBALANCE
        assignments = [(member_id, b"a%d" % index) for index, member_id in enumerate(members)]
        for member_id in reversed(members):
            self.sync(
                member_id,
                group.generation_id,
                group_id,
                assignments=assignments if member_id == group.leader else (),
            )
        assert self.group(group_id).state is GroupState.STABLE
        return members

    # -- questions ------------------------------------------------------------------------------------------------

    def replay(self) -> Groups:
        replayed = Groups()
        for key, value in self.log:
            record = decode(key, value)
            assert record is not None
            replayed.replay(record)
        return replayed

    def check(self) -> None:
        replayed = self.replay()
        assert replayed.offsets == self.groups.offsets
        parked: list[Any] = []
        for group_id, group in self.groups.by_id.items():
            check_group(group, self.timers)
            assert group_id in replayed.by_id, "a group is not in the log"
            if group.state in (GroupState.EMPTY, GroupState.STABLE):
                assert replayed.by_id[group_id].stored() == group.stored()
            for member in group.members.values():
                parked += [token for token in (member.join, member.sync) if token is not None]
        assert replayed.by_id.keys() == self.groups.by_id.keys()
        assert len(parked) == len(set(parked))
        # Whoever is being answered right now is not parked; everyone else who waits is.
        assert set(parked) == self.open_tokens
        for group_id, _, _, _ in self.groups.offsets:
            assert group_id in self.groups.by_id, "offsets without a group"


def check_group(group: ClassicGroup, timers: dict[TimerKey, int]) -> None:
    """What is true of every group at any time."""
    members = group.members
    assert all(member_id == member.member_id for member_id, member in members.items())
    assert group.awaiting_join == sum(member.join is not None for member in members.values())
    assert group.static_members == {
        member.instance_id: member.member_id for member in members.values() if member.instance_id is not None
    }
    supported: dict[str, int] = {}
    for member in members.values():
        for name, _ in member.protocols:
            supported[name] = supported.get(name, 0) + 1
    assert group.supported == supported
    assert not group.pending_join & members.keys()
    assert group.pending_sync <= members.keys()
    assert (group.leader in members) if members else (group.leader is None)
    if members:
        assert group.protocol_type
        assert any(count == len(members) for count in supported.values())
    kind = {key for key in timers if key.group_id == group.group_id}
    for member_id in group.pending_join:
        assert TimerKey(TimerKind.SESSION, group.group_id, member_id) in kind
    for member in members.values():
        if not member.satisfies_heartbeat:
            assert TimerKey(TimerKind.SESSION, group.group_id, member.member_id) in kind
    match group.state:
        case GroupState.EMPTY:
            assert not members
            assert group.protocol is None
        case GroupState.PREPARING_REBALANCE:
            assert TimerKey(TimerKind.JOIN, group.group_id) in kind
            assert all(member.sync is None for member in members.values())
        case GroupState.COMPLETING_REBALANCE:
            assert members
            assert group.pending_sync
            assert TimerKey(TimerKind.SYNC, group.group_id) in kind
            assert all(member.join is None and not member.is_new for member in members.values())
        case GroupState.STABLE:
            assert members
            assert all(member.join is None and member.sync is None and not member.is_new for member in members.values())
            if group.pending_sync:
                assert TimerKey(TimerKind.SYNC, group.group_id) in kind
        case GroupState.DEAD:
            raise AssertionError("a dead group is not kept")
