"""Messages of magic 0 and 1, the formats of Kafka before 0.11, which old logs still hold.

Nobody writes them any more (Produce of 4.x takes magic 2 only, and a cleaner makes magic 2 of the rest);
they are read, and served as they are. A message (``org.apache.kafka.common.record.LegacyRecord``)::

    offset i64 | length i32 | crc u32 (CRC-32 of what follows) | magic i8 | attributes i8
    [timestamp i64, magic 1] | key length i32 (-1 null), key | value length i32 (-1 null), value

A compressed message has other messages in its value. In magic 0 these have their real offsets; in magic 1 they are
counted from 0, the outer message has the offset of the last, and if its timestamp type is log append time its
timestamp is that of all (``AbstractLegacyRecordBatch``).
"""

from collections.abc import Iterator
from struct import Struct
from struct import error as StructError  # noqa: N812

from .batch import LOG_APPEND_TIME_BIT, BatchHeader, corrupt, crc_ok, invalid
from .batch import iter_batches as iter_frames
from .compress import Codec, decompress
from .crc import Buffer
from .records import Record

_INT = Struct(">i")

_BODY = (18, 26)
"""Where key and value begin, by magic."""

_MASK = 0xFFFFFFFF


def iter_messages(buf: Buffer, pos: int, header: BatchHeader, *, max_bytes: int) -> Iterator[Record]:
    """Yield the message at ``pos``, or those inside it if it is compressed, as records without headers.

    Raises ``ApiError``: CORRUPT_MESSAGE where the frame of an inner message or its CRC is wrong, INVALID_RECORD where
    the fields do not fit, MESSAGE_TOO_LARGE beyond ``max_bytes``.
    """
    key, value = _key_and_value(buf, pos, header)
    if header.codec == Codec.NONE:
        yield Record(header.base_offset, header.max_timestamp, key, value, [])
        return
    if value is None:
        raise invalid("a compressed message without a value")
    if header.codec == Codec.ZSTD:
        raise invalid(f"magic {header.magic} has no zstd")
    data = _decompress(header, value, max_bytes)
    inner = list(iter_frames(data))
    if not inner:
        raise invalid("a compressed message with nothing in it")
    end = inner[-1][0] + inner[-1][1].size
    if end != len(data):
        raise invalid("the last message inside a compressed one is cut off")
    # Magic 1 counts from 0; the outer offset belongs to the last.
    base_offset = header.base_offset - inner[-1][1].base_offset if header.magic else 0
    for at, message in inner:
        if message.magic != header.magic or message.codec != Codec.NONE:
            raise invalid("a message inside a compressed one has another magic or is compressed")
        if not crc_ok(data, at, message.size):
            raise corrupt("the CRC of a message inside a compressed one is wrong")
        key, value = _key_and_value(data, at, message)
        append_time = header.attributes & LOG_APPEND_TIME_BIT
        timestamp = header.max_timestamp if append_time else message.max_timestamp
        yield Record(base_offset + message.base_offset, timestamp, key, value, [])


def first_offset(buf: Buffer, pos: int, header: BatchHeader, *, max_bytes: int) -> int:
    """Return the offset of the first record of the message at ``pos``, which a compressed one does not tell."""
    if header.codec == Codec.NONE:
        return header.base_offset
    return next(iter_messages(buf, pos, header, max_bytes=max_bytes)).offset


def _key_and_value(buf: Buffer, pos: int, header: BatchHeader) -> tuple[bytes | None, bytes | None]:
    end = pos + header.size
    if end > len(buf):
        raise invalid("the message is cut off")
    key, at = _nullable(buf, pos + _BODY[header.magic], end)
    value, at = _nullable(buf, at, end)
    return key, value


def _nullable(buf: Buffer, pos: int, end: int) -> tuple[bytes | None, int]:
    try:
        length: int = _INT.unpack_from(buf, pos)[0]
    except StructError:
        raise invalid("a message is cut off") from None
    pos += 4
    if length < 0:
        return None, pos
    if length > end - pos:
        raise invalid("a key or value is longer than its message")
    return bytes(memoryview(buf)[pos : pos + length]), pos + length


def _decompress(header: BatchHeader, value: bytes, max_bytes: int) -> bytes:
    if header.codec == Codec.LZ4 and header.magic == 0:
        value = _with_lz4_checksum(value)
    return decompress(header.codec, value, max_bytes)


def _with_lz4_checksum(frame: bytes) -> bytes:
    """Return an LZ4 frame with its header's checksum made anew.

    Kafka's writers of magic 0 computed it over the four magic bytes of the frame too, which the libraries refuse.
    """
    if len(frame) < 7:
        return frame
    flags = frame[4]
    checksum_at = 6 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)
    checksum = _xxh32(frame[4:checksum_at]) >> 8 & 0xFF
    return frame[:checksum_at] + bytes((checksum,)) + frame[checksum_at + 1 :]


def _xxh32(data: bytes) -> int:
    """Return the 32-bit xxHash, seed 0, of fewer than 16 bytes; a frame's descriptor has at most 14."""
    prime_1, prime_2, prime_3, prime_4, prime_5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    pos = 0
    digest = prime_5
    digest = digest + len(data) & _MASK
    while pos + 4 <= len(data):
        word = int.from_bytes(data[pos : pos + 4], "little")
        digest = _rotate(digest + word * prime_3 & _MASK, 17) * prime_4 & _MASK
        pos += 4
    for byte in data[pos:]:
        digest = _rotate(digest + byte * prime_5 & _MASK, 11) * prime_1 & _MASK
    digest = (digest ^ digest >> 15) * prime_2 & _MASK
    digest = (digest ^ digest >> 13) * prime_3 & _MASK
    return digest ^ digest >> 16


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _MASK
