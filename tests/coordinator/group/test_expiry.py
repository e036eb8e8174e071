"""What goes by itself: every rule of reference 6.1 on expiry, and the offsets of deleted topics."""

from collections.abc import Callable
from typing import Any

import pytest

from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.expiry import decide_expiry, decide_topics_deleted
from ottla.coordinator.group.records import CommittedOffset, OffsetCommitted
from ottla.coordinator.group.requests import LeavingMember, OffsetToCommit
from ottla.model.ids import ZERO_UUID

RETENTION_MS = GroupConfig().offsets_retention_ms
ID, OTHER_ID = bytes(15) + b"\x05", bytes(15) + b"\x06"


@pytest.fixture
def bench(make_bench: Callable[..., Any]) -> Any:
    # Sessions must outlive retention here.
    return make_bench(GroupConfig(max_session_timeout_ms=3 * RETENTION_MS))


def has(bench: Any, topic: str = "t", partition: int = 0) -> bool:
    return bench.groups.offsets.get("g", topic, partition) is not None


def test_a_simple_groups_offsets_go_by_their_commit(bench: Any) -> None:
    bench.commit(OffsetToCommit("t", 0, 1))
    bench.advance(1000)
    bench.commit(OffsetToCommit("t", 1, 1))
    bench.advance(RETENTION_MS - 1001)
    bench.expire()
    assert has(bench)
    bench.advance(1)
    bench.expire()
    assert not has(bench)
    assert has(bench, partition=1)
    bench.advance(1000)
    bench.expire()
    assert "g" not in bench.groups.by_id


def test_an_empty_groups_offsets_go_by_when_it_became_empty(bench: Any) -> None:
    (member,) = bench.stable(1, session_timeout_ms=3 * RETENTION_MS)
    bench.commit(OffsetToCommit("t", 0, 1), member_id=member, generation_id=1)
    bench.advance(RETENTION_MS)
    bench.leave(LeavingMember(member_id=member))
    bench.advance(RETENTION_MS - 1)
    bench.expire()
    assert has(bench)
    bench.advance(1)
    bench.expire()
    assert not has(bench)
    assert not bench.groups.by_id


def test_where_the_log_does_not_say_when_the_group_became_empty_the_commit_counts(bench: Any) -> None:
    (member,) = bench.stable(1, session_timeout_ms=3 * RETENTION_MS)
    bench.commit(OffsetToCommit("t", 0, 1), member_id=member, generation_id=1)
    bench.advance(RETENTION_MS)
    bench.leave(LeavingMember(member_id=member))
    group = bench.group().copy()
    group.state_since_ms = None
    decision = decide_expiry(group, bench.groups.offsets, now_ms=bench.now_ms, config=bench.config)
    assert len(decision.records) == 2


def test_a_stable_group_of_consumers_loses_offsets_of_topics_it_has_left(bench: Any) -> None:
    (member,) = bench.stable(1, session_timeout_ms=3 * RETENTION_MS)
    for topic in ("t", "left"):
        bench.commit(OffsetToCommit(topic, 0, 1), member_id=member, generation_id=1)
    bench.advance(RETENTION_MS)
    bench.expire()
    assert has(bench, "t")
    assert not has(bench, "left")
    assert "g" in bench.groups.by_id


@pytest.mark.parametrize(
    "fields",
    [{"protocol_type": "connect"}, {"protocols": (("range", b"not readable"),)}],
    ids=["no consumers", "unreadable"],
)
def test_a_group_whose_subscription_is_not_known_keeps_its_offsets(bench: Any, fields: dict[str, Any]) -> None:
    (member,) = bench.stable(1, session_timeout_ms=3 * RETENTION_MS, **fields)
    bench.commit(OffsetToCommit("t", 0, 1), member_id=member, generation_id=1)
    bench.advance(RETENTION_MS)
    bench.expire()
    assert has(bench)


