"""Messages of magic 0 and 1, which old logs may hold: compaction turns what it keeps of them into batches of magic 2.

They have no headers, no producers and no transactions. Their tombstones carry no delete horizon: the age of their
segment decides. A compressed message holds many; what it holds keeps its offsets.
"""

from ottla.model.errors import ApiError, CorruptData
from ottla.record import filter as record_filter
from ottla.record.batch import BatchHeader
from ottla.record.records import Record, iter_records

from .retention import MAX_OPENED_BYTES, Retention


def legacy_keys(chunk: bytes, pos: int, header: BatchHeader) -> tuple[list[bytes], list[int]]:
    """Return the keys of a legacy message and their offsets; records without a key are left out."""
    keys, offsets = [], []
    try:
        for record in iter_records(chunk, pos, header, max_bytes=MAX_OPENED_BYTES):
            if record.key is not None:
                keys.append(record.key)
                offsets.append(record.offset)
    except ApiError as error:
        raise _unreadable(header, error) from error
    return keys, offsets


def rebuild_legacy(
    chunk: bytes, pos: int, header: BatchHeader, retention: Retention, *, tombstone_expired: bool
) -> bytes | None:
    """Return what stays of a legacy message as a batch of magic 2, None if nothing does.

    The last record of the range stays, whatever it is: there is no empty batch to keep its offset.
    """
    is_last = retention.is_last(header)

    def keep(record: Record) -> bool:
        has_value = record.value is not None
        return (is_last and record.offset == header.last_offset) or retention.keeps(
            record.offset, record.key, has_value, tombstone_expired=tombstone_expired
        )

    try:
        filtered = record_filter.filter_batch(
            chunk,
            pos,
            header,
            keep,
            retention=record_filter.Retention.DELETE_EMPTY,
            delete_horizon_ms=retention.new_horizon_ms,
            max_bytes=MAX_OPENED_BYTES,
        )
    except ApiError as error:
        raise _unreadable(header, error) from error
    retention.records_kept += filtered.records_kept
    return None if filtered.batch is None else bytes(filtered.batch)


def _unreadable(header: BatchHeader, error: ApiError) -> CorruptData:
    return CorruptData(f"the message at offset {header.base_offset} cannot be read: {error}")
