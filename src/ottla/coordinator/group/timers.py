"""Deadlines by key, kept so that moving one further away costs next to nothing.

Sessions are renewed with every heartbeat and hardly ever run out. A renewal only notes the new deadline; the queue
still holds the old one, and when that comes up the key is queued again for what is noted by then.
"""

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Deadlines(Generic[K]):
    """What is to happen when, in milliseconds of one clock."""

    __slots__ = ("_count", "_deadlines", "_heap", "_queued")

    def __init__(self) -> None:
        self._deadlines: dict[K, float] = {}
        self._queued: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._deadlines)

    def set(self, key: K, deadline_ms: float) -> None:
        """Let ``key`` come due at ``deadline_ms``, instead of when it would have."""
        self._deadlines[key] = deadline_ms
        queued = self._queued.get(key)
        if queued is None or deadline_ms < queued:
            self._push(key, deadline_ms)

    def cancel(self, key: K) -> None:
        """Let ``key`` never come due; harmless when it is not set."""
        self._deadlines.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._deadlines.clear()
        self._queued.clear()
        self._heap.clear()

    def next_ms(self) -> float | None:
        """Return when to ask again, which may be too early but never too late; None when nothing is set."""
        return self._heap[0][0] if self._heap else None

    def due(self, now_ms: float) -> Iterator[K]:
        """Yield what has come due, in the order of its deadlines, each forgotten as it is yielded.

        What is set or cancelled meanwhile counts: one session's end may renew another that was to end with it.
        """
        heap = self._heap
        while heap and heap[0][0] <= now_ms:
            queued_ms, _, key = heapq.heappop(heap)
            if self._queued.get(key) != queued_ms:
                continue
            del self._queued[key]
            deadline_ms = self._deadlines.get(key)
            if deadline_ms is None:
                continue
            if deadline_ms == queued_ms:
                del self._deadlines[key]
                yield key
            else:
                self._push(key, deadline_ms)

    def _push(self, key: K, deadline_ms: float) -> None:
        self._count += 1
        self._queued[key] = deadline_ms
        heapq.heappush(self._heap, (deadline_ms, self._count, key))
