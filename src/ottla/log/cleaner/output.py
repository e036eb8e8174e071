"""The segment that a group of segments becomes: written beside them as ``*.cleaned``, with its indexes.

Batches are gathered to ``buffer_bytes`` and written together. The indexes follow the rule of every segment (reference
4.2): an entry when more than ``index.interval.bytes`` came since the last one, the last offset of the batch with the
position where it begins; beside it the largest timestamp so far; and a last time index entry at the end.
"""

import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ottla.log import names
from ottla.log.index import OffsetIndex, TimeIndex
from ottla.model.errors import CorruptData
from ottla.record.batch import parse_header
from ottla.runtime.files import Buffer, Files

from .selection import MAX_RELATIVE_OFFSET
from .transactions import AbortedTransaction

_ABORTED_ENTRY = struct.Struct(">hqqqq")
_NO_TIMESTAMP = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRules:
    """The settings that shape a segment; the sizes in bytes."""

    index_interval_bytes: int
    segment_index_bytes: int
    buffer_bytes: int


class CleanedSegment:
    """Writes one ``*.cleaned`` segment. Nothing of it counts before :meth:`finish` returned.

    No ``*.cleaned`` file of that name may be there.
    """

    def __init__(self, files: Files, directory: str, base_offset: int, rules: OutputRules) -> None:
        self.base_offset = base_offset
        self.size_bytes = 0
        self._files = files
        self._directory = directory
        self._rules = rules
        self._log = files.open(self.path(names.LOG), create=True)
        self._pending: list[Buffer] = []
        self._pending_bytes = 0
        limit_bytes = rules.segment_index_bytes
        self._index = OffsetIndex(files, self.path(names.INDEX), base_offset, limit_bytes)
        self._time_index = TimeIndex(files, self.path(names.TIME_INDEX), base_offset, limit_bytes)
        self._aborted = bytearray()
        self._since_entry_bytes = 0
        self._max_timestamp = _NO_TIMESTAMP
        self._max_timestamp_offset = base_offset

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if error is not None:
            for suffix in names.SEGMENT_SUFFIXES:
                self._files.remove(self.path(suffix))

    @property
    def has_aborted(self) -> bool:
        """Whether it has a transaction index."""
        return bool(self._aborted)

    def path(self, suffix: str) -> str:
        """Return the path of this segment's file of the kind ``suffix``."""
        return names.segment_path(self._directory, self.base_offset, suffix + names.CLEANED)

    def append(self, batch: Buffer) -> None:
        """Add a batch of magic 2 and index it."""
        header = parse_header(batch)
        last_offset = header.last_offset
        if last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            raise CorruptData(f"offset {last_offset} is too far from the segment's base {self.base_offset}")
        if header.max_timestamp > self._max_timestamp:
            self._max_timestamp = header.max_timestamp
            self._max_timestamp_offset = last_offset
        if self._since_entry_bytes > self._rules.index_interval_bytes:
            self._index_batch(last_offset)
        self._since_entry_bytes += len(batch)
        self.size_bytes += len(batch)
        self._pending.append(batch)
        self._pending_bytes += len(batch)
        if self._pending_bytes >= self._rules.buffer_bytes:
            self._write_pending()

    def keep_aborted(self, entry: AbortedTransaction) -> None:
        """Add an entry to the transaction index, in the order of the markers."""
        self._aborted += _ABORTED_ENTRY.pack(
            0, entry.producer_id, entry.first_offset, entry.last_offset, entry.last_stable_offset
        )

    def finish(self, modified_ms: int) -> None:
        """Write everything out, make it durable, and date it ``modified_ms``."""
        self._write_pending()
        self._time_index.maybe_append(self._max_timestamp, self._max_timestamp_offset)
        for index in (self._index, self._time_index):
            index.seal()
            index.fsync()
        if self._aborted:
            aborted = self._files.open(self.path(names.TXN_INDEX), create=True)
            aborted.append(self._aborted)
            aborted.fsync()
            aborted.close()
        self._log.fsync()
        self._close()
        for suffix in (names.LOG, names.INDEX, names.TIME_INDEX):
            self._files.set_modified_ms(self.path(suffix), modified_ms)

    def _index_batch(self, last_offset: int) -> None:
        if not self._index.is_full:
            self._index.append(last_offset, self.size_bytes)
        if not self._time_index.is_full:
            self._time_index.maybe_append(self._max_timestamp, self._max_timestamp_offset)
        self._since_entry_bytes = 0

    def _close(self) -> None:
        self._index.close()
        self._time_index.close()
        self._log.close()

    def _write_pending(self) -> None:
        if self._pending:
            self._log.append(*self._pending)
            self._pending.clear()
            self._pending_bytes = 0


def remove_cleaned(files: Files, directory: str) -> None:
    """Remove what an earlier, unfinished compaction has left.

    Nothing of it may be there when segments are swapped: start-up takes a ``*.cleaned`` file for a sign that the
    ``*.swap`` ones behind it are not all there.
    """
    for name in files.list_dir(directory):
        if name.endswith(names.CLEANED):
            files.remove(names.join(directory, name))
