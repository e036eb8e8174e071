"""Finding offsets by time (ListOffsets): ``UnifiedLog.fetchOffsetByTimestamp``, ``LogSegment.findOffsetByTimestamp``.

The time index says up to where nothing is young enough, the batches' headers which batch is the first that holds a
record that is, and only that one is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.errors import ApiError, CorruptData
from ..record.batch import BatchHeader
from ..record.records import iter_records
from .scan import walk
from .segment import Segment

if TYPE_CHECKING:
    from .log import Log

MAX_BATCH_BYTES = 1 << 30
"""What a compressed batch may become when it is opened here; it was checked when it came."""

Found = tuple[int, int, int]
"""Timestamp in ms, offset, leader epoch."""


def offset_for_timestamp(log: Log, timestamp: int) -> Found | None:
    """Return the first record at or above the log's start whose timestamp is at least ``timestamp``."""
    for segment in log.segments:
        if segment.log.size and segment.max_timestamp >= timestamp:
            found = _first_in_segment(segment, timestamp, log.log_start_offset)
            if found is not None:
                return found
    return None


def _first_in_segment(segment: Segment, timestamp: int, start_offset: int) -> Found | None:
    below = segment.time_index.lookup(timestamp - 1)
    position = segment.floor_position(max(below.offset, start_offset))
    for at, header in walk(segment.log, position, segment.log.size):
        if header.max_timestamp >= timestamp and header.last_offset >= start_offset:
            found = _first_in_batch(segment, at, header, timestamp, start_offset)
            if found is not None:
                return found
    return None


def _first_in_batch(
    segment: Segment, position: int, header: BatchHeader, timestamp: int, start_offset: int
) -> Found | None:
    batch = segment.log.pread(header.size, position)
    try:
        for record in iter_records(batch, 0, header, max_bytes=MAX_BATCH_BYTES):
            if record.timestamp >= timestamp and record.offset >= start_offset:
                return record.timestamp, record.offset, header.leader_epoch
    except ApiError as error:
        raise CorruptData(f"{segment.log.path} at {position}: {error.message}") from error
    return None


def offset_of_max_timestamp(log: Log) -> Found | None:
    """Return the first record with the largest timestamp of the log; None if no record has one."""
    best: Segment | None = None
    for segment in log.segments:
        if segment.log.size and segment.max_timestamp > (best.max_timestamp if best is not None else -1):
            best = segment
    return None if best is None else _first_in_segment(best, best.max_timestamp, log.log_start_offset)
