"""Serving a log: whole batches from the one that holds an offset, as buffers, with one read of the disk.

A fetch that goes on where the last one ended (nearly all of them do) needs neither index nor scan: the reader
remembers for a few end offsets where in which segment they lie. Any other goes by the index to at most
``index.interval.bytes`` before its offset, reads from there, and skips the batches that end below it. The end
of what is returned is found the same way: a batch begins where an index entry says so, from there it is a few
headers.

Safe from any thread while the log rolls, is truncated, cleaned or deleted: a place is only remembered
together with its segment and the log's generation, and a segment whose files went away is looked up anew.
"""

import contextlib
import threading
from collections.abc import Iterator
from struct import Struct

from ..model.error_codes import ErrorCode
from ..model.errors import ApiError, CorruptData
from ..record.batch import HEADER_SIZE, LOG_OVERHEAD, crc_ok, parse_header
from ..runtime.files import Buffer
from .scan import read, walk
from .segment import Segment
from .segments import Segments

PLACES_REMEMBERED = 16
BATCHES_VERIFIED = 64
"""CRCs checked in one answer (docs/decisions/0003): one costs 1 µs and what its bytes cost."""
SAMPLED_READS = 16
"""Of so many reads from the page cache one is checked although its bytes were in order before."""
_OFFSET_AND_LENGTH = Struct(">qi")
_LAST_OFFSET_DELTA = Struct(">i")


class ReadInfo:
    """What a read found; ``first_batch_offset`` may be below the offset asked for. Sizes in bytes."""

    __slots__ = ("buffers", "first_batch_offset", "next_offset", "size_bytes")

    def __init__(self, buffers: list[Buffer], size_bytes: int, first_batch_offset: int, next_offset: int) -> None:
        self.buffers = buffers
        self.size_bytes = size_bytes
        self.first_batch_offset = first_batch_offset
        self.next_offset = next_offset


Place = tuple[Segment, int, int]
"""A segment, a position in it where a batch begins or will, and the generation of the log it is true of."""


class LogChanged(Exception):
    """The log was cut or its segments replaced during a read: look again at where it begins and ends."""


