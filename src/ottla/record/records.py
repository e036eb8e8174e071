"""The records inside a batch, one by one.

A record of a magic-2 batch (``org.apache.kafka.common.record.DefaultRecord``), all numbers zigzag varints::

    length of the rest | attributes i8 (0) | timestamp delta | offset delta | key length (-1 null), key
    | value length (-1 null), value | headers count, each: key length, key (utf-8), value length (-1 null), value

Reading is strict where Kafka's reader is: as many records as the header says, each exactly as long as it says, and
nothing behind the last one. Otherwise ``ApiError(INVALID_RECORD)``.
"""

from collections.abc import Iterator

from .batch import CURRENT_MAGIC, HEADER_SIZE, LOG_APPEND_TIME_BIT, NO_TIMESTAMP, BatchHeader, invalid
from .compress import Codec, decompress
from .crc import Buffer
from .varint import read_unsigned, read_varint, read_varlong

Header = tuple[str | bytes, bytes | None]
"""A record's header: its key (bytes if it is not UTF-8) and its value."""

_SAFE_TIMESTAMP = 1 << 62


class Record:
    """One record. ``offset`` and ``timestamp`` (milliseconds) are absolute; a null key or value is None."""

    __slots__ = ("headers", "key", "offset", "timestamp", "value")

    def __init__(
        self, offset: int, timestamp: int, key: bytes | None, value: bytes | None, headers: list[Header]
    ) -> None:
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return (
            self.offset == other.offset
            and self.timestamp == other.timestamp
            and self.key == other.key
            and self.value == other.value
            and self.headers == other.headers
        )

    __hash__ = None  # type: ignore[assignment]  # compared by value and changeable: no place in a set

    def __repr__(self) -> str:
        return (
            f"Record(offset={self.offset}, timestamp={self.timestamp}, key={self.key!r}, "
            f"value={self.value!r}, headers={self.headers!r})"
        )


def record_bytes(batch: Buffer, pos: int, header: BatchHeader, max_bytes: int) -> bytes:
    """Return the records of the magic-2 batch at ``pos`` in one piece, decompressed, at most ``max_bytes``.

    Raises ``ApiError``: INVALID_RECORD if they do not decompress, MESSAGE_TOO_LARGE if there is more.
    """
    end = pos + header.size
    if end > len(batch):
        raise invalid("the batch is cut off")
    codec = header.codec
    if codec == Codec.NONE:
        return bytes(memoryview(batch)[pos + HEADER_SIZE : end])
    return decompress(codec, memoryview(batch)[pos + HEADER_SIZE : end], max_bytes)


def iter_records(batch: Buffer, pos: int, header: BatchHeader, *, max_bytes: int) -> Iterator[Record]:
    """Yield the records of the batch at ``pos``; ``max_bytes`` bounds what a compressed one may become.

    Reads magic 0, 1 and 2. Raises ``ApiError``: INVALID_RECORD, MESSAGE_TOO_LARGE, and CORRUPT_MESSAGE for a message
    of magic 0 or 1 inside a compressed one whose own CRC is wrong. The batch's CRC is not checked.
    """
    if header.magic < CURRENT_MAGIC:
        from .legacy import iter_messages

        return iter_messages(batch, pos, header, max_bytes=max_bytes)
    if header.count <= 0:
        if header.count < 0:
            raise invalid(f"a batch of {header.count} records")
        return iter(())
    return _iter(record_bytes(batch, pos, header, max_bytes), header)


