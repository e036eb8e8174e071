"""The coordinator on its ports: loading, coalescing, holding answers back, failing appends, time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ottla.coordinator.group import records
from ottla.coordinator.group.config import GroupConfig
from ottla.coordinator.group.driver import GroupCoordinator
from ottla.coordinator.group.placement import partition_of
from ottla.coordinator.group.ports import JournalBatch
from ottla.coordinator.group.requests import (
    CommitRequest,
    JoinRequest,
    LeavingMember,
    OffsetToCommit,
    SyncRequest,
)
from ottla.coordinator.group.shard import coordinator_error
from ottla.coordinator.group.simulated import MemoryJournal
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.model.ids import ZERO_UUID
from ottla.runtime.clock import ManualClock
from ottla.runtime.tasks import Tasks

PARTITIONS = 4
HOME = partition_of("g", PARTITIONS)
NEIGHBOUR = next(name for name in map(str, range(100)) if partition_of(name, PARTITIONS) == HOME)


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


class Rig:
    """A coordinator whose time and journal are the test's."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.clock = ManualClock()
        self.tasks = Tasks()
        self.count = 0
        self.partitions = PARTITIONS
        self.coordinator = self.boot()

    def boot(self, config: GroupConfig | None = None) -> GroupCoordinator:
        self.coordinator = GroupCoordinator(
            journal=self.journal,
            clock=self.clock,
            tasks=self.tasks,
            partition_count=lambda: self.partitions,
            fresh_id=self.fresh_id,
            config=config,
        )
        return self.coordinator

    def fresh_id(self) -> str:
        self.count += 1
        return str(self.count)

    def ask(self, call: Callable[..., None], *args: Any, **kwargs: Any) -> list[Any]:
        """Return the list in which the answer appears."""
        answers: list[Any] = []
        name = "answer"
        call(*args, **kwargs, **{name: answers.append})
        return answers

    def join(self, member_id: str = "", instance_id: str | None = None, group_id: str = "g") -> list[Any]:
        request = JoinRequest(
            group_id=group_id,
            member_id=member_id,
            instance_id=instance_id,
            protocol_type="consumer",
            protocols=(("range", b""),),
            session_timeout_ms=10_000,
            rebalance_timeout_ms=60_000,
            client_id="c",
            client_host="/h",
            fresh_id=self.fresh_id(),
        )
        return self.ask(self.coordinator.join, request)

    def sync(self, member_id: str, generation_id: int, *assignments: tuple[str, bytes]) -> list[Any]:
        request = SyncRequest(group_id="g", member_id=member_id, generation_id=generation_id, assignments=assignments)
        return self.ask(self.coordinator.sync, request)

    def commit(self, offset: int = 1, group_id: str = "g", partition: int = 0, metadata: str = "") -> list[Any]:
        offsets = [OffsetToCommit("t", partition, offset, metadata=metadata)]
        return self.ask(self.coordinator.commit_offsets, CommitRequest(group_id=group_id, offsets=offsets))

    def fetch(self, group_id: str = "g", *, require_stable: bool = False) -> list[Any]:
        return self.ask(self.coordinator.fetch_offsets, group_id, None, require_stable=require_stable)

    async def fetched(self, group_id: str = "g") -> dict[int, int]:
        answers = self.fetch(group_id)
        await settle()
        assert answers[0].error is ErrorCode.NONE
        return {found.partition: found.offset for _, partitions in answers[0].topics for found in partitions}

    async def stable(self) -> str:
        """Bring up a group of one static member."""
        joined = self.join(instance_id="inst")
        await settle()
        self.clock.advance(3_000)
        await settle()
        member_id: str = joined[0].member_id
        synced = self.sync(member_id, 1, (member_id, b"assigned"))
        await settle()
        assert synced[0].error is ErrorCode.NONE
        return member_id


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    for partition in range(PARTITIONS):
        rig.coordinator.elected(partition)
    yield rig
    rig.coordinator.close()
    await rig.tasks.close()