def test_a_group_that_rebalances_keeps_its_offsets(bench: Any) -> None:
    (member,) = bench.stable(1, session_timeout_ms=3 * RETENTION_MS, rebalance_timeout_ms=2**31 - 1)
    bench.commit(OffsetToCommit("left", 0, 1), member_id=member, generation_id=1)
    bench.join(session_timeout_ms=3 * RETENTION_MS)
    bench.join(member_id=member, session_timeout_ms=3 * RETENTION_MS, rebalance_timeout_ms=2**31 - 1)
    bench.advance(RETENTION_MS)
    bench.expire()
    assert has(bench, "left")


def test_an_expiry_of_its_own_counts_whatever_the_retention(bench: Any) -> None:
    bench.commit(OffsetToCommit("t", 0, 1), retention_ms=5_000)
    bench.commit(OffsetToCommit("t", 1, 1), retention_ms=2 * RETENTION_MS)
    bench.advance(4_999)
    bench.expire()
    assert has(bench)
    bench.advance(1)
    bench.expire()
    assert not has(bench)
    bench.advance(RETENTION_MS)
    bench.expire()
    assert has(bench, partition=1)


def test_an_offset_of_an_open_transaction_stays_and_so_does_its_group(bench: Any) -> None:
    bench.commit(OffsetToCommit("t", 0, 1), OffsetToCommit("t", 1, 1))
    pending = OffsetCommitted(
        group_id="g", topic="t", partition=0, committed=CommittedOffset(offset=2, commit_timestamp_ms=0)
    )
    bench.groups.replay(pending, 9)
    decision = decide_expiry(
        bench.group(), bench.groups.offsets, now_ms=bench.now_ms + RETENTION_MS, config=bench.config
    )
    assert [(record.topic, record.partition) for record in decision.records] == [("t", 1)]  # type: ignore[union-attr]  # tombstones


def test_an_empty_group_without_offsets_goes_unless_a_member_is_on_its_way(bench: Any) -> None:
    bench.join()
    bench.expire()
    assert "g" in bench.groups.by_id
    bench.advance(10_000)
    bench.expire()
    assert "g" not in bench.groups.by_id
    assert bench.log[-1][1] is None


def test_a_group_with_members_stays(bench: Any) -> None:
    bench.stable(1, session_timeout_ms=3 * RETENTION_MS)
    bench.advance(RETENTION_MS)
    bench.expire()
    assert "g" in bench.groups.by_id


def test_not_all_goes_at_once(bench: Any) -> None:
    bench.commit(*(OffsetToCommit("t", partition, 1) for partition in range(10)))
    bench.advance(RETENTION_MS)
    sizes = []
    while "g" in bench.groups.by_id:
        decision = bench.decide(
            lambda: decide_expiry(
                bench.group(), bench.groups.offsets, now_ms=bench.now_ms, config=bench.config, limit=4
            )
        )
        sizes.append(len(decision.records))
    assert sizes == [4, 4, 3]


# -- deleted topics ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("committed_id", "deleted_id", "gone"),
    [(ZERO_UUID, ID, True), (ID, ID, True), (ID, OTHER_ID, False), (ID, ZERO_UUID, True)],
)
def test_the_offsets_of_a_deleted_topic_go(bench: Any, committed_id: bytes, deleted_id: bytes, gone: bool) -> None:
    bench.commit(OffsetToCommit("t", 0, 1, topic_id=committed_id), OffsetToCommit("u", 0, 1))
    bench.decide(lambda: decide_topics_deleted(bench.groups.offsets, "g", [("t", deleted_id)]))
    assert has(bench, "t") is not gone
    assert has(bench, "u")


def test_the_pending_offsets_of_a_deleted_topic_go_as_well(bench: Any) -> None:
    bench.commit(OffsetToCommit("u", 0, 1))
    pending = OffsetCommitted(
        group_id="g", topic="t", partition=3, committed=CommittedOffset(offset=2, commit_timestamp_ms=0)
    )
    bench.groups.replay(pending, 9)
    decision = decide_topics_deleted(bench.groups.offsets, "g", [("t", ID)])
    assert [(record.topic, record.partition) for record in decision.records] == [("t", 3)]  # type: ignore[union-attr]  # tombstones
