"""What a worker is asked to do, what it answers, and the two passes between.

Everything here is synchronous and reaches the disk through the ``files`` it is given, so that a test runs it in place
and a worker process runs it on the real disk. It only reads the log's own files and only writes ``*.cleaned`` ones: a
job may be killed at any moment and leaves the log as it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ottla.log import names
from ottla.record.batch import BatchHeader
from ottla.runtime.files import Buffer, Files

from .batches import SegmentReader, aborted_transactions, index_position
from .legacy import legacy_keys, rebuild_legacy
from .offset_map import OffsetMap
from .output import CleanedSegment, OutputRules, remove_cleaned
from .retention import LastRecord, Retention, control_type, open_batch
from .scan import scan_keys, scan_records
from .selection import SegmentSummary, group_segments, segments_between
from .throttle import Throttle
from .transactions import CleanedTransactions


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanJob:
    """One round of compaction of one partition.

    ``segments`` are those that begin below ``end_offset``, the base offset of the first one that must not be touched;
    ``later_base_offsets`` are the others', which may hold the abort markers of transactions that began earlier.
    ``last_records`` says for each active producer where it stands. Sizes in bytes.
    """

    directory: str
    segments: Sequence[SegmentSummary]
    later_base_offsets: Sequence[int]
    first_dirty_offset: int
    end_offset: int
    last_records: dict[int, LastRecord]
    now_ms: int
    delete_retention_ms: int
    segment_bytes: int
    segment_index_bytes: int
    index_interval_bytes: int
    map_bytes: int
    map_load_factor: float
    buffer_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedGroup:
    """A finished ``*.cleaned`` segment that waits to take the place of the segments it was made from."""

    base_offset: int
    source_base_offsets: Sequence[int]
    size_bytes: int
    source_size_bytes: int
    has_aborted: bool


@dataclass(slots=True, kw_only=True)
class CleanStats:
    """What a round did; ``end_offset`` is the new first dirty offset."""

    end_offset: int = -1
    bytes_read: int = 0
    bytes_written: int = 0
    map_bytes_read: int = 0
    records_kept: int = 0
    map_utilization: float = 0.0
    groups: list[CleanedGroup] = field(default_factory=list)


def clean(job: CleanJob, files: Files, throttle: Throttle, on_group: Callable[[CleanedGroup], None]) -> CleanStats:
    """Do ``job``; ``on_group`` is told of each finished segment, after which nothing here opens its sources again.

    Raises CorruptData if a batch is not what was written, StorageError if the disk fails, FileNotFoundError if a
    segment is gone. What was reported before stays good.
    """
    assert job.first_dirty_offset < job.end_offset, "a log without dirt is not due"
    remove_cleaned(files, job.directory)
    stats = CleanStats()
    aborted = aborted_transactions(
        files, job.directory, [segment.base_offset for segment in job.segments] + list(job.later_base_offsets)
    )
    offsets = _build_map(job, files, throttle, CleanedTransactions(aborted), stats)
    stats.end_offset = offsets.latest_offset + 1
    stats.map_utilization = offsets.utilization
    retention = Retention(
        offsets,
        first_dirty_offset=job.first_dirty_offset,
        end_offset=job.end_offset,
        last_records=job.last_records,
        transactions=CleanedTransactions(aborted),
        delete_retention_ms=job.delete_retention_ms,
        now_ms=job.now_ms,
    )
    legacy_horizon_ms = _legacy_horizon(job, files)
    groups = group_segments(
        segments_between(job.segments, 0, stats.end_offset),
        max_size_bytes=job.segment_bytes,
        max_index_size_bytes=job.segment_index_bytes,
        end_offset=job.end_offset,
    )
    for group in groups:
        cleaned = _clean_group(job, files, throttle, group, retention, legacy_horizon_ms, stats)
        stats.groups.append(cleaned)
        on_group(cleaned)
    stats.records_kept = retention.records_kept
    return stats


def _build_map(
    job: CleanJob, files: Files, throttle: Throttle, transactions: CleanedTransactions, stats: CleanStats
) -> OffsetMap:
    """Pass 1: collect the last offset of each key from the first dirty offset on, until the map is full."""
    offsets = OffsetMap(job.map_bytes, job.map_load_factor)
    start_offset = job.first_dirty_offset
    dirty = segments_between(job.segments, start_offset, job.end_offset)
    for number, segment in enumerate(dirty):
        pos = index_position(files, job.directory, segment, start_offset)
        with SegmentReader(files, job.directory, segment, job.buffer_bytes, throttle) as reader:
            for chunk, at, header in reader.batches(pos):
                if not _map_batch(offsets, transactions, chunk, at, header, start_offset):
                    return offsets
            stats.map_bytes_read += reader.bytes_read
        # Offsets up to the next segment are known to be gaps.
        next_base_offset = dirty[number + 1].base_offset if number + 1 < len(dirty) else job.end_offset
        offsets.latest_offset = next_base_offset - 1
    return offsets


def _map_batch(
    offsets: OffsetMap,
    transactions: CleanedTransactions,
    chunk: bytes,
    pos: int,
    header: BatchHeader,
    start_offset: int,
) -> bool:
    """Put a batch's keys into the map; return False if they did not all fit."""
    if header.is_control:
        payload, start, end = open_batch(chunk, pos, header)
        records = scan_records(payload, start, end, header.count, header.base_offset)
        transactions.on_control_batch(header.producer_id, header.last_offset, control_type(records))
    elif not transactions.on_batch(
        header.producer_id, header.base_offset, header.last_offset, transactional=header.is_transactional
    ):
        if header.last_offset < start_offset:
            return True
        keys, positions = _keys(chunk, pos, header)
        if positions and positions[0] < start_offset:
            skip = sum(offset < start_offset for offset in positions)
            keys, positions = keys[skip:], positions[skip:]
        taken = offsets.put_all(keys, positions)
        if taken < len(keys):
            offsets.latest_offset = max(offsets.latest_offset, positions[taken] - 1)
            return False
    if header.last_offset >= start_offset:
        offsets.latest_offset = header.last_offset
    return True


