"""Cutting a log at its end, as a follower does that has diverged (``UnifiedLog.truncateTo``, reference section 5.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.errors import StorageError

if TYPE_CHECKING:
    from .log import Log


def truncate_to(log: Log, offset: int) -> None:
    """Cut everything at and above ``offset``."""
    if log.failure is not None:
        raise log.failure
    if offset >= log.log_end_offset:
        log.leader_epochs.truncate_from_end(offset)
        return
    if offset < log.segments[0].base_offset:
        truncate_fully_and_start_at(log, offset)
        return
    now_ms = log.context.clock.now_ms()
    try:
        with log.reader.changing():
            log.remove_segments([segment for segment in log.segments if segment.base_offset > offset], now_ms)
            active = log.segments.active
            active.is_inactive = False
            active.truncate_to(offset, now_ms)
            _cut_offsets(log, offset)
            log.log_start_offset = min(log.log_start_offset, offset)
        _reload_producers(log, now_ms)
    except StorageError as error:
        log.fail(error)
        raise


def truncate_fully_and_start_at(log: Log, offset: int) -> None:
    """Drop everything; the next batch gets ``offset``."""
    if log.failure is not None:
        raise log.failure
    now_ms = log.context.clock.now_ms()
    try:
        with log.reader.changing():
            old = list(log.segments)
            for segment in old:
                segment.is_current = False
                log.discard(segment, now_ms)
            log.segments.replace([log.new_segment(offset, now_ms)], old)
            log.producers.clear(offset)
            log.leader_epochs.clear()
            _cut_offsets(log, offset)
            log.log_start_offset = log.high_watermark = offset
    except StorageError as error:
        log.fail(error)
        raise


def _cut_offsets(log: Log, offset: int) -> None:
    log.log_end_offset = offset
    log.recovery_point = min(log.recovery_point, offset)
    log.high_watermark = min(log.high_watermark, offset)
    log.leader_epochs.truncate_from_end(offset)
    log.watch()


def _reload_producers(log: Log, now_ms: int) -> None:
    from .loading import replay_producers

    producers = log.producers
    start = producers.load(log.log_start_offset, log.log_end_offset, now_ms)
    replay_producers(producers, log.segments, start, log.log_end_offset, log.segments.base_offsets()[-2:])
    producers.take_snapshot(log.log_end_offset)
