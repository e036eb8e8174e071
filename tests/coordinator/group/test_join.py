"""JoinGroup: checks, member ids, the initial delay, timeouts, the protocol, the size limit (reference 6.1)."""

from collections.abc import Callable
from typing import Any

import pytest

from ottla.coordinator.group.classic import GroupState
from ottla.coordinator.group.config import NEW_MEMBER_JOIN_TIMEOUT_MS, GroupConfig
from ottla.coordinator.group.records import GroupStored, decode
from ottla.coordinator.group.requests import LeavingMember
from ottla.model.error_codes import ErrorCode

DELAY_MS = GroupConfig().initial_rebalance_delay_ms


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"group_id": "g" * 32_768}, ErrorCode.INVALID_REQUEST),
        ({"protocol_type": "\N{GRINNING FACE}" * 8_192}, ErrorCode.INVALID_REQUEST),
        ({"client_id": "c" * 32_767}, ErrorCode.INVALID_REQUEST),
        ({"instance_id": "i" * 32_767}, ErrorCode.INVALID_REQUEST),
        ({"protocols": (("p" * 32_768, b""),)}, ErrorCode.INVALID_REQUEST),
        ({"session_timeout_ms": 5_999}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"protocol_type": ""}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocols": ()}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"member_id": "nobody"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_a_refused_join_makes_no_group(bench: Any, fields: dict[str, Any], error: ErrorCode) -> None:
    assert bench.replies[bench.join(**fields)].error is error
    assert not bench.groups.by_id
    assert not bench.log


@pytest.mark.parametrize("session_timeout_ms", [6_000, 1_800_000])
def test_session_timeouts_at_the_limits_are_fine(bench: Any, session_timeout_ms: int) -> None:
    bench.new_member(session_timeout_ms=session_timeout_ms)
    assert len(bench.group().members) == 1


def test_another_protocol_type_or_nothing_in_common_is_refused(bench: Any) -> None:
    bench.new_member(protocols=(("a", b""), ("b", b"")))
    for fields in ({"protocol_type": "connect"}, {"protocols": (("c", b""),)}):
        assert bench.replies[bench.join(**fields)].error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    bench.new_member(protocols=(("c", b""), ("b", b"")))
    # What only one of the two supports is out.
    token = bench.join(protocols=(("a", b""), ("c", b"")))
    assert bench.replies[token].error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@pytest.mark.parametrize("protocol_type", ["consumer", "connect", "sr"])
def test_any_protocol_type_will_do(bench: Any, protocol_type: str) -> None:
    (member,) = bench.stable(1, protocol_type=protocol_type, protocols=(("v0", b"opaque"),))
    assert bench.group().protocol_type == protocol_type
    assert bench.heartbeat(member, 1) is ErrorCode.NONE


def test_a_newcomer_gets_its_id_first(bench: Any) -> None:
    """KIP-394: version 4 on. The id is the client id and random text, and has a session's time to be used."""
    result = bench.replies[bench.join(client_id="cli", fresh_id="uuid")]
    assert (result.error, result.member_id) == (ErrorCode.MEMBER_ID_REQUIRED, "cli-uuid")
    assert bench.group().pending_join == {"cli-uuid"}
    assert bench.group().state is GroupState.EMPTY
    bench.advance(10_000)
    assert bench.group().pending_join == set()
    assert bench.replies[bench.join(member_id="cli-uuid")].error is ErrorCode.UNKNOWN_MEMBER_ID


def test_an_old_client_joins_without_asking_for_an_id(bench: Any) -> None:
    token = bench.join(requires_known_member_id=False, client_id="cli", fresh_id="uuid")
    bench.advance(DELAY_MS)
    assert bench.replies[token].member_id == "cli-uuid"


def test_a_static_newcomer_needs_no_id(bench: Any) -> None:
    token = bench.join(instance_id="inst", fresh_id="uuid")
    bench.advance(DELAY_MS)
    assert bench.replies[token].member_id == "inst-uuid"


def test_a_pending_id_is_for_dynamic_members(bench: Any) -> None:
    member_id = bench.replies[bench.join()].member_id
    token = bench.join(member_id=member_id, instance_id="inst")
    assert bench.replies[token].error is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_new_group_is_written_at_once(bench: Any) -> None:
    bench.join()
    stored = decode(*bench.log[0])
    assert stored == GroupStored(
        group_id="g",
        generation_id=0,
        protocol_type=None,
        protocol=None,
        leader=None,
        state_since_ms=bench.now_ms,
    )


