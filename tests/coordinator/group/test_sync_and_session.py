"""SyncGroup, heartbeats, sessions, the wait for syncs, leaving (reference 6.1)."""

from typing import Any

import pytest

from ottla.coordinator.group import session, sync
from ottla.coordinator.group.classic import GroupState
from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.records import GroupStored, decode
from ottla.coordinator.group.requests import LeavingMember, OffsetToCommit
from ottla.model.error_codes import ErrorCode


def completing(bench: Any, count: int = 2) -> list[str]:
    members = [bench.new_member()[0] for _ in range(count)]
    bench.advance(3_000 * (count + 1))
    assert bench.group().state is GroupState.COMPLETING_REBALANCE
    return members


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"generation_id": 0}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": 2}, ErrorCode.ILLEGAL_GENERATION),
        ({"member_id": "nobody"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"group_id": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"protocol": "range", "protocol_type": "consumer"}, None),
    ],
)
def test_what_a_sync_says_is_checked(bench: Any, fields: dict[str, Any], error: ErrorCode | None) -> None:
    _, follower = completing(bench)
    token = bench.sync(**({"member_id": follower, "generation_id": 1} | fields))
    if error is None:
        assert token not in bench.replies
    else:
        assert bench.replies[token].error is error


def test_a_generation_is_written_with_all_its_members(bench: Any) -> None:
    leader, follower = completing(bench)
    bench.sync(leader, 1, assignments=[(leader, b"l"), ("stranger", b"s")])
    stored = decode(*bench.log[-1])
    assert isinstance(stored, GroupStored)
    assert (stored.generation_id, stored.protocol, stored.leader) == (1, "range", leader)
    assert [(member.member_id, member.assignment) for member in stored.members] == [(leader, b"l"), (follower, b"")]
    assert stored.state_since_ms == bench.now_ms


def test_a_sync_that_is_sent_again_takes_the_place_of_the_first(bench: Any) -> None:
    leader, follower = completing(bench)
    first, second = bench.sync(follower, 1), bench.sync(follower, 1)
    assert bench.replies[first].error is ErrorCode.REBALANCE_IN_PROGRESS
    bench.sync(leader, 1)
    assert bench.replies[second].error is ErrorCode.NONE


def test_members_that_do_not_sync_are_let_go(bench: Any) -> None:
    leader, follower = completing(bench)
    bench.sync(leader, 1)
    assert bench.group().state is GroupState.STABLE
    for _ in range(12):
        bench.heartbeat(leader, 1)
        bench.heartbeat(follower, 1)
        bench.advance(5_000)
    assert list(bench.group().members) == [leader]
    assert bench.group().state is GroupState.PREPARING_REBALANCE


def test_members_wait_for_the_leaders_sync_no_longer_than_that(bench: Any) -> None:
    leader, follower = completing(bench)
    parked = bench.sync(follower, 1)
    for _ in range(12):
        bench.heartbeat(leader, 1)
        bench.advance(5_000)
    assert bench.replies[parked].error is ErrorCode.REBALANCE_IN_PROGRESS
    assert list(bench.group().members) == [follower]


def test_nobody_is_let_go_when_all_have_synced(bench: Any) -> None:
    members = bench.stable(2)
    for _ in range(30):
        bench.advance(9_000)
        assert [bench.heartbeat(member, 1) for member in members] == [ErrorCode.NONE] * 2


def test_a_rebalance_answers_parked_syncs(bench: Any) -> None:
    _, follower = completing(bench)
    parked = bench.sync(follower, 1)
    bench.new_member()
    assert bench.replies[parked].error is ErrorCode.REBALANCE_IN_PROGRESS


def test_a_generation_that_does_not_fit_into_the_log_starts_over(bench: Any) -> None:
    _, follower = completing(bench)
    parked = bench.sync(follower, 1)
    bench.decide(
        lambda: sync.decide_store_failed(
            bench.group(), ErrorCode.UNKNOWN_SERVER_ERROR, now_ms=bench.now_ms, config=bench.config
        )
    )
    assert bench.replies[parked].error is ErrorCode.UNKNOWN_SERVER_ERROR
    assert bench.group().state is GroupState.PREPARING_REBALANCE


