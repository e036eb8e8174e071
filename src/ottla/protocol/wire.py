"""The primitives of Kafka's wire format that the generated messages call; fixed fields are read and written in line.

Readers take the whole frame as ``data`` and a position, and return what they read with the position behind it. They
check every length against the bytes that are left before they believe it, so nothing is allocated on a peer's word.
``flexible`` chooses the encoding of KIP-482: an unsigned varint holding the length plus one (0 is null) instead of
an int16 or int32 holding the length (-1 is null), and tagged fields behind every struct.

A negative length of the old encoding is null, whatever its value, and bytes behind a message are ignored, as Apache
Kafka does; text that is not UTF-8 is refused, where Kafka would put in replacement characters.
"""

import struct
from collections.abc import Callable, Mapping
from typing import TypeVar

from ottla.model.errors import MalformedMessage, UnsupportedVersion

from .message import Buffer, Message, Records

Data = bytes | memoryview
M = TypeVar("M", bound=Message)

MAX_STRING_BYTES = 0x7FFF
"""Kafka refuses longer strings in the flexible encoding too (int16 was the limit of the old one)."""

DECODE_ERRORS = (struct.error, IndexError, ValueError, OverflowError, RecursionError, MemoryError, TypeError)
"""What reading past the end, or reading nonsense, raises inside; all of it means a malformed message."""

VARINT = tuple(bytes((value,)) for value in range(128))
"""The unsigned varints of one byte."""

_int16_at = struct.Struct(">h").unpack_from
_int32_at = struct.Struct(">i").unpack_from
_int16 = struct.Struct(">h").pack
_int32 = struct.Struct(">i").pack


# Reading: varints, counts, lengths


def more_uvarint(data: Data, pos: int, first: int) -> tuple[int, int]:
    """Return the varint whose first byte, with its high bit set, has just been read, and the position behind it."""
    value = first & 0x7F
    byte = data[pos]
    if byte < 128:
        return value | byte << 7, pos + 1
    value |= (byte & 0x7F) << 7
    byte = data[pos + 1]
    if byte < 128:
        return value | byte << 14, pos + 2
    value |= (byte & 0x7F) << 14
    byte = data[pos + 2]
    if byte < 128:
        return value | byte << 21, pos + 3
    value |= (byte & 0x7F) << 21
    byte = data[pos + 3]
    if byte > 15:
        raise MalformedMessage("a varint of more than 32 bits")
    return value | byte << 28, pos + 4


def more_length(data: Data, pos: int, first: int) -> tuple[int, int]:
    """Do as :func:`more_uvarint` for the length of a string, and refuse one that no string may have."""
    value, pos = more_uvarint(data, pos, first)
    if value > MAX_STRING_BYTES + 1:
        raise MalformedMessage(f"a string of {value - 1} bytes")
    return value, pos


def read_uvarint(data: Data, pos: int) -> tuple[int, int]:
    """Return an unsigned varint of at most 32 bits."""
    value = data[pos]
    return (value, pos + 1) if value < 128 else more_uvarint(data, pos + 1, value)


def read_count(data: Data, pos: int, flexible: bool, element_bytes: int, nullable: bool = False) -> tuple[int, int]:
    """Return how many elements of at least ``element_bytes`` bytes follow; -1 for null."""
    if flexible:
        count, pos = read_uvarint(data, pos)
        count -= 1
    else:
        count = _int32_at(data, pos)[0]
        pos += 4
    if count < 0:
        if not nullable:
            raise MalformedMessage("null where an array must be")
        return -1, pos
    if count * element_bytes > len(data) - pos:
        raise MalformedMessage(f"an array of {count} elements in {len(data) - pos} bytes")
    return count, pos


def _length(data: Data, pos: int, flexible: bool, short: bool) -> tuple[int, int]:
    if flexible:
        length, pos = read_uvarint(data, pos)
        length -= 1
        if short and length > MAX_STRING_BYTES:
            raise MalformedMessage(f"a string of {length} bytes")
    elif short:
        length = _int16_at(data, pos)[0]
        pos += 2
    else:
        length = _int32_at(data, pos)[0]
        pos += 4
    if length > len(data) - pos:
        raise MalformedMessage(f"{length} bytes announced, {len(data) - pos} left")
    return length, pos


# Reading: strings, bytes, arrays of them


def read_nullable_string(data: Data, pos: int, flexible: bool) -> tuple[str | None, int]:
    """Return a string or null."""
    length, pos = _length(data, pos, flexible, True)
    if length < 0:
        return None, pos
    return str(data[pos : pos + length], "utf-8"), pos + length


def read_string(data: Data, pos: int, flexible: bool) -> tuple[str, int]:
    """Return a string."""
    length, pos = _length(data, pos, flexible, True)
    if length < 0:
        raise MalformedMessage("null where a string must be")
    return str(data[pos : pos + length], "utf-8"), pos + length


def read_nullable_bytes(data: Data, pos: int, flexible: bool) -> tuple[bytes | None, int]:
    """Return bytes or null."""
    length, pos = _length(data, pos, flexible, False)
    if length < 0:
        return None, pos
    return bytes(data[pos : pos + length]), pos + length


def read_bytes(data: Data, pos: int, flexible: bool) -> tuple[bytes, int]:
    """Return bytes."""
    length, pos = _length(data, pos, flexible, False)
    if length < 0:
        raise MalformedMessage("null where bytes must be")
    return bytes(data[pos : pos + length]), pos + length


def read_nullable_records(data: Data, pos: int, flexible: bool) -> tuple[memoryview | None, int]:
    """Return a view of record batches or null."""
    length, pos = _length(data, pos, flexible, False)
    if length < 0:
        return None, pos
    return memoryview(data)[pos : pos + length], pos + length


