"""OffsetCommit, OffsetFetch, OffsetDelete and the offsets of open transactions (reference 6.1)."""

from typing import Any

import pytest

from ottla.coordinator.group.classic import GroupState
from ottla.coordinator.group.commit import fetch_all_offsets, fetch_offsets
from ottla.coordinator.group.offsets import Offsets
from ottla.coordinator.group.records import CommittedOffset, OffsetCommitted
from ottla.coordinator.group.requests import FetchedOffset, LeavingMember, OffsetToCommit
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID

ID, OTHER_ID = bytes(15) + b"\x05", bytes(15) + b"\x06"


def fetch(
    bench: Any, topic: str = "t", partition: int = 0, topic_id: bytes = ZERO_UUID, **fields: Any
) -> FetchedOffset:
    stable = fields.pop("require_stable", False)
    asked = [(topic, topic_id, [partition])]
    result = fetch_offsets(
        bench.groups.by_id, bench.groups.offsets, fields.pop("group_id", "g"), asked, require_stable=stable
    )
    ((_, (found,)),) = result.topics
    return found


def at(offset: int, commit_timestamp_ms: int = 0, **fields: Any) -> CommittedOffset:
    return CommittedOffset(offset=offset, commit_timestamp_ms=commit_timestamp_ms, **fields)


# -- commit ------------------------------------------------------------------------------------------------------------


def test_a_consumer_without_a_group_commits(bench: Any) -> None:
    assert bench.commit(OffsetToCommit("t", 0, 5, leader_epoch=3, metadata="m")).error is ErrorCode.NONE
    assert fetch(bench) == FetchedOffset(partition=0, offset=5, leader_epoch=3, metadata="m")
    assert bench.group().state is GroupState.EMPTY
    assert bench.group().is_simple


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"generation_id": 0, "member_id": "m"}, ErrorCode.GROUP_ID_NOT_FOUND),
        (
            {"generation_id": 0, "member_id": "m", "unknown_group_error": ErrorCode.ILLEGAL_GENERATION},
            ErrorCode.ILLEGAL_GENERATION,
        ),
        ({"generation_id": -1, "member_id": "m"}, ErrorCode.NONE),
        ({"generation_id": -1, "member_id": ""}, ErrorCode.NONE),
    ],
)
def test_commits_to_a_group_that_is_not_there(bench: Any, fields: dict[str, Any], error: ErrorCode) -> None:
    assert bench.commit(OffsetToCommit("t", 0, 5), **fields).error is error
    assert ("g" in bench.groups.by_id) is (error is ErrorCode.NONE)