def test_the_leader_is_told_of_all_and_the_others_of_none(bench: Any) -> None:
    (first, first_token), (second, second_token) = bench.new_member(), bench.new_member()
    bench.advance(2 * DELAY_MS)
    leader, follower = bench.replies[first_token], bench.replies[second_token]
    assert leader.leader == follower.leader == first
    assert [member.member_id for member in leader.members] == [first, second]
    assert follower.members == ()
    assert leader.generation_id == follower.generation_id == 1
    assert (leader.protocol_type, leader.protocol) == ("consumer", "range")


# -- the initial rebalance ---------------------------------------------------------------------------------------------


def test_the_initial_rebalance_ends_after_the_delay_when_nobody_else_comes(bench: Any) -> None:
    _, token = bench.new_member()
    bench.advance(DELAY_MS - 1)
    assert token not in bench.replies
    bench.advance(1)
    assert bench.replies[token].error is ErrorCode.NONE


def test_the_initial_rebalance_is_extended_while_members_come(bench: Any) -> None:
    tokens = [bench.new_member()[1]]
    for _ in range(4):
        bench.advance(DELAY_MS - 1)
        tokens.append(bench.new_member()[1])
        assert tokens[0] not in bench.replies
        bench.advance(1)
    assert tokens[0] not in bench.replies
    bench.advance(DELAY_MS)
    assert all(bench.replies[token].generation_id == 1 for token in tokens)


def test_the_initial_rebalance_lasts_no_longer_than_the_rebalance_timeout(bench: Any) -> None:
    begin_ms = bench.now_ms
    _, token = bench.new_member(rebalance_timeout_ms=7_000)
    while token not in bench.replies:
        bench.new_member(rebalance_timeout_ms=7_000)
        bench.advance(100)
    assert bench.now_ms - begin_ms <= 7_100