def read_strings(data: Data, pos: int, count: int, flexible: bool) -> tuple[list[str], int]:
    """Return ``count`` strings."""
    strings = []
    for _ in range(count):
        value, pos = read_string(data, pos, flexible)
        strings.append(value)
    return strings, pos


def read_uuids(data: Data, pos: int, count: int) -> list[bytes]:
    """Return ``count`` uuids; the caller has checked that they are there."""
    return [bytes(data[at : at + 16]) for at in range(pos, pos + 16 * count, 16)]


# Reading: tagged fields


def read_tag(data: Data, pos: int) -> tuple[int, int, int]:
    """Return the number of a tagged field, the position of its content, and the position behind it."""
    tag, pos = read_uvarint(data, pos)
    size, pos = read_uvarint(data, pos)
    if size > len(data) - pos:
        raise MalformedMessage(f"tag {tag} of {size} bytes in {len(data) - pos} bytes")
    return tag, pos, pos + size


def read_tags(data: Data, pos: int, count: int) -> tuple[dict[int, bytes], int]:
    """Return tagged fields of which none is known; ``count`` is the first byte of their number, already read."""
    if count > 127:
        count, pos = more_uvarint(data, pos, count)
    tags = {}
    for _ in range(count):
        tag, start, pos = read_tag(data, pos)
        tags[tag] = bytes(data[start:pos])
    return tags, pos


# Writing


def uvarint(value: int) -> bytes:
    """Return ``value`` as an unsigned varint."""
    if value < 128:
        return VARINT[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if value < 0x200000:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def write_count(out: bytearray, count: int, flexible: bool) -> None:
    """Write the number of elements that follow; -1 for null."""
    out += uvarint(count + 1) if flexible else _int32(count)


def write_nullable_string(out: bytearray, value: str | None, flexible: bool) -> None:
    """Write a string or null."""
    if value is None:
        out += b"\0" if flexible else b"\xff\xff"
    else:
        write_string(out, value, flexible)


def write_string(out: bytearray, value: str, flexible: bool) -> None:
    """Write a string."""
    raw = value.encode()
    if len(raw) > MAX_STRING_BYTES:
        raise ValueError(f"a string of {len(raw)} bytes")
    out += uvarint(len(raw) + 1) if flexible else _int16(len(raw))
    out += raw


def string_length(length: int) -> bytes:
    """Return the length of a string in the flexible encoding, if a string may be so long."""
    if length > MAX_STRING_BYTES:
        raise ValueError(f"a string of {length} bytes")
    return uvarint(length + 1)


def write_nullable_bytes(out: bytearray, value: Buffer | None, flexible: bool) -> None:
    """Write bytes or null."""
    if value is None:
        out += b"\0" if flexible else b"\xff\xff\xff\xff"
    else:
        write_bytes(out, value, flexible)


def write_bytes(out: bytearray, value: Buffer, flexible: bool) -> None:
    """Write bytes."""
    out += uvarint(len(value) + 1) if flexible else _int32(len(value))
    out += value


def records_size(records: Records) -> int:
    """Return the number of bytes in one buffer of records or several."""
    return sum(map(len, records)) if isinstance(records, list) else len(records)


def write_nullable_records(out: bytearray, records: Records | None, flexible: bool) -> None:
    """Write record batches, given in one buffer or in several, or null."""
    if records is None:
        out += b"\0" if flexible else b"\xff\xff\xff\xff"
        return
    size = records_size(records)
    out += uvarint(size + 1) if flexible else _int32(size)
    for part in records if isinstance(records, list) else (records,):
        out += part


def write_tags(out: bytearray, known: Mapping[int, Buffer], unknown: Mapping[int, Buffer] | None) -> None:
    """Write the tagged fields behind a struct, in the order of their tags."""
    tags = {**unknown, **known} if unknown else known
    out += uvarint(len(tags))
    for tag in sorted(tags):
        out += uvarint(tag)
        out += uvarint(len(tags[tag]))
        out += tags[tag]


# The generated modules' public functions


def decode_bytes(
    name: str, decoders: Mapping[int, Callable[[bytes, int, int], M]], buf: Buffer, pos: int, version: int
) -> M:
    """Decode a message without records; raise MalformedMessage or UnsupportedVersion and nothing else."""
    decoder = decoders.get(version)
    if decoder is None:
        raise UnsupportedVersion(f"{name} version {version}")
    try:
        return decoder(buf if isinstance(buf, bytes) else bytes(buf), pos, version)
    except DECODE_ERRORS as error:
        raise MalformedMessage(f"{name} version {version}: {error}") from error


def decode_view(
    name: str, decoders: Mapping[int, Callable[[memoryview, int, int], M]], buf: Buffer, pos: int, version: int
) -> M:
    """Do as :func:`decode_bytes` for a message with records, of which the result keeps views."""
    decoder = decoders.get(version)
    if decoder is None:
        raise UnsupportedVersion(f"{name} version {version}")
    try:
        return decoder(memoryview(buf), pos, version)
    except DECODE_ERRORS as error:
        raise MalformedMessage(f"{name} version {version}: {error}") from error


def unsupported(name: str, version: int) -> UnsupportedVersion:
    """Return the error for encoding a version that the message does not have."""
    return UnsupportedVersion(f"{name} version {version}")


def misplaced(field: str) -> ValueError:
    """Return the error for a value that the version to be written has no place for and that may not be dropped."""
    return ValueError(f"{field} is set, and this version has no place for it")
