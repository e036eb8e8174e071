"""Time as an argument: the system's clock and its simulated twin.

Wall time (``now_ms``) stamps records and decides retention; monotonic time (``monotonic_ms``) measures waits and must
never be written anywhere. Timers belong to the clock as well, so that a test moves time and fires them by hand.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that has not been made yet."""

    def cancel(self) -> None:
        """Do not make the call; harmless when it was made already."""


class Clock(Protocol):
    """What the node knows of time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""

    def monotonic_ms(self) -> float:
        """Milliseconds that never go back, from an arbitrary start."""

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` on the event loop in ``delay_ms`` milliseconds."""


class SystemClock:
    """The machine's clocks and the running event loop's timers."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Milliseconds of ``time.monotonic``."""
        return time.monotonic() * 1000.0

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Schedule ``callback`` on the running event loop."""
        return asyncio.get_running_loop().call_later(delay_ms / 1000.0, callback)


class ManualTimer:
    """A timer of :class:`ManualClock`."""

    __slots__ = ("callback", "cancelled", "deadline_ms")

    def __init__(self, deadline_ms: float, callback: Callable[[], None]) -> None:
        self.deadline_ms = deadline_ms
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        """Do not make the call."""
        self.cancelled = True


class ManualClock:
    """A clock that moves only when a test says so."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = now_ms
        self._elapsed_ms = 0.0
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._order = itertools.count()

    def now_ms(self) -> int:
        """Milliseconds since the epoch, as the test has set them."""
        return self._start_ms + int(self._elapsed_ms)

    def monotonic_ms(self) -> float:
        """Milliseconds since the clock was made."""
        return self._elapsed_ms

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> ManualTimer:
        """Remember ``callback`` until :meth:`advance` passes its time."""
        timer = ManualTimer(self._elapsed_ms + delay_ms, callback)
        heapq.heappush(self._timers, (timer.deadline_ms, next(self._order), timer))
        return timer

    def advance(self, delta_ms: float) -> None:
        """Move time on, firing what comes due in order and at its own time."""
        target_ms = self._elapsed_ms + delta_ms
        while self._timers and self._timers[0][0] <= target_ms:
            deadline_ms, _, timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            self._elapsed_ms = max(self._elapsed_ms, deadline_ms)
            timer.callback()
        self._elapsed_ms = target_ms
