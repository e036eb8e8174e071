"""Fan-out of a store's events to those who watch, for the stores that live in this process.

The hub is told of every event once, in order, and hands each watch those under its prefix. A watch that is not read
keeps its events up to a limit; beyond it they are thrown away and the reader is told that it fell behind, exactly as
if the history had been compacted under it.
"""

import asyncio
from collections.abc import Sequence

from .interface import CompactedError, Event

MAX_BACKLOG_EVENTS = 200_000
"""What one unread watch may hold."""


class HubWatch:
    """One watch; see :class:`~ottla.metastore.interface.Watch`."""

    def __init__(self, hub: "WatchHub", prefix: str, from_revision: int, backlog: list[Event]) -> None:
        self.prefix = prefix
        self.from_revision = from_revision
        self._hub = hub
        self._events = backlog
        self._wake: asyncio.Future[None] | None = None
        self._closed = False
        self._lost_at = 0

    def __aiter__(self) -> "HubWatch":
        return self

    async def __anext__(self) -> list[Event]:
        while not self._events:
            if self._lost_at:
                raise CompactedError(self._lost_at)
            if self._closed:
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """End the iteration; what was not read yet is forgotten."""
        self._hub.forget(self)
        self._events = []
        self.end()

    def end(self) -> None:
        """End the iteration after what was not read yet."""
        self._closed = True
        self._notify()

    def offer(self, events: list[Event]) -> None:
        """Take new events in."""
        if self._lost_at:
            return
        if len(self._events) + len(events) > MAX_BACKLOG_EVENTS:
            self._events = []
            self._lost_at = events[-1].revision + 1
        else:
            self._events.extend(events)
        self._notify()

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class WatchHub:
    """All watches of one store."""

    def __init__(self) -> None:
        self._watches: list[HubWatch] = []

    def open(self, prefix: str, from_revision: int, backlog: list[Event]) -> HubWatch:
        """Begin a watch that first gives ``backlog``: the events under ``prefix`` from then until now."""
        watch = HubWatch(self, prefix, from_revision, backlog)
        self._watches.append(watch)
        return watch

    def publish(self, events: Sequence[Event]) -> None:
        """Hand the events of whole revisions to whom they concern."""
        for watch in self._watches:
            mine = [e for e in events if e.key.startswith(watch.prefix) and e.revision >= watch.from_revision]
            if mine:
                watch.offer(mine)

    def forget(self, watch: HubWatch) -> None:
        """Hand nothing to ``watch`` any more."""
        if watch in self._watches:
            self._watches.remove(watch)

    def close(self) -> None:
        """End every watch."""
        for watch in self._watches:
            watch.end()
        self._watches.clear()