# -- where a group is --------------------------------------------------------------------------------------------------


async def test_without_the_topic_nobody_coordinates(rig: Rig) -> None:
    rig.partitions = 0
    assert rig.commit()[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.coordinator.partition_for("g") is None


async def test_a_partition_that_is_led_elsewhere_is_not_coordinated(rig: Rig) -> None:
    parked = rig.join(instance_id="inst")
    await settle()
    rig.coordinator.resigned(HOME)
    assert parked[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.join()[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.sync("m", 1)[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.coordinator.heartbeat("g", 1, "m", None) is ErrorCode.NOT_COORDINATOR
    assert rig.ask(rig.coordinator.leave, "g", [])[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.commit()[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.fetch()[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.ask(rig.coordinator.delete_offsets, "g", [])[0].error is ErrorCode.NOT_COORDINATOR
    assert rig.ask(rig.coordinator.delete_groups, ["g"])[0] == [("g", ErrorCode.NOT_COORDINATOR)]
    assert rig.ask(rig.coordinator.describe_groups, ["g"])[0][0].error is ErrorCode.NOT_COORDINATOR
    assert rig.coordinator.partition_for("g") == HOME
    # No timer is left that could wake it up again.
    rig.clock.advance(1_000_000)


async def test_a_partition_with_nothing_to_load_answers_at_once(rig: Rig) -> None:
    assert not rig.coordinator.is_loading
    assert await rig.fetched() == {}


@pytest.mark.parametrize("call", ["join", "sync", "heartbeat", "leave", "delete_offsets"], ids=lambda name: name)
async def test_a_group_without_a_name_is_refused(rig: Rig, call: str) -> None:
    match call:
        case "join":
            error = rig.join(group_id="")[0].error
        case "sync":
            request = SyncRequest(group_id="", member_id="m", generation_id=1)
            error = rig.ask(rig.coordinator.sync, request)[0].error
        case "heartbeat":
            error = rig.coordinator.heartbeat("", 1, "m", None)
        case "leave":
            error = rig.ask(rig.coordinator.leave, "", [])[0].error
        case _:
            error = rig.ask(rig.coordinator.delete_offsets, "", [])[0].error
    assert error is ErrorCode.INVALID_GROUP_ID


async def test_offsets_of_a_group_without_a_name_are_kept_as_ever(rig: Rig) -> None:
    committed = rig.commit(7, group_id="")
    await settle()
    assert committed[0].error is ErrorCode.NONE
    assert await rig.fetched("") == {0: 7}


# -- writing -----------------------------------------------------------------------------------------------------------


async def test_commits_of_one_turn_share_one_batch(rig: Rig) -> None:
    answers = [rig.commit(n, partition=n) for n in range(100)]
    assert not any(answers)
    await settle()
    assert all(answer[0].error is ErrorCode.NONE for answer in answers)
    assert [len(batch.records) for batch in rig.journal.partitions[HOME]] == [100]


async def test_commits_during_an_append_share_the_next_one(rig: Rig) -> None:
    gate = asyncio.Event()
    rig.journal.gate = gate.wait  # type: ignore[assignment]  # what it returns does not matter
    rig.commit(0)
    await settle()
    late = [rig.commit(n) for n in range(10)]
    gate.set()
    await settle()
    assert [len(batch.records) for batch in rig.journal.partitions[HOME]] == [1, 10]
    assert all(late)


async def test_batches_stay_below_the_limit(rig: Rig) -> None:
    rig.journal = MemoryJournal(max_batch_bytes=1_000)
    rig.boot().elected(HOME)
    answers = [rig.commit(n, partition=n, metadata="x" * 100) for n in range(30)]
    await settle()
    assert all(answer[0].error is ErrorCode.NONE for answer in answers)
    sizes = [len(batch.records) for batch in rig.journal.partitions[HOME]]
    assert sum(sizes) == 30
    assert max(sizes) < 6


async def test_no_answer_shows_what_is_not_committed(rig: Rig) -> None:
    await rig.stable()
    gate = asyncio.Event()
    rig.journal.gate = gate.wait  # type: ignore[assignment]  # what it returns does not matter
    joined = rig.join(instance_id="inst")
    fetched, described = rig.fetch(), rig.ask(rig.coordinator.describe_groups, ["g"])
    listed = rig.ask(rig.coordinator.list_groups, [], [])
    await settle()
    assert [joined, fetched, described, listed] == [[]] * 4
    gate.set()
    await settle()
    assert joined[0].error is ErrorCode.NONE
    assert described[0][0].members[0].member_id == joined[0].member_id
    assert [group.group_id for group in listed[0].groups] == ["g"]


async def test_a_generation_is_told_once_it_is_committed(rig: Rig) -> None:
    joined = rig.join(instance_id="inst")
    await settle()
    rig.clock.advance(3_000)
    gate = asyncio.Event()
    rig.journal.gate = gate.wait  # type: ignore[assignment]  # what it returns does not matter
    synced = rig.sync(joined[0].member_id, 1)
    await settle()
    assert not synced
    # A heartbeat tells nothing that could be lost, so it need not wait.
    assert rig.coordinator.heartbeat("g", 1, joined[0].member_id, None) is ErrorCode.NONE
    gate.set()
    await settle()
    assert synced[0].error is ErrorCode.NONE


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ApiError(ErrorCode.NOT_ENOUGH_REPLICAS), ErrorCode.COORDINATOR_NOT_AVAILABLE),
        (ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER), ErrorCode.NOT_COORDINATOR),
        (StorageError("no space left"), ErrorCode.NOT_COORDINATOR),
    ],
)
async def test_after_a_failed_append_the_log_is_asked_again(rig: Rig, failure: Exception, told: ErrorCode) -> None:
    rig.commit(1)
    await settle()

    async def fail() -> None:
        raise failure

    rig.journal.gate = fail
    first, second, parked = rig.commit(2), rig.commit(3, group_id=NEIGHBOUR), rig.join()
    await settle()
    assert [answers[0].error for answers in (first, second, parked)] == [told] * 3
    rig.journal.gate = None
    await settle()
    assert await rig.fetched() == {0: 1}
    again = rig.commit(4)
    await settle()
    assert again[0].error is ErrorCode.NONE
    assert await rig.fetched() == {0: 4}


async def test_a_failed_append_leaves_nobody_parked(rig: Rig) -> None:
    joined = rig.join(instance_id="inst")
    await settle()
    assert not joined

    async def fail() -> None:
        raise StorageError("no space left")

    rig.journal.gate = fail
    rig.commit(1, group_id=NEIGHBOUR)
    await settle()
    assert joined[0].error is ErrorCode.NOT_COORDINATOR


async def test_an_append_that_takes_too_long_is_said_to(rig: Rig) -> None:
    gate = asyncio.Event()
    rig.journal.gate = gate.wait  # type: ignore[assignment]  # what it returns does not matter
    committed = rig.commit(5)
    await settle()
    rig.clock.advance(5_000)
    assert committed[0].error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    gate.set()
    assert await rig.fetched() == {0: 5}
    assert len(committed) == 1


async def test_a_record_that_does_not_fit_is_refused_and_nothing_else_suffers(rig: Rig) -> None:
    rig.journal = MemoryJournal(max_batch_bytes=2_000)
    rig.boot().elected(HOME)
    refused, fine = rig.commit(1, metadata="x" * 3_000), rig.commit(2, partition=1)
    await settle()
    assert refused[0].error is ErrorCode.UNKNOWN_SERVER_ERROR
    assert fine[0].error is ErrorCode.NONE
    assert await rig.fetched() == {1: 2}


async def test_a_generation_that_does_not_fit_starts_over(rig: Rig) -> None:
    rig.journal = MemoryJournal(max_batch_bytes=2_000)
    rig.boot().elected(HOME)
    joined = [rig.join(instance_id="i0"), rig.join(instance_id="i1")]
    await settle()
    rig.clock.advance(9_000)
    await settle()
    leader, follower = (answers[0].member_id for answers in joined)
    parked = rig.sync(follower, 1)
    synced = rig.sync(leader, 1, (leader, b"x" * 3_000))
    await settle()
    assert (parked[0].error, synced[0].error) == (ErrorCode.UNKNOWN_SERVER_ERROR,) * 2
    assert rig.coordinator.heartbeat("g", 1, leader, None) is ErrorCode.REBALANCE_IN_PROGRESS


def test_what_clients_are_told_of_a_refused_record() -> None:
    assert coordinator_error(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert coordinator_error(ErrorCode.REQUEST_TIMED_OUT) is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert coordinator_error(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND) is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert coordinator_error(ErrorCode.NETWORK_EXCEPTION) is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    assert coordinator_error(ErrorCode.RECORD_LIST_TOO_LARGE) is ErrorCode.UNKNOWN_SERVER_ERROR
    assert coordinator_error(ErrorCode.INVALID_GROUP_ID) is ErrorCode.INVALID_GROUP_ID


# -- loading -----------------------------------------------------------------------------------------------------------


async def test_after_a_restart_everything_is_as_it_was(rig: Rig) -> None:
    member_id = await rig.stable()
    rig.commit(7, group_id="simple")
    request = CommitRequest(
        group_id="g", generation_id=1, member_id=member_id, offsets=[OffsetToCommit("t", 0, 5, metadata="m")]
    )
    rig.ask(rig.coordinator.commit_offsets, request)
    await settle()
    described = rig.ask(rig.coordinator.describe_groups, ["g", "simple", "nobody"])
    rig.boot()
    for partition in range(PARTITIONS):
        rig.coordinator.elected(partition)
        rig.coordinator.elected(partition)
    await settle()
    assert rig.ask(rig.coordinator.describe_groups, ["g", "simple", "nobody"]) == described
    assert await rig.fetched() == {0: 5}
    assert await rig.fetched("simple") == {0: 7}
    assert rig.coordinator.heartbeat("g", 1, member_id, "inst") is ErrorCode.NONE
    found = {
        group.group_id: (group.state.value, offsets["t"][0].offset)
        for group, offsets in rig.coordinator.groups_and_offsets()
    }
    assert found == {"g": ("Stable", 5), "simple": ("Empty", 7)}
    # Its members have a whole session to report, and no longer.
    rig.clock.advance(10_000)
    await settle()
    assert rig.coordinator.heartbeat("g", 1, member_id, "inst") is ErrorCode.UNKNOWN_MEMBER_ID


async def test_while_it_loads_it_says_so(rig: Rig) -> None:
    rig.commit(5)
    await settle()
    loaded = asyncio.Event()
    rig.journal.before_load = loaded.wait  # type: ignore[assignment]  # what it returns does not matter
    rig.boot().elected(HOME)
    await settle()
    assert rig.coordinator.is_loading
    loading = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    assert rig.commit()[0].error is loading
    assert rig.fetch()[0].error is loading
    assert rig.join()[0].error is loading
    assert rig.ask(rig.coordinator.list_groups, [], [])[0].error is loading
    # A heartbeat is let through: nobody shall lose its session to a load.
    assert rig.coordinator.heartbeat("g", 1, "m", None) is ErrorCode.NONE
    loaded.set()
    await settle()
    assert await rig.fetched() == {0: 5}


async def test_what_is_not_known_stays_in_the_log(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Groups of other protocols in a folder that Kafka wrote: the records are skipped, not lost."""
    strange = [(b"\0\3\0\1g", b"\0\0\0\0\0\5\0"), (b"\0\5\0\1g\0\1m", None), (b"\0\x63", b"?"), (b"\0\3\0\1h", b"")]
    batch = JournalBatch([*strange, (b"\0\2\0", b"cut short"), (b"", b"empty")], base_offset=0)
    rig.journal.partitions[HOME] = [batch]
    with caplog.at_level(logging.WARNING):
        rig.boot().elected(HOME)
        await settle()
    assert await rig.fetched() == {}
    rig.commit(5)
    await settle()
    assert rig.journal.records(HOME)[:4] == strange
    said = [record.getMessage() for record in caplog.records]
    assert sum("which this node does not serve" in line for line in said) == 3
    assert sum("cannot be read" in line for line in said) == 2


async def test_transactions_in_the_log_count_when_they_are_committed(rig: Rig) -> None:
    def commit(offset: int, partition: int) -> tuple[bytes, bytes | None]:
        committed = records.CommittedOffset(offset=offset, commit_timestamp_ms=0)
        return records.encode(
            records.OffsetCommitted(group_id="g", topic="t", partition=partition, committed=committed)
        )

    rig.journal.partitions[HOME] = [
        JournalBatch([commit(1, 0), commit(1, 1)], producer_id=9),
        JournalBatch([commit(2, 2)], producer_id=8),
        JournalBatch([commit(3, 3)], producer_id=7),
        JournalBatch([], producer_id=9, commits=True),
        JournalBatch([], producer_id=8, commits=False),
    ]
    rig.boot().elected(HOME)
    await settle()
    assert await rig.fetched() == {0: 1, 1: 1}
    asked = [("t", ZERO_UUID, [0, 2, 3])]
    answers = rig.ask(rig.coordinator.fetch_offsets, "g", asked, require_stable=True)
    assert [found.error for found in answers[0].topics[0][1]] == [
        ErrorCode.NONE,
        ErrorCode.NONE,
        ErrorCode.UNSTABLE_OFFSET_COMMIT,
    ]


async def test_a_log_that_cannot_be_read_is_not_coordinated(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise StorageError("bad disk")

    rig.commit(5)
    await settle()
    rig.journal.before_load = fail
    with caplog.at_level(logging.ERROR):
        rig.boot().elected(HOME)
        await settle()
    assert rig.commit()[0].error is ErrorCode.NOT_COORDINATOR
    assert "bad disk" in caplog.text


async def test_a_load_that_is_overtaken_ends(rig: Rig) -> None:
    rig.commit(5)
    await settle()
    rig.journal.before_load = asyncio.Event().wait  # type: ignore[assignment]  # what it returns does not matter
    rig.boot().elected(HOME)
    await settle()
    rig.coordinator.resigned(HOME)
    await settle()
    assert rig.commit()[0].error is ErrorCode.NOT_COORDINATOR


# -- by itself ---------------------------------------------------------------------------------------------------------


async def test_expired_offsets_go_at_the_next_check(rig: Rig) -> None:
    config = GroupConfig(offsets_retention_ms=3_600_000)
    rig.boot(config).elected(HOME)
    rig.coordinator.start()
    rig.commit(5)
    await settle()
    for _ in range(5):
        rig.clock.advance(config.offsets_retention_check_interval_ms)
        await settle()
        assert await rig.fetched() == {0: 5}
    rig.clock.advance(config.offsets_retention_check_interval_ms)
    await settle()
    assert await rig.fetched() == {}
    assert rig.ask(rig.coordinator.list_groups, [], [])[0].groups == ()
    assert [value for _, value in rig.journal.records(HOME)[1:]] == [None, None]


async def test_offsets_of_a_deleted_topic_go(rig: Rig) -> None:
    rig.commit(5)
    await settle()
    rig.coordinator.topics_deleted([("t", bytes(15) + b"\1")])
    await settle()
    assert await rig.fetched() == {}


async def test_several_groups_are_described_and_deleted_in_the_order_asked_for(rig: Rig) -> None:
    for group_id in ("a", "b", "c", "d"):
        rig.commit(1, group_id=group_id)
    await settle()
    described = rig.ask(rig.coordinator.describe_groups, ["d", "a", "nobody"])[0]
    assert [group.group_id for group in described] == ["d", "a", "nobody"]
    deleted = rig.ask(rig.coordinator.delete_groups, ["b", "nobody", "a"])
    await settle()
    none, unknown = ErrorCode.NONE, ErrorCode.GROUP_ID_NOT_FOUND
    assert deleted[0] == [("b", none), ("nobody", unknown), ("a", none)]
    listed = rig.ask(rig.coordinator.list_groups, [], [])[0]
    assert {group.group_id for group in listed.groups} == {"c", "d"}
    assert rig.ask(rig.coordinator.delete_groups, []) == [[]]


async def test_offsets_are_deleted_and_members_leave(rig: Rig) -> None:
    member_id = await rig.stable()
    left = rig.ask(rig.coordinator.leave, "g", [LeavingMember(member_id=member_id)])
    rig.commit(5)
    deleted = rig.ask(rig.coordinator.delete_offsets, "g", [("t", [0])])
    await settle()
    assert left[0].members[0][1] is ErrorCode.NONE
    assert (deleted[0].error, deleted[0].subscribed) == (ErrorCode.NONE, frozenset())
    assert await rig.fetched() == {}


async def test_a_closed_coordinator_is_not_available(rig: Rig) -> None:
    parked = rig.join(instance_id="inst")
    await settle()
    rig.coordinator.close()
    assert parked[0].error is ErrorCode.NOT_COORDINATOR
    gone = ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert rig.commit()[0].error is gone
    assert rig.coordinator.heartbeat("g", 1, "m", None) is gone
    assert rig.ask(rig.coordinator.list_groups, [], [])[0].error is gone
    rig.coordinator.elected(HOME)
    assert rig.commit()[0].error is gone


async def test_a_fault_in_an_append_keeps_nobody_waiting(rig: Rig) -> None:
    faults: list[str] = []
    rig.tasks = Tasks(on_crash=lambda name, error: faults.append(str(error)))
    rig.boot().elected(HOME)

    async def fail() -> None:
        raise RuntimeError("a fault of ours")

    rig.journal.gate = fail
    committed = rig.commit(1)
    await settle()
    assert committed[0].error is ErrorCode.UNKNOWN_SERVER_ERROR
    assert faults == ["a fault of ours"]
    rig.journal.gate = None
    again = rig.commit(2)
    await settle()
    assert again[0].error is ErrorCode.NONE


async def test_an_answer_that_cannot_be_given_keeps_nobody_else_waiting(rig: Rig) -> None:
    faults: list[str] = []
    rig.tasks = Tasks(on_crash=lambda name, error: faults.append(str(error)))
    rig.boot().elected(HOME)

    def fail(result: Any) -> None:
        raise RuntimeError("cannot be encoded")

    rig.coordinator.commit_offsets(CommitRequest(group_id="g", offsets=[OffsetToCommit("t", 0, 1)]), fail)
    beside = rig.commit(2, partition=1)
    await asyncio.sleep(0)
    behind = rig.commit(3, partition=2)
    await settle()
    assert [answers[0].error for answers in (beside, behind)] == [ErrorCode.NONE] * 2
    assert faults == ["cannot be encoded"]


async def test_a_log_that_cannot_be_read_for_a_fault_of_ours_is_not_loading_for_ever(rig: Rig) -> None:
    rig.commit(1)
    await settle()
    rig.tasks = Tasks(on_crash=lambda name, error: None)

    async def fail() -> None:
        raise RuntimeError("a fault of ours")

    rig.journal.before_load = fail
    rig.boot().elected(HOME)
    await settle()
    assert not rig.coordinator.is_loading
    rig.journal.before_load = None
    rig.coordinator.elected(HOME)
    await settle()
    assert await rig.fetched() == {0: 1}


async def test_a_leader_that_resigns_during_an_append_answers_once(rig: Rig) -> None:
    gate = asyncio.Event()

    async def fail() -> None:
        await gate.wait()
        raise ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    rig.journal.gate = fail
    committed, parked = rig.commit(1), rig.join(instance_id="inst")
    await settle()
    rig.coordinator.resigned(HOME)
    gate.set()
    await settle()
    assert [answer.error for answer in (*committed, *parked)] == [ErrorCode.NOT_COORDINATOR] * 2


async def test_a_group_that_the_log_has_become_too_small_for_is_written_when_it_fits_again(rig: Rig) -> None:
    member_id = await rig.stable()
    enough, rig.journal.limit_bytes = rig.journal.limit_bytes, 100
    left = rig.ask(rig.coordinator.leave, "g", [LeavingMember(member_id=member_id)])
    assert left[0].error is ErrorCode.UNKNOWN_SERVER_ERROR
    rig.clock.advance(10_000)
    assert rig.coordinator.heartbeat("g", 1, member_id, "inst") is ErrorCode.NONE
    rig.journal.limit_bytes = enough
    rig.clock.advance(20_000)
    assert rig.coordinator.heartbeat("g", 1, member_id, "inst") is ErrorCode.UNKNOWN_MEMBER_ID


# -- what is counted ---------------------------------------------------------------------------------------------------


def begun(rig: Rig) -> dict[str, int]:
    return {reason.value: count for reason, count in rig.coordinator.figures.rebalances.items() if count}


async def test_rebalances_are_counted_with_what_set_them_off(rig: Rig) -> None:
    member_id = await rig.stable()
    assert begun(rig) == {"new_member": 1}
    assert rig.coordinator.figures.completed_rebalances == 1
    rig.join(member_id, instance_id="inst")
    await settle()
    assert begun(rig) == {"new_member": 1, "leader_rejoined": 1}
    rig.sync(member_id, 2, (member_id, b"assigned"))
    await settle()
    assert rig.coordinator.figures.completed_rebalances == 2
    leaving = [LeavingMember(member_id=member_id, instance_id="inst")]
    rig.ask(rig.coordinator.leave, "g", leaving)
    await settle()
    assert begun(rig) == {"new_member": 1, "leader_rejoined": 1, "member_left": 1}


async def test_a_session_that_runs_out_is_a_reason(rig: Rig) -> None:
    await rig.stable()
    rig.clock.advance(10_000)
    await settle()
    assert begun(rig) == {"new_member": 1, "session_expired": 1}
    assert rig.coordinator.figures.completed_rebalances == 1


async def test_a_follower_that_waits_for_its_assignment_outlives_its_leader(rig: Rig) -> None:
    """Both sessions run out at the same moment; a parked SyncGroup counts as a heartbeat, as in Kafka."""
    ids = [rig.join(), rig.join()]
    await settle()
    leader, follower = (rig.join(told[0].member_id) for told in ids)
    await settle()
    rig.clock.advance(3_000)
    await settle()
    rig.clock.advance(3_000)
    await settle()
    assert leader[0].leader == follower[0].leader == leader[0].member_id
    synced = rig.sync(follower[0].member_id, 1)
    rig.clock.advance(10_000)
    await settle()
    assert synced[0].error is ErrorCode.REBALANCE_IN_PROGRESS
    again = rig.join(follower[0].member_id)
    await settle()
    assert (again[0].error, again[0].generation_id) == (ErrorCode.NONE, 2)
    assert again[0].leader == follower[0].member_id


async def test_offsets_are_counted_that_were_committed_and_that_expired(rig: Rig) -> None:
    rig.commit(5)
    rig.commit(6, partition=1)
    rig.partitions = 0
    rig.commit(7)
    rig.partitions = PARTITIONS
    await settle()
    assert rig.coordinator.figures.offset_commits == 2
    rig.clock.advance(rig.coordinator.config.offsets_retention_ms + 1)
    await settle()
    await rig.coordinator.expire(HOME)
    assert rig.coordinator.figures.expired_offsets == 2
