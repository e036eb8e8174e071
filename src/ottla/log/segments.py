"""The segments of a log in the order of their offsets.

Readers in other threads look segments up while the log rolls, is truncated or cleaned, so the two lists are
never changed: every change makes new ones and puts them in place at once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from .segment import Segment


class Segments:
    """All segments of one log; the last one is written to."""

    __slots__ = ("_view", "active")

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._put(sorted(segments, key=lambda segment: segment.base_offset))

    def _put(self, items: list[Segment]) -> None:
        self._view: tuple[list[int], list[Segment]] = ([segment.base_offset for segment in items], items)
        if items:
            self.active = items[-1]

    def __len__(self) -> int:
        return len(self._view[0])

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._view[1])

    def __getitem__(self, index: int) -> Segment:
        return self._view[1][index]

    def base_offsets(self) -> list[int]:
        """Return the base offsets, ascending."""
        return self._view[0]

    def floor(self, offset: int) -> Segment | None:
        """Return the segment with the greatest base offset of at most ``offset``."""
        bases, items = self._view
        index = bisect_right(bases, offset) - 1
        return items[index] if index >= 0 else None

    def after(self, segment: Segment) -> Segment | None:
        """Return the segment that follows, or None."""
        bases, items = self._view
        index = bisect_right(bases, segment.base_offset)
        return items[index] if index < len(items) else None

    def between(self, start_offset: int, end_offset: int) -> list[Segment]:
        """Return the segments that may hold offsets in ``[start_offset, end_offset)``."""
        bases, items = self._view
        first = max(0, bisect_right(bases, start_offset) - 1)
        return items[first : bisect_left(bases, end_offset)]

    def add(self, segment: Segment) -> None:
        """Add a segment; one with the same base offset gives way."""
        self.replace([segment], [])

    def remove(self, segments: Iterable[Segment]) -> None:
        """Take segments out."""
        self.replace([], segments)

    def replace(self, new: Iterable[Segment], old: Iterable[Segment]) -> None:
        """Put ``new`` in the place of ``old`` at once."""
        by_base = {segment.base_offset: segment for segment in self._view[1]}
        for segment in old:
            if by_base.get(segment.base_offset) is segment:
                del by_base[segment.base_offset]
        for segment in new:
            by_base[segment.base_offset] = segment
        self._put([by_base[base] for base in sorted(by_base)])
