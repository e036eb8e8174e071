"""Group commit, ``flush.messages`` and ``flush.ms``, and what a refused fsync means (issue 3, 3.5)."""

import asyncio
import threading

import pytest
from tests.log.logs import Bench, read_all

from ottla.log.config import LogConfig
from ottla.model.errors import StorageError
from ottla.runtime.tasks import Tasks


class SlowDisk:
    """Holds every fsync of a record file until it is told to go on."""

    def __init__(self, bench: Bench) -> None:
        self.begun = asyncio.Event()
        self.go_on = threading.Event()
        self.loop = asyncio.get_running_loop()
        self.count = 0
        self._check = bench.memory.check
        bench.memory.check = self.check  # type: ignore[method-assign]  # a disk for this test

    def check(self, action: str, path: str, *, grow: int = 0) -> None:
        if action == "fsync" and path.endswith(".log"):
            self.count += 1
            self.loop.call_soon_threadsafe(self.begun.set)
            assert self.go_on.wait(10)
        self._check(action, path, grow=grow)


async def test_one_fsync_serves_everybody_who_came_before_it() -> None:
    bench = Bench()
    bench.context.tasks = tasks = Tasks()
    disk = SlowDisk(bench)
    bench.append()
    first = asyncio.ensure_future(bench.log.flush_through(1))
    await disk.begun.wait()
    waiting = []
    for _ in range(20):  # all of these come while the first is under way: the next one is theirs
        end = bench.append().last_offset + 1
        waiting.append(asyncio.ensure_future(bench.log.flush_through(end)))
    await asyncio.sleep(0)
    disk.go_on.set()
    await first
    assert disk.count >= 1
    await asyncio.gather(*waiting)
    assert disk.count == len(bench.log.segments) + 1
    assert bench.log.recovery_point == 21
    assert bench.context.flush_seconds.count == 2, "flushes are timed, not those who wait for them"
    await tasks.close()


async def test_a_waiter_who_gives_up_does_not_stop_the_others() -> None:
    bench = Bench()
    bench.context.tasks = tasks = Tasks()
    disk = SlowDisk(bench)
    bench.append()
    one = asyncio.ensure_future(bench.log.flush_through(1))
    other = asyncio.ensure_future(bench.log.flush_through(1))
    await disk.begun.wait()
    one.cancel()
    disk.go_on.set()
    await other
    assert bench.log.recovery_point == 1
    await tasks.close()


async def test_what_is_flushed_survives_a_crash() -> None:
    bench = Bench()
    for mark in range(30):
        bench.append(2, mark=mark)
    records = read_all(bench.log)
    await bench.log.flush_through(31)
    bench.append(2, mark=99)
    bench.crash(recovery_point=0)
    assert read_all(bench.log)[:60] == records


async def test_a_refused_fsync_is_never_retried_into_silence() -> None:
    bench = Bench()
    told = []
    bench.context.on_failure = lambda log, error: told.append(error)
    for mark in range(3):
        bench.append(mark=mark)
    records = read_all(bench.log)
    bench.memory.fail("fsync", match=".log")
    waiting = [asyncio.ensure_future(bench.log.flush_through(offset)) for offset in (1, 2, 3)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, StorageError) for outcome in outcomes)
    assert bench.log.recovery_point == 0
    assert len(told) == 1
    with pytest.raises(StorageError):
        await bench.log.flush_through(1)
    with pytest.raises(StorageError):
        bench.append()
    with pytest.raises(StorageError):
        bench.log.close()
    assert read_all(bench.log) == records


def test_flush_messages_says_when_a_flush_is_due() -> None:
    bench = Bench(LogConfig(flush_messages=3))
    due = []
    for count in (2, 1):
        bench.append(count)
        due.append(bench.log.flush_due)
    bench.log.flush()
    due.append(bench.log.flush_due)
    bench.append(5)
    due.append(bench.log.flush_due)
    assert due == [False, True, False, True]


def test_flush_ms_says_when_a_flush_is_due() -> None:
    bench = Bench(LogConfig(flush_ms=100))
    bench.clock.advance(500)
    now_ms = bench.clock.now_ms()
    assert not bench.log.flush_ms_due(now_ms), "there is nothing to flush"
    bench.append()
    assert bench.log.flush_ms_due(now_ms)
    bench.log.flush()
    bench.append()
    assert not bench.log.flush_ms_due(now_ms + 99)
    assert bench.log.flush_ms_due(now_ms + 100)


async def test_a_rolled_segment_goes_to_the_disk_in_the_background() -> None:
    bench = Bench()
    bench.context.tasks = tasks = Tasks()
    while len(bench.log.segments) < 3:
        bench.append(producer_id=1, producer_epoch=0, base_sequence=bench.log.log_end_offset)
    last = bench.log.segments.active.base_offset
    await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name().startswith("flush ")])
    assert bench.log.recovery_point >= last
    await tasks.close()
    ends = bench.log.log_end_offset
    bench.memory.crash()
    sizes = bench.files.scan_dir(bench.directory)
    assert len([name for name, size in sizes.items() if name.endswith(".snapshot") and size > 10]) == 2
    assert len([name for name, size in sizes.items() if name.endswith(".index") and size]) == 2
    log = bench.open(clean=False, recovery_point=last)
    assert last <= log.log_end_offset <= ends


async def test_flushing_a_part_is_flushing_no_more() -> None:
    bench = Bench()
    for mark in range(40):
        bench.append(mark=mark)
    bench.log.flush(bench.log.segments[1].base_offset)
    assert bench.log.recovery_point == bench.log.segments[1].base_offset
    await bench.log.flush_through(1)
    assert bench.log.recovery_point == bench.log.segments[1].base_offset


def test_names_are_durable_before_the_records_they_lead_to() -> None:
    bench = Bench()
    bench.append()
    order: list[str] = []
    check = bench.memory.check

    def noting(action: str, path: str, *, grow: int = 0) -> None:
        if action.startswith("fsync"):
            order.append(f"{action} {path.rpartition('/')[2]}")
        check(action, path, grow=grow)

    bench.memory.check = noting  # type: ignore[method-assign]  # a disk that takes notes
    bench.log.flush()
    assert order[-1].endswith(".log")
    assert {"fsync partition.metadata", "fsync_dir orders-3", "fsync_dir data"} <= set(order[:-1])
    order.clear()
    bench.append()
    bench.log.flush()
    assert order == ["fsync 00000000000000000000.log"], "the group commit of every day is one fsync"


async def test_a_truncation_while_a_flush_is_under_way_is_not_overtaken() -> None:
    bench = Bench(LogConfig())
    bench.context.tasks = tasks = Tasks()
    disk = SlowDisk(bench)
    for mark in range(5):
        bench.append(mark=mark)
    flushing = asyncio.ensure_future(bench.log.flush_through(5))
    await disk.begun.wait()
    bench.log.truncate_to(2)
    bench.append(mark=9)
    disk.go_on.set()
    await flushing
    assert bench.log.recovery_point <= 3
    await bench.log.flush_through(3)
    assert bench.log.recovery_point == 3
    await tasks.close()
