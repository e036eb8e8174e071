"""The cleaner over whole logs: what it picks, what it leaves alone, what it remembers, how it fails."""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.log.cleaner_node import COMPACTED, DIRECTORY, CleanerNode, contents

from ottla.log import names
from ottla.log.cleaner.config import CleanerConfig
from ottla.log.cleaner.failures import WorkerError
from ottla.log.cleaner.inline import InlineRunner
from ottla.log.cleaner.job import CleanedGroup, CleanJob, CleanStats
from ottla.log.log import Log
from ottla.model.ids import TopicPartition
from ottla.runtime.clock import ManualTimer

KEYS = [b"a", b"b", b"c"]


def checkpoint(node: CleanerNode) -> str:
    path = names.join(DIRECTORY, names.CLEANER_CHECKPOINT)
    return node.files.read_bytes(path).decode() if node.files.exists(path) else ""


def kept(log: Log) -> dict[bytes | None, bytes | None]:
    return {key: value for _, key, value in contents(log)}


async def test_a_dirty_log_is_compacted_once_and_the_checkpoint_says_how_far() -> None:
    node = CleanerNode()
    log = node.log()
    last = node.fill(log, KEYS)
    before = log.size_bytes
    assert await node.compact() == 1
    assert kept(log) == last
    assert log.size_bytes < before / 5
    active = log.segments.active.base_offset
    assert checkpoint(node) == f"0\n1\ntopic 0 {active}\n"
    assert node.cleaner.first_dirty_offset(log) == active
    assert await node.compact() == 0
    await node.close()


async def test_offsets_and_order_stay_and_every_old_offset_can_be_read_from() -> None:
    node = CleanerNode()
    log = node.log()
    node.fill(log, KEYS)
    original = contents(log)
    await node.compact()
    left = contents(log)
    assert [entry for entry in original if entry in left] == left
    for offset in range(log.log_end_offset):
        following = [entry[0] for entry in left if entry[0] >= offset]
        found = log.read(offset, 1 << 20)
        assert found.next_offset > offset
        assert not following or found.next_offset <= log.log_end_offset
    await node.close()


async def test_the_filthiest_log_comes_first() -> None:
    node = CleanerNode()
    order: list[str] = []

    class Watching(InlineRunner):
        async def run(self, job: CleanJob, on_group: Callable[[CleanedGroup], Awaitable[None]]) -> CleanStats:
            order.append(job.directory.rpartition("/")[2])
            return await super().run(job, on_group)

    node._runner = lambda one: Watching(one.files, one.clock)
    first, second = node.log("first"), node.log("second")
    node.fill(first, KEYS)
    node.fill(second, KEYS)
    await node.compact()
    node.fill(first, KEYS, 5)
    node.fill(second, KEYS, 30)
    order.clear()
    await node.compact()
    assert order == ["second-0", "first-0"]
    await node.close()


async def test_logs_that_are_only_deleted_are_none_of_its_business() -> None:
    node = CleanerNode()
    log = node.log(cleanup_policy=frozenset({"delete"}), retention_ms=1)
    node.fill(log, KEYS)
    node.clock.advance(10_000)
    before = contents(log)
    assert await node.compact() == 0
    assert contents(log) == before
    await node.close()


async def test_a_log_that_becomes_compacted_is_compacted_and_the_other_way_round() -> None:
    node = CleanerNode()
    log = node.log(cleanup_policy=frozenset({"delete"}))
    node.fill(log, KEYS)
    assert await node.compact() == 0
    log.update_config(COMPACTED)
    assert await node.compact() == 1
    node.fill(log, KEYS)
    log.update_config(replace(COMPACTED, cleanup_policy=frozenset({"delete"})))
    assert await node.compact() == 0
    await node.close()


