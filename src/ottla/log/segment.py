"""One segment: a file of batches, its two indexes, and what is remembered of them.

``LogSegment`` upstream; rules in reference section 4.2. Offsets at and above ``base_offset`` of the next
segment are not this one's business. A segment knows the largest timestamp it holds and which batch has it;
for one that was not written since the start this is the last entry of its time index, read when somebody
asks.
"""

import logging
import threading

from ..model.errors import CorruptData
from ..runtime.files import Buffer, File, Files
from . import names
from .index import RELATIVE_OFFSET_MAX, OffsetIndex, TimeIndex, TimestampOffset, WouldBlock
from .scan import walk

NO_TIMESTAMP = -1
_rebuilding = threading.Lock()

logger = logging.getLogger(__name__)


class Segment:
    """A segment that lies in ``directory``. Sizes in bytes, times in ms."""

    __slots__ = (
        "_files",
        "_max_timestamp",
        "_offset_of_max_timestamp",
        "_rolling_timestamp",
        "base_offset",
        "bytes_since_index_entry",
        "created_ms",
        "directory",
        "index_interval_bytes",
        "is_current",
        "is_inactive",
        "jitter_ms",
        "log",
        "offset_index",
        "suffix",
        "time_index",
        "trusted_from",
        "trusted_size",
    )

    def __init__(
        self,
        files: Files,
        directory: str,
        base_offset: int,
        *,
        index_interval_bytes: int,
        segment_index_bytes: int,
        created_ms: int,
        jitter_ms: int = 0,
        sizes: dict[str, int] | None = None,
        suffix: str = "",
    ) -> None:
        """Take over the files of a segment; ``sizes`` (from ``scan_dir``) saves asking the disk for them.

        What is not in ``sizes`` is not there, or empty. ``suffix`` is what the file names end with while the
        segment is being swapped in or deleted.
        """
        self._files = files
        self.directory = directory
        self.base_offset = base_offset
        self.index_interval_bytes = index_interval_bytes
        self.created_ms = created_ms
        self.jitter_ms = jitter_ms
        self.suffix = suffix
        self.is_current = True
        """Whether readers may remember positions in it; not once it is truncated, replaced or deleted."""
        self.is_inactive = False
        """Whether nothing will be appended any more."""
        self.bytes_since_index_entry = 0
        if sizes is None:
            sizes = _sizes(files, directory, base_offset, suffix)
        size_of = sizes.get
        log, index, time_index = (
            names.segment_file(base_offset, kind) + suffix for kind in (names.LOG, names.INDEX, names.TIME_INDEX)
        )
        self.log: File = files.open(f"{directory}/{log}", size=size_of(log, 0))
        self.offset_index = OffsetIndex(
            files, f"{directory}/{index}", base_offset, segment_index_bytes, size_bytes=size_of(index, 0)
        )
        self.time_index = TimeIndex(
            files, f"{directory}/{time_index}", base_offset, segment_index_bytes, size_bytes=size_of(time_index, 0)
        )
        empty = self.log.size == 0
        self.trusted_size = 0
        """The bytes before this position were in order when this process looked at them,"""
        self.trusted_from = self.log.size
        """and so were those from this one on when it wrote them."""
        self._max_timestamp: int | None = NO_TIMESTAMP if empty else None
        self._offset_of_max_timestamp = base_offset
        self._rolling_timestamp: int | None = None

    @classmethod
    def create(
        cls,
        files: Files,
        directory: str,
        base_offset: int,
        *,
        index_interval_bytes: int,
        segment_index_bytes: int,
        created_ms: int,
        jitter_ms: int = 0,
    ) -> "Segment":
        """Make the file of an empty segment; its indexes come with what they index."""
        files.create(names.segment_path(directory, base_offset, names.LOG))
        return cls(
            files,
            directory,
            base_offset,
            index_interval_bytes=index_interval_bytes,
            segment_index_bytes=segment_index_bytes,
            created_ms=created_ms,
            jitter_ms=jitter_ms,
            sizes={},
        )

    def __repr__(self) -> str:
        return f"<Segment {self.base_offset} in {self.directory}, {self.log.size} bytes>"

    # -- writing -----------------------------------------------------------------------------------------------------

    def append(self, batch: Buffer, size: int, last_offset: int, max_timestamp: int) -> None:
        """Write one batch at the end: one system call, and now and then an index entry in memory."""
        log = self.log
        position = log.size
        log.append(batch)
        if not position:
            self._rolling_timestamp = max_timestamp
        if max_timestamp > (self._max_timestamp if self._max_timestamp is not None else self.max_timestamp):
            self._max_timestamp = max_timestamp
            self._offset_of_max_timestamp = last_offset
        if self.bytes_since_index_entry > self.index_interval_bytes:
            self.offset_index.append(last_offset, position)
            self.time_index.maybe_append(self.max_timestamp, self._offset_of_max_timestamp)
            self.bytes_since_index_entry = 0
        self.bytes_since_index_entry += size

    def must_roll(
        self, size: int, last_offset: int, max_timestamp: int, now_ms: int, segment_bytes: int, segment_ms: int
    ) -> bool:
        """Whether a batch must go to a new segment (``LogSegment.shouldRoll``)."""
        have = self.log.size
        if have > segment_bytes - size or last_offset - self.base_offset > RELATIVE_OFFSET_MAX:
            return True
        if self.offset_index.is_full or self.time_index.is_full:
            return True
        return have > 0 and self.waited_ms(now_ms, max_timestamp) > segment_ms - self.jitter_ms

    def waited_ms(self, now_ms: int, max_timestamp: int) -> int:
        """How old the segment is as seen by a batch whose largest timestamp is ``max_timestamp``.

        By the records' clock if the first batch has a timestamp, else by the wall's.
        """
        first = self._rolling_timestamp
        if first is None:
            first = self.first_batch_timestamp
        return max_timestamp - first if first >= 0 else now_ms - self.created_ms

    def become_inactive(self) -> None:
        """Finish the indexes: the last time index entry says when the segment may be deleted."""
        if self.log.size:
            self.time_index.maybe_append(*self.max_timestamp_and_offset)
        self.offset_index.seal()
        self.time_index.seal()
        self.close()
        self.is_inactive = True

    def flush_indexes(self) -> None:
        """Write index entries that are only in memory so far."""
        self.offset_index.flush()
        self.time_index.flush()

    def fsync(self, *, indexes: bool) -> None:
        """Wait until the records, and the indexes of a segment that is finished, are on the disk."""
        self.log.fsync()
        if indexes:
            self.offset_index.fsync()
            self.time_index.fsync()

    # -- timestamps --------------------------------------------------------------------------------------------------

    @property
    def max_timestamp(self) -> int:
        """The largest timestamp, or -1 if no batch has one."""
        return self.max_timestamp_and_offset.timestamp

    @property
    def max_timestamp_and_offset(self) -> TimestampOffset:
        """The largest timestamp and the last offset of the batch that has it."""
        timestamp = self._max_timestamp
        if timestamp is None:
            timestamp, offset = self.time_index.last_entry()
            self.set_max_timestamp(timestamp, offset)
            return TimestampOffset(timestamp, offset)
        return TimestampOffset(timestamp, self._offset_of_max_timestamp)

    def set_max_timestamp(self, timestamp: int, offset: int) -> None:
        """Remember what a scan has found."""
        self._max_timestamp, self._offset_of_max_timestamp = timestamp, offset

    @property
    def largest_timestamp(self) -> int:
        """What retention goes by: the largest record timestamp, else when the file was last written."""
        timestamp = self.max_timestamp
        return timestamp if timestamp >= 0 else self._files.modified_ms(self.log.path)

    @property
    def first_batch_timestamp(self) -> int:
        """The first batch's largest timestamp; -1 if there is no batch or it has none."""
        timestamp = self._rolling_timestamp
        if timestamp is None:
            timestamp = NO_TIMESTAMP
            for _, header in walk(self.log, 0, self.log.size, chunk_bytes=128):
                timestamp = self._rolling_timestamp = header.max_timestamp
                break
        return timestamp

    # -- reading -----------------------------------------------------------------------------------------------------

    def position_of(self, offset: int, *, nowait: bool = False) -> int:
        """Return where the first batch begins that ends at or after ``offset``.

        The file's size if none does.
        """
        end = self.log.size
        floor = self.floor_position(offset, nowait=nowait)
        for position, header in walk(self.log, floor, end, nowait=nowait):
            if header.last_offset >= offset:
                return position
        return end

    def floor_position(self, offset: int, *, nowait: bool = False) -> int:
        """Return the position at or before that of ``offset`` which the index knows.

        An index of a finished segment that does not fit the records is made anew.
        """
        try:
            entry = self.offset_index.lookup(offset, nowait=nowait)
            if not entry.position:
                return 0
            for _, header in walk(self.log, entry.position, self.log.size, nowait=nowait, chunk_bytes=64):
                if header.last_offset == entry.offset:
                    return entry.position
                break
        except CorruptData:
            pass
        if nowait:
            raise WouldBlock
        logger.warning("%s does not fit its segment: making it anew", self.offset_index.path)
        if self.is_inactive:
            with _rebuilding:
                self.rebuild_indexes()
        return 0

    def rebuild_indexes(self) -> int:
        """Make both indexes anew from the batches (``LogSegment.recover``).

        Return the offset behind the last one.
        """
        self.offset_index.clear()
        self.time_index.clear()
        best = TimestampOffset(NO_TIMESTAMP, self.base_offset)
        since = 0
        next_offset = self.base_offset
        for position, header in walk(self.log, 0, self.log.size):
            if header.max_timestamp > best.timestamp:
                best = TimestampOffset(header.max_timestamp, header.last_offset)
            if since > self.index_interval_bytes:
                self.offset_index.append(header.last_offset, position)
                self.time_index.maybe_append(*best)
                since = 0
            since += header.size
            next_offset = header.next_offset
        self.time_index.maybe_append(*best)
        self.set_max_timestamp(*best)
        self.offset_index.seal()
        self.time_index.seal()
        return next_offset

    def read_end(self) -> tuple[int, int]:
        """Return the offset behind the last whole batch and where in the file that ends.

        Reads from the last index entry on, and finds the largest timestamp on the way. Raises CorruptData if
        the indexes do not fit the records.
        """
        end = self.log.size
        if not end:
            return self.base_offset, 0
        entry = self.offset_index.last_entry()
        best = self.time_index.last_entry()
        next_offset, stop = self.base_offset, entry.position
        for position, header in walk(self.log, entry.position, end):
            if position == entry.position and position and header.last_offset != entry.offset:
                break
            next_offset, stop = header.next_offset, position + header.size
            if header.max_timestamp > best.timestamp:
                best = TimestampOffset(header.max_timestamp, header.last_offset)
        if stop == entry.position and stop:
            raise CorruptData(f"{self.offset_index.path} does not fit its segment")
        self.set_max_timestamp(*best)
        return next_offset, stop

    def is_trusted(self, start: int, stop: int) -> bool:
        """Whether this process has seen that the bytes in ``[start, stop)`` are in order."""
        return start >= self.trusted_from or stop <= self.trusted_size

    def trust(self, start: int, stop: int) -> None:
        """Remember that the bytes in ``[start, stop)`` are in order, if that goes on from what was known."""
        if start <= self.trusted_size < stop:
            self.trusted_size = stop
            if stop >= self.trusted_from:
                self.trusted_from = 0

    # -- cutting and moving ------------------------------------------------------------------------------------------

    def truncate_to(self, offset: int, now_ms: int) -> int:
        """Drop the batches that end at or after ``offset``; return how many bytes that were."""
        position = self.position_of(offset)
        self.offset_index.truncate_to(offset)
        self.time_index.truncate_to(offset)
        cut = self.log.size - position
        if cut:
            self.log.truncate(position)
            self.trusted_size = min(self.trusted_size, position)
            self.trusted_from = min(self.trusted_from, position)
        if not position:
            self.created_ms = now_ms
            self._rolling_timestamp = None
        self.bytes_since_index_entry = 0
        self._reload_max_timestamp()
        return cut

    def _reload_max_timestamp(self) -> None:
        best = self.time_index.last_entry()
        start = self.offset_index.lookup(best.offset).position
        for _, header in walk(self.log, start, self.log.size):
            if header.max_timestamp > best.timestamp:
                best = TimestampOffset(header.max_timestamp, header.last_offset)
        self.set_max_timestamp(*best)

    def paths(self) -> list[str]:
        """The files that the segment may consist of."""
        kinds = names.SEGMENT_SUFFIXES
        return [names.segment_path(self.directory, self.base_offset, kind) + self.suffix for kind in kinds]

    def change_suffix(self, suffix: str) -> None:
        """Rename the files, for instance to ``*.deleted``; open handles follow."""
        for path in self.paths():
            target = path.removesuffix(self.suffix) + suffix
            if self._files.exists(path):
                self._files.rename(path, target)
        self.suffix = suffix
        self._follow()

    def moved(self, directory: str) -> None:
        """Follow the partition's folder to another name."""
        self.directory = directory
        self._follow()

    def _follow(self) -> None:
        log, index, time_index, _ = self.paths()
        self.log.moved(log)
        self.offset_index.moved(index)
        self.time_index.moved(time_index)

    def close(self) -> None:
        """Give the descriptors back; what is only in memory must have been flushed."""
        self.log.close()
        self.offset_index.close()
        self.time_index.close()


def _sizes(files: Files, directory: str, base_offset: int, suffix: str) -> dict[str, int]:
    sizes = {}
    for kind in names.SEGMENT_SUFFIXES:
        name = names.segment_file(base_offset, kind) + suffix
        if files.exists(f"{directory}/{name}"):
            sizes[name] = files.size(f"{directory}/{name}")
    return sizes
