"""Finds the records of a magic 2 batch without making objects of them.

Compaction looks at every record twice and keeps few, so a record here is a few integers and a slice: 0.6 µs each
instead of the several that a record object costs. The bytes come from a batch whose CRC was checked; lengths that do
not add up raise CorruptData all the same, since a producer may have lied inside a correct CRC.
"""

from typing import NamedTuple

from ottla.model.errors import CorruptData
from ottla.record.varint import read_unsigned, read_varint


class ScannedRecord(NamedTuple):
    """Where one record lies; ``start`` is at its length, ``end`` behind its last byte."""

    offset: int
    key: bytes | None
    has_value: bool
    start: int
    end: int


def scan_keys(buffer: bytes, pos: int, end: int, count: int, base_offset: int) -> tuple[list[bytes], list[int]]:
    """Return the keys of ``count`` records and their offsets; records without a key are left out."""
    keys: list[bytes] = []
    offsets: list[int] = []
    add_key = keys.append
    add_offset = offsets.append
    try:
        for _ in range(count):
            # The varints stand unrolled here because this loop is the cost of a compaction.
            number = buffer[pos]
            pos += 1
            if number > 127:
                number, pos = read_unsigned(buffer, pos - 1)
            next_pos = pos + (number >> 1)
            if number & 1 or next_pos > end:
                raise CorruptData(f"record of {number >> 1} bytes does not fit into its batch")
            pos += 1  # attributes
            while buffer[pos] > 127:  # timestamp delta
                pos += 1
            pos += 1
            delta = buffer[pos]
            pos += 1
            if delta > 127:
                delta, pos = read_unsigned(buffer, pos - 1)
            number = buffer[pos]
            pos += 1
            if number > 127:
                number, pos = read_unsigned(buffer, pos - 1)
            if not number & 1:
                key_end = pos + (number >> 1)
                if key_end > next_pos:
                    raise CorruptData(f"key of {number >> 1} bytes does not fit into its record")
                add_key(buffer[pos:key_end])
                add_offset(base_offset + (delta >> 1))
            pos = next_pos
    except (IndexError, ValueError):
        raise CorruptData("a batch ends inside a record, or a number in it has no end") from None
    if pos != end:
        raise CorruptData(f"{end - pos} bytes left behind the last of {count} records")
    return keys, offsets


def scan_records(buffer: bytes, pos: int, end: int, count: int, base_offset: int) -> list[ScannedRecord]:
    """Return where each of ``count`` records lies, with its key and whether it has a value."""
    records: list[ScannedRecord] = []
    try:
        for _ in range(count):
            start = pos
            length, pos = read_varint(buffer, pos)
            next_pos = pos + length
            if length < 0 or next_pos > end:
                raise CorruptData(f"record of {length} bytes does not fit into its batch")
            pos += 1  # attributes
            while buffer[pos] > 127:  # timestamp delta
                pos += 1
            delta, pos = read_varint(buffer, pos + 1)
            key_size, pos = read_varint(buffer, pos)
            key = None
            if key_size >= 0:
                key = buffer[pos : pos + key_size]
                pos += key_size
            if pos >= next_pos:
                raise CorruptData(f"key of {key_size} bytes does not fit into its record")
            has_value = not buffer[pos] & 1  # a zigzag varint is negative when its first byte is odd
            records.append(ScannedRecord(base_offset + delta, key, has_value, start, next_pos))
            pos = next_pos
    except (IndexError, ValueError):
        raise CorruptData("a batch ends inside a record, or a number in it has no end") from None
    if pos != end:
        raise CorruptData(f"{end - pos} bytes left behind the last of {count} records")
    return records
