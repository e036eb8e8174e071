"""How long what has arrived waits until it is looked at, as far as that can be known, and what comes after it."""

import asyncio
from time import perf_counter

from ottla.network.busy_poll import BusyPoll


class Turn:
    """When the event loop began to deal with what it has found to have arrived, while it does.

    What has come in by one turn of the loop is served one after the other: the others' work is waited for.
    """

    __slots__ = ("_busy_poll", "_loop", "moved_bytes", "since")

    def __init__(self, busy_poll: BusyPoll | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._busy_poll = busy_poll
        self.since: float | None = None
        self.moved_bytes = 0
        """What connections have received and sent since the turn began."""

    def begin(self, now: float) -> None:
        """The first of them is dealt with. What is called soon, is called once the loop has dealt with all."""
        self.since = now
        self.moved_bytes = 0
        if self._busy_poll is not None:
            self._busy_poll.arrived(now)
        self._loop.call_soon(self._end)

    def _end(self) -> None:
        self.since = None
        if self._busy_poll is not None:
            self._busy_poll.idle(perf_counter(), self.moved_bytes)
