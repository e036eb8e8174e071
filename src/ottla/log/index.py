"""Sparse indexes of a segment: offset to file position, and timestamp to offset.

Formats (reference section 4.2; ``OffsetIndex`` and ``TimeIndex`` upstream), all big-endian:

- ``.index``: 8-byte entries, relative offset u32 and position u32. The offset is the **last** offset of the
batch
  that starts at that position.
- ``.timeindex``: 12-byte entries, timestamp i64 (ms) and relative offset u32: no record up to that offset is
  younger than the timestamp. Timestamps strictly increase.

New entries go to the *tail*, two arrays in memory, in O(1); :meth:`flush` writes what the file lacks in one
call and keeps only the last few of them. What is older is looked up in the file: a few entries for the binary
search, then one block of 512 entries, which is kept, so that a reader who goes through the segment finds its
next lookups there. Memory is bounded, however large the segment. Files are not preallocated: each has exactly
its entries, as Kafka's has after a roll or a clean stop.
"""

import struct
import sys
from array import array
from bisect import bisect_right
from typing import ClassVar, NamedTuple

from ..model.errors import CorruptData
from ..runtime.files import Buffer, File, Files

OFFSET_ENTRY_BYTES = 8
TIME_ENTRY_BYTES = 12
RELATIVE_OFFSET_MAX = 2**31 - 1
_BLOCK_ENTRIES = 512
_TAIL_MAX = 2 * _BLOCK_ENTRIES
_OFFSET_ENTRY = struct.Struct(">II")
_TIME_ENTRY = struct.Struct(">qI")
_SWAP = sys.byteorder == "little"

Rows = tuple[int, "array[int]", "array[int]"]
"""Number of the first row, keys, values. Replaced as a whole: lookups may come from other threads."""


class WouldBlock(Exception):
    """What was asked for is not in memory, and the caller said that it cannot wait."""


class OffsetPosition(NamedTuple):
    """An entry of an offset index: the batch at ``position`` ends with ``offset``."""

    offset: int
    position: int


class TimestampOffset(NamedTuple):
    """An entry of a time index; ``timestamp`` in ms, -1 where there is none."""

    timestamp: int
    offset: int


