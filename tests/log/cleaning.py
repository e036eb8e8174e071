"""Segments without a broker: written, compacted by a job in place, and read back."""

from collections.abc import Iterable, Sequence
from typing import Any

from ottla.log import names
from ottla.log.cleaner.job import CleanedGroup, CleanJob, CleanStats, clean
from ottla.log.cleaner.selection import SegmentSummary
from ottla.log.cleaner.throttle import Throttle
from ottla.log.cleaner.transactions import AbortedTransaction
from ottla.record.batch import BatchHeader, iter_batches
from ottla.record.build import build_batch
from ottla.record.records import Record, iter_records
from ottla.runtime.files import Files
from ottla.runtime.files.memory import MemoryFiles

DIRECTORY = "/data/topic-0"
NOW_MS = 1_700_000_000_000
RETENTION_MS = 1000

Entry = tuple[bytes | None, bytes | None]
"""Key and value."""


def batch(base_offset: int, *entries: Entry, timestamp: int = NOW_MS - 5000, **fields: Any) -> bytes:
    """Return a batch; its records' timestamps rise by one from ``timestamp``."""
    records = [(timestamp + index, key, value, ()) for index, (key, value) in enumerate(entries)]
    return bytes(build_batch(records, base_offset=base_offset, **fields))


def marker(offset: int, producer_id: int, kind: int, *, epoch: int = 0) -> bytes:
    """Return an end-of-transaction marker: ``kind`` 0 aborts, 1 commits."""
    return batch(
        offset,
        (bytes((0, 0, 0, kind)), bytes(6)),
        producer_id=producer_id,
        producer_epoch=epoch,
        control=True,
        transactional=True,
    )


class Segments:
    """A partition's folder with segments in it; the last one counts as the active one."""

    def __init__(self, segments: Sequence[Sequence[bytes]], files: Files | None = None, directory: str = DIRECTORY):
        self.files = files if files is not None else MemoryFiles()
        self.directory = directory
        self.files.make_dir(directory)
        self.bases: list[int] = []
        self.checkpoint = 0
        for batches in segments:
            self.add(*batches)

    def add(self, *batches: bytes, base_offset: int | None = None) -> None:
        """Add a segment that begins with the first batch."""
        base = base_offset if base_offset is not None else next(iter_batches(batches[0]))[1].base_offset
        self.bases.append(base)
        self.files.write_bytes(names.segment_path(self.directory, base, names.LOG), b"".join(batches))

    def abort(self, segment: int, *entries: AbortedTransaction) -> None:
        """Write the transaction index of a segment, by number."""
        import struct

        content = b"".join(struct.pack(">hqqqq", 0, *entry) for entry in entries)
        path = names.segment_path(self.directory, self.bases[segment], names.TXN_INDEX)
        self.files.write_bytes(path, content)

    def summaries(self) -> list[SegmentSummary]:
        """Return what selection wants to know."""
        found = []
        for base in self.bases:
            size = self.files.size(names.segment_path(self.directory, base, names.LOG))
            index = names.segment_path(self.directory, base, names.INDEX)
            index_size = self.files.size(index) if self.files.exists(index) else 0
            found.append(SegmentSummary(base, size, index_size, index_size, 0))
        return found

    def job(self, **changes: Any) -> CleanJob:
        """Return a job that compacts everything but the last segment."""
        settings: dict[str, Any] = {
            "directory": self.directory,
            "segments": self.summaries()[:-1],
            "later_base_offsets": self.bases[-1:],
            "first_dirty_offset": self.checkpoint,
            "end_offset": self.bases[-1],
            "last_records": {},
            "now_ms": NOW_MS,
            "delete_retention_ms": RETENTION_MS,
            "segment_bytes": 1 << 20,
            "segment_index_bytes": 1 << 20,
            "index_interval_bytes": 4096,
            "map_bytes": 1 << 20,
            "map_load_factor": 0.9,
            "buffer_bytes": 512,
        }
        return CleanJob(**(settings | changes))

    def clean(self, **changes: Any) -> CleanStats:
        """Compact, put the outcome in the place of its sources, and move the checkpoint on."""
        throttle = Throttle(float("inf"), lambda: 0.0, lambda _: None)
        stats = clean(self.job(**changes), self.files, throttle, self.swap)
        self.checkpoint = stats.end_offset
        return stats

    def swap(self, group: CleanedGroup) -> None:
        """Put a finished segment in place, with no thought for crashes."""
        for base in group.source_base_offsets:
            for suffix in names.SEGMENT_SUFFIXES:
                self.files.remove(names.segment_path(self.directory, base, suffix))
            if base != group.base_offset:
                self.bases.remove(base)
        for suffix in names.SEGMENT_SUFFIXES:
            cleaned = names.segment_path(self.directory, group.base_offset, suffix + names.CLEANED)
            if self.files.exists(cleaned):
                self.files.rename(cleaned, names.segment_path(self.directory, group.base_offset, suffix))

    def batches(self) -> list[BatchHeader]:
        """Return the header of every batch."""
        return [header for header, _ in self._read()]

    def records(self) -> list[Record]:
        """Return every record that is data."""
        return [record for header, records in self._read() if not header.is_control for record in records]

    def entries(self) -> list[tuple[int, bytes | None, bytes | None]]:
        """Return offset, key and value of every record that is data."""
        return [(record.offset, record.key, record.value) for record in self.records()]

    def _read(self) -> Iterable[tuple[BatchHeader, list[Record]]]:
        for base in self.bases:
            content = self.files.read_bytes(names.segment_path(self.directory, base, names.LOG))
            for pos, header in iter_batches(content):
                yield header, list(iter_records(content, pos, header, max_bytes=1 << 24))