def test_without_a_delay_the_first_member_starts_at_once(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(GroupConfig(initial_rebalance_delay_ms=0))
    _, token = bench.new_member()
    bench.advance(0)
    assert bench.replies[token].generation_id == 1


def test_an_initial_rebalance_does_not_end_early(bench: Any) -> None:
    """All that are there have joined, and yet it waits: others may be on their way."""
    bench.new_member()
    assert bench.group().all_joined
    assert bench.group().state is GroupState.PREPARING_REBALANCE


# -- later rebalances --------------------------------------------------------------------------------------------------


def test_a_rebalance_ends_when_all_have_joined_again(bench: Any) -> None:
    leader, follower = bench.stable(2)
    _, newcomer = bench.new_member()
    again = [bench.join(member_id=leader), bench.join(member_id=follower)]
    assert [bench.replies[token].generation_id for token in (newcomer, *again)] == [2, 2, 2]


def test_a_rebalance_waits_for_ids_that_were_handed_out(bench: Any) -> None:
    (leader,) = bench.stable(1)
    pending = bench.replies[bench.join()].member_id
    token = bench.join(member_id=leader)
    assert token not in bench.replies
    bench.join(member_id=pending)
    assert bench.replies[token].generation_id == 2


def test_a_rebalance_stops_waiting_for_an_id_that_is_not_used(bench: Any) -> None:
    (leader,) = bench.stable(1)
    bench.join()
    token = bench.join(member_id=leader)
    bench.advance(10_000)
    assert bench.replies[token].generation_id == 2


def test_a_rebalance_waits_no_longer_than_the_longest_timeout(bench: Any) -> None:
    slow, quick = bench.new_member(rebalance_timeout_ms=60_000)[0], bench.new_member(rebalance_timeout_ms=8_000)[0]
    bench.advance(2 * DELAY_MS)
    bench.sync(quick, 1)
    bench.sync(slow, 1)
    token = bench.join(member_id=slow, rebalance_timeout_ms=60_000)
    for _ in range(12):
        assert token not in bench.replies
        assert bench.heartbeat(quick, 1) is ErrorCode.REBALANCE_IN_PROGRESS
        bench.advance(5_000)
    assert bench.replies[token].generation_id == 2
    assert set(bench.group().members) == {slow}
    assert bench.heartbeat(quick, 1) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_static_member_that_does_not_join_again_stays_until_its_session_ends(bench: Any) -> None:
    leader, static = bench.stable(2, instances=[None, "inst"], session_timeout_ms=1_800_000)
    token = bench.join(member_id=leader)
    bench.advance(60_000)
    assert bench.replies[token].generation_id == 2
    assert static in bench.group().members


def test_if_nobody_joins_again_the_phase_goes_on(bench: Any) -> None:
    (static,) = bench.stable(1, instances=["inst"], session_timeout_ms=200_000)
    _, newcomer = bench.new_member()
    (dynamic,) = set(bench.group().members) - {static}
    bench.leave(LeavingMember(member_id=dynamic))
    assert bench.group().state is GroupState.PREPARING_REBALANCE
    assert bench.replies[newcomer].error is ErrorCode.UNKNOWN_MEMBER_ID
    bench.advance(60_000)
    assert bench.group().state is GroupState.PREPARING_REBALANCE
    token = bench.join(member_id=static, instance_id="inst")
    assert bench.replies[token].generation_id == 2


def test_another_member_leads_when_the_leader_does_not_come_back(bench: Any) -> None:
    leader, follower = bench.stable(2, session_timeout_ms=1_800_000)
    bench.new_member()
    token = bench.join(member_id=follower)
    bench.advance(60_000)
    assert bench.replies[token].leader == bench.group().leader != leader
    assert bench.group().leader in bench.group().members


def test_a_newcomer_that_waits_too_long_is_let_go(bench: Any) -> None:
    (leader,) = bench.stable(1, rebalance_timeout_ms=1_000_000, session_timeout_ms=1_800_000)
    member_id, token = bench.new_member()
    bench.advance(NEW_MEMBER_JOIN_TIMEOUT_MS)
    assert bench.replies[token].error is ErrorCode.UNKNOWN_MEMBER_ID
    assert member_id not in bench.group().members
    assert leader in bench.group().members


def test_a_known_member_that_waits_needs_no_heartbeats(bench: Any) -> None:
    leader, follower = bench.stable(2, session_timeout_ms=10_000)
    token = bench.join(member_id=leader)
    for _ in range(5):
        bench.advance(8_000)
        bench.heartbeat(follower, 1)
    assert token not in bench.replies
    bench.join(member_id=follower)
    assert bench.replies[token].generation_id == 2


def test_a_join_that_is_sent_again_takes_the_place_of_the_first(bench: Any) -> None:
    leader, _ = bench.stable(2)
    first = bench.join(member_id=leader)
    second = bench.join(member_id=leader)
    assert bench.replies[first].error is ErrorCode.REBALANCE_IN_PROGRESS
    assert second not in bench.replies
    assert bench.group().awaiting_join == 1


# -- the protocol ------------------------------------------------------------------------------------------------------


def test_the_protocol_with_most_votes_is_chosen(bench: Any) -> None:
    for names in ("ab", "ba", "ba"):
        bench.new_member(protocols=tuple((name, b"") for name in names))
    bench.advance(4 * DELAY_MS)
    assert bench.group().protocol == "b"


def test_a_vote_goes_to_what_all_support(bench: Any) -> None:
    for names in ("ab", "ab", "b"):
        bench.new_member(protocols=tuple((name, b"") for name in names))
    bench.advance(4 * DELAY_MS)
    assert bench.group().protocol == "b"


def test_each_member_is_told_of_with_the_metadata_for_the_chosen_protocol(bench: Any) -> None:
    _, token = bench.new_member(protocols=(("a", b"1a"), ("b", b"1b")))
    bench.new_member(protocols=(("b", b"2b"),))
    bench.advance(3 * DELAY_MS)
    assert [member.metadata for member in bench.replies[token].members] == [b"1b", b"2b"]


# -- the size ----------------------------------------------------------------------------------------------------------


def test_a_full_group_takes_nobody(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(GroupConfig(max_size=2))
    bench.stable(2)
    assert bench.replies[bench.join()].error is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert bench.group().state is GroupState.STABLE


def test_while_members_join_those_that_wait_count(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(GroupConfig(max_size=2))
    ids = [bench.replies[bench.join()].member_id for _ in range(3)]
    tokens = [bench.join(member_id=member_id) for member_id in ids]
    assert bench.replies[tokens[2]].error is ErrorCode.GROUP_MAX_SIZE_REACHED
    bench.advance(4 * DELAY_MS)
    assert [bench.replies[token].error for token in tokens[:2]] == [ErrorCode.NONE] * 2


def test_a_lowered_limit_shrinks_the_group_at_its_next_rebalance(bench: Any) -> None:
    members = bench.stable(4)
    bench.config = GroupConfig(max_size=2)
    tokens = [bench.join(member_id=member_id) for member_id in members]
    errors = [bench.replies[token].error for token in tokens]
    assert errors == [ErrorCode.NONE] * 2 + [ErrorCode.GROUP_MAX_SIZE_REACHED] * 2
    assert list(bench.group().members) == members[:2]
