"""How long what has arrived waits until it is looked at, as far as that can be known."""

import asyncio


class Turn:
    """When the event loop began to deal with what it has found to have arrived, while it does.

    What has come in by one turn of the loop is served one after the other: the others' work is waited for.
    """

    __slots__ = ("_loop", "since")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.since: float | None = None

    def begin(self, now: float) -> None:
        """The first of them is dealt with. What is called soon, is called once the loop has dealt with all."""
        self.since = now
        self._loop.call_soon(self._end)

    def _end(self) -> None:
        self.since = None
