"""Looks at logs with the eyes of :mod:`.selection`, and writes the job for the one that was picked."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from ottla.log.config import NO_LIMIT
from ottla.log.index import OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES
from ottla.log.log import Log
from ottla.log.producers import NO_OFFSET
from ottla.log.segment import Segment

from .config import CleanerConfig
from .selection import Dirt, DirtyRange, SegmentSummary, compaction_delay_ms, dirty_range, is_due, measure_dirt

if TYPE_CHECKING:
    from .job import CleanJob


class Candidate(NamedTuple):
    """A log with what there is to clean in it. ``delay_ms``: by how much ``max.compaction.lag.ms`` is exceeded."""

    log: Log
    segments: list[Segment]
    summaries: list[SegmentSummary]
    dirty: DirtyRange
    dirt: Dirt
    delay_ms: int

    @property
    def is_due(self) -> bool:
        """Whether it should be compacted now."""
        ratio = self.log.config.min_cleanable_dirty_ratio
        return is_due(self.dirt, min_cleanable_dirty_ratio=ratio, delay_ms=self.delay_ms)


def needs_disk(log: Log) -> bool:
    """Tell whether :func:`examine` may have to wait for the disk: compaction lags ask for timestamps."""
    return log.config.min_compaction_lag_ms > 0 or log.config.max_compaction_lag_ms < NO_LIMIT


def examine(log: Log, checkpoint: int | None, now_ms: int) -> Candidate:
    """Return how dirty ``log`` is. Raises StorageError if timestamps cannot be read."""
    config = log.config
    segments = list(log.segments)
    with_timestamps = config.min_compaction_lag_ms > 0
    summaries = [_summary(segment, with_timestamps) for segment in segments]
    dirty = dirty_range(
        summaries,
        log_start_offset=log.log_start_offset,
        log_end_offset=log.log_end_offset,
        last_stable_offset=last_stable_offset(log),
        checkpoint=checkpoint,
        min_compaction_lag_ms=config.min_compaction_lag_ms,
        now_ms=now_ms,
    )
    delay_ms = 0
    if config.max_compaction_lag_ms < NO_LIMIT:
        delay_ms = compaction_delay_ms(
            [one.first_batch_timestamp for one in _dirty_inactive(segments, dirty.first_dirty_offset)],
            max_compaction_lag_ms=config.max_compaction_lag_ms,
            now_ms=now_ms,
        )
    return Candidate(log, segments, summaries, dirty, measure_dirt(summaries, dirty), delay_ms)


def last_stable_offset(log: Log) -> int:
    """Return the offset below which every record is committed and every transaction decided."""
    offset = log.high_watermark
    for producer in log.producers.producers.values():
        if NO_OFFSET < producer.current_txn_first_offset < offset:
            offset = producer.current_txn_first_offset
    return offset


def job_for(candidate: Candidate, config: CleanerConfig, now_ms: int) -> CleanJob:
    """Return the job that compacts what ``candidate`` found."""
    from .job import CleanJob
    from .retention import LastRecord

    log = candidate.log
    end_offset = candidate.dirt.end_offset
    last_records = {}
    for producer_id, producer in log.producers.producers.items():
        offset = producer.last_offset
        last_records[producer_id] = LastRecord(None if offset == NO_OFFSET else offset, producer.epoch)
    return CleanJob(
        directory=log.directory,
        segments=[one for one in candidate.summaries if one.base_offset < end_offset],
        later_base_offsets=[one.base_offset for one in candidate.summaries if one.base_offset >= end_offset],
        first_dirty_offset=candidate.dirty.first_dirty_offset,
        end_offset=end_offset,
        last_records=last_records,
        now_ms=now_ms,
        delete_retention_ms=log.config.delete_retention_ms,
        segment_bytes=log.config.segment_bytes,
        segment_index_bytes=log.config.segment_index_bytes,
        index_interval_bytes=log.config.index_interval_bytes,
        map_bytes=config.map_bytes,
        map_load_factor=config.io_buffer_load_factor,
        buffer_bytes=config.buffer_bytes,
    )


def _summary(segment: Segment, with_timestamps: bool) -> SegmentSummary:
    return SegmentSummary(
        segment.base_offset,
        segment.log.size,
        segment.offset_index.entries * OFFSET_ENTRY_BYTES,
        segment.time_index.entries * TIME_ENTRY_BYTES,
        segment.largest_timestamp if with_timestamps else 0,
    )


def _dirty_inactive(segments: list[Segment], first_dirty_offset: int) -> list[Segment]:
    bases = [segment.base_offset for segment in segments]
    first = max(0, bisect_right(bases, first_dirty_offset) - 1)
    return segments[first:-1]
