"""Finding offsets by time (ListOffsets): ``UnifiedLog.fetchOffsetByTimestamp``, ``LogSegment.findOffsetByTimestamp``.

The time index says up to where nothing is young enough, the batches' headers which batch is the first that holds a
record that is, and only that one is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..model.errors import ApiError, CorruptData
from ..record.batch import BatchHeader
from ..record.records import Record, iter_records
from .scan import walk
from .segment import NO_TIMESTAMP, Segment

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
    for record in _records(segment, position, header):
        if record.timestamp >= timestamp and record.offset >= start_offset:
            return record.timestamp, record.offset, header.leader_epoch
    return None


def _records(segment: Segment, position: int, header: BatchHeader) -> Iterator[Record]:
    try:
        yield from iter_records(segment.log.pread(header.size, position), 0, header, max_bytes=MAX_BATCH_BYTES)
    except ApiError as error:
        raise CorruptData(f"{segment.log.path} at {position}: {error.message}") from error


def offset_of_max_timestamp(log: Log) -> Found | None:
    """Return the first record at or above the log's start with the largest timestamp; None if no record has one.

    (Kafka also finds records that DeleteRecords has cut off within the first segment.)
    """
    best: Segment | None = None
    largest = NO_TIMESTAMP
    for segment in log.segments:
        timestamp = _max_timestamp(segment, log.log_start_offset) if segment.log.size else NO_TIMESTAMP
        if timestamp > largest:
            best, largest = segment, timestamp
    return None if best is None else _first_in_segment(best, largest, log.log_start_offset)


def _max_timestamp(segment: Segment, start_offset: int) -> int:
    if start_offset <= segment.base_offset:
        return segment.max_timestamp
    largest = NO_TIMESTAMP
    position = segment.floor_position(start_offset)
    for at, header in walk(segment.log, position, segment.log.size):
        if header.last_offset < start_offset or header.max_timestamp <= largest:
            continue
        largest = header.max_timestamp
        if header.base_offset < start_offset:
            found = _records(segment, at, header)
            largest = max((one.timestamp for one in found if one.offset >= start_offset), default=NO_TIMESTAMP)
    return largest
