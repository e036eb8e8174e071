"""Work beside the event loop: background tasks that never die in silence, and threads for what would block it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)


async def in_turns(items: Iterable[T], *, per_turn: int = 500) -> AsyncIterator[T]:
    """Yield the items, and let the event loop turn after every ``per_turn`` of them."""
    for number, item in enumerate(items, 1):
        yield item
        if number % per_turn == 0:
            await asyncio.sleep(0)


class Tasks:
    """The background tasks and the worker threads of one node.

    ``spawn`` keeps a reference to every task and reports the exception that ends one; ``in_thread`` runs a blocking
    call (fsync, unlink, SQLite) on one of ``threads`` threads; ``compute`` runs what needs the processor for long on
    one thread of its own: more of them would only compete with the event loop for the interpreter. ``close`` cancels
    the tasks and waits for the threads; what comes after it is refused with RuntimeError, as an executor does.
    """

    def __init__(self, *, threads: int = 4, on_crash: Callable[[str, BaseException], None] | None = None) -> None:
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self._computer: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_crash = on_crash
        self._closed = False

    def spawn(self, coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Run ``coroutine`` until it ends or the node closes."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            logger.error("background task %s failed: %r", task.get_name(), error, exc_info=error)
            if self._on_crash is not None:
                self._on_crash(task.get_name(), error)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call in a worker thread and return what it returns."""
        self._check_open()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="ottla")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))

    async def compute(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a long computation in the thread for them, after those that came before, and return what it returns."""
        self._check_open()
        if self._computer is None:
            self._computer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ottla-compute")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._computer, lambda: function(*args, **kwargs))

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the tasks of the node are closed")

    async def close(self) -> None:
        """Cancel every task, wait for the threads, and leave nothing behind."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._closed = True
        executors, self._executor, self._computer = (self._executor, self._computer), None, None
        for executor in executors:
            if executor is not None:
                await asyncio.to_thread(executor.shutdown, wait=True)
