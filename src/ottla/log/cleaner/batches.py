"""Reads segments for compaction: batches chunk by chunk with their CRCs checked, and what the indexes say.

A batch whose CRC is wrong ends the job: compaction would give a fresh CRC to wrong bytes, or drop a record because of
a key that nobody wrote.
"""

import struct
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from ottla.log import names
from ottla.log.index import OffsetIndex
from ottla.model.errors import ApiError, CorruptData
from ottla.record.batch import BatchHeader, crc_ok, parse_header, whole_batch_size
from ottla.runtime.files import Files

from .selection import SegmentSummary
from .throttle import Throttle
from .transactions import AbortedTransaction

_ABORTED_ENTRY = struct.Struct(">hqqqq")
_FRAME_BYTES = 17


class SegmentReader:
    """Walks through the batches of one segment."""

    def __init__(
        self, files: Files, directory: str, segment: SegmentSummary, buffer_bytes: int, throttle: Throttle
    ) -> None:
        self.path = names.segment_path(directory, segment.base_offset, names.LOG)
        self.bytes_read = 0
        self._end = segment.size_bytes
        self._buffer_bytes = max(buffer_bytes, _FRAME_BYTES)
        self._throttle = throttle
        self._file = files.open(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def batches(self, pos: int) -> Iterator[tuple[bytes, int, BatchHeader]]:
        """Yield the chunk, the position in it, and the header of each batch from file position ``pos`` on."""
        want = self._buffer_bytes
        while pos < self._end:
            chunk = self._read(pos, want)
            at = 0
            while size := self._batch_size(chunk, at, pos):
                header = parse_header(chunk, at)
                if not crc_ok(chunk, at, size):
                    raise CorruptData(f"{self.path}: the batch at {pos + at} does not have the CRC it claims")
                yield chunk, at, header
                at += size
            pos += at
            if at:
                want = self._buffer_bytes
            elif len(chunk) < want or (len(chunk) >= _FRAME_BYTES and want >= self._next_size(chunk)):
                raise CorruptData(f"{self.path}: a batch is cut off at {pos}")
            else:
                want = self._next_size(chunk)

    def _read(self, pos: int, want: int) -> bytes:
        chunk = bytes(self._file.pread(min(want, self._end - pos), pos))
        self.bytes_read += len(chunk)
        self._throttle.moved(len(chunk))
        return chunk

    def _batch_size(self, chunk: bytes, at: int, pos: int) -> int:
        try:
            return whole_batch_size(chunk, at, len(chunk))
        except ApiError as error:
            raise CorruptData(f"{self.path}: {error} at {pos + at}") from error

    @staticmethod
    def _next_size(chunk: bytes) -> int:
        return 12 + int.from_bytes(chunk[8:12], "big", signed=True)


def index_position(files: Files, directory: str, segment: SegmentSummary, offset: int) -> int:
    """Return a position in the segment at or before the batch that holds ``offset``, by its offset index."""
    if offset <= segment.base_offset:
        return 0
    path = names.segment_path(directory, segment.base_offset, names.INDEX)
    if not files.exists(path):
        return 0
    size_bytes = segment.index_size_bytes
    index = OffsetIndex(files, path, segment.base_offset, size_bytes, size_bytes=size_bytes)
    try:
        return index.lookup(offset).position
    finally:
        index.close()


def aborted_transactions(files: Files, directory: str, base_offsets: Sequence[int]) -> list[AbortedTransaction]:
    """Return the entries of all transaction indexes there are among the given segments."""
    entries = []
    for base_offset in base_offsets:
        path = names.segment_path(directory, base_offset, names.TXN_INDEX)
        if not files.exists(path):
            continue
        content = files.read_bytes(path)
        if len(content) % _ABORTED_ENTRY.size:
            raise CorruptData(f"{path}: {len(content)} bytes are no whole number of entries")
        entries += [AbortedTransaction(*entry[1:]) for entry in _ABORTED_ENTRY.iter_unpack(content)]
    return entries
