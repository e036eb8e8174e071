"""What the cleaner makes of one batch: the records that stay, in a batch that keeps its place.

The rules are those of Kafka's ``MemoryRecords.filterTo``:

- offsets never change, and neither do the batch's base offset, last offset delta, producer fields, leader epoch,
  timestamp type and codec; what goes leaves a gap;
- a batch of which everything stays is copied as it is; of which nothing stays, is dropped, or, if it carries a
  producer's last sequence or the last offset of a range, stays as a header without records;
- the first time that a tombstone (or the marker of a transaction without data) is kept, the time from which it may go
  is written into the batch, as its base timestamp with attribute bit 6, and the records' timestamp deltas follow;
- what stays of a message of magic 0 or 1 becomes a batch of magic 2.
"""

from collections.abc import Callable
from enum import Enum

from .batch import CURRENT_MAGIC, LOG_APPEND_TIME_BIT, NO_TIMESTAMP, BatchHeader, parse_header
from .build import build_batch, empty_batch
from .crc import Buffer
from .records import Record, iter_records


class Retention(Enum):
    """What is to become of a batch, whatever its records say."""

    DELETE = "delete"
    """All of it goes, unread."""
    DELETE_EMPTY = "delete-empty"
    """It goes if no record stays."""
    RETAIN_EMPTY = "retain-empty"
    """Its header stays even if no record does."""


class Filtered:
    """What is left of a batch.

    ``batch`` is None if nothing is, else the bytes to write: the caller's own, sliced, if ``changed`` is false.
    ``max_offset`` and ``max_timestamp`` are what Kafka enters into the indexes of the segment it copies to: the largest
    offset of a record that stayed, the batch's last offset if it is as it was or empty, -1 if nothing is left.
    """

    __slots__ = (
        "batch",
        "changed",
        "max_offset",
        "max_timestamp",
        "records_kept",
        "records_read",
    )

    def __init__(
        self,
        batch: Buffer | None,
        *,
        changed: bool,
        records_read: int,
        records_kept: int,
        max_offset: int,
        max_timestamp: int,
    ) -> None:
        self.batch = batch
        self.changed = changed
        self.records_read = records_read
        self.records_kept = records_kept
        self.max_offset = max_offset
        self.max_timestamp = max_timestamp


def filter_batch(
    buf: Buffer,
    pos: int,
    header: BatchHeader,
    keep: Callable[[Record], bool],
    *,
    retention: Retention,
    delete_horizon_ms: int,
    marker_of_empty_transaction: bool = False,
    max_bytes: int,
) -> Filtered:
    """Return what is left of the batch at ``pos`` when only the records stay that ``keep`` says so of.

    ``delete_horizon_ms`` is the present plus ``delete.retention.ms``; it is used if the batch needs a horizon and has
    none. Raises what :func:`.records.iter_records` raises.
    """
    if retention is Retention.DELETE:
        return _nothing(0)
    kept: list[Record] = []
    read = 0
    for record in iter_records(buf, pos, header, max_bytes=max_bytes):
        read += 1
        if keep(record):
            kept.append(record)
    if not kept:
        return _without_records(header, read) if retention is Retention.RETAIN_EMPTY else _nothing(read)

    horizon_ms = header.delete_horizon_ms
    has_tombstone = marker_of_empty_transaction or any(record.value is None for record in kept)
    set_horizon = has_tombstone and horizon_ms is None
    batch: Buffer
    if len(kept) == read and not set_horizon and header.magic >= CURRENT_MAGIC:
        batch = memoryview(buf)[pos : pos + header.size]
        max_offset = header.last_offset
        max_timestamp = header.max_timestamp
        changed = False
    else:
        batch = _rebuild(header, kept, delete_horizon_ms if set_horizon else horizon_ms)
        max_offset = max(record.offset for record in kept)
        max_timestamp = parse_header(batch).max_timestamp
        changed = True
    return Filtered(
        batch,
        changed=changed,
        records_read=read,
        records_kept=len(kept),
        max_offset=max_offset,
        max_timestamp=max_timestamp,
    )


def _nothing(read: int) -> Filtered:
    return Filtered(None, changed=True, records_read=read, records_kept=0, max_offset=-1, max_timestamp=NO_TIMESTAMP)


def _without_records(header: BatchHeader, read: int) -> Filtered:
    assert header.magic >= CURRENT_MAGIC, "only batches of magic 2 can be empty"
    batch = empty_batch(
        base_offset=header.base_offset,
        last_offset=header.last_offset,
        leader_epoch=header.leader_epoch,
        timestamp_type=header.timestamp_type,
        max_timestamp=header.max_timestamp,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        transactional=header.is_transactional,
        control=header.is_control,
    )
    return Filtered(
        batch,
        changed=True,
        records_read=read,
        records_kept=0,
        max_offset=header.last_offset,
        max_timestamp=header.max_timestamp,
    )


def _rebuild(header: BatchHeader, kept: list[Record], horizon_ms: int | None) -> bytearray:
    legacy = header.magic < CURRENT_MAGIC
    return build_batch(
        kept,
        base_offset=kept[0].offset if legacy else header.base_offset,
        last_offset=None if legacy else header.last_offset,
        codec=header.codec,
        timestamp_type=header.timestamp_type,
        log_append_time_ms=header.max_timestamp if header.attributes & LOG_APPEND_TIME_BIT else None,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        leader_epoch=header.leader_epoch,
        control=header.is_control,
        transactional=header.is_transactional,
        delete_horizon_ms=horizon_ms,
    )