async def test_too_little_dirt_waits_until_the_maximum_lag_has_passed() -> None:
    node = CleanerNode()
    log = node.log(min_cleanable_dirty_ratio=0.99)
    node.fill(log, KEYS)
    await node.compact()
    node.fill(log, KEYS, 3)
    assert await node.compact() == 0
    log.update_config(replace(log.config, max_compaction_lag_ms=60_000))
    assert await node.compact() == 0
    node.clock.advance(60_001)
    assert await node.compact() == 1
    await node.close()


async def test_what_is_younger_than_the_minimum_lag_is_left_alone() -> None:
    node = CleanerNode()
    log = node.log(min_compaction_lag_ms=60_000)
    node.fill(log, KEYS)
    assert await node.compact() == 0
    node.clock.advance(60_001)
    assert await node.compact() == 1
    await node.close()


async def test_nothing_above_the_high_watermark_is_touched() -> None:
    node = CleanerNode()
    log = node.log()
    node.fill(log, KEYS)
    log.high_watermark = log.segments[3].base_offset + 1
    await node.compact()
    assert node.cleaner.first_dirty_offset(log) == log.segments.floor(log.high_watermark).base_offset  # type: ignore[union-attr]
    assert [entry[0] for entry in contents(log)][-20:] == list(range(log.log_end_offset - 20, log.log_end_offset))
    await node.close()


async def test_nothing_of_an_open_transaction_and_nothing_behind_it_is_touched() -> None:
    node = CleanerNode()
    log = node.log()
    node.fill(log, KEYS, 10)
    fields = {"producer_id": 9, "producer_epoch": 0, "base_sequence": 0, "transactional": True}
    node.append(log, (b"a", b"undecided"), **fields)
    first = log.log_end_offset - 1
    node.fill(log, KEYS, 10)
    await node.compact()
    holder = log.segments.floor(first)
    assert holder is not None
    assert node.cleaner.first_dirty_offset(log) == holder.base_offset
    assert [entry[0] for entry in contents(log) if entry[0] >= first] == list(range(first, log.log_end_offset))
    await node.close()


async def test_what_comes_behind_a_truncation_is_dirty() -> None:
    node = CleanerNode()
    log = node.log()
    node.fill(log, KEYS)
    await node.compact()
    log.truncate_to(30)
    node.cleaner.log_truncated(log, 30)
    assert node.cleaner.first_dirty_offset(log) == 30
    last = node.fill(log, KEYS)
    assert await node.compact() == 1
    assert kept(log) == last
    await node.close()


async def test_compact_and_delete_together_also_delete() -> None:
    node = CleanerNode()
    log = node.log(cleanup_policy=frozenset({"compact", "delete"}), retention_ms=60_000)
    node.fill(log, KEYS)
    await node.compact()
    assert log.log_start_offset == 0
    node.clock.advance(60_001)
    node.append(log, (b"z", b"1"))
    log.roll()
    node.append(log, (b"z", b"2"))
    await node.compact()
    assert log.log_start_offset > 0
    assert kept(log) == {b"z": b"2"}
    await node.close()


async def test_the_checkpoint_of_a_topic_that_was_made_again_does_not_count() -> None:
    node = CleanerNode()
    node.fill(node.log(), KEYS)
    await node.compact()
    await node.logs.delete(TopicPartition("topic", 0))
    log = node.log()
    last = node.fill(log, KEYS, 40)
    assert await node.compact() == 1
    assert kept(log) == last
    await node.close()


