"""Every cell of the table of reference section 6.1: what each request gets in each state, and where the group goes."""

from typing import Any

import pytest

from ottla.coordinator.group import commit, join, leave, session, sync
from ottla.coordinator.group.classic import MOVES, ClassicGroup, GroupState
from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.decision import Reply
from ottla.coordinator.group.requests import (
    CommitRequest,
    JoinRequest,
    LeavingMember,
    OffsetToCommit,
    SyncRequest,
)
from ottla.model.error_codes import ErrorCode

EMPTY = GroupState.EMPTY
PREPARING = GroupState.PREPARING_REBALANCE
COMPLETING = GroupState.COMPLETING_REBALANCE
STABLE = GroupState.STABLE
DEAD = GroupState.DEAD
OTHER = (("range", b"other"),)


class Place:
    """A group in some state, with a leader and a follower of its current generation where it has members."""

    def __init__(self, bench: Any, state: GroupState) -> None:
        self.bench = bench
        self.leader, self.follower = bench.stable(2)
        if state is EMPTY:
            bench.leave(LeavingMember(member_id=self.leader), LeavingMember(member_id=self.follower))
            assert bench.group().state is PREPARING or bench.group().state is EMPTY
        elif state in (PREPARING, COMPLETING):
            bench.join(member_id=self.leader, protocols=(("range", b"new"),))
            if state is COMPLETING:
                bench.join(member_id=self.follower)
        assert bench.group().state is state
        self.generation = bench.group().generation_id


@pytest.fixture
def place_in(bench: Any) -> Any:
    return lambda state: Place(bench, state)


@pytest.mark.parametrize(("state", "after", "answered"), [(EMPTY, PREPARING, False), (PREPARING, PREPARING, False)])
def test_a_join_of_a_newcomer_is_parked(place_in: Any, state: GroupState, after: GroupState, answered: bool) -> None:
    place = place_in(state)
    member_id, token = place.bench.new_member()
    assert place.bench.group().state is after
    assert (token in place.bench.replies) is answered
    assert member_id in place.bench.group().members


@pytest.mark.parametrize("state", [COMPLETING, STABLE])
def test_a_join_of_a_newcomer_rebalances(place_in: Any, state: GroupState) -> None:
    place = place_in(state)
    _, token = place.bench.new_member()
    assert place.bench.group().state is PREPARING
    assert token not in place.bench.replies


@pytest.mark.parametrize("who", ["leader", "follower"])
def test_a_join_of_a_former_member_of_an_empty_group_is_unknown(place_in: Any, who: str) -> None:
    place = place_in(EMPTY)
    token = place.bench.join(member_id=getattr(place, who))
    assert place.bench.replies[token].error is ErrorCode.UNKNOWN_MEMBER_ID
    assert place.bench.group().state is EMPTY


def test_a_join_of_a_known_member_while_preparing_updates_it(place_in: Any) -> None:
    place = place_in(PREPARING)
    token = place.bench.join(member_id=place.follower, protocols=OTHER, session_timeout_ms=7_000)
    # It was the last one: the join phase is over, with what it brought.
    assert place.bench.group().state is COMPLETING
    assert place.bench.replies[token].generation_id == place.generation + 1
    member = place.bench.group().members[place.follower]
    assert (member.protocols, member.session_timeout_ms) == (OTHER, 7_000)


@pytest.mark.parametrize("who", ["leader", "follower"])
def test_a_join_with_the_same_metadata_while_completing_gets_the_current_generation(place_in: Any, who: str) -> None:
    place = place_in(COMPLETING)
    member_id = getattr(place, who)
    member = place.bench.group().members[member_id]
    result = place.bench.replies[place.bench.join(member_id=member_id, protocols=member.protocols)]
    assert (result.error, result.generation_id) == (ErrorCode.NONE, place.generation)
    assert len(result.members) == (2 if who == "leader" else 0)
    assert place.bench.group().state is COMPLETING


def test_a_join_with_other_metadata_while_completing_rebalances(place_in: Any) -> None:
    place = place_in(COMPLETING)
    token = place.bench.join(member_id=place.follower, protocols=OTHER)
    assert token not in place.bench.replies
    assert place.bench.group().state is PREPARING


@pytest.mark.parametrize(("who", "protocols"), [("leader", None), ("leader", OTHER), ("follower", OTHER)])
def test_a_join_of_the_leader_or_with_other_metadata_while_stable_rebalances(
    place_in: Any, who: str, protocols: Any
) -> None:
    place = place_in(STABLE)
    member = place.bench.group().members[getattr(place, who)]
    token = place.bench.join(member_id=member.member_id, protocols=protocols or member.protocols)
    assert token not in place.bench.replies
    assert place.bench.group().state is PREPARING


def test_a_join_of_an_unchanged_follower_while_stable_gets_the_current_generation(place_in: Any) -> None:
    place = place_in(STABLE)
    result = place.bench.replies[place.bench.join(member_id=place.follower)]
    assert (result.error, result.generation_id, result.members) == (ErrorCode.NONE, place.generation, ())
    assert result.leader == place.leader
    assert place.bench.group().state is STABLE


