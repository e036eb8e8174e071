"""Sparse indexes of a segment: offset to file position, and timestamp to offset.

Formats (reference section 4.2; ``OffsetIndex`` and ``TimeIndex`` upstream), all big-endian:

- ``.index``: 8-byte entries, relative offset u32 and position u32. The offset is the **last** offset of the
batch that
  starts at that position.
- ``.timeindex``: 12-byte entries, timestamp i64 (ms) and relative offset u32: no record up to that offset is
younger
  than the timestamp. Timestamps strictly increase.

An index that is being written is *resident*: two arrays, appended to in O(1); :meth:`flush` writes what the
file lacks in one call. :meth:`seal` flushes it and drops the arrays: from then on lookups read the file, a
few entries for the binary search and one block of 512 entries which is kept, so that a reader who goes
through the segment finds the next lookups in it. Neither file is preallocated: it has exactly its entries, as
Kafka's has after a roll or a clean stop.
"""

import struct
from array import array
from bisect import bisect_right
from typing import NamedTuple

from ..model.errors import CorruptData
from ..runtime.files import File, Files

OFFSET_ENTRY_BYTES = 8
TIME_ENTRY_BYTES = 12
RELATIVE_OFFSET_MAX = 2**31 - 1
_BLOCK_ENTRIES = 512
_OFFSET_ENTRY = struct.Struct(">II")
_TIME_ENTRY = struct.Struct(">qI")