@pytest.mark.parametrize("has_the_log", [True, False])
async def test_a_kill_after_a_deletion_leaves_no_progress_to_a_topic_of_that_name(has_the_log: bool) -> None:
    """The file still names the partition: it is written after each round, and with a kill there is none."""
    node = CleanerNode()
    node.fill(node.log(), KEYS)
    await node.compact()
    entry = checkpoint(node)
    if not has_the_log:
        await node.logs.delete(TopicPartition("topic", 0))
    node.logs.release()
    again = CleanerNode(node.files)
    if has_the_log:
        await again.logs.delete(TopicPartition("topic", 0))
    assert checkpoint(again) == entry
    log = again.log()
    assert checkpoint(again) == "0\n0\n", "from before there is a log that it could be about"
    assert again.cleaner.first_dirty_offset(log) is None, "of another id"
    last = again.fill(log, KEYS, 40)
    again.logs.release()

    third = CleanerNode(node.files)
    log = third.logs.logs[TopicPartition("topic", 0)]
    log.high_watermark = log.log_end_offset
    assert await third.compact() == 1
    assert kept(log) == last
    for one in (node, again, third):
        await one.tasks.close()


async def test_what_is_taken_out_of_the_checkpoint_leaves_the_others_in() -> None:
    node = CleanerNode()
    other = node.log("other")
    for log in (node.log(), other):
        node.fill(log, KEYS)
    await node.compact()
    await node.logs.delete(TopicPartition("topic", 0))
    node.log()
    assert checkpoint(node) == f"0\n1\nother 0 {other.segments.active.base_offset}\n"
    await node.close()


async def test_progress_survives_a_restart_and_a_damaged_checkpoint_costs_only_work() -> None:
    node = CleanerNode()
    log = node.log()
    last = node.fill(log, KEYS)
    await node.compact()
    await node.cleaner.close()
    await node.logs.close()
    await node.tasks.close()

    again = CleanerNode(node.files)
    assert await again.compact() == 0
    assert kept(again.logs.logs[TopicPartition("topic", 0)]) == last
    await again.cleaner.close()
    await again.logs.close()
    await again.tasks.close()

    node.files.write_bytes(names.join(DIRECTORY, names.CLEANER_CHECKPOINT), b"rubbish")
    third = CleanerNode(node.files)
    assert await third.compact() == 1
    assert kept(third.logs.logs[TopicPartition("topic", 0)]) == last
    await third.close()


# -- what goes wrong


async def test_a_log_with_an_error_is_given_up_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    node = CleanerNode()
    bad, good = node.log("bad"), node.log("good")
    node.fill(bad, KEYS, 40)
    last = node.fill(good, KEYS)
    file = node.files.open(names.segment_path(bad.directory, 0, names.LOG))
    file.pwrite(b"?", 70)
    with caplog.at_level(logging.ERROR):
        assert await node.compact() == 0
        assert await node.compact() == 1
        assert await node.compact() == 0
    assert node.cleaner.uncleanable == {bad}
    assert kept(good) == last
    assert [record.getMessage()[:3] for record in caplog.records] == ["bad"]
    assert bad.failure is None
    await node.close()


async def test_a_full_disk_leaves_the_log_as_it_is_and_is_tried_again() -> None:
    node = CleanerNode()
    log = node.log()
    last = node.fill(log, KEYS)
    before = contents(log)
    node.files.fail("write", match=names.CLEANED, error=errno.ENOSPC)
    assert await node.compact() == 0
    assert contents(log) == before
    assert not [name for name in node.files.list_dir(log.directory) if names.CLEANED in name]
    assert await node.compact() == 1
    assert kept(log) == last
    await node.close()


async def test_a_worker_that_dies_is_forgiven_once() -> None:
    class Dying(InlineRunner):
        async def run(self, job: CleanJob, on_group: Callable[[CleanedGroup], Awaitable[None]]) -> CleanStats:
            raise WorkerError("gone")

    node = CleanerNode(runner=lambda one: Dying(one.files, one.clock))
    log = node.log()
    node.fill(log, KEYS)
    assert await node.compact() == 0
    assert node.cleaner.uncleanable == set()
    assert await node.compact() == 0
    assert node.cleaner.uncleanable == {log}
    await node.close()