class _Index:
    """What both have in common.

    Two columns, the first of them strictly increasing, the last rows in memory.
    """

    __slots__ = (
        "_block",
        "_file",
        "_files",
        "_flushed",
        "_tail",
        "base_offset",
        "entries",
        "max_entries",
        "path",
    )

    ENTRY_BYTES: ClassVar[int] = 0
    _ENTRY: ClassVar[struct.Struct]
    _KEY_TYPE: ClassVar[str]

    def __init__(self, files: Files, path: str, base_offset: int, max_size_bytes: int, *, size_bytes: int = 0) -> None:
        """Take over a file of ``size_bytes``.

        It is not read before the first lookup nor made before a flush.
        """
        self._files = files
        self._file: File | None = None
        self.path = path
        self.base_offset = base_offset
        self.max_entries = max_size_bytes // self.ENTRY_BYTES
        self.entries = size_bytes // self.ENTRY_BYTES
        self._flushed = self.entries  # the file holds these
        self._tail: Rows = (self.entries, array(self._KEY_TYPE), array("I"))
        self._block: Rows = self._tail

    # -- writing -----------------------------------------------------------------------------------------------------

    def _append(self, key: int, value: int) -> None:
        _, keys, values = self._tail
        values.append(value)
        keys.append(key)
        self.entries += 1

    def flush(self) -> None:
        """Write the entries that the file lacks; one write, not synced."""
        start = self._flushed
        if start == self.entries:
            return
        file = self._open_file()
        if file.size > start * self.ENTRY_BYTES:
            file.truncate(start * self.ENTRY_BYTES)
        tail_start, keys, values = self._tail
        skip = start - tail_start
        pack = self._ENTRY.pack
        file.append(b"".join(map(pack, keys[skip:], values[skip:])))
        self._flushed = self.entries
        if len(keys) > _TAIL_MAX:
            self._shorten_tail(_BLOCK_ENTRIES)

    def seal(self) -> None:
        """Flush, make sure that the file is there, and keep nothing in memory."""
        self.flush()
        self._open_file()
        self._shorten_tail(0)
        self.forget_block()

    def _shorten_tail(self, keep: int) -> None:
        start, keys, values = self._tail
        drop = len(keys) - keep
        if drop > 0:
            self._tail = start + drop, keys[drop:], values[drop:]

    def fsync(self) -> None:
        """Wait until the file is on the disk; :meth:`flush` comes first."""
        self._open_file().fsync()

    def clear(self) -> None:
        """Drop every entry, for a rebuild."""
        self._cut(0)

    def _cut(self, entries: int) -> None:
        start, keys, values = self._tail
        keep = entries - start
        self._tail = (start, keys[:keep], values[:keep]) if keep > 0 else (entries, keys[:0], values[:0])
        self.entries = entries
        self._flushed = min(self._flushed, entries)
        self.forget_block()
        if self._files.exists(self.path):
            file = self._open_file()
            if file.size > entries * self.ENTRY_BYTES:
                file.truncate(entries * self.ENTRY_BYTES)

    # -- the file ----------------------------------------------------------------------------------------------------

    def moved(self, path: str) -> None:
        """Follow the file to another name."""
        self.path = path
        if self._file is not None:
            self._file.moved(path)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._file is not None:
            self._file.close()

    def _open_file(self) -> File:
        if self._file is None:
            self._file = self._files.open(self.path, create=True)
        return self._file

    def _read(self, first: int, count: int, nowait: bool) -> Buffer:
        file = self._open_file()
        size, position = count * self.ENTRY_BYTES, first * self.ENTRY_BYTES
        data = file.pread_nowait(size, position) if nowait else file.pread(size, position)
        if data is None:
            raise WouldBlock
        if len(data) != size:
            raise CorruptData(f"{self.path} has {file.size} bytes; it should have {self.entries} entries")
        return data

    def _decode(self, data: Buffer) -> tuple["array[int]", "array[int]"]:
        raise NotImplementedError

    def forget_block(self) -> None:
        """Give back the memory of the last block that was read."""
        self._block = (0, array(self._KEY_TYPE), array("I"))

    # -- looking up --------------------------------------------------------------------------------------------------

    def _entry(self, slot: int, nowait: bool = False) -> tuple[int, int]:
        for start, keys, values in (self._tail, self._block):
            if start <= slot < start + len(keys):
                return keys[slot - start], values[slot - start]
        key, value = self._ENTRY.unpack(self._read(slot, 1, nowait))
        return key, value

    def _floor(self, target: int, by_value: bool, nowait: bool = False) -> int:
        """Return the last slot whose key, or value, is at most ``target``, or -1."""
        entries = self.entries  # before the tail, which may be a row ahead if a thread asks
        tail_start, keys, values = self._tail
        rows = values if by_value else keys
        if not tail_start or (rows and rows[0] <= target):
            return min(tail_start + bisect_right(rows, target), entries) - 1
        start, keys, values = self._block
        rows = values if by_value else keys
        if rows and rows[0] <= target and (target < rows[-1] or start + len(rows) == tail_start):
            return start + bisect_right(rows, target) - 1
        low, high = 0, (tail_start + _BLOCK_ENTRIES - 1) // _BLOCK_ENTRIES
        while low < high:  # until low is the first block that begins above the target
            middle = (low + high) // 2
            if self._entry(middle * _BLOCK_ENTRIES, nowait)[by_value] <= target:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return -1
        start = (low - 1) * _BLOCK_ENTRIES
        data = self._read(start, min(_BLOCK_ENTRIES, tail_start - start), nowait)
        keys, values = self._decode(data)
        self._block = (start, keys, values)
        return start + bisect_right(values if by_value else keys, target) - 1

    def _size_check(self, size_bytes: int) -> None:
        if size_bytes % self.ENTRY_BYTES:
            raise CorruptData(f"{self.path} has {size_bytes} bytes, which is no multiple of {self.ENTRY_BYTES}")


