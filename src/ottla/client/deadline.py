"""Time that is left for a call, and trying again until it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .errors import ClientError, TimedOut

T = TypeVar("T")


class Deadline:
    """A moment on the event loop's clock, with the time that there was for people."""

    __slots__ = ("_at", "total_ms")

    def __init__(self, total_ms: float) -> None:
        self.total_ms = total_ms
        self._at = asyncio.get_running_loop().time() + total_ms / 1000

    @property
    def left_s(self) -> float:
        """Seconds until then, 0 when it is over."""
        return max(0.0, self._at - asyncio.get_running_loop().time())

    @property
    def left_ms(self) -> int:
        """Milliseconds until then, at least 1, for a request that says how long the broker may take."""
        return max(1, int(self.left_s * 1000))

    @property
    def over(self) -> bool:
        """Whether it is past."""
        return self.left_s <= 0


class Backoff:
    """Pauses between attempts: each twice as long as the one before up to a limit, a fifth up or down by chance."""

    __slots__ = ("_first_s", "_limit_s", "_next_s")

    def __init__(self, first_s: float, limit_s: float) -> None:
        self._first_s = self._next_s = first_s
        self._limit_s = max(first_s, limit_s)

    def next_s(self) -> float:
        """Return the next pause."""
        import random  # only where something went wrong: a start-up does without

        pause = self._next_s
        self._next_s = min(self._limit_s, pause * 2)
        return pause * random.uniform(0.8, 1.2)

    def reset(self) -> None:
        """Begin again with the first."""
        self._next_s = self._first_s


async def retry(attempt: Callable[[], Awaitable[T]], deadline: Deadline, backoff: Backoff) -> T:
    """Call ``attempt`` until it returns, raises what is not retriable, or the time is over.

    When the time is over TimedOut names the last error; a retriable error that comes with no time left is that too.
    """
    last: ClientError | None = None
    while True:
        try:
            async with asyncio.timeout(deadline.left_s):
                return await attempt()
        except TimeoutError as error:
            raise _timed_out(deadline, last) from (last or error)
        except ClientError as error:
            if not error.retriable:
                raise
            last = error
            pause_s = backoff.next_s()
            if pause_s >= deadline.left_s:
                raise _timed_out(deadline, last) from error
        await asyncio.sleep(pause_s)


def _timed_out(deadline: Deadline, last: ClientError | None) -> TimedOut:
    if last is None:
        return TimedOut(f"no answer within {deadline.total_ms:.0f} ms")
    return TimedOut(f"gave up after {deadline.total_ms:.0f} ms: {last}")
