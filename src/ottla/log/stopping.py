"""Leaving a log as Kafka does at a clean stop: finished indexes, a producer snapshot at the end, everything synced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.errors import StorageError

if TYPE_CHECKING:
    from .log import Log


def needs_close(log: Log) -> bool:
    """Whether a stop has anything to write."""
    end_offset = log.log_end_offset
    return (
        end_offset > log.recovery_point
        or log.is_watched
        or end_offset > log.producers.last_snapshot_offset
        or (end_offset > 0 and log.leader_epochs.is_dirty(end_offset + 1))
    )


def finish(log: Log) -> None:
    """Write what is only in memory; not synced. Raises StorageError."""
    if log.failure is not None:
        raise log.failure
    if not log.log_end_offset:
        return  # a partition that never got a record stays two small files
    try:
        log.segments.active.become_inactive()
        if log.producers.take_snapshot(log.log_end_offset):
            log.flusher.snapshots.append(log.log_end_offset)
        if not log.leader_epochs.write_first():
            log.leader_epochs.write()
    except StorageError as error:
        log.fail(error)
        raise


def close(log: Log, *, after_sync: bool) -> None:
    """Finish the log, unless it was finished and the whole disk synced, and sync it; blocks. Raises StorageError."""
    if not after_sync and (log.failure is not None or needs_close(log)):
        finish(log)
    if log.log_end_offset > log.recovery_point:
        log.flusher.flush(log.log_end_offset, after_sync=after_sync)
    for segment in log.segments:
        segment.close()