class WouldBlock(Exception):  # noqa: N818 - not an error: says that the disk would have to be waited for
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
    """What both have in common: columns in memory while resident, blocks of the file when sealed."""

    __slots__ = (
        "_block",
        "_block_start",
        "_file",
        "_files",
        "_flushed",
        "_keys",
        "_values",
        "base_offset",
        "entries",
        "max_entries",
        "path",
        "resident",
    )

    ENTRY_BYTES = 0
    _ENTRY: struct.Struct
    _KEY_TYPE: str
    _VALUE_TYPE: str

    def __init__(self, files: Files, path: str, base_offset: int, max_size_bytes: int) -> None:
        """Make an index with no entries yet; the file appears with the first :meth:`flush`."""
        self._files = files
        self._file: File | None = None
        self.path = path
        self.base_offset = base_offset
        self.max_entries = max_size_bytes // self.ENTRY_BYTES
        self.entries = 0
        self.resident = True
        self._keys: array[int] = array(self._KEY_TYPE)
        self._values: array[int] = array(self._VALUE_TYPE)
        self._flushed = 0  # entries that the file holds already
        self._block: tuple[array[int], array[int]] | None = None
        self._block_start = 0

    def open_sealed(self, size_bytes: int) -> None:
        """Take over a file of ``size_bytes`` as it is; nothing is read before the first lookup."""
        self.entries = self._flushed = size_bytes // self.ENTRY_BYTES
        self.resident = False
        self._file = None

    def load(self) -> None:
        """Bring a sealed index into memory so that it can be appended to."""
        if self.resident:
            return
        keys, values = self._decode(bytes(self._open_file().pread(self.entries * self.ENTRY_BYTES, 0)))
        self._keys, self._values = keys, values
        self.entries = self._flushed = len(keys)
        self.resident = True
        self._block = None

    def seal(self) -> None:
        """Write what is missing and forget the entries; lookups read the file from now on."""
        self.flush()
        self.resident = False
        self._keys, self._values = array(self._KEY_TYPE), array(self._VALUE_TYPE)
        self._block = None

    def flush(self) -> None:
        """Write the entries that the file lacks; one write, not synced."""
        if self._flushed == self.entries and self._file is not None:
            return
        if not self.resident:
            return
        file = self._open_file()
        start = self._flushed
        if file.size > start * self.ENTRY_BYTES:
            file.truncate(start * self.ENTRY_BYTES)
        if start < self.entries:
            pack = self._ENTRY.pack
            pairs = zip(self._keys[start:], self._values[start:], strict=True)
            file.append(b"".join([pack(key, value) for key, value in pairs]))
            self._flushed = self.entries

    def fsync(self) -> None:
        """Wait until the file is on the disk; :meth:`flush` comes first."""
        self._open_file().fsync()

    def clear(self) -> None:
        """Drop every entry, for a rebuild."""
        self._cut(0)
        self.flush()

    def _cut(self, entries: int) -> None:
        self.load()
        if entries == self.entries and entries <= self._flushed:
            return
        del self._keys[entries:]
        del self._values[entries:]
        self.entries = entries
        if self._flushed > entries:
            self._flushed = entries
            self._open_file().truncate(entries * self.ENTRY_BYTES)

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

    def _decode(self, data: bytes) -> tuple["array[int]", "array[int]"]:
        usable = len(data) - len(data) % self.ENTRY_BYTES
        pairs = list(self._ENTRY.iter_unpack(data[:usable]))
        keys = array(self._KEY_TYPE, [key for key, _ in pairs])
        return keys, array(self._VALUE_TYPE, [value for _, value in pairs])

    def _read(self, first: int, count: int, nowait: bool) -> bytes:
        file = self._open_file()
        size, position = count * self.ENTRY_BYTES, first * self.ENTRY_BYTES
        data = file.pread_nowait(size, position) if nowait else file.pread(size, position)
        if data is None:
            raise WouldBlock
        if len(data) != size:
            raise CorruptData(f"{self.path} has {file.size} bytes and should have {self.entries} entries")
        return bytes(data)

    def _entry(self, slot: int, nowait: bool = False) -> tuple[int, int]:
        if self.resident:
            return self._keys[slot], self._values[slot]
        block, start = self._block, self._block_start
        if block is not None and start <= slot < start + len(block[0]):
            return block[0][slot - start], block[1][slot - start]
        key, value = self._ENTRY.unpack(self._read(slot, 1, nowait))
        return key, value

    def _floor(self, target: int, column: int, nowait: bool = False) -> int:
        """Return the last slot whose column 0 (keys) or 1 (values) is at most ``target``, or -1."""
        if self.resident:
            return bisect_right(self._values if column else self._keys, target) - 1
        block, start = self._block, self._block_start
        if block is not None:
            values = block[column]
            end = start + len(values)
            if values[0] <= target and (target < values[-1] or end == self.entries):
                return start + bisect_right(values, target) - 1
        # the file: first entries of blocks, then one block
        low, high = (
            0,
            (self.entries + _BLOCK_ENTRIES - 1) // _BLOCK_ENTRIES,
        )  # in blocks; answer in [low - 1, high)
        while low < high:
            middle = (low + high) // 2
            if self._entry(middle * _BLOCK_ENTRIES, nowait)[column] <= target:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return -1
        start = (low - 1) * _BLOCK_ENTRIES
        count = min(_BLOCK_ENTRIES, self.entries - start)
        block = self._decode(self._read(start, count, nowait))
        self._block_start, self._block = start, block
        return start + bisect_right(block[column], target) - 1

    def forget_block(self) -> None:
        """Give back the memory of the last block that was read."""
        self._block = None

    def _size_check(self, size_bytes: int) -> None:
        if size_bytes % self.ENTRY_BYTES:
            raise CorruptData(f"{self.path} has {size_bytes} bytes, which is no multiple of {self.ENTRY_BYTES}")