class Gated(InlineRunner):
    """Does the job, and waits before it tells of its segments."""

    def __init__(self, node: CleanerNode) -> None:
        super().__init__(node.files, node.clock)
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()

    async def run(self, job: CleanJob, on_group: Callable[[CleanedGroup], Awaitable[None]]) -> CleanStats:
        async def swap(group: CleanedGroup) -> None:
            self.reached.set()
            await self.gate.wait()
            await on_group(group)

        return await super().run(job, swap)


async def gated() -> tuple[CleanerNode, Log, Gated, "asyncio.Task[bool]"]:
    node = CleanerNode()
    log = node.log()
    node.fill(log, KEYS)
    runner = Gated(node)
    turn = asyncio.create_task(node.cleaner.turn(runner))
    await runner.reached.wait()
    return node, log, runner, turn


async def test_a_log_that_is_truncated_meanwhile_is_left_as_it_is() -> None:
    node, log, runner, turn = await gated()
    log.truncate_to(20)
    before = contents(log)
    runner.gate.set()
    assert not await turn
    assert contents(log) == before
    assert node.cleaner.uncleanable == set()
    assert node.cleaner.figures.rounds_aborted == 1
    assert not [name for name in node.files.list_dir(log.directory) if name.endswith((names.CLEANED, names.SWAP))]
    await node.close()


async def test_a_log_that_is_deleted_meanwhile_is_let_go() -> None:
    node, log, runner, turn = await gated()
    await node.logs.delete(log.topic_partition)
    node.cleaner.log_deleted(log)
    runner.gate.set()
    assert not await turn
    assert node.cleaner.uncleanable == set()
    await node.close()


async def test_a_log_that_is_no_longer_compacted_meanwhile_is_left_as_it_is() -> None:
    node, log, runner, turn = await gated()
    before = contents(log)
    log.update_config(replace(log.config, cleanup_policy=frozenset({"delete"})))
    runner.gate.set()
    assert not await turn
    assert contents(log) == before
    await node.close()


async def test_abort_returns_when_nothing_goes_on_any_more() -> None:
    node, log, _, turn = await gated()
    before = contents(log)
    await node.cleaner.abort(log)
    assert not await turn
    assert contents(log) == before
    assert await node.compact() == 1
    await node.close()


async def test_records_that_come_meanwhile_are_there_afterwards() -> None:
    node, log, runner, turn = await gated()
    last = node.fill(log, [b"a", b"new"], 10)
    runner.gate.set()
    assert await turn
    assert kept(log)[b"a"] == last[b"a"]
    assert kept(log)[b"new"] == last[b"new"]
    await node.close()


async def test_closing_drops_the_round_and_leaves_the_log_whole() -> None:
    node = CleanerNode()
    log = node.log()
    node.fill(log, KEYS)
    before = contents(log)
    runner = Gated(node)
    node._runner = lambda _: runner
    node.cleaner.start()
    await runner.reached.wait()
    await node.cleaner.close()
    assert contents(log) == before
    assert not [name for name in node.files.list_dir(log.directory) if name.endswith((names.CLEANED, names.SWAP))]
    await node.close()


# -- producers


async def test_an_idempotent_producer_goes_on_after_its_records_were_compacted() -> None:
    node = CleanerNode()
    log = node.log()
    for sequence in range(5):
        node.append(log, (b"a", b"x" * 40), producer_id=7, producer_epoch=0, base_sequence=sequence)
    node.fill(log, KEYS)
    await node.compact()
    await node.logs.close()
    for name in node.files.list_dir(log.directory):
        if name.endswith(names.SNAPSHOT):
            node.files.remove(names.join(log.directory, name))
    node.files.remove(names.join(DIRECTORY, names.CLEAN_SHUTDOWN))
    node.files.remove(names.join(DIRECTORY, names.RECOVERY_POINT_CHECKPOINT))

    again = CleanerNode(node.files)
    log = again.logs.logs[TopicPartition("topic", 0)]
    assert log.producers.producers[7].last_sequence == 4
    again.append(log, (b"a", b"6"), producer_id=7, producer_epoch=0, base_sequence=5)
    await again.close()
    await node.close()


