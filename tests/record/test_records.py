import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.record.batch import crc_ok, iter_batches, parse_header
from ottla.record.build import RecordTuple, build_batch
from ottla.record.compress import Codec
from ottla.record.records import Record, find_timestamp, iter_records, offset_of_max_timestamp

VECTORS = json.loads((Path(__file__).parent / "oracle" / "vectors.json").read_text())
BUILT = {case["name"]: case["answer"]["batch"] for case in VECTORS["build"]}
LIMIT = 10**7

nullable = st.none() | st.binary(max_size=200)
headers = st.lists(st.tuples(st.text(max_size=70) | st.just("h"), nullable), max_size=3)
timestamps = st.integers(-1, 2**62) | st.integers(1_700_000_000_000, 1_700_000_100_000)
record_tuples = st.tuples(timestamps, nullable, nullable, headers)


def short_hex(data: bytes | None) -> str | None:
    if data is None or len(data) <= 32:
        return None if data is None else data.hex()
    return "sha256:" + hashlib.sha256(data).hexdigest()


def as_kafka_says(record: Record) -> dict[str, Any]:
    return {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": short_hex(record.key),
        "value": short_hex(record.value),
        "headers": [[name, short_hex(value)] for name, value in record.headers],
    }


@pytest.mark.parametrize("case", VECTORS["read"], ids=lambda case: case["name"])
def test_reads_what_kafka_reads(case: dict[str, Any]) -> None:
    question = case["question"]
    data = bytes.fromhex(question.get("batch") or BUILT[question["built"]])
    found = list(iter_batches(data))
    assert len(found) == len(case["answer"]["batches"])
    for (pos, header), expected in zip(found, case["answer"]["batches"], strict=True):
        assert expected["valid"]
        assert crc_ok(data, pos, header.size)
        same = {"magic", "size", "last_offset", "next_offset", "codec", "max_timestamp"}
        if header.magic == 2:
            same |= {"base_offset", "base_timestamp", "producer_id", "producer_epoch", "base_sequence"}
            same |= {"last_sequence", "leader_epoch", "count"}
            assert header.is_transactional == expected["transactional"]
            assert header.is_control == expected["control"]
            assert bool(header.timestamp_type) == expected["append_time"]
            assert (header.delete_horizon_ms or -1) == expected["horizon_ms"]
        assert {name: getattr(header, name) for name in same} == {name: expected[name] for name in same}
        records = [as_kafka_says(record) for record in iter_records(data, pos, header, max_bytes=LIMIT)]
        assert records == expected["records"]


@given(
    records=st.lists(record_tuples, min_size=1, max_size=6),
    codec=st.sampled_from(Codec),
    base_offset=st.integers(0, 2**60),
    lead=st.binary(max_size=5),
)
def test_round_trip(records: list[RecordTuple], codec: Codec, base_offset: int, lead: bytes) -> None:
    batch = lead + build_batch(records, codec=codec, base_offset=base_offset)
    header = parse_header(batch, len(lead))
    assert crc_ok(batch, len(lead), header.size)
    assert header.max_timestamp == max(record[0] for record in records)
    read = list(iter_records(batch, len(lead), header, max_bytes=LIMIT))
    assert [(r.timestamp, r.key, r.value, r.headers) for r in read] == [tuple(record) for record in records]
    assert [r.offset for r in read] == list(range(base_offset, header.next_offset))
    assert build_batch(read, codec=codec, base_offset=base_offset) == batch[len(lead) :]


@given(
    records=st.lists(record_tuples, min_size=1, max_size=4),
    codec=st.sampled_from(Codec),
    data=st.data(),
)
def test_damage_is_an_api_error_or_records(records: list[RecordTuple], codec: Codec, data: st.DataObject) -> None:
    batch = build_batch(records, codec=codec)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(batch) - 1))
        batch[place] = data.draw(st.integers(0, 255))
    code = ErrorCode.NONE
    try:
        for pos, header in iter_batches(batch):
            for record in iter_records(batch, pos, header, max_bytes=100_000):
                assert isinstance(record.offset, int)
    except ApiError as error:
        code = error.code
    assert code.name in ("NONE", "CORRUPT_MESSAGE", "INVALID_RECORD", "MESSAGE_TOO_LARGE")


def test_every_cut_of_the_records_is_an_error() -> None:
    batch = build_batch([(5, b"k", b"v" * 300, [("h", b"w")]), (6, None, None, [])])
    header = parse_header(batch)
    for size in range(61, len(batch)):
        header.size = size
        with pytest.raises(ApiError):
            list(iter_records(batch, 0, header, max_bytes=LIMIT))


def test_a_header_key_that_is_no_text_stays_as_it_is() -> None:
    batch = build_batch([(5, b"k", b"v", [(b"\xff", b"w"), ("a", None)])])
    (record,) = iter_records(batch, 0, parse_header(batch), max_bytes=LIMIT)
    assert record.headers == [(b"\xff", b"w"), ("a", None)]


def test_finding_timestamps() -> None:
    batch = build_batch([(timestamp, None, b"", []) for timestamp in (10, 30, 20, 30)], base_offset=5)
    header = parse_header(batch)
    found = [find_timestamp(batch, 0, header, at, 0, max_bytes=LIMIT) for at in (0, 11, 30, 31)]
    assert [record and record.offset for record in found] == [5, 6, 6, None]
    behind = find_timestamp(batch, 0, header, 11, 7, max_bytes=LIMIT)
    assert behind is not None
    assert behind.offset == 7
    assert offset_of_max_timestamp(batch, 0, header, max_bytes=LIMIT) == 6
    stamped = build_batch([(10, None, b"", [])] * 3, base_offset=5, timestamp_type=1, log_append_time_ms=99)
    assert offset_of_max_timestamp(stamped, 0, parse_header(stamped), max_bytes=LIMIT) == 5
    timeless = build_batch([(-1, None, b"", [])])
    assert offset_of_max_timestamp(timeless, 0, parse_header(timeless), max_bytes=LIMIT) is None