class OffsetIndex(_Index):
    """Offset to file position."""

    __slots__ = ()

    ENTRY_BYTES = OFFSET_ENTRY_BYTES
    _ENTRY = _OFFSET_ENTRY
    _KEY_TYPE = "I"
    _VALUE_TYPE = "I"

    @property
    def is_full(self) -> bool:
        """Whether the segment must roll."""
        return self.entries >= self.max_entries

    def append(self, offset: int, position: int) -> None:
        """Add an entry: the batch at ``position`` ends with ``offset``, which is above every offset before."""
        keys = self._keys
        relative = offset - self.base_offset
        assert self.resident
        assert not keys or relative > keys[-1], "offset index entries increase"
        keys.append(relative)
        self._values.append(position)
        self.entries += 1

    def lookup(self, offset: int, *, nowait: bool = False) -> OffsetPosition:
        """Return the greatest entry with an offset of at most ``offset``.

        ``(base_offset, 0)`` if there is none.
        """
        slot = self._floor(offset - self.base_offset, 0, nowait) if offset >= self.base_offset else -1
        return self._at(slot, nowait)

    def lookup_position(self, position: int, *, nowait: bool = False) -> OffsetPosition:
        """Return the greatest entry with a position of at most ``position``; ``(base_offset, 0)`` if none."""
        return self._at(self._floor(position, 1, nowait), nowait)

    def last_entry(self, *, nowait: bool = False) -> OffsetPosition:
        """Return the last entry, or ``(base_offset, 0)``."""
        return self._at(self.entries - 1, nowait)

    def _at(self, slot: int, nowait: bool) -> OffsetPosition:
        if slot < 0:
            return OffsetPosition(self.base_offset, 0)
        relative, position = self._entry(slot, nowait)
        return OffsetPosition(self.base_offset + relative, position)

    def entry(self, slot: int) -> OffsetPosition:
        """Return entry number ``slot``."""
        return self._at(slot, False)

    def truncate_to(self, offset: int) -> None:
        """Drop the entries at and above ``offset``."""
        self.load()
        self._cut(bisect_right(self._keys, offset - self.base_offset - 1) if offset > self.base_offset else 0)

    def sanity_check(self, size_bytes: int) -> None:
        """Raise CorruptData if the file cannot be an index (``OffsetIndex.sanityCheck`` upstream)."""
        self._size_check(size_bytes)
        if self.entries and self.last_entry().offset < self.base_offset + (self.entries > 1):
            raise CorruptData(f"{self.path} ends with an offset below its segment's")


class TimeIndex(_Index):
    """Timestamp to offset."""

    __slots__ = ()

    ENTRY_BYTES = TIME_ENTRY_BYTES
    _ENTRY = _TIME_ENTRY
    _KEY_TYPE = "q"
    _VALUE_TYPE = "I"

    @property
    def is_full(self) -> bool:
        """Whether the segment must roll; one entry stays free for the one that the roll adds."""
        return self.entries >= self.max_entries - 1

    def maybe_append(self, timestamp: int, offset: int) -> bool:
        """Add an entry if ``timestamp`` is above the last one's; return whether it was.

        ``timestamp`` is the greatest of the segment so far, ``offset`` the last offset of the batch that has
        it.
        """
        assert self.resident
        keys = self._keys
        if timestamp > (keys[-1] if keys else -1):
            keys.append(timestamp)
            self._values.append(offset - self.base_offset)
            self.entries += 1
            return True
        return False

    def lookup(self, timestamp: int, *, nowait: bool = False) -> TimestampOffset:
        """Return the greatest entry with a timestamp of at most ``timestamp``, or ``(-1, base_offset)``."""
        return self._at(self._floor(timestamp, 0, nowait), nowait)

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

    def truncate_to(self, offset: int) -> None:
        """Drop the entries that point at and above ``offset``."""
        self.load()
        self._cut(bisect_right(self._values, offset - self.base_offset - 1) if offset > self.base_offset else 0)

    def sanity_check(self, size_bytes: int) -> None:
        """Raise CorruptData if the file cannot be an index (``TimeIndex.sanityCheck`` upstream)."""
        self._size_check(size_bytes)
        if self.entries > 1 and self.last_entry().timestamp < self.entry(0).timestamp:
            raise CorruptData(f"{self.path} ends with a timestamp below its first")