def _iter(data: bytes, header: BatchHeader) -> Iterator[Record]:
    base_offset = header.base_offset
    base_timestamp = header.base_timestamp
    append_time = header.max_timestamp if header.attributes & LOG_APPEND_TIME_BIT else None
    unusual = not -_SAFE_TIMESTAMP < base_timestamp < _SAFE_TIMESTAMP
    data_end = len(data)
    pos = 0
    try:
        for _ in range(header.count):
            size = data[pos]
            if size < 0x80:
                pos += 1
            elif (high := data[pos + 1]) < 0x80:
                size = size & 0x7F | high << 7
                pos += 2
            else:
                size, pos = read_unsigned(data, pos)
            end = pos + (size >> 1)
            if size & 1 or end > data_end:
                raise invalid("a record is longer than its batch")

            delta = data[pos + 1]
            if delta < 0x80:
                delta = delta >> 1 ^ -(delta & 1)
                pos += 2
            else:
                delta, pos = read_varlong(data, pos + 1)
                unusual = unusual or not -_SAFE_TIMESTAMP < delta < _SAFE_TIMESTAMP
            timestamp = base_timestamp + delta
            if unusual:
                timestamp = (timestamp + (1 << 63) & (1 << 64) - 1) - (1 << 63)
            if append_time is not None:
                timestamp = append_time

            delta = data[pos]
            if delta < 0x80:
                delta = delta >> 1 ^ -(delta & 1)
                pos += 1
            else:
                delta, pos = read_varint(data, pos)

            length = data[pos]
            if length < 0x80:
                pos += 1
            else:
                length, pos = read_unsigned(data, pos)
            if length & 1:
                key = None
            else:
                start = pos
                pos += length >> 1
                key = data[start:pos]

            length = data[pos]
            if length < 0x80:
                pos += 1
            elif (high := data[pos + 1]) < 0x80:
                length = length & 0x7F | high << 7
                pos += 2
            else:
                length, pos = read_unsigned(data, pos)
            if length & 1:
                value = None
            else:
                start = pos
                pos += length >> 1
                value = data[start:pos]

            if data[pos]:
                headers, pos = _read_headers(data, pos, end)
            else:
                headers = []
                pos += 1
            if pos != end:
                raise invalid("a record is not as long as it says")
            yield Record(base_offset + delta, timestamp, key, value, headers)
    except IndexError:
        raise invalid("the records are cut off") from None
    except ValueError as error:
        raise invalid(str(error)) from None
    if pos != data_end:
        raise invalid("bytes behind the last record")


def _read_headers(data: bytes, pos: int, end: int) -> tuple[list[Header], int]:
    count, pos = read_varint(data, pos)
    if count < 0 or count > end - pos:
        raise invalid(f"a record with {count} headers")
    headers: list[Header] = []
    for _ in range(count):
        length, pos = read_varint(data, pos)
        if length < 0 or length > end - pos:
            raise invalid(f"a record header with a key of {length} bytes")
        raw = data[pos : pos + length]
        pos += length
        length, pos = read_varint(data, pos)
        value = None
        if length >= 0:
            value = data[pos : pos + length]
            pos += length
        try:
            headers.append((raw.decode(), value))
        except UnicodeDecodeError:
            headers.append((raw, value))
    return headers, pos


def skip_headers(data: bytes, pos: int, end: int) -> int:
    """Return the position behind the headers at ``pos`` of a record that ends at ``end``; errors as when reading."""
    return _read_headers(data, pos, end)[1]


def find_timestamp(
    batch: Buffer, pos: int, header: BatchHeader, timestamp: int, from_offset: int, *, max_bytes: int
) -> Record | None:
    """Return the first record at or behind ``from_offset`` that is not older than ``timestamp``; for ListOffsets."""
    for record in iter_records(batch, pos, header, max_bytes=max_bytes):
        if record.timestamp >= timestamp and record.offset >= from_offset:
            return record
    return None


def offset_of_max_timestamp(batch: Buffer, pos: int, header: BatchHeader, *, max_bytes: int) -> int | None:
    """Return the offset of the first record with the batch's largest timestamp; None if it has no timestamp."""
    if header.max_timestamp == NO_TIMESTAMP:
        return None
    if header.attributes & LOG_APPEND_TIME_BIT and header.magic >= CURRENT_MAGIC:
        return header.base_offset
    for record in iter_records(batch, pos, header, max_bytes=max_bytes):
        if record.timestamp == header.max_timestamp:
            return record.offset
    return None
