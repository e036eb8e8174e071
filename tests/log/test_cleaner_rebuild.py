"""Batches without record objects: the same bytes as ottla.record.filter makes with them; and legacy messages."""

import zlib
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.log.cleaning import DIRECTORY, NOW_MS, Segments, batch

from ottla.log import names
from ottla.log.cleaner.rebuild import emptied, rebuild_batch
from ottla.log.cleaner.retention import open_batch
from ottla.log.cleaner.scan import scan_keys, scan_records
from ottla.model.errors import CorruptData
from ottla.record.batch import HEADER_SIZE, parse_header
from ottla.record.build import build_batch
from ottla.record.filter import Retention, filter_batch
from ottla.record.records import Record, iter_records

LIMIT = 1 << 24
TIMESTAMPS = st.one_of(st.integers(0, 1 << 45), st.integers(-(1 << 63), (1 << 63) - 1))
BYTES = st.one_of(st.none(), st.binary(max_size=20), st.just(b"long" * 100))
HEADERS = st.lists(st.tuples(st.text(max_size=3), BYTES), max_size=2)
RECORDS = st.lists(st.tuples(TIMESTAMPS, BYTES, BYTES, HEADERS), min_size=1, max_size=12)


@given(
    RECORDS,
    st.sets(st.integers(0, 11)),
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from([None, NOW_MS]),
    st.sampled_from([None, 5, 1 << 40]),
)
def test_the_same_bytes_as_with_record_objects(
    records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
    wanted: set[int],
    codec: int,
    is_marker_like: bool,
    append_time_ms: int | None,
    horizon_ms: int | None,
) -> None:
    data = bytes(
        build_batch(
            records,
            base_offset=100,
            codec=codec,
            timestamp_type=0 if append_time_ms is None else 1,
            log_append_time_ms=append_time_ms,
            producer_id=4,
            producer_epoch=1,
            base_sequence=8,
            leader_epoch=3,
            transactional=is_marker_like,
            delete_horizon_ms=horizon_ms,
        )
    )
    header = parse_header(data)

    def keep(record: Record) -> bool:
        return record.offset - 100 in wanted

    expected = filter_batch(
        data, 0, header, keep, retention=Retention.RETAIN_EMPTY, delete_horizon_ms=77, max_bytes=LIMIT
    )
    payload, start, end = open_batch(data, 0, header)
    scanned = scan_records(payload, start, end, header.count, 100)
    kept = [record for record in scanned if record.offset - 100 in wanted]
    if not kept:
        assert emptied(header) == expected.batch
        return
    horizon = header.delete_horizon_ms
    if horizon is None and not all(record.has_value for record in kept):
        horizon = 77
    if expected.changed:
        assert rebuild_batch(header, payload, kept, horizon) == expected.batch
    else:
        assert len(kept) == len(scanned)


@given(RECORDS)
def test_a_scan_finds_what_a_reader_finds(
    records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
) -> None:
    data = bytes(build_batch(records, base_offset=5))
    header = parse_header(data)
    found = list(iter_records(data, 0, header, max_bytes=LIMIT))
    scanned = scan_records(data, HEADER_SIZE, len(data), header.count, 5)
    assert [(one.offset, one.key, one.has_value) for one in scanned] == [
        (one.offset, one.key, one.value is not None) for one in found
    ]
    keyed = [(one.key, one.offset) for one in found if one.key is not None]
    keys, offsets = scan_keys(data, HEADER_SIZE, len(data), header.count, 5)
    assert list(zip(keys, offsets, strict=True)) == keyed


@given(RECORDS, st.data())
def test_rubbish_in_a_batch_is_corrupt_data_and_nothing_else(
    records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]], data: st.DataObject
) -> None:
    buffer = bytearray(build_batch(records, base_offset=5))
    for _ in range(data.draw(st.integers(1, 4))):
        buffer[data.draw(st.integers(HEADER_SIZE, len(buffer) - 1))] = data.draw(st.integers(0, 255))
    count = data.draw(st.integers(0, len(records) + 1))
    for scan in (scan_keys, scan_records):
        try:
            scan(bytes(buffer), HEADER_SIZE, len(buffer), count, 5)
        except CorruptData:
            continue


def test_too_few_records_are_noticed() -> None:
    data = batch(0, (b"a", b"1"), (b"b", b"2"))
    with pytest.raises(CorruptData, match="left behind"):
        scan_keys(data, HEADER_SIZE, len(data), 1, 0)


# -- magic 0 and 1


def message(offset: int, key: bytes | None, value: bytes | None, *, magic: int = 1) -> bytes:
    """Return one message as clients before 0.11 wrote them."""
    body = bytes((magic, 0)) + (pack(">q", NOW_MS - 5000) if magic else b"")
    for part in (key, value):
        body += pack(">i", -1) if part is None else pack(">i", len(part)) + part
    return pack(">qiI", offset, len(body) + 4, zlib.crc32(body)) + body


@pytest.mark.parametrize("magic", [0, 1])
def test_legacy_messages_are_compacted_into_batches_of_magic_2(magic: int) -> None:
    old = [
        message(0, b"a", b"1", magic=magic),
        message(1, b"b", b"1", magic=magic),
        message(2, None, b"x", magic=magic),
    ]
    segments = Segments([[*old, batch(3, (b"a", b"2"))], [batch(9, (b"c", b""))]])
    segments.clean()
    assert segments.entries() == [(1, b"b", b"1"), (3, b"a", b"2"), (9, b"c", b"")]
    first = segments.batches()[0]
    assert (first.magic, first.base_offset, first.last_offset, first.producer_id) == (2, 1, 1, -1)
    assert first.max_timestamp == (NOW_MS - 5000 if magic else -1)


def test_the_last_legacy_message_of_a_range_stays() -> None:
    segments = Segments([[message(0, b"a", b"1"), message(1, None, b"x")], [batch(2, (b"c", b""))]])
    segments.clean()
    assert [entry[0] for entry in segments.entries()] == [0, 1, 2]


def test_a_legacy_tombstone_gets_a_horizon_when_it_becomes_a_batch() -> None:
    segments = Segments(
        [[message(0, b"a", b"1"), message(1, b"a", None), message(2, b"b", b"1")], [batch(3, (b"c", b""))]]
    )
    segments.files.set_modified_ms(names.segment_path(DIRECTORY, 0, names.LOG), NOW_MS)
    segments.clean()
    assert segments.entries()[0] == (1, b"a", None)
    assert segments.batches()[0].delete_horizon_ms == NOW_MS + 1000


def test_a_legacy_tombstone_goes_when_its_segment_is_old_enough() -> None:
    segments = Segments(
        [[message(0, b"a", None), message(1, b"b", b"1")], [batch(2, (b"d", b""))], [batch(3, (b"c", b""))]]
    )
    segments.checkpoint = 2
    for base, modified_ms in ((0, NOW_MS - 5000), (2, NOW_MS)):
        segments.files.set_modified_ms(names.segment_path(DIRECTORY, base, names.LOG), modified_ms)
    segments.clean(delete_retention_ms=0)
    assert [entry[0] for entry in segments.entries()] == [1, 2, 3]
