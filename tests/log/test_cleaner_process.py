"""The worker process: started for a job, told of limits, ended in the middle of a job without harm."""

import asyncio
import os
from pathlib import Path

import pytest
from tests.log.cleaning import Segments, batch

from ottla.log import names
from ottla.log.cleaner import wire
from ottla.log.cleaner.failures import WorkerError
from ottla.log.cleaner.job import CleanedGroup
from ottla.log.cleaner.process import ProcessRunner
from ottla.log.cleaner.retention import LastRecord
from ottla.model.errors import CorruptData
from ottla.runtime.files import RealFiles


def listing(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def segments_in(path: Path) -> Segments:
    first = [batch(0, (b"a", b"1"), (b"b", b"1")), batch(2, (b"a", b"2"))]
    return Segments([first, [batch(10, (b"c", b"1"))], [batch(20, (b"d", b"1"))]], RealFiles(), str(path))


def test_jobs_and_answers_survive_the_wire(tmp_path: Path) -> None:
    job = segments_in(tmp_path).job(last_records={5: LastRecord(None, 1), 6: LastRecord(7, 2)})
    line = wire.encode("job", wire.job_content(job))
    assert line.count(b"\n") == 1
    kind, content = wire.decode(line)
    assert kind == "job"
    assert wire.job_from(content) == job


async def test_a_job_runs_in_another_process_and_the_next_one_in_the_same(tmp_path: Path) -> None:
    segments = segments_in(tmp_path)
    runner = ProcessRunner(1e12)
    groups: list[CleanedGroup] = []

    async def swap(group: CleanedGroup) -> None:
        groups.append(group)
        segments.swap(group)

    try:
        stats = await runner.run(segments.job(), swap)
        first_pid = runner.pid
        assert first_pid is not None
        assert first_pid != os.getpid()
        assert stats.end_offset == 20
        assert [group.source_base_offsets for group in groups] == [[0, 10]]
        assert segments.entries() == [(1, b"b", b"1"), (2, b"a", b"2"), (10, b"c", b"1"), (20, b"d", b"1")]
        await runner.run(segments.job(), swap)
        assert runner.pid == first_pid
    finally:
        await runner.close()
    assert runner.pid is None


async def test_what_is_wrong_with_a_log_is_told_and_the_log_left_as_it_was(tmp_path: Path) -> None:
    segments = segments_in(tmp_path)
    path = tmp_path / names.segment_file(10, names.LOG)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    before = listing(tmp_path)
    runner = ProcessRunner(1e12)

    async def never(group: CleanedGroup) -> None:
        raise AssertionError(group)

    try:
        with pytest.raises(CorruptData, match="CRC"):
            await runner.run(segments.job(), never)
        assert listing(tmp_path) == before
        path.unlink()
        with pytest.raises(FileNotFoundError):
            await runner.run(segments.job(), never)
    finally:
        await runner.close()


async def test_a_cancelled_job_ends_with_its_process(tmp_path: Path) -> None:
    segments = segments_in(tmp_path)
    runner = ProcessRunner(1.0)  # a byte a second: it will not get far

    async def never(group: CleanedGroup) -> None:
        raise AssertionError(group)

    await runner.start()
    pid = runner.pid
    assert pid is not None
    running = asyncio.create_task(runner.run(segments.job(), never))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert runner.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert segments.entries()[0] == (0, b"a", b"1")


async def test_a_worker_whose_broker_is_gone_ends_in_the_middle_of_a_job(tmp_path: Path) -> None:
    segments = segments_in(tmp_path)
    runner = ProcessRunner(1.0)
    process = await runner.start()
    assert process.stdin is not None
    process.stdin.write(wire.encode("job", wire.job_content(segments.job())))
    await process.stdin.drain()
    process.stdin.close()
    assert await process.wait() == 0
    await runner.close()


async def test_a_worker_that_dies_is_told_of_and_replaced(tmp_path: Path) -> None:
    segments = segments_in(tmp_path)
    runner = ProcessRunner(1.0)

    async def swap(group: CleanedGroup) -> None:
        segments.swap(group)

    try:
        process = await runner.start()
        running = asyncio.create_task(runner.run(segments.job(), swap))
        await asyncio.sleep(0)
        process.kill()
        with pytest.raises(WorkerError):
            await running
        runner.limit(1e12)
        assert (await runner.run(segments.job(), swap)).end_offset == 20
    finally:
        await runner.close()


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="only POSIX has niceness")
async def test_a_worker_is_nicer_than_the_broker(tmp_path: Path) -> None:
    segments = segments_in(tmp_path)
    runner = ProcessRunner(1e12)

    async def swap(group: CleanedGroup) -> None:
        segments.swap(group)

    try:
        await runner.run(segments.job(), swap)
        assert runner.pid is not None
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, runner.pid) == min(19, own + 10)
    finally:
        await runner.close()


async def test_a_higher_limit_lets_a_slow_job_go_on(tmp_path: Path) -> None:
    segments = segments_in(tmp_path)
    runner = ProcessRunner(1.0)

    async def swap(group: CleanedGroup) -> None:
        segments.swap(group)

    try:
        await runner.start()
        running = asyncio.create_task(runner.run(segments.job(), swap))
        await asyncio.sleep(0)
        runner.limit(1e12)
        stats = await running
        assert stats.end_offset == 20
    finally:
        await runner.close()
