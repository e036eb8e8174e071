from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.record.batch import (
    HEADER_SIZE,
    TimestampType,
    crc_ok,
    iter_batches,
    parse_header,
    stamp,
    stamp_timestamps,
)
from ottla.record.build import build_batch
from ottla.record.records import iter_records

BATCH = build_batch(
    [(1000, b"a", b"b", []), (999, None, None, [])],
    base_offset=7,
    producer_id=2**40,
    producer_epoch=3,
    base_sequence=2**31 - 1,
    leader_epoch=5,
    transactional=True,
)


def test_header_fields() -> None:
    header = parse_header(BATCH)
    assert (header.base_offset, header.last_offset, header.next_offset) == (7, 8, 9)
    assert header.size == len(BATCH)
    assert (header.magic, header.leader_epoch, header.count, header.codec) == (2, 5, 2, 0)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (2**40, 3, 2**31 - 1)
    assert header.last_sequence == 0, "after 2147483647 comes 0"
    assert (header.base_timestamp, header.max_timestamp) == (1000, 1000)
    assert header.is_transactional
    assert not header.is_control
    assert header.has_producer
    assert header.timestamp_type is TimestampType.CREATE_TIME
    assert header.delete_horizon_ms is None


def test_delete_horizon_is_the_base_timestamp() -> None:
    header = parse_header(build_batch([(1000, b"a", None, [])], delete_horizon_ms=5000))
    assert header.delete_horizon_ms == header.base_timestamp == 5000


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_walks_over_any_buffer_and_stops_at_a_partial_batch(kind: type) -> None:
    two = bytes(BATCH) + bytes(build_batch([(1, None, b"x" * 500, [])], codec=1))
    for cut in range(len(two) + 1):
        found = [pos for pos, _ in iter_batches(kind(two[:cut]))]
        assert found == [pos for pos, end in ((0, len(BATCH)), (len(BATCH), len(two))) if end <= cut]
    assert [pos for pos, _ in iter_batches(kind(two), len(BATCH))] == [len(BATCH)]


@pytest.mark.parametrize(("length", "magic"), [(-1, 2), (13, 2), (48, 2), (20, 1), (40, 3), (40, 255)])
def test_impossible_frames_are_corrupt(length: int, magic: int) -> None:
    frame = bytearray(100)
    Struct(">i").pack_into(frame, 8, length)
    frame[16] = magic
    with pytest.raises(ApiError) as refused:
        list(iter_batches(frame))
    assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_a_header_that_is_cut_off_is_corrupt() -> None:
    for cut in range(HEADER_SIZE):
        with pytest.raises(ApiError) as refused:
            parse_header(BATCH[:cut])
        assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_stamping_leaves_the_crc_right() -> None:
    two = bytearray(b"x" * 10) + BATCH
    stamp(two, 10, 123456789012, 77)
    header = parse_header(two, 10)
    assert (header.base_offset, header.leader_epoch, header.size) == (123456789012, 77, len(BATCH))
    assert crc_ok(two, 10, header.size)
    assert [record.offset for record in iter_records(two, 10, header, max_bytes=0)] == [123456789012, 123456789013]


def test_append_time_is_every_record_s_timestamp() -> None:
    batch = bytearray(BATCH)
    header = parse_header(batch)
    stamp_timestamps(batch, 0, header, TimestampType.LOG_APPEND_TIME, 4242)
    assert crc_ok(batch, 0, len(batch))
    read = parse_header(batch)
    assert read.timestamp_type is TimestampType.LOG_APPEND_TIME
    assert (read.crc, read.attributes, read.max_timestamp) == (header.crc, header.attributes, 4242)
    assert read.is_transactional
    assert {record.timestamp for record in iter_records(batch, 0, read, max_bytes=0)} == {4242}


def test_any_changed_bit_behind_the_crc_is_seen() -> None:
    for place in range(17, len(BATCH)):
        damaged = bytearray(BATCH)
        damaged[place] ^= 1 << place % 8
        assert not crc_ok(damaged, 0, len(damaged))


@given(st.binary(max_size=200))
def test_rubbish_is_an_api_error_or_nothing(data: bytes) -> None:
    code = ErrorCode.CORRUPT_MESSAGE
    try:
        for pos, header in iter_batches(data):
            assert pos + header.size <= len(data)
            crc_ok(data, pos, header.size)
    except ApiError as error:
        code = error.code
    assert code is ErrorCode.CORRUPT_MESSAGE