class Reader:
    """The reading side of one log."""

    __slots__ = ("_changing", "_places", "_reads", "generation", "segments")

    def __init__(self, segments: Segments) -> None:
        self.segments = segments
        self.generation = 0
        self._reads = 0
        self._places: dict[int, Place] = {}
        self._changing = threading.Lock()

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Cut the log within this; whoever reads meanwhile in another thread and stumbles waits, and reads again."""
        with self._changing:
            try:
                yield
            finally:
                self.forget()

    def forget(self) -> None:
        """Forget every place: bytes were cut off or replaced."""
        self.generation += 1
        self._places = {}

    def remember(self, offset: int, segment: Segment, position: int, generation: int) -> None:
        """Remember that what follows ``offset`` begins at ``position``."""
        places = self._places
        if len(places) >= PLACES_REMEMBERED and offset not in places:
            places.pop(next(iter(places), offset), None)
        places[offset] = (segment, position, generation)

    def read(
        self,
        offset: int,
        max_bytes: int,
        *,
        up_to_offset: int,
        min_one_message: bool,
        nowait: bool,
        verify_crc: bool,
        to_end: bool,
        generation: int,
    ) -> ReadInfo:
        """Return the batches from the one that holds ``offset`` on, ending before ``up_to_offset``.

        ``to_end`` says that this is where the last segment ends, which only the event loop can know.
        ``generation`` is the log's from before it was asked for its bounds. Raises WouldBlock if ``nowait`` and
        something is not in memory, LogChanged, CorruptData for bytes that are no batch.
        """
        wish = _Wish(offset, max_bytes, up_to_offset, min_one_message, nowait, verify_crc, to_end, generation)
        for attempt in range(4):
            try:
                return self._read(wish)
            except FileNotFoundError:  # a segment was renamed, deleted or replaced after it was looked up
                self._check_unchanged(generation)
                if attempt == 3:
                    raise
            except CorruptData:
                self._check_unchanged(generation)
                raise
        raise AssertionError

    def _check_unchanged(self, generation: int) -> None:
        with self._changing:
            if self.generation != generation:
                raise LogChanged

    def _read(self, wish: "_Wish") -> ReadInfo:
        segment, position, exact = self._find(wish)
        while True:
            following = self.segments.after(segment)
            end = segment.log.size
            ends_here = following is None or wish.up_to_offset < following.base_offset
            if ends_here and not (wish.to_end and following is None):
                end = self._end_position(segment, wish)
            if position < end:
                found = self._read_segment(segment, position, end, exact, ends_here, wish)
                if found is not None:
                    return found
            if following is None or following.base_offset >= wish.up_to_offset:
                return ReadInfo([], 0, wish.offset, wish.offset)
            segment, position, exact = following, 0, True  # compaction may leave a gap at the end of a segment

    def _is_worth_checking(self, segment: Segment, start: int, stop: int, nowait: bool) -> bool:
        """Whether CRCs are to be looked at (docs/decisions/0003).

        Always of what comes from the disk, and of what this process has neither written nor looked at; of the rest,
        which lies in the page cache, now and then.
        """
        self._reads += 1
        return not nowait or self._reads % SAMPLED_READS == 0 or not segment.is_trusted(start, stop)

    def _find(self, wish: "_Wish") -> tuple[Segment, int, bool]:
        place = self._places.get(wish.offset)
        if place is not None and place[2] == wish.generation and place[0].is_current:
            return place[0], place[1], True
        segment = self.segments.floor(wish.offset)
        if segment is None:
            raise ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
        return segment, segment.floor_position(wish.offset, nowait=wish.nowait), False

    def _end_position(self, segment: Segment, wish: "_Wish") -> int:
        """Return the position of the first batch at or above ``up_to_offset``, or where the segment ends."""
        place = self._places.get(wish.up_to_offset)
        if place is not None and place[2] == wish.generation and place[0] is segment:
            return place[1]
        position = segment.position_of(wish.up_to_offset, nowait=wish.nowait)
        self.remember(wish.up_to_offset, segment, position, wish.generation)
        return position

    def _read_segment(
        self, segment: Segment, position: int, end: int, exact: bool, ends_here: bool, wish: "_Wish"
    ) -> ReadInfo | None:
        max_bytes, nowait = wish.max_bytes, wish.nowait
        slack = 0 if exact else segment.index_interval_bytes
        data = read(segment.log, min(end - position, max(max_bytes, HEADER_SIZE) + slack), position, nowait)
        start = 0
        if not exact:
            start = _skip_below(data, wish.offset)
            if start < 0:  # the batches before are larger than was thought: find the right one by its header
                for place, header in walk(segment.log, position, end, nowait=nowait):
                    if header.last_offset >= wish.offset:
                        return self._read_segment(segment, place, end, True, ends_here, wish)
                return None
        if start + LOG_OVERHEAD > len(data):
            raise CorruptData(f"{segment.log.path} has no whole batch at {position + start}")
        first_offset, length = _OFFSET_AND_LENGTH.unpack_from(data, start)
        size = length + LOG_OVERHEAD
        if size > max_bytes:
            if not wish.min_one_message:
                return ReadInfo([], 0, wish.offset, wish.offset)
            max_bytes = size
        if start + size > len(data):
            position, start = position + start, 0
            if size <= LOG_OVERHEAD or position + size > end:
                raise CorruptData(f"{segment.log.path} has no whole batch at {position}")
            data = read(segment.log, min(end - position, max_bytes), position, nowait)
        limit = min(len(data), start + max_bytes)
        if ends_here and position + limit == end:
            stop, next_offset = limit, wish.up_to_offset
        else:
            stop, next_offset = _last_whole(segment, data, position, start, limit, nowait)
        if wish.verify_crc and self._is_worth_checking(segment, position + start, position + stop, nowait):
            stop, next_offset, checked = _verified(data, start, stop, next_offset, segment.log.path)
            segment.trust(position + start, position + checked)
        self.remember(next_offset, segment, position + stop, wish.generation)
        buffer = data if start == 0 and stop == len(data) else memoryview(data)[start:stop]
        return ReadInfo([buffer], stop - start, first_offset, next_offset)


class _Wish:
    """What one read is to return; see :meth:`Reader.read`."""

    __slots__ = (
        "generation",
        "max_bytes",
        "min_one_message",
        "nowait",
        "offset",
        "to_end",
        "up_to_offset",
        "verify_crc",
    )

    def __init__(
        self,
        offset: int,
        max_bytes: int,
        up_to_offset: int,
        min_one_message: bool,
        nowait: bool,
        verify_crc: bool,
        to_end: bool,
        generation: int,
    ) -> None:
        self.offset = offset
        self.max_bytes = max_bytes
        self.up_to_offset = up_to_offset
        self.min_one_message = min_one_message
        self.nowait = nowait
        self.verify_crc = verify_crc
        self.to_end = to_end
        self.generation = generation


def _last_whole(segment: Segment, data: Buffer, position: int, start: int, limit: int, nowait: bool) -> tuple[int, int]:
    """Return where in ``data`` the last batch ends that is whole before ``limit``, and the offset behind it.

    There is one. The index says where a batch begins not far before the limit.
    """
    at = start
    next_offset = -1
    if limit - start > 2 * segment.index_interval_bytes:
        entry = segment.offset_index.lookup_position(position + limit - HEADER_SIZE, nowait=nowait)
        if entry.position > position + start:
            # If the index is wrong: go the long way.
            with contextlib.suppress(ApiError):
                header = parse_header(data, entry.position - position)
                if header.last_offset == entry.offset:
                    at, next_offset = entry.position - position, header.base_offset
    last = -1
    while at + LOG_OVERHEAD <= limit:
        size = _OFFSET_AND_LENGTH.unpack_from(data, at)[1] + LOG_OVERHEAD
        if size <= LOG_OVERHEAD:
            raise CorruptData(f"{segment.log.path} has no batch at {position + at}")
        if at + size > limit:
            break
        last = at
        at += size
    if last >= 0:
        next_offset = parse_header(data, last).next_offset
    elif next_offset < 0:
        raise CorruptData(f"{segment.log.path} has no whole batch at {position + start}")
    return at, next_offset


def _skip_below(data: Buffer, offset: int) -> int:
    """Return where the batch begins that ends at or after ``offset``, or -1 if its header is not in ``data``."""
    at = 0
    while at + HEADER_SIZE <= len(data):
        base_offset, length = _OFFSET_AND_LENGTH.unpack_from(data, at)
        delta: int = _LAST_OFFSET_DELTA.unpack_from(data, at + 23)[0] if data[at + 16] >= 2 else 0
        if base_offset + delta >= offset:
            return at
        at += length + LOG_OVERHEAD
    return -1


def _verified(data: Buffer, start: int, stop: int, next_offset: int, path: str) -> tuple[int, int, int]:
    """Return where the first batch with a wrong CRC begins, or ``stop``, the offset behind what is good, and up to
    where that was looked at.

    At most :data:`BATCHES_VERIFIED` of them are looked at, which is every batch of an answer unless they are tiny.
    """
    at = start
    good_offset = -1
    for _ in range(BATCHES_VERIFIED):
        if at >= stop:
            break
        header = parse_header(data, at)
        if not crc_ok(data, at, header.size):
            if at == start:
                raise CorruptData(f"{path} has a batch with a wrong CRC at offset {header.base_offset}")
            return at, good_offset, at  # what comes before is good; the next fetch meets this one and is told
        good_offset = header.next_offset
        at += header.size
    return stop, next_offset, at
