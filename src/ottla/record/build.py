"""Making batches: the writing half of :mod:`.batch` and :mod:`.records`.

What comes out is, codec by codec, what Kafka's MemoryRecordsBuilder makes of the same records; uncompressed it is
the same bytes.
"""

from collections.abc import Iterable, Sequence
from struct import Struct

from .batch import (
    ATTRIBUTES_OFFSET,
    CODEC_MASK,
    CONTROL_BIT,
    CURRENT_MAGIC,
    DELETE_HORIZON_BIT,
    HEADER,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    LOG_OVERHEAD,
    NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    TRANSACTIONAL_BIT,
)
from .compress import compress
from .crc import crc32c
from .records import Header, Record
from .varint import varint

RecordTuple = tuple[int, bytes | None, bytes | None, Sequence[Header]]
"""Timestamp, key, value, headers."""

_UNSIGNED_INT = Struct(">I")
_NULL = b"\x01"
_NO_HEADERS = b"\x00"


def build_batch(
    records: Iterable[RecordTuple | Record],
    *,
    base_offset: int = 0,
    codec: int = 0,
    level: int | None = None,
    timestamp_type: int = 0,
    log_append_time_ms: int | None = None,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = NO_PRODUCER_EPOCH,
    base_sequence: int = NO_SEQUENCE,
    leader_epoch: int = 0,
    control: bool = False,
    transactional: bool = False,
    last_offset: int | None = None,
    delete_horizon_ms: int | None = None,
) -> bytearray:
    """Return one batch of magic 2 with the given records, of which there must be at least one.

    A :class:`Record` keeps its offset, which must not be before ``base_offset``; the tuples are numbered from
    ``base_offset`` on. ``last_offset`` makes room behind the last record, for those that compaction took.
    ``timestamp_type`` 1 needs ``log_append_time_ms``. ``delete_horizon_ms`` takes the place of the base timestamp.
    """
    base_timestamp = NO_TIMESTAMP if delete_horizon_ms is None else delete_horizon_ms
    max_timestamp = NO_TIMESTAMP
    parts: list[bytes] = []
    count = 0
    offset = base_offset - 1
    headers: Sequence[Header]
    for record in records:
        if isinstance(record, Record):
            offset = record.offset
            timestamp, key, value, headers = record.timestamp, record.key, record.value, record.headers
        else:
            offset += 1
            timestamp, key, value, headers = record
        if count == 0 and delete_horizon_ms is None:
            base_timestamp = timestamp
        if timestamp > max_timestamp:
            max_timestamp = timestamp
        delta = timestamp - base_timestamp
        if delta.bit_length() > 63:  # absurd timestamps wrap, as they do in Java
            delta = (delta + (1 << 63) & (1 << 64) - 1) - (1 << 63)
        append_record(parts, delta, offset - base_offset, key, value, headers)
        count += 1
    assert count > 0, "a batch without records is empty_batch"
    if timestamp_type:
        assert log_append_time_ms is not None, "whoever stamps a batch has a clock"
        max_timestamp = log_append_time_ms
    attributes = (
        codec & CODEC_MASK
        | (LOG_APPEND_TIME_BIT if timestamp_type else 0)
        | (TRANSACTIONAL_BIT if transactional else 0)
        | (CONTROL_BIT if control else 0)
        | (0 if delete_horizon_ms is None else DELETE_HORIZON_BIT)
    )
    payload = b"".join(parts)
    if codec:
        payload = compress(codec, payload, level)
    return _assemble(
        payload,
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        attributes=attributes,
        last_offset_delta=(offset if last_offset is None else last_offset) - base_offset,
        base_timestamp=base_timestamp,
        max_timestamp=max_timestamp,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        count=count,
    )


def append_record(
    parts: list[bytes],
    timestamp_delta: int,
    offset_delta: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[Header],
) -> None:
    """Append one encoded record, in pieces, to ``parts``."""
    body = [b"\x00", varint(timestamp_delta), varint(offset_delta)]
    if key is None:
        body.append(_NULL)
    else:
        body += (varint(len(key)), key)
    if value is None:
        body.append(_NULL)
    else:
        body += (varint(len(value)), value)
    if headers:
        body.append(varint(len(headers)))
        for name, content in headers:
            raw = name.encode() if isinstance(name, str) else name
            body += (varint(len(raw)), raw)
            body += (_NULL,) if content is None else (varint(len(content)), content)
    else:
        body.append(_NO_HEADERS)
    encoded = b"".join(body)
    parts.append(varint(len(encoded)))
    parts.append(encoded)


def empty_batch(
    *,
    base_offset: int,
    last_offset: int,
    leader_epoch: int,
    timestamp_type: int,
    max_timestamp: int,
    producer_id: int,
    producer_epoch: int,
    base_sequence: int,
    transactional: bool,
    control: bool,
) -> bytearray:
    """Return a batch whose records compaction took, and that stays for its offsets and its producer's sequence."""
    attributes = (
        (LOG_APPEND_TIME_BIT if timestamp_type else 0)
        | (TRANSACTIONAL_BIT if transactional else 0)
        | (CONTROL_BIT if control else 0)
    )
    return _assemble(
        b"",
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        attributes=attributes,
        last_offset_delta=last_offset - base_offset,
        base_timestamp=NO_TIMESTAMP,
        max_timestamp=max_timestamp,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        count=0,
    )


def _assemble(
    payload: bytes,
    *,
    base_offset: int,
    leader_epoch: int,
    attributes: int,
    last_offset_delta: int,
    base_timestamp: int,
    max_timestamp: int,
    producer_id: int,
    producer_epoch: int,
    base_sequence: int,
    count: int,
) -> bytearray:
    size = HEADER_SIZE + len(payload)
    batch = bytearray(size)
    HEADER.pack_into(
        batch,
        0,
        base_offset,
        size - LOG_OVERHEAD,
        leader_epoch,
        CURRENT_MAGIC,
        0,
        attributes,
        last_offset_delta,
        base_timestamp,
        max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        count,
    )
    batch[HEADER_SIZE:] = payload
    _UNSIGNED_INT.pack_into(batch, 17, crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:]))
    return batch
