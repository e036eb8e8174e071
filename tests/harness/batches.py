"""Record batches made by hand (magic 2), true ones and lying ones.

``batch([Entry(key=b"k")])`` is right in every field; keyword arguments replace header fields afterwards, ``crc`` and
``length`` included, so that each lie can be told alone. Layout: reference section 4.3.
"""

import gzip
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backports import zstd
from fastcrc import crc32
from lz4 import frame as lz4_frame

HEADER_SIZE = 61
_HEADER = struct.Struct(">qiibIhiqqqhii")
NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One record of a batch; ``timestamp`` in ms, now unless given."""

    key: bytes | None = None
    value: bytes | None = b""
    timestamp: int | None = None
    headers: Sequence[tuple[str, bytes | None]] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Header:
    """The fixed part of a batch as read back."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int

    @property
    def codec(self) -> int:
        """The three low bits of the attributes."""
        return self.attributes & 7

    @property
    def last_offset(self) -> int:
        """Offset of the last record that the batch was written with."""
        return self.base_offset + self.last_offset_delta


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def varint(value: int) -> bytes:
    """Zigzag variable-length integer, 32 or 64 bits."""
    number = (value << 1) ^ (value >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _sized(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def record(entry: Entry, *, timestamp_delta: int, offset_delta: int) -> bytes:
    """One record with its length in front."""
    headers = b"".join(_sized(name.encode()) + _sized(value) for name, value in entry.headers)
    body = b"".join(
        [
            b"\x00",
            varint(timestamp_delta),
            varint(offset_delta),
            _sized(entry.key),
            _sized(entry.value),
            varint(len(entry.headers)),
            headers,
        ]
    )
    return varint(len(body)) + body


def compressed(codec: int, data: bytes) -> bytes:
    """``data`` in the framing that Kafka expects of a codec (snappy: one xerial block of literals)."""
    if codec == GZIP:
        return gzip.compress(data)
    if codec == SNAPPY:
        block = _snappy_literals(data)
        return b"\x82SNAPPY\x00" + struct.pack(">iii", 1, 1, len(block)) + block
    if codec == LZ4:
        packed: bytes = lz4_frame.compress(data, block_linked=False)
        return packed
    if codec == ZSTD:
        return zstd.compress(data)
    return data


def _snappy_literals(data: bytes) -> bytes:
    out = bytearray()
    size = len(data)
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    for start in range(0, len(data), 60):
        part = data[start : start + 60]
        out.append((len(part) - 1) << 2)
        out += part
    return bytes(out)


def batch(
    entries: Sequence[Entry],
    *,
    codec: int = NONE,
    payload: bytes | None = None,
    base_offset: int = 0,
    length: int | None = None,
    leader_epoch: int = -1,
    magic: int = 2,
    crc: int | None = None,
    attributes: int | None = None,
    last_offset_delta: int | None = None,
    base_timestamp: int | None = None,
    max_timestamp: int | None = None,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    count: int | None = None,
) -> bytes:
    """A whole batch; what is not given follows from ``entries``.

    ``payload`` replaces the records (already compressed); a given ``crc`` or ``length`` is written as it is.
    """
    now = now_ms()
    stamps = [now if entry.timestamp is None else entry.timestamp for entry in entries] or [now]
    first = stamps[0] if base_timestamp is None else base_timestamp
    if payload is None:
        raw = b"".join(
            record(entry, timestamp_delta=stamp - first, offset_delta=delta)
            for delta, (entry, stamp) in enumerate(zip(entries, stamps, strict=False))
        )
        payload = compressed(codec, raw)
    after_crc = struct.pack(
        ">hiqqqhii",
        codec if attributes is None else attributes,
        len(entries) - 1 if last_offset_delta is None else last_offset_delta,
        first,
        max(stamps) if max_timestamp is None else max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        len(entries) if count is None else count,
    )
    rest = after_crc + payload
    true_crc: int = crc32.iscsi(rest)
    size = len(rest) + 9 if length is None else length
    return struct.pack(">qiibI", base_offset, size, leader_epoch, magic, true_crc if crc is None else crc) + rest


def values(count: int, *, prefix: str = "v", size_bytes: int = 0) -> list[Entry]:
    """``count`` records with distinct values, padded to ``size_bytes``."""
    return [Entry(value=f"{prefix}{number}".encode().ljust(size_bytes, b".")) for number in range(count)]


def headers_of(data: bytes | memoryview | None) -> list[Header]:
    """The headers of all whole batches of a fetch answer."""
    return [header for header, _ in split(data)]


def split(data: bytes | memoryview | None) -> Iterator[tuple[Header, bytes]]:
    """The whole batches of a fetch answer: header, and records as they came (maybe compressed); CRCs checked."""
    buffer = bytes(data or b"")
    position = 0
    while position + HEADER_SIZE <= len(buffer):
        names = Header.__dataclass_fields__
        header = Header(**dict(zip(names, _HEADER.unpack_from(buffer, position), strict=True)))
        end = position + 12 + header.length
        if end > len(buffer):
            return
        assert header.magic == 2, header
        assert header.crc == crc32.iscsi(buffer[position + 21 : end]), f"wrong CRC in {header}"
        yield header, buffer[position + HEADER_SIZE : end]
        position = end


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    shift = number = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), position
        shift += 7


def _read_sized(data: bytes, position: int) -> tuple[bytes | None, int]:
    size, position = _read_varint(data, position)
    if size < 0:
        return None, position
    return data[position : position + size], position + size


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A record as it came out of a fetch."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def records_of(data: bytes | memoryview | None) -> list[Fetched]:
    """All records of the uncompressed batches of a fetch answer, CRCs checked."""
    found: list[Fetched] = []
    for header, payload in split(data):
        assert header.codec == NONE, "only plain batches are opened here"
        found += records_in(header, payload)
    return found


def records_in(header: Header, payload: bytes) -> Iterator[Fetched]:
    """The records of one batch, already decompressed."""
    position = 0
    for _ in range(header.count):
        _, position = _read_varint(payload, position)
        timestamp_delta, position = _read_varint(payload, position + 1)
        offset_delta, position = _read_varint(payload, position)
        key, position = _read_sized(payload, position)
        value, position = _read_sized(payload, position)
        header_count, position = _read_varint(payload, position)
        headers: list[tuple[str, bytes | None]] = []
        for _ in range(header_count):
            name, position = _read_sized(payload, position)
            header_value, position = _read_sized(payload, position)
            headers.append(((name or b"").decode(), header_value))
        log_append_time = header.attributes & 8
        stamp = header.max_timestamp if log_append_time else header.base_timestamp + timestamp_delta
        yield Fetched(
            offset=header.base_offset + offset_delta, timestamp=stamp, key=key, value=value, headers=tuple(headers)
        )
