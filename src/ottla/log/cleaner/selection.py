"""What of a log may be compacted, how dirty it is, and how its segments are grouped: pure functions.

A log is a clean part, compacted before, and a dirty part. Of the dirty part only what lies below the first uncleanable
offset may be touched: not the active segment, nothing beyond the last stable offset, nothing younger than
``min.compaction.lag.ms`` (KIP-58). ``max.compaction.lag.ms`` makes a log due however small its dirty part is (KIP-354).
Rules of LogCleanerManager and Cleaner.groupSegmentsBySize.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MAX_RELATIVE_OFFSET = 2**31 - 1
"""Offsets inside a segment are stored as int32 relative to its base offset."""

NO_LAG_LIMIT_MS = 2**63 - 1


class SegmentSummary(NamedTuple):
    """What selection has to know of one segment; sizes in bytes."""

    base_offset: int
    size_bytes: int
    index_size_bytes: int
    time_index_size_bytes: int
    largest_timestamp: int


class DirtyRange(NamedTuple):
    """Offsets that wait for compaction, the end exclusive.

    ``checkpoint_invalid``: the checkpoint lies outside the log and has to be written anew.
    """

    first_dirty_offset: int
    first_uncleanable_offset: int
    checkpoint_invalid: bool


class Dirt(NamedTuple):
    """How dirty a log is.

    ``end_offset`` is the base offset of the segment that holds the first uncleanable offset: compaction always stops
    at the end of a segment.
    """

    clean_bytes: int
    cleanable_bytes: int
    end_offset: int

    @property
    def total_bytes(self) -> int:
        """Bytes that a round of compaction may have to read."""
        return self.clean_bytes + self.cleanable_bytes

    @property
    def ratio(self) -> float:
        """Share of the cleanable bytes, 0.0 to 1.0."""
        return self.cleanable_bytes / self.total_bytes if self.total_bytes else 0.0


def dirty_range(
    segments: Sequence[SegmentSummary],
    *,
    log_start_offset: int,
    log_end_offset: int,
    last_stable_offset: int,
    checkpoint: int | None,
    min_compaction_lag_ms: int,
    now_ms: int,
) -> DirtyRange:
    """Return which offsets wait for compaction; ``segments`` in order, the last one the active one."""
    first_dirty_offset = log_start_offset if checkpoint is None else checkpoint
    invalid = not log_start_offset <= first_dirty_offset <= log_end_offset
    if invalid:
        first_dirty_offset = log_start_offset
    end = min(last_stable_offset, segments[-1].base_offset)
    if min_compaction_lag_ms > 0:
        horizon_ms = now_ms - min_compaction_lag_ms
        for segment in segments_between(segments[:-1], first_dirty_offset, None):
            if segment.largest_timestamp > horizon_ms:
                end = min(end, segment.base_offset)
                break
    return DirtyRange(first_dirty_offset, max(first_dirty_offset, end), invalid)


def measure_dirt(segments: Sequence[SegmentSummary], dirty: DirtyRange) -> Dirt:
    """Return how many bytes are clean and how many could be cleaned now."""
    end_offset = segments[_floor(segments, dirty.first_uncleanable_offset)].base_offset
    start_offset = min(dirty.first_dirty_offset, end_offset)
    return Dirt(
        clean_bytes=sum(segment.size_bytes for segment in segments if segment.base_offset < dirty.first_dirty_offset),
        cleanable_bytes=sum(segment.size_bytes for segment in segments_between(segments, start_offset, end_offset)),
        end_offset=end_offset,
    )


def compaction_delay_ms(first_timestamps: Iterable[int], *, max_compaction_lag_ms: int, now_ms: int) -> int:
    """Return by how much ``max.compaction.lag.ms`` is exceeded, 0 if it is not.

    ``first_timestamps``: the first batch's timestamp of each dirty segment but the active one; unknown ones (<= 0) do
    not count.
    """
    earliest_ms = min((timestamp for timestamp in first_timestamps if timestamp > 0), default=NO_LAG_LIMIT_MS)
    return max(0, now_ms - max(max_compaction_lag_ms, 0) - earliest_ms)


def is_due(dirt: Dirt, *, min_cleanable_dirty_ratio: float, delay_ms: int) -> bool:
    """Tell whether a log should be compacted now."""
    if dirt.total_bytes == 0:
        return False
    return (delay_ms > 0 and dirt.cleanable_bytes > 0) or dirt.ratio > min_cleanable_dirty_ratio


def segments_between(
    segments: Sequence[SegmentSummary], start_offset: int, end_offset: int | None
) -> Sequence[SegmentSummary]:
    """Return the segments from the one that holds ``start_offset`` to the last that begins below ``end_offset``."""
    if not segments or (end_offset is not None and start_offset >= end_offset):
        return ()
    first = _floor(segments, start_offset)
    if end_offset is None:
        return segments[first:]
    return [segment for segment in segments[first:] if segment.base_offset < end_offset]


def group_segments(
    segments: Sequence[SegmentSummary], *, max_size_bytes: int, max_index_size_bytes: int, end_offset: int
) -> list[list[SegmentSummary]]:
    """Group neighbours that fit together into one segment, so that compaction does not leave ever smaller ones.

    A group's log stays within ``max_size_bytes``, its indexes within ``max_index_size_bytes`` each, and its offsets
    within int32 of its base. ``end_offset`` bounds the offsets of the last segment, exclusive.
    """
    groups: list[list[SegmentSummary]] = []
    size_bytes = index_size_bytes = time_index_size_bytes = 0
    for number, segment in enumerate(segments):
        next_base_offset = segments[number + 1].base_offset if number + 1 < len(segments) else end_offset
        fits = (
            bool(groups)
            and size_bytes + segment.size_bytes <= max_size_bytes
            and index_size_bytes + segment.index_size_bytes <= max_index_size_bytes
            and time_index_size_bytes + segment.time_index_size_bytes <= max_index_size_bytes
            and (segment.size_bytes == 0 or next_base_offset - 1 - groups[-1][0].base_offset <= MAX_RELATIVE_OFFSET)
        )
        if not fits:
            groups.append([])
            size_bytes = index_size_bytes = time_index_size_bytes = 0
        groups[-1].append(segment)
        size_bytes += segment.size_bytes
        index_size_bytes += segment.index_size_bytes
        time_index_size_bytes += segment.time_index_size_bytes
    return groups


def _floor(segments: Sequence[SegmentSummary], offset: int) -> int:
    """Return the index of the segment that holds ``offset``, the first one if all begin above it."""
    return max(0, bisect_right(segments, offset, key=lambda segment: segment.base_offset) - 1)
