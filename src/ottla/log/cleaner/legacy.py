"""Messages of magic 0 and 1, which old logs may hold: compaction turns what it keeps of them into batches of magic 2.

They have no headers, no producers and no transactions. Their tombstones carry no delete horizon: the age of their
segment decides. A compressed message holds many; what it holds keeps its offsets.
(MemoryRecords.buildRetainedRecordsInto)
"""

from ottla.model.errors import ApiError, CorruptData
from ottla.record.batch import BatchHeader
from ottla.record.build import build_batch
from ottla.record.records import Record, iter_records

from .retention import MAX_OPENED_BYTES, Retention


def legacy_keys(chunk: bytes, pos: int, header: BatchHeader) -> tuple[list[bytes], list[int]]:
    """Return the keys of a legacy message and their offsets; records without a key are left out."""
    keyed = [(record.key, record.offset) for record in _records(chunk, pos, header) if record.key is not None]
    return [key for key, _ in keyed], [offset for _, offset in keyed]


def rebuild_legacy(
    chunk: bytes, pos: int, header: BatchHeader, retention: Retention, *, tombstone_expired: bool
) -> bytes | None:
    """Return what stays of a legacy message as a batch of magic 2, None if nothing does.

    The last message of the range stays as it is: there is no empty batch of magic 0 or 1 to keep its offset.
    """
    records = _records(chunk, pos, header)
    kept = [
        record
        for record in records
        if retention.keeps(record.offset, record.key, record.value is not None, tombstone_expired=tombstone_expired)
    ]
    if not kept and retention.is_last(header):
        kept = records[-1:]
    if not kept:
        return None
    retention.records_kept += len(kept)
    append_time_ms = header.max_timestamp if header.timestamp_type else None
    horizon_ms = None if all(record.value is not None for record in kept) else retention.new_horizon_ms
    batch = build_batch(
        kept,
        base_offset=kept[0].offset,
        codec=header.codec,
        timestamp_type=header.timestamp_type,
        log_append_time_ms=append_time_ms,
        leader_epoch=header.leader_epoch,
        delete_horizon_ms=horizon_ms,
    )
    return bytes(batch)


def _records(chunk: bytes, pos: int, header: BatchHeader) -> list[Record]:
    try:
        return list(iter_records(chunk, pos, header, max_bytes=MAX_OPENED_BYTES))
    except ApiError as error:
        raise CorruptData(f"the message at offset {header.base_offset} cannot be read: {error}") from error
