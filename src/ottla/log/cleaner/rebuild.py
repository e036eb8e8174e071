"""Writes what is left of a batch: fewer records, a delete horizon, or nothing but the header.

Base offset, last offset, producer fields, leader epoch and attributes stay; so does every record's offset. The base
timestamp becomes the delete horizon where there is one, else the first remaining record's timestamp, and only where it
differs from the old one are records written anew. (MemoryRecords.filterTo.)

This is what :mod:`ottla.record.filter` does with record objects, for the many batches of magic 2: here their records
are only bytes. A test holds the two together.
"""

import struct
from collections.abc import Sequence

from ottla.record.batch import (
    ATTRIBUTES_OFFSET,
    CODEC_MASK,
    CONTROL_BIT,
    CURRENT_MAGIC,
    DELETE_HORIZON_BIT,
    HEADER,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    LOG_OVERHEAD,
    NO_TIMESTAMP,
    TRANSACTIONAL_BIT,
    BatchHeader,
)
from ottla.record.build import empty_batch
from ottla.record.compress import Codec, compress
from ottla.record.crc import crc32c
from ottla.record.varint import read_varint, read_varlong, varint

from .scan import ScannedRecord

_CRC_POS = 17
_KEPT_ATTRIBUTES = CODEC_MASK | LOG_APPEND_TIME_BIT | TRANSACTIONAL_BIT | CONTROL_BIT


def emptied(header: BatchHeader) -> bytearray:
    """Return ``header``'s batch without records: it keeps the producer's last sequence, or the end of the log."""
    return empty_batch(
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


def rebuild_batch(
    header: BatchHeader, payload: bytes, kept: Sequence[ScannedRecord], delete_horizon_ms: int | None
) -> bytes:
    """Return ``header``'s batch with only the ``kept`` records of ``payload`` (not empty), compressed as it was."""
    timestamps = _timestamps(header, payload, kept)
    base_timestamp = timestamps[0] if delete_horizon_ms is None else delete_horizon_ms
    if base_timestamp == header.base_timestamp and not header.attributes & LOG_APPEND_TIME_BIT:
        records = b"".join([payload[record.start : record.end] for record in kept])
    else:
        records = _rewrite(payload, kept, timestamps, base_timestamp)
    attributes = header.attributes & _KEPT_ATTRIBUTES
    if delete_horizon_ms is not None:
        attributes |= DELETE_HORIZON_BIT
    codec = Codec(attributes & CODEC_MASK)
    body = records if codec == Codec.NONE else compress(codec, records)
    max_timestamp = header.max_timestamp if attributes & LOG_APPEND_TIME_BIT else max(NO_TIMESTAMP, *timestamps)
    return _assemble(header, body, attributes, base_timestamp, max_timestamp, len(kept))


def _timestamps(header: BatchHeader, payload: bytes, kept: Sequence[ScannedRecord]) -> list[int]:
    if header.attributes & LOG_APPEND_TIME_BIT:
        return [header.max_timestamp] * len(kept)
    timestamps = []
    for record in kept:
        _, pos = read_varint(payload, record.start)
        delta, _ = read_varlong(payload, pos + 1)
        timestamps.append(_int64(header.base_timestamp + delta))
    return timestamps


def _rewrite(payload: bytes, kept: Sequence[ScannedRecord], timestamps: Sequence[int], base_timestamp: int) -> bytes:
    """Return the records with timestamp deltas from ``base_timestamp``; everything behind the delta stays as it is."""
    out = bytearray()
    for record, timestamp in zip(kept, timestamps, strict=True):
        _, pos = read_varint(payload, record.start)
        attributes = payload[pos]
        _, pos = read_varlong(payload, pos + 1)
        delta = varint(_int64(timestamp - base_timestamp))
        out += varint(1 + len(delta) + record.end - pos)
        out.append(attributes)
        out += delta
        out += payload[pos : record.end]
    return bytes(out)


def _int64(number: int) -> int:
    """Wrap around as Java's longs do: a producer may write any timestamp."""
    return (number + (1 << 63) & (1 << 64) - 1) - (1 << 63)


def _assemble(
    header: BatchHeader,
    body: bytes | bytearray,
    attributes: int,
    base_timestamp: int,
    max_timestamp: int,
    count: int,
) -> bytes:
    batch = bytearray(
        HEADER.pack(
            header.base_offset,
            HEADER_SIZE - LOG_OVERHEAD + len(body),
            header.leader_epoch,
            CURRENT_MAGIC,
            0,
            attributes,
            header.last_offset_delta,
            base_timestamp,
            max_timestamp,
            header.producer_id,
            header.producer_epoch,
            header.base_sequence,
            count,
        )
    )
    batch += body
    struct.pack_into(">I", batch, _CRC_POS, crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:]))
    return bytes(batch)
