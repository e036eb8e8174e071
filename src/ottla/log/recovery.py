"""Bringing a segment that may not be whole back to what is true (``LogSegment.recover``, reference section
4.2).

Every batch's CRC is checked; the segment ends before the first that is wrong; indexes, leader epochs and the
largest timestamp come out of the batches. What is cut off is a torn tail if nothing valid follows it. If
something does, or if it was on the disk already (below the recovery point), it is damage: then the bytes are
kept beside the segment in a ``*.corrupt`` file and the damage is reported, so that a person may look.
"""

import logging
import re
from collections.abc import Iterable

from ..model.errors import ApiError
from ..record.batch import HEADER_SIZE, BatchHeader, crc_ok, parse_header, whole_batch_size
from ..runtime.files import Buffer, File, Files
from . import names
from .epochs import LeaderEpochs
from .index import RELATIVE_OFFSET_MAX, TimestampOffset
from .producers import Producers
from .segment import NO_TIMESTAMP, Segment

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
SEARCHED_BYTES = 16 << 20
"""How far behind a damaged batch another valid one is looked for."""

_MAY_BE_BATCH = re.compile(rb"(?s)(?=\x00.{7}[\x00-\x07].{7}\x02.{5}[\x00-\x7f])")
"""Looks ahead: an offset below 2^56, a length below 2^27, magic 2, attributes below 128."""


def recover_segment(
    segment: Segment, epochs: LeaderEpochs, producers: Producers, following: Segment | None
) -> tuple[int, int]:
    """Rebuild the segment's indexes, learn its epochs and what its producers wrote.

    Base offsets lie outside of a batch's CRC: one that would reach into the ``following`` segment is wrong. Returns the
    offset behind the last valid batch and how many bytes follow that are not valid; they are left there.
    """
    index, time_index = segment.offset_index, segment.time_index
    if not (segment.log.size or index.entries or time_index.entries):
        return segment.base_offset, 0
    index.clear()
    time_index.clear()
    best = TimestampOffset(NO_TIMESTAMP, segment.base_offset)
    next_offset = segment.base_offset
    last_possible = segment.base_offset + RELATIVE_OFFSET_MAX
    if following is not None:
        last_possible = min(last_possible, following.base_offset - 1)
    valid_bytes = since_entry = 0
    for position, header in valid_batches(segment.log, 0):
        last_offset = header.last_offset
        if last_offset < next_offset or last_offset > last_possible:
            break
        if header.max_timestamp > best.timestamp:
            best = TimestampOffset(header.max_timestamp, last_offset)
        if since_entry > segment.index_interval_bytes:
            index.append(last_offset, position)
            time_index.maybe_append(*best)
            since_entry = 0
        since_entry += header.size
        valid_bytes += header.size
        next_offset = last_offset + 1
        if header.leader_epoch > epochs.latest_epoch:
            epochs.assign(header.leader_epoch, header.base_offset)
        if header.producer_id >= 0:
            producers.replay(header, segment.log.pread(header.size, position) if header.is_control else b"", 0)
    time_index.maybe_append(*best)
    segment.set_max_timestamp(*best)
    index.seal()
    time_index.seal()
    return next_offset, segment.log.size - valid_bytes


def valid_batches(file: File, start: int) -> Iterable[tuple[int, BatchHeader]]:
    """Yield position and header of the batches from ``start`` on, up to the first that is cut off or damaged."""
    position = start
    want = CHUNK_BYTES
    while position < file.size:
        chunk = file.pread(want, position)
        at = 0
        try:
            while size := whole_batch_size(chunk, at, len(chunk)):
                header = parse_header(chunk, at)
                if not crc_ok(chunk, at, size):
                    return
                yield position + at, header
                at += size
            if at == 0:
                missing = _size_of(chunk)
                if missing <= len(chunk) or position + missing > file.size:
                    return
                want = missing
            else:
                want = CHUNK_BYTES
        except ApiError:
            return
        position += at


def _size_of(chunk: Buffer) -> int:
    return int.from_bytes(chunk[8:12], "big") + 12 if len(chunk) >= HEADER_SIZE else 0


def holds_valid_batch(file: File, start: int, expected_offset: int) -> bool:
    """Whether a batch with a right CRC begins somewhere behind ``start``: then it is not just a torn tail."""
    data = file.pread(SEARCHED_BYTES, start)
    for match in _MAY_BE_BATCH.finditer(data, 1):
        at = match.start()
        try:
            size = whole_batch_size(data, at, len(data))
            if size and crc_ok(data, at, size) and parse_header(data, at).base_offset >= expected_offset:
                return True
        except ApiError:
            continue
    return False


def keep_damage(files: Files, segment: Segment, position: int) -> str:
    """Copy what lies behind ``position`` to a ``*.corrupt`` file, synced; return its path."""
    path = names.join(segment.directory, names.corrupt_name(segment.base_offset, position))
    side = files.open(path, create=True)
    side.truncate(0)
    at = position
    while at < segment.log.size:
        data = segment.log.pread(CHUNK_BYTES, at)
        side.append(data)
        at += len(data)
    side.fsync()
    side.close()
    return path


def set_aside(files: Files, segment: Segment) -> str | None:
    """Take a whole segment out of the log: its records become a ``*.corrupt`` file, its indexes go.

    Returns the file's path; None, and nothing is kept, if it had no bytes.
    """
    log, *indexes = segment.paths()
    segment.close()
    for path in indexes:
        files.remove(path)
    if not segment.log.size:
        files.remove(log)
        return None
    path = names.join(segment.directory, names.corrupt_name(segment.base_offset, 0))
    files.rename(log, path)
    return path