class OffsetIndex(_Index):
    """Offset to file position."""

    __slots__ = ()

    ENTRY_BYTES: ClassVar[int] = OFFSET_ENTRY_BYTES
    _ENTRY: ClassVar[struct.Struct] = _OFFSET_ENTRY
    _KEY_TYPE: ClassVar[str] = "I"

    @property
    def is_full(self) -> bool:
        """Whether the segment must roll."""
        return self.entries >= self.max_entries

    def append(self, offset: int, position: int) -> None:
        """Add an entry: the batch at ``position`` ends with ``offset``, which is above every offset before."""
        self._append(offset - self.base_offset, position)

    def lookup(self, offset: int, *, nowait: bool = False) -> OffsetPosition:
        """Return the greatest entry with an offset of at most ``offset``; ``(base_offset, 0)`` if none."""
        slot = self._floor(offset - self.base_offset, False, nowait) if self.entries else -1
        return self._at(slot, nowait)

    def lookup_position(self, position: int, *, nowait: bool = False) -> OffsetPosition:
        """Return the greatest entry with a position of at most ``position``; ``(base_offset, 0)`` if none."""
        return self._at(self._floor(position, True, nowait) if self.entries else -1, nowait)

    def last_entry(self, *, nowait: bool = False) -> OffsetPosition:
        """Return the last entry, or ``(base_offset, 0)``."""
        return self._at(self.entries - 1, nowait)

    def entry(self, slot: int) -> OffsetPosition:
        """Return entry number ``slot``."""
        return self._at(slot, False)

    def _at(self, slot: int, nowait: bool) -> OffsetPosition:
        if slot < 0:
            return OffsetPosition(self.base_offset, 0)
        relative, position = self._entry(slot, nowait)
        return OffsetPosition(self.base_offset + relative, position)

    def _decode(self, data: Buffer) -> tuple["array[int]", "array[int]"]:
        both = array("I", bytes(data))
        if _SWAP:
            both.byteswap()
        return both[0::2], both[1::2]

    def truncate_to(self, offset: int) -> None:
        """Drop the entries at and above ``offset``."""
        if self.entries:
            self._cut(self._floor(offset - self.base_offset - 1, False) + 1 if offset > self.base_offset else 0)

    def sanity_check(self, size_bytes: int) -> None:
        """Raise CorruptData if the file cannot be an index (``OffsetIndex.sanityCheck`` upstream)."""
        self._size_check(size_bytes)
        if self.entries > 1 and self.last_entry().offset <= self.base_offset:
            raise CorruptData(f"{self.path} ends with an offset that is not above its segment's")


class TimeIndex(_Index):
    """Timestamp to offset."""

    __slots__ = ("_last_timestamp",)

    ENTRY_BYTES: ClassVar[int] = TIME_ENTRY_BYTES
    _ENTRY: ClassVar[struct.Struct] = _TIME_ENTRY
    _KEY_TYPE: ClassVar[str] = "q"

    def __init__(self, files: Files, path: str, base_offset: int, max_size_bytes: int, *, size_bytes: int = 0) -> None:
        super().__init__(files, path, base_offset, max_size_bytes, size_bytes=size_bytes)
        self._last_timestamp: int | None = None if self.entries else -1

    @property
    def is_full(self) -> bool:
        """Whether the segment must roll; one entry stays free for the one that the roll adds."""
        return self.entries >= self.max_entries - 1

    def maybe_append(self, timestamp: int, offset: int) -> bool:
        """Add an entry if ``timestamp`` is above the last one's; return whether it was.

        ``timestamp`` is the greatest of the segment so far, ``offset`` the last offset of the batch that has
        it.
        """
        if self._last_timestamp is None:
            self._last_timestamp = self.last_entry().timestamp
        if timestamp <= self._last_timestamp:
            return False
        self._last_timestamp = timestamp
        self._append(timestamp, offset - self.base_offset)
        return True

    def lookup(self, timestamp: int, *, nowait: bool = False) -> TimestampOffset:
        """Return the greatest entry with a timestamp of at most ``timestamp``, or ``(-1, base_offset)``."""
        return self._at(self._floor(timestamp, False, nowait) if self.entries else -1, nowait)

    def last_entry(self, *, nowait: bool = False) -> TimestampOffset:
        """Return the last entry, or ``(-1, base_offset)``."""
        return self._at(self.entries - 1, nowait)

    def entry(self, slot: int) -> TimestampOffset:
        """Return entry number ``slot``."""
        return self._at(slot, False)

    def _at(self, slot: int, nowait: bool) -> TimestampOffset:
        if slot < 0:
            return TimestampOffset(-1, self.base_offset)
        timestamp, relative = self._entry(slot, nowait)
        return TimestampOffset(timestamp, self.base_offset + relative)

    def _decode(self, data: Buffer) -> tuple["array[int]", "array[int]"]:
        rows = list(self._ENTRY.iter_unpack(data))
        return array("q", [row[0] for row in rows]), array("I", [row[1] for row in rows])

    def truncate_to(self, offset: int) -> None:
        """Drop the entries that point at and above ``offset``."""
        if self.entries:
            self._cut(self._floor(offset - self.base_offset - 1, True) + 1 if offset > self.base_offset else 0)

    def _cut(self, entries: int) -> None:
        super()._cut(entries)
        self._last_timestamp = None if entries else -1

    def sanity_check(self, size_bytes: int) -> None:
        """Raise CorruptData if the file cannot be an index (``TimeIndex.sanityCheck`` upstream)."""
        self._size_check(size_bytes)
        if self.entries > 1 and self.last_entry().timestamp < self.entry(0).timestamp:
            raise CorruptData(f"{self.path} ends with a timestamp below its first")
