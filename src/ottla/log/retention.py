"""Which segments retention no longer asks for (``UnifiedLog.deleteOldSegments``, reference section 5.11).

From the oldest on, and only whole segments that lie below the high watermark; the last one never if it is
empty.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .segment import Segment

if TYPE_CHECKING:
    from .log import Log


async def delete_in_turns(log: Log, now_ms: int | None) -> int:
    """Delete what need not be kept, a few segments in each turn of the event loop; return how many.

    Without a time only what lies below the log's start. Raises StorageError.
    """
    from .log import SEGMENTS_PER_TURN

    count = 0
    while log.failure is None and not log.is_deleted:
        deleted = log.delete_old_segments(now_ms, at_most=SEGMENTS_PER_TURN)
        count += deleted
        if deleted < SEGMENTS_PER_TURN:
            break
        await asyncio.sleep(0)
    return count


def deletable_segments(log: Log, now_ms: int | None, at_most: int | None = None) -> list[Segment]:
    """Return the segments to delete now, the oldest ``at_most``.

    Below the log's start, and, if there is a time, by size and by time if the topic says delete.
    """
    segments = list(log.segments)
    config = log.config
    surplus_bytes = -1
    if now_ms is not None and config.is_deleted and config.retention_bytes >= 0:
        surplus_bytes = log.size_bytes - config.retention_bytes
    doomed: list[Segment] = []
    for index, segment in enumerate(segments):
        if index == at_most:
            break
        is_last = index + 1 == len(segments)
        end_offset = log.log_end_offset if is_last else segments[index + 1].base_offset
        if end_offset > log.high_watermark or (is_last and not segment.log.size):
            break
        size = segment.log.size
        if not (
            (not is_last and end_offset <= log.log_start_offset)
            or (surplus_bytes >= 0 and surplus_bytes - size >= 0)
            or _too_old(log, segment, now_ms)
        ):
            break
        surplus_bytes -= size
        doomed.append(segment)
    return doomed


def _too_old(log: Log, segment: Segment, now_ms: int | None) -> bool:
    config = log.config
    if now_ms is None or not config.is_deleted or config.retention_ms < 0:
        return False
    return now_ms - segment.largest_timestamp > config.retention_ms