async def test_snapshots_of_segments_that_are_gone_are_gone() -> None:
    node = CleanerNode()
    log = node.log()
    for sequence in range(40):
        node.append(log, (b"a", b"x" * 40), producer_id=7, producer_epoch=0, base_sequence=sequence)
    await node.compact()
    snapshots = {names.offset_of(name) for name in node.files.list_dir(log.directory) if name.endswith(names.SNAPSHOT)}
    assert snapshots <= set(log.segments.base_offsets())
    assert set(log.producers.snapshots) == snapshots
    await node.close()


# -- settings


def test_settings_have_kafkas_names_and_defaults() -> None:
    assert CleanerConfig.from_settings({}) == CleanerConfig()
    config = CleanerConfig.from_settings(
        {
            "log.cleaner.threads": 4,
            "log.cleaner.dedupe.buffer.size": 400,
            "log.cleaner.io.buffer.size": 80,
            "log.cleaner.io.max.bytes.per.second": 100.0,
            "log.cleaner.io.buffer.load.factor": 0.5,
            "log.cleaner.backoff.ms": 3,
            "log.cleaner.enable": False,
        }
    )
    assert (config.map_bytes, config.buffer_bytes, config.worker_bytes_per_second) == (100, 10, 25.0)
    assert (config.io_buffer_load_factor, config.backoff_ms, config.enable) == (0.5, 3, False)


async def test_new_settings_take_effect_while_it_runs() -> None:
    node = CleanerNode()
    limits: list[float] = []

    class Limited(InlineRunner):
        def limit(self, max_bytes_per_second: float) -> None:
            limits.append(max_bytes_per_second)

    node._runner = lambda one: Limited(one.files, one.clock)
    node.cleaner.start()
    await asyncio.sleep(0)
    await node.cleaner.update_config(CleanerConfig(threads=2, io_max_bytes_per_second=1000.0))
    assert limits == [500.0]
    assert len(node.cleaner._loops) == 2
    await node.cleaner.update_config(CleanerConfig(threads=1))
    assert len(node.cleaner._loops) == 1
    await node.close()


async def test_a_worker_with_nothing_to_do_is_ended() -> None:
    node = CleanerNode(config=CleanerConfig(backoff_ms=30_000))
    ended = asyncio.Event()
    looked = asyncio.Event()

    class Ending(InlineRunner):
        async def close(self) -> None:
            ended.set()

    node._runner = lambda one: Ending(one.files, one.clock)
    call_later = node.clock.call_later

    def pausing(delay_ms: float, callback: Callable[[], None]) -> ManualTimer:
        looked.set()
        return call_later(delay_ms, callback)

    node.clock.call_later = pausing  # type: ignore[method-assign]
    node.cleaner.start()
    for expected in (False, False, True):
        await looked.wait()
        looked.clear()
        assert ended.is_set() is expected
        node.clock.advance(30_000)
    await node.close()


async def test_nothing_runs_if_compaction_is_switched_off() -> None:
    node = CleanerNode(config=CleanerConfig(enable=False))
    node.cleaner.start()
    assert node.cleaner._loops == []
    await node.close()


async def test_the_loop_compacts_waits_and_compacts_again() -> None:
    node = CleanerNode()
    log = node.log()
    done = asyncio.Event()

    class Telling(InlineRunner):
        async def run(self, job: CleanJob, on_group: Callable[[CleanedGroup], Awaitable[None]]) -> CleanStats:
            stats = await super().run(job, on_group)
            done.set()
            return stats

    node._runner = lambda one: Telling(one.files, one.clock)
    node.fill(log, KEYS)
    node.cleaner.start()
    await done.wait()
    done.clear()
    last = node.fill(log, KEYS)
    node.cleaner.wake()
    await done.wait()
    await node.cleaner.close()
    assert kept(log) == last
    await node.close()