@pytest.mark.parametrize(
    ("state", "error"), [(EMPTY, ErrorCode.UNKNOWN_MEMBER_ID), (PREPARING, ErrorCode.REBALANCE_IN_PROGRESS)]
)
def test_a_sync_is_refused(place_in: Any, state: GroupState, error: ErrorCode) -> None:
    place = place_in(state)
    token = place.bench.sync(place.follower, place.generation)
    assert place.bench.replies[token].error is error
    assert place.bench.group().state is state


def test_a_sync_while_completing_waits_for_the_leaders(place_in: Any) -> None:
    place = place_in(COMPLETING)
    parked = place.bench.sync(place.follower, place.generation)
    assert parked not in place.bench.replies
    token = place.bench.sync(place.leader, place.generation, assignments=[(place.leader, b"l"), (place.follower, b"f")])
    assert place.bench.group().state is STABLE
    assert place.bench.replies[token].assignment == b"l"
    assert place.bench.replies[parked].assignment == b"f"


def test_a_sync_while_stable_gets_the_assignment(place_in: Any) -> None:
    place = place_in(STABLE)
    result = place.bench.replies[place.bench.sync(place.follower, place.generation)]
    assert (result.error, result.assignment, result.protocol) == (ErrorCode.NONE, b"a1", "range")
    assert place.bench.group().state is STABLE


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (EMPTY, ErrorCode.UNKNOWN_MEMBER_ID),
        (PREPARING, ErrorCode.REBALANCE_IN_PROGRESS),
        (COMPLETING, ErrorCode.NONE),
        (STABLE, ErrorCode.NONE),
    ],
)
def test_a_heartbeat(place_in: Any, state: GroupState, error: ErrorCode) -> None:
    place = place_in(state)
    assert place.bench.heartbeat(place.follower, place.generation) is error
    assert place.bench.group().state is state


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (EMPTY, ErrorCode.UNKNOWN_MEMBER_ID),
        (PREPARING, ErrorCode.NONE),
        (COMPLETING, ErrorCode.REBALANCE_IN_PROGRESS),
        (STABLE, ErrorCode.NONE),
    ],
)
def test_a_members_commit(place_in: Any, state: GroupState, error: ErrorCode) -> None:
    place = place_in(state)
    result = place.bench.commit(OffsetToCommit("t", 0, 5), member_id=place.follower, generation_id=place.generation)
    assert result.error is error
    assert (place.bench.groups.offsets.get("g", "t", 0) is not None) is (error is ErrorCode.NONE)


@pytest.mark.parametrize("state", [PREPARING, COMPLETING, STABLE])
def test_a_members_leaving_rebalances(place_in: Any, state: GroupState) -> None:
    place = place_in(state)
    token = place.bench.leave(LeavingMember(member_id=place.follower))
    assert [error for _, error in place.bench.replies[token].members] == [ErrorCode.NONE]
    assert place.follower not in place.bench.group().members
    # While preparing, the leader was waiting for the follower alone.
    assert place.bench.group().state is (COMPLETING if state is PREPARING else PREPARING)


def test_leaving_an_empty_group_is_unknown(place_in: Any) -> None:
    place = place_in(EMPTY)
    token = place.bench.leave(LeavingMember(member_id=place.follower))
    assert [error for _, error in place.bench.replies[token].members] == [ErrorCode.UNKNOWN_MEMBER_ID]


def test_a_dead_group_is_not_available() -> None:
    group = ClassicGroup("g", state_since_ms=0)
    group.state = DEAD
    groups, config, gone = {"g": group}, GroupConfig(), ErrorCode.COORDINATOR_NOT_AVAILABLE
    for member_id in ("", "m"):
        request = JoinRequest(
            group_id="g",
            member_id=member_id,
            instance_id=None,
            protocol_type="consumer",
            protocols=OTHER,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=1,
            client_id="c",
            client_host="/h",
            fresh_id="1",
        )
        decision = join.decide_join(groups, request, 1, now_ms=0, config=config)
        assert _error(decision) is gone
    assert session.check_heartbeat(group, "m", None, 0) == (gone, 0)
    synced = sync.decide_sync(
        groups, SyncRequest(group_id="g", generation_id=0, member_id="m"), 1, now_ms=0, config=config
    )
    assert _error(synced) is gone
    left = leave.decide_leave(groups, "g", [LeavingMember(member_id="m")], 1, now_ms=0, config=config)
    assert _error(left) is gone
    assert commit.check_commit(group, CommitRequest(group_id="g")) is gone
    assert commit.check_commit(group, CommitRequest(group_id="g", generation_id=0, member_id="m")) is gone


def _error(decision: Any) -> ErrorCode:
    (reply,) = decision.effects
    assert isinstance(reply, Reply)
    assert decision.records == ()
    assert decision.volatile is None
    return reply.result.error


def test_the_moves_are_those_of_the_table() -> None:
    assert MOVES[PREPARING] == {STABLE, COMPLETING, EMPTY}
    assert MOVES[COMPLETING] == {PREPARING}
    assert MOVES[STABLE] == {COMPLETING}
    assert MOVES[EMPTY] == {PREPARING}
    assert MOVES[DEAD] == set(GroupState)


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for new, olds in MOVES.items() for old in GroupState if old not in olds]
)
def test_any_other_move_is_a_bug(old: GroupState, new: GroupState) -> None:
    group = ClassicGroup("g", state_since_ms=0)
    group.state = old
    with pytest.raises(AssertionError):
        group.move_to(new, 1)
