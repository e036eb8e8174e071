"""Keeping the event loop awake for a moment while small requests follow one another quickly.

A loop with nothing to do sleeps in the kernel, and to be woken takes it some 20 microseconds, on a virtual machine
whose idle processor has to be woken too 50 to 150: longer than a small request takes. A client that waits for each
answer before it asks again pays this for every request. So after small requests the loop asks for new ones over and
over, without sleeping, for at most as long as :class:`BusyPoll` was told. As with the Linux kernel's halt polling,
what happened lately decides: while the requests come later than that, the loop sleeps at once.

Large requests and answers are left out. There the time goes into moving bytes, and whoever is on the other side needs
the processors for them.
"""

import asyncio
from time import perf_counter

SMALL_BYTES = 8192
"""What came in and went out in one turn of the loop, at most, for the next to be waited for awake."""

ENOUGH = 4
MOST = 8
LATE_COSTS = 3
"""Each request that came soon enough counts one, up to ``MOST``, each that came late is taken off for three; polling
takes ``ENOUGH``. So at least three of four requests must have been worth it."""

SLEEPERS_FACTOR = 2
"""While the loop sleeps, requests count as soon enough up to twice the limit: a part of that is the waking itself."""


class BusyPoll:
    """Decides after each turn of the loop whether to wait awake, for at most ``limit_us`` microseconds (0: never)."""

    __slots__ = ("_credit", "_idle_since", "_is_polling", "_limit_seconds", "_loop", "_until")

    def __init__(self, limit_us: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit_seconds = limit_us / 1e6
        self._credit = 0
        self._idle_since = 0.0
        self._until = 0.0
        self._is_polling = False

    @property
    def is_polling(self) -> bool:
        """Whether the loop is kept awake now."""
        return self._is_polling

    def arrived(self, now: float) -> None:
        """Something has come at ``now`` (``time.perf_counter``): was it worth waiting for?"""
        limit = self._limit_seconds if self._is_polling else self._limit_seconds * SLEEPERS_FACTOR
        if now - self._idle_since <= limit:
            if self._credit < MOST:
                self._credit += 1
        else:
            self._credit = max(0, self._credit - LATE_COSTS)

    def idle(self, now: float, moved_bytes: int) -> None:
        """The loop has dealt with all that had come, ``moved_bytes`` in and out, and would sleep now."""
        self._idle_since = now
        if self._credit < ENOUGH or moved_bytes > SMALL_BYTES:
            self._until = 0.0
            return
        self._until = now + self._limit_seconds
        if not self._is_polling:
            self._is_polling = True
            self._loop.call_soon(self._poll)

    def _poll(self) -> None:
        """As long as something is to be called soon, the loop asks for what has come without sleeping."""
        if perf_counter() < self._until:
            self._loop.call_soon(self._poll)
        else:
            self._is_polling = False
