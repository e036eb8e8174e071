"""An event loop in a thread of its own, so that a broker runs beside a test that blocks, awaits or does neither."""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """A thread with an event loop (uvloop or winloop where installed), from its making to :meth:`close`.

    It is a daemon, so that a test-suite that forgets a broker still ends.
    """

    def __init__(self, name: str) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._last: Coroutine[Any, Any, None] | None = None
        self._is_running = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._is_running.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:  # told to whoever waits; after that there is nobody to tell
            self._failure = error
            self._is_running.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._is_running.set()
        await self._stop.wait()
        if self._last is not None:
            await self._last

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run ``coroutine`` on the loop; any thread may wait for what is returned."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run ``coroutine`` on the loop and wait for what it returns; not from the loop itself."""
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C: what nobody waits for any more ends as well
            raise

    def close(self, last: "Coroutine[Any, Any, None] | None" = None) -> None:
        """Run ``last``, cancel what runs, end the loop and the thread. What ``last`` raises is raised here.

        From the loop's own thread, where a collector may have come upon a forgotten broker, it waits for nothing.
        """
        assert self._loop is not None
        assert self._stop is not None
        self._last = last
        try:
            self._loop.call_soon_threadsafe(self._stop.set)
        except RuntimeError:  # the loop has ended by itself
            if last is not None:
                last.close()
        if self._thread is threading.current_thread():
            return
        self._thread.join()
        if self._failure is not None:
            raise self._failure


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        if sys.platform == "win32":
            from winloop import new_event_loop
        else:
            from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = new_event_loop
    return factory
