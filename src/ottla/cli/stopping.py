"""Ctrl-C, SIGTERM and SIGHUP for commands that have something to bring to an end first."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from types import TracebackType

from .exits import INTERRUPTED


class StopSignals:
    """While in use, the first of these signals calls ``on_stop`` in the loop; a second one ends the process."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self._on_stop = on_stop
        self._loop = asyncio.get_running_loop()
        self._numbers = [signal.SIGINT, signal.SIGTERM]
        if sys.platform != "win32":
            self._numbers.append(signal.SIGHUP)  # the terminal was closed
        self.stopped = asyncio.Event()

    def __enter__(self) -> "StopSignals":
        for number in self._numbers:
            if sys.platform == "win32":
                signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(self._stop))
            else:
                self._loop.add_signal_handler(number, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._numbers:
            if sys.platform == "win32":
                signal.signal(number, signal.SIG_DFL)
            else:
                self._loop.remove_signal_handler(number)

    def _stop(self) -> None:
        if self.stopped.is_set():
            os._exit(INTERRUPTED)
        self.stopped.set()
        self._on_stop()
