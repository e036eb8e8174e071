"""Static members (KIP-345): replacing, fencing, and coming back without disturbing anyone (KIP-814)."""

from typing import Any

import pytest

from ottla.coordinator.group.classic import GroupState
from ottla.coordinator.group.records import GroupStored, decode
from ottla.coordinator.group.requests import LeavingMember, OffsetToCommit
from ottla.model.error_codes import ErrorCode

INSTANCES = ["i0", "i1"]


def test_a_static_leader_that_comes_back_is_told_to_skip_the_assignment(bench: Any) -> None:
    leader, follower = bench.stable(2, instances=INSTANCES)
    result = bench.replies[bench.join(instance_id="i0", fresh_id="new")]
    assert (result.error, result.generation_id, result.member_id) == (ErrorCode.NONE, 1, "i0-new")
    assert (result.leader, result.skip_assignment) == ("i0-new", True)
    assert {member.member_id for member in result.members} == {"i0-new", follower}
    assert bench.group().state is GroupState.STABLE
    assert bench.heartbeat(leader, 1) is ErrorCode.UNKNOWN_MEMBER_ID


def test_an_older_client_is_told_that_the_old_member_id_leads(bench: Any) -> None:
    leader, _ = bench.stable(2, instances=INSTANCES)
    result = bench.replies[bench.join(instance_id="i0", supports_skipping_assignment=False)]
    assert (result.leader, result.skip_assignment, result.members) == (leader, False, ())


def test_a_static_follower_that_comes_back_gets_its_assignment(bench: Any) -> None:
    leader, _ = bench.stable(2, instances=INSTANCES)
    result = bench.replies[bench.join(instance_id="i1")]
    assert (result.leader, result.skip_assignment, result.members) == (leader, False, ())
    assert bench.replies[bench.sync(result.member_id, 1, instance_id="i1")].assignment == b"a1"


def test_the_new_member_id_is_written(bench: Any) -> None:
    bench.stable(2, instances=INSTANCES)
    written = len(bench.log)
    bench.join(instance_id="i1", fresh_id="new", client_id="c2", client_host="/elsewhere")
    assert len(bench.log) == written + 1
    stored = decode(*bench.log[-1])
    assert isinstance(stored, GroupStored)
    (member,) = [member for member in stored.members if member.instance_id == "i1"]
    assert (member.member_id, member.client_id, member.client_host) == ("i1-new", "c2", "/elsewhere")
    assert member.assignment == b"a1"


def test_a_static_member_with_another_favourite_protocol_rebalances(bench: Any) -> None:
    both = (("range", b""), ("sticky", b""))
    (leader,) = bench.stable(1, instances=["i0"], protocols=both)
    token = bench.join(instance_id="i0", protocols=both[::-1])
    assert bench.group().generation_id == 2
    assert bench.group().protocol == "sticky"
    assert bench.replies[token].skip_assignment is False
    assert leader not in bench.group().members


def test_a_static_member_that_comes_back_while_completing_rebalances(bench: Any) -> None:
    leader, follower = bench.stable(2, instances=INSTANCES)
    bench.join(member_id=leader, instance_id="i0", protocols=(("range", b"x"),))
    bench.join(member_id=follower, instance_id="i1")
    parked = bench.sync(follower, 2, instance_id="i1")
    assert bench.group().state is GroupState.COMPLETING_REBALANCE
    token = bench.join(instance_id="i1")
    assert bench.replies[parked].error is ErrorCode.FENCED_INSTANCE_ID
    assert token not in bench.replies
    assert bench.group().state is GroupState.PREPARING_REBALANCE


def test_a_static_member_that_comes_back_while_preparing_fences_the_one_that_waits(bench: Any) -> None:
    first = bench.join(instance_id="i0")
    second = bench.join(instance_id="i0", fresh_id="new")
    assert bench.replies[first].error is ErrorCode.FENCED_INSTANCE_ID
    bench.advance(10_000)
    assert bench.replies[second].member_id == "i0-new"
    assert list(bench.group().members) == ["i0-new"]


@pytest.mark.parametrize("request_name", ["join", "sync", "heartbeat", "commit", "leave"])
def test_the_old_member_id_is_fenced(bench: Any, request_name: str) -> None:
    old, _ = bench.stable(2, instances=INSTANCES)
    bench.join(instance_id="i0")
    match request_name:
        case "join":
            error = bench.replies[bench.join(member_id=old, instance_id="i0")].error
        case "sync":
            error = bench.replies[bench.sync(old, 1, instance_id="i0")].error
        case "heartbeat":
            error = bench.heartbeat(old, 1, "i0")
        case "commit":
            error = bench.commit(OffsetToCommit("t", 0, 1), member_id=old, instance_id="i0", generation_id=1).error
        case _:
            leaving = LeavingMember(member_id=old, instance_id="i0")
            ((_, error),) = bench.replies[bench.leave(leaving)].members
    assert error is ErrorCode.FENCED_INSTANCE_ID


def test_an_instance_that_nobody_holds_is_unknown(bench: Any) -> None:
    (member,) = bench.stable(1)
    assert bench.heartbeat(member, 1, "nobody") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_static_member_that_restarts_keeps_the_group_as_it_is_until_its_session_ends(bench: Any) -> None:
    bench.stable(2, instances=INSTANCES, session_timeout_ms=10_000)
    bench.advance(9_000)
    bench.join(instance_id="i0")
    bench.join(instance_id="i1")
    bench.advance(9_000)
    assert bench.group().state is GroupState.STABLE
    bench.advance(1_000)
    assert bench.group().state is not GroupState.STABLE


def test_an_administrator_lets_an_instance_leave(bench: Any) -> None:
    leader, follower = bench.stable(2, instances=INSTANCES)
    token = bench.leave(LeavingMember(member_id="", instance_id="i1"))
    assert [error for _, error in bench.replies[token].members] == [ErrorCode.NONE]
    assert list(bench.group().members) == [leader]
    assert follower not in bench.group().members
