"""Messages of magic 0 and 1; what they hold is compared with Kafka's reading in test_records.py."""

import json
import zlib
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.record.batch import crc_ok, iter_batches, parse_header
from ottla.record.compress import Codec, compress
from ottla.record.legacy import first_offset
from ottla.record.records import iter_records

VECTORS = json.loads((Path(__file__).parent / "oracle" / "vectors.json").read_text())
LEGACY = {
    case["name"]: bytes.fromhex(case["answer"]["batch"])
    for case in VECTORS["build"]
    if case["question"].get("magic", 2) < 2
}
LIMIT = 100_000


def message(offset: int, value: bytes | None, *, magic: int = 1, codec: int = 0, crc: int | None = None) -> bytes:
    body = bytes((magic, codec)) + (pack(">q", 77) if magic else b"") + pack(">i", -1)
    body += pack(">i", -1 if value is None else len(value)) + (value or b"")
    return pack(">qiI", offset, len(body) + 4, zlib.crc32(body) if crc is None else crc) + body


def code_of_reading(data: bytes | bytearray, max_bytes: int = LIMIT) -> ErrorCode:
    try:
        for pos, header in iter_batches(data):
            list(iter_records(data, pos, header, max_bytes=max_bytes))
    except ApiError as error:
        return error.code
    return ErrorCode.NONE


def test_the_header_of_a_plain_message() -> None:
    header = parse_header(message(9, b"v"))
    assert (header.base_offset, header.last_offset, header.count) == (9, 9, 1)
    assert (header.max_timestamp, header.leader_epoch, header.producer_id) == (77, -1, -1)
    assert parse_header(message(9, b"v", magic=0)).max_timestamp == -1


@pytest.mark.parametrize("name", sorted(LEGACY))
def test_first_offset_and_checksum(name: str) -> None:
    data = LEGACY[name]
    offsets = []
    for pos, header in iter_batches(data):
        assert crc_ok(data, pos, header.size)
        records = list(iter_records(data, pos, header, max_bytes=LIMIT))
        assert first_offset(data, pos, header, max_bytes=LIMIT) == records[0].offset
        assert header.last_offset == records[-1].offset
        offsets += [record.offset for record in records]
    assert offsets == sorted(set(offsets))


@pytest.mark.parametrize("name", sorted(LEGACY))
def test_a_changed_bit_is_seen(name: str) -> None:
    data = LEGACY[name]
    _, header = next(iter_batches(data))
    for place in range(18, header.size):
        damaged = bytearray(data)
        damaged[place] ^= 1
        assert not crc_ok(damaged, 0, header.size)


def wrapped(inner: bytes, codec: int = Codec.GZIP, magic: int = 1) -> bytes:
    return message(9, compress(codec, inner), magic=magic, codec=codec)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wrapped(message(0, b"a")), ErrorCode.NONE),
        (wrapped(b""), ErrorCode.INVALID_RECORD),
        (wrapped(message(0, b"a")[:-1]), ErrorCode.INVALID_RECORD),
        (wrapped(message(0, b"a") + b"tail"), ErrorCode.INVALID_RECORD),
        (wrapped(message(0, b"a", crc=1)), ErrorCode.CORRUPT_MESSAGE),
        (wrapped(message(0, b"a", magic=0)), ErrorCode.INVALID_RECORD),
        (wrapped(wrapped(message(0, b"a"))), ErrorCode.INVALID_RECORD),
        (wrapped(message(0, b"a"), Codec.ZSTD), ErrorCode.INVALID_RECORD),
        (message(9, None, codec=1), ErrorCode.INVALID_RECORD),
        (message(9, b"no gzip", codec=1), ErrorCode.INVALID_RECORD),
        (message(9, b"short", magic=0, codec=3), ErrorCode.INVALID_RECORD),
        (wrapped(message(0, bytes(LIMIT))), ErrorCode.MESSAGE_TOO_LARGE),
    ],
)
def test_what_may_be_inside_a_compressed_message(data: bytes, code: ErrorCode) -> None:
    assert code_of_reading(data) is code


def test_lengths_that_do_not_fit() -> None:
    good = message(1, b"value")
    for place, length in ((26, 99), (30, 6), (30, 2**31 - 1), (26, 2)):
        data = bytearray(good)
        data[place : place + 4] = pack(">i", length)
        assert code_of_reading(data) is ErrorCode.INVALID_RECORD


@given(
    name=st.sampled_from(sorted(LEGACY)),
    damage=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damage_is_an_api_error_or_records(name: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(LEGACY[name])
    for place, byte in damage:
        data[place % len(data)] = byte
    expected = {ErrorCode.NONE, ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD, ErrorCode.MESSAGE_TOO_LARGE}
    assert code_of_reading(data) in expected