def _keys(chunk: bytes, pos: int, header: BatchHeader) -> tuple[list[bytes], list[int]]:
    if header.magic < 2:
        return legacy_keys(chunk, pos, header)
    if header.count == 0:
        return [], []
    payload, start, end = open_batch(chunk, pos, header)
    return scan_keys(payload, start, end, header.count, header.base_offset)


def _clean_group(
    job: CleanJob,
    files: Files,
    throttle: Throttle,
    group: Sequence[SegmentSummary],
    retention: Retention,
    legacy_horizon_ms: int,
    stats: CleanStats,
) -> CleanedGroup:
    """Pass 2 over one group: copy what stays into a new segment, and make it durable."""
    rules = OutputRules(
        index_interval_bytes=job.index_interval_bytes,
        segment_index_bytes=job.segment_index_bytes,
        buffer_bytes=job.buffer_bytes,
    )
    modified_ms = 0
    left: Buffer | None
    with CleanedSegment(files, job.directory, group[0].base_offset, rules) as output:
        for segment in group:
            modified_ms = files.modified_ms(names.segment_path(job.directory, segment.base_offset, names.LOG))
            with SegmentReader(files, job.directory, segment, job.buffer_bytes, throttle) as reader:
                for chunk, at, header in reader.batches(0):
                    if header.magic < 2:
                        expired = modified_ms <= legacy_horizon_ms
                        left = rebuild_legacy(chunk, at, header, retention, tombstone_expired=expired)
                    else:
                        left = retention.filter(chunk, at, header, output.keep_aborted)
                    if left is not None:
                        output.append(left)
                        throttle.moved(len(left))
                stats.bytes_read += reader.bytes_read
        output.finish(modified_ms)
    stats.bytes_written += output.size_bytes
    return CleanedGroup(
        base_offset=group[0].base_offset,
        source_base_offsets=[segment.base_offset for segment in group],
        size_bytes=output.size_bytes,
        source_size_bytes=sum(segment.size_bytes for segment in group),
        has_aborted=output.has_aborted,
    )


def _legacy_horizon(job: CleanJob, files: Files) -> int:
    """Return the time up to which tombstones of magic 0 and 1, which carry no horizon, have had their time.

    Segments that were written before ``delete.retention.ms`` before the last clean one was are that old; with no clean
    segment none is. (Cleaner.doClean)
    """
    clean = segments_between(job.segments, 0, job.first_dirty_offset)
    if not clean:
        return 0
    path = names.segment_path(job.directory, clean[-1].base_offset, names.LOG)
    return files.modified_ms(path) - job.delete_retention_ms