@pytest.mark.parametrize(
    ("member", "generation_id", "instance", "error"),
    [
        (0, 1, None, ErrorCode.NONE),
        (1, 1, "i1", ErrorCode.NONE),
        (0, 0, None, ErrorCode.ILLEGAL_GENERATION),
        (0, 2, None, ErrorCode.ILLEGAL_GENERATION),
        (0, -1, None, ErrorCode.ILLEGAL_GENERATION),
        (None, 1, None, ErrorCode.UNKNOWN_MEMBER_ID),
        (None, -1, None, ErrorCode.UNKNOWN_MEMBER_ID),
        (None, -1, "i1", ErrorCode.FENCED_INSTANCE_ID),
        (0, 1, "i1", ErrorCode.FENCED_INSTANCE_ID),
        (0, 1, "nobody", ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_who_commits_to_a_group_with_members_is_checked(
    bench: Any, member: int | None, generation_id: int, instance: str | None, error: ErrorCode
) -> None:
    members = bench.stable(2, instances=[None, "i1"])
    member_id = "" if member is None else members[member]
    result = bench.commit(
        OffsetToCommit("t", 0, 5), member_id=member_id, generation_id=generation_id, instance_id=instance
    )
    assert result.error is error


def test_an_administrator_commits_to_an_empty_group(bench: Any) -> None:
    (member,) = bench.stable(1)
    bench.leave(LeavingMember(member_id=member))
    assert bench.commit(OffsetToCommit("t", 0, 5)).error is ErrorCode.NONE


@pytest.mark.parametrize(
    ("metadata", "fits"),
    [("x" * 4096, True), ("x" * 4097, False), ("\N{GRINNING FACE}" * 2048, True), ("\N{GRINNING FACE}" * 2049, False)],
)
def test_metadata_has_a_limit_in_utf_16_units(bench: Any, metadata: str, fits: bool) -> None:
    result = bench.commit(OffsetToCommit("t", 0, 5, metadata=metadata), OffsetToCommit("t", 1, 6))
    assert result.too_large == (frozenset() if fits else {("t", 0)})
    assert fetch(bench).offset == (5 if fits else -1)
    assert fetch(bench, partition=1).offset == 6


def test_a_retention_time_gives_an_expiry_and_costs_the_epoch(bench: Any) -> None:
    bench.commit(OffsetToCommit("t", 0, 5, leader_epoch=3), retention_ms=60_000)
    assert bench.groups.offsets.get("g", "t", 0) == at(5, bench.now_ms, expire_timestamp_ms=bench.now_ms + 60_000)


@pytest.mark.parametrize("retention_ms", [-(2**63), -2, 0, 2**63 - 1])
def test_no_retention_time_is_too_odd(bench: Any, retention_ms: int) -> None:
    assert bench.commit(OffsetToCommit("t", 0, 5), retention_ms=retention_ms).error is ErrorCode.NONE
    bench.advance(1)
    bench.expire()
    assert (fetch(bench).offset == 5) is (retention_ms > 0)


def test_the_commits_time_is_the_clients_if_it_gives_one(bench: Any) -> None:
    """OffsetCommit 1."""
    bench.commit(OffsetToCommit("t", 0, 5, commit_timestamp_ms=77))
    assert bench.groups.offsets.get("g", "t", 0) == at(5, 77)


def test_a_group_id_that_the_log_has_no_room_for_is_refused(bench: Any) -> None:
    assert bench.commit(OffsetToCommit("t", 0, 5), group_id="g" * 32_767).error is ErrorCode.NONE
    assert bench.commit(OffsetToCommit("t", 0, 5), group_id="g" * 32_768).error is ErrorCode.INVALID_GROUP_ID


def test_an_empty_commit_is_fine(bench: Any) -> None:
    assert bench.commit().error is ErrorCode.NONE
    assert not bench.log


# -- fetch -------------------------------------------------------------------------------------------------------------


def test_what_was_never_committed_is_minus_one(bench: Any) -> None:
    nothing = FetchedOffset(partition=0, offset=-1, leader_epoch=-1, metadata="", error=ErrorCode.NONE)
    assert fetch(bench) == nothing
    bench.commit(OffsetToCommit("t", 1, 5))
    assert fetch(bench) == nothing
    assert fetch(bench, topic="other") == nothing


def test_all_that_was_committed(bench: Any) -> None:
    bench.commit(OffsetToCommit("t", 0, 5), OffsetToCommit("u", 3, 6))
    bench.commit(OffsetToCommit("t", 0, 7), group_id="other")
    result = fetch_all_offsets(bench.groups.by_id, bench.groups.offsets, "g", require_stable=True)
    assert [(name, [(found.partition, found.offset) for found in parts]) for name, parts in result.topics] == [
        ("t", [(0, 5)]),
        ("u", [(3, 6)]),
    ]
    nobody = fetch_all_offsets(bench.groups.by_id, bench.groups.offsets, "nobody", require_stable=False)
    assert nobody.topics == ()


@pytest.mark.parametrize(
    ("committed_id", "asked_id", "offset"),
    [(ID, ID, 5), (ID, OTHER_ID, -1), (ZERO_UUID, ID, 5), (ID, ZERO_UUID, 5)],
)
def test_an_offset_of_a_former_topic_of_that_name_does_not_count(
    bench: Any, committed_id: bytes, asked_id: bytes, offset: int
) -> None:
    bench.commit(OffsetToCommit("t", 0, 5, topic_id=committed_id))
    assert fetch(bench, topic_id=asked_id).offset == offset


# -- delete ------------------------------------------------------------------------------------------------------------


def test_offsets_of_topics_in_use_stay(bench: Any) -> None:
    (member,) = bench.stable(1)
    assert bench.group().subscribed == {"t"}
    for topic in ("t", "u"):
        bench.commit(OffsetToCommit(topic, 0, 5), member_id=member, generation_id=1)
    result = bench.delete_offsets(("t", [0]), ("u", [0, 0, 1]))
    assert (result.error, result.subscribed) == (ErrorCode.NONE, {"t"})
    assert fetch(bench, "t").offset == 5
    assert fetch(bench, "u").offset == -1


def test_offsets_of_a_group_that_is_no_consumers_stay_while_it_has_members(bench: Any) -> None:
    bench.stable(1, protocol_type="connect")
    assert bench.delete_offsets(("t", [0])).error is ErrorCode.NON_EMPTY_GROUP
    assert bench.delete_offsets(("t", [0]), group_id="nobody").error is ErrorCode.GROUP_ID_NOT_FOUND


def test_offsets_of_an_empty_group_go(bench: Any) -> None:
    bench.commit(OffsetToCommit("t", 0, 5))
    assert bench.delete_offsets(("t", [0])).error is ErrorCode.NONE
    assert fetch(bench).offset == -1


@pytest.mark.parametrize("group_id", ["g", "nobody"])
def test_a_group_is_deleted_with_its_offsets(bench: Any, group_id: str) -> None:
    bench.commit(OffsetToCommit("t", 0, 5), OffsetToCommit("t", 1, 5))
    assert bench.delete_group(group_id) is (ErrorCode.NONE if group_id == "g" else ErrorCode.GROUP_ID_NOT_FOUND)
    assert ("g" in bench.groups.by_id) is (group_id != "g")
    assert fetch(bench).offset == (-1 if group_id == "g" else 5)


def test_a_group_with_members_is_not_deleted(bench: Any) -> None:
    bench.stable(1)
    assert bench.delete_group() is ErrorCode.NON_EMPTY_GROUP
    bench.new_member()
    assert bench.delete_group() is ErrorCode.NON_EMPTY_GROUP


def test_deleting_a_group_recalls_the_member_ids_it_handed_out(bench: Any) -> None:
    bench.join()
    assert bench.timers
    assert bench.delete_group() is ErrorCode.NONE
    assert not bench.timers


# -- transactions ------------------------------------------------------------------------------------------------------


def pend(bench: Any, offset: int, producer_id: int = 9, partition: int = 0) -> None:
    record = OffsetCommitted(group_id="g", topic="t", partition=partition, committed=at(offset))
    bench.groups.replay(record, producer_id)


def test_an_offset_of_an_open_transaction_does_not_count_yet(bench: Any) -> None:
    pend(bench, 5)
    assert fetch(bench).offset == -1
    assert fetch(bench, require_stable=True).error is ErrorCode.UNSTABLE_OFFSET_COMMIT
    assert fetch(bench, partition=1, require_stable=True).error is ErrorCode.NONE


@pytest.mark.parametrize(("commits", "offset"), [(True, 5), (False, -1)])
def test_the_end_of_the_transaction_decides(bench: Any, commits: bool, offset: int) -> None:
    pend(bench, 5)
    bench.groups.offsets.end_transaction(9, commits=commits)
    assert fetch(bench, require_stable=True) == FetchedOffset(partition=0, offset=offset)
    bench.groups.offsets.end_transaction(9, commits=True)
    assert fetch(bench).offset == offset


def test_the_later_commit_wins() -> None:
    offsets = Offsets()
    offsets.put("g", "t", 0, at(1))
    offsets.put("g", "t", 0, at(2), 9)
    offsets.put("g", "t", 1, at(3), 9)
    offsets.put("g", "t", 1, at(4))
    offsets.end_transaction(9, commits=True)
    assert (offsets.get("g", "t", 0), offsets.get("g", "t", 1)) == (at(2), at(4))


def test_of_two_transactions_the_later_commit_wins_whichever_ends_first() -> None:
    offsets = Offsets()
    offsets.put("g", "t", 0, at(1), 8)
    offsets.put("g", "t", 0, at(2), 9)
    offsets.end_transaction(9, commits=True)
    offsets.end_transaction(8, commits=True)
    assert offsets.get("g", "t", 0) == at(2)


def test_a_tombstone_takes_pending_offsets_along() -> None:
    offsets = Offsets()
    offsets.put("g", "t", 0, at(1), 9)
    offsets.remove("g", "t", 0)
    offsets.end_transaction(9, commits=True)
    assert offsets == Offsets()
    assert not offsets.pending_of("g")
