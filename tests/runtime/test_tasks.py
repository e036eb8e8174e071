"""Background tasks that never die in silence, and threads for what blocks."""

import asyncio
import logging
import threading

import pytest

from ottla.runtime.tasks import Tasks


async def test_a_task_runs_and_returns() -> None:
    tasks = Tasks()

    async def work() -> int:
        return 5

    assert await tasks.spawn(work(), name="work") == 5
    await tasks.close()


async def test_a_crash_is_said_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    crashes: list[tuple[str, str]] = []
    tasks = Tasks(on_crash=lambda name, error: crashes.append((name, str(error))))

    async def fail() -> None:
        raise ValueError("boom")

    task = tasks.spawn(fail(), name="fragile")
    with caplog.at_level(logging.ERROR):
        await asyncio.wait([task])
        await asyncio.sleep(0)
    assert crashes == [("fragile", "boom")]
    assert "background task fragile failed" in caplog.text
    await tasks.close()


async def test_closing_cancels_what_runs_and_is_no_crash() -> None:
    crashes: list[str] = []
    tasks = Tasks(on_crash=lambda name, error: crashes.append(name))
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = tasks.spawn(forever(), name="forever")
    await asyncio.sleep(0)
    await tasks.close()
    assert ended.is_set()
    assert task.cancelled()
    assert crashes == []


async def test_blocking_calls_run_in_threads_of_ours() -> None:
    tasks = Tasks(threads=1)

    def blocking(left: int, *, right: int) -> tuple[int, str]:
        return left + right, threading.current_thread().name

    total, thread = await tasks.in_thread(blocking, 1, right=2)
    assert total == 3
    assert thread.startswith("ottla")
    await tasks.close()


async def test_an_error_in_a_thread_reaches_the_caller() -> None:
    tasks = Tasks()

    def fail() -> None:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        await tasks.in_thread(fail)
    await tasks.close()


async def test_closing_waits_for_threads_and_may_be_repeated() -> None:
    tasks = Tasks()
    started, go = threading.Event(), threading.Event()
    done: list[int] = []

    def slow() -> None:
        started.set()
        go.wait()
        done.append(1)

    waiting = asyncio.ensure_future(tasks.in_thread(slow))
    await asyncio.to_thread(started.wait)
    closing = asyncio.ensure_future(tasks.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go.set()
    await closing
    await waiting
    assert done == [1]
    await tasks.close()


async def test_after_the_end_nothing_gets_a_thread() -> None:
    """It would be one that nobody waits for any more."""
    tasks = Tasks()
    await tasks.close()
    with pytest.raises(RuntimeError, match="closed"):
        await tasks.in_thread(int)
    with pytest.raises(RuntimeError, match="closed"):
        await tasks.compute(int)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ottla")]