# -- sessions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member_id", "generation_id", "error"),
    [
        (None, 1, ErrorCode.NONE),
        (None, 0, ErrorCode.ILLEGAL_GENERATION),
        (None, 2, ErrorCode.ILLEGAL_GENERATION),
        ("nobody", 1, ErrorCode.UNKNOWN_MEMBER_ID),
        ("", -1, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_what_a_heartbeat_says_is_checked(
    bench: Any, member_id: str | None, generation_id: int, error: ErrorCode
) -> None:
    (member,) = bench.stable(1)
    assert bench.heartbeat(member if member_id is None else member_id, generation_id) is error
    assert bench.heartbeat("m", 1, group_id="other") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_session_that_ends_rebalances(bench: Any) -> None:
    alive, silent = bench.stable(2)
    bench.advance(9_000)
    bench.heartbeat(alive, 1)
    bench.advance(1_000)
    assert list(bench.group().members) == [alive]
    assert bench.group().state is GroupState.PREPARING_REBALANCE
    assert bench.heartbeat(silent, 1) is ErrorCode.UNKNOWN_MEMBER_ID
    assert bench.heartbeat(alive, 1) is ErrorCode.REBALANCE_IN_PROGRESS


def test_a_group_whose_last_session_ends_is_empty_and_that_is_written(bench: Any) -> None:
    bench.stable(1)
    bench.advance(10_000)
    assert bench.group().state is GroupState.EMPTY
    stored = decode(*bench.log[-1])
    assert isinstance(stored, GroupStored)
    assert (stored.generation_id, stored.members, stored.protocol_type) == (2, (), "consumer")
    assert (stored.protocol, stored.leader, stored.state_since_ms) == (None, None, bench.now_ms)


@pytest.mark.parametrize("state", [GroupState.STABLE, GroupState.PREPARING_REBALANCE])
def test_a_commit_is_a_sign_of_life(bench: Any, state: GroupState) -> None:
    first, second = bench.stable(2)
    bench.advance(9_000)
    bench.heartbeat(first, 1)
    bench.heartbeat(second, 1)
    if state is GroupState.PREPARING_REBALANCE:
        bench.join(member_id=first)
    bench.advance(9_000)
    bench.commit(OffsetToCommit("t", 0, 1), member_id=second, generation_id=1)
    bench.heartbeat(first, 1)
    bench.advance(9_000)
    assert second in bench.group().members


def test_heartbeats_while_joining_keep_the_session(bench: Any) -> None:
    leader, follower = bench.stable(2)
    bench.join(member_id=leader)
    for _ in range(3):
        bench.advance(9_000)
        assert bench.heartbeat(follower, 1) is ErrorCode.REBALANCE_IN_PROGRESS
    assert follower in bench.group().members


def test_a_loaded_group_has_a_whole_session_to_report(bench: Any) -> None:
    members = bench.stable(2)
    bench.groups = bench.replay()
    bench.timers.clear()
    bench.deadlines.clear()
    bench.decide(lambda: session.decide_loaded(bench.group(), now_ms=bench.now_ms, config=bench.config))
    bench.advance(9_999)
    assert [bench.heartbeat(member, 1) for member in members] == [ErrorCode.NONE] * 2
    bench.advance(10_000)
    assert bench.group().state is GroupState.EMPTY


def test_a_loaded_group_above_the_limit_rebalances(bench: Any) -> None:
    members = bench.stable(3)
    bench.groups = bench.replay()
    bench.config = GroupConfig(max_size=2)
    bench.decide(lambda: session.decide_loaded(bench.group(), now_ms=bench.now_ms, config=bench.config))
    assert bench.heartbeat(members[0], 1) is ErrorCode.REBALANCE_IN_PROGRESS
    # In this phase they still may commit what they have done.
    result = bench.commit(OffsetToCommit("t", 0, 1), member_id=members[0], generation_id=1)
    assert result.error is ErrorCode.NONE


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_several_leave_at_once_and_each_gets_its_answer(bench: Any) -> None:
    first, second, third = bench.stable(3)
    pending = bench.replies[bench.join()].member_id
    leaving = [LeavingMember(member_id=member_id) for member_id in (first, "nobody", second, "", pending, first)]
    token = bench.leave(*leaving)
    none, unknown = ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID
    assert bench.replies[token].members == tuple(
        zip(leaving, [none, unknown, none, unknown, none, unknown], strict=True)
    )
    assert list(bench.group().members) == [third]
    assert bench.group().generation_id == 1


def test_the_last_to_leave_empties_the_group_at_once(bench: Any) -> None:
    (member,) = bench.stable(1)
    bench.leave(LeavingMember(member_id=member))
    assert (bench.group().state, bench.group().generation_id) == (GroupState.EMPTY, 2)


def test_leaving_completes_a_join_phase_that_waited_for_it(bench: Any) -> None:
    leader, follower = bench.stable(2)
    token = bench.join(member_id=leader)
    bench.leave(LeavingMember(member_id=follower))
    assert bench.replies[token].generation_id == 2


def test_a_parked_join_of_who_leaves_is_answered(bench: Any) -> None:
    member_id, token = bench.new_member()
    bench.leave(LeavingMember(member_id=member_id))
    assert bench.replies[token].error is ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize(("group_id", "whole", "each"), [("", 24, None), ("other", 0, 25)])
def test_leaving_a_group_that_is_not_there(bench: Any, group_id: str, whole: int, each: int | None) -> None:
    result = bench.replies[bench.leave(LeavingMember(member_id="m"), group_id=group_id)]
    assert result.error == whole
    assert [error for _, error in result.members] == ([] if each is None else [each])
