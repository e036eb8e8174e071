import json
from pathlib import Path
from typing import Any

import pytest

from ottla.record.batch import parse_header
from ottla.record.build import build_batch, empty_batch
from ottla.record.records import Record, iter_records

VECTORS = json.loads((Path(__file__).parent / "oracle" / "vectors.json").read_text())
MODERN = [case for case in VECTORS["build"] if case["question"].get("magic", 2) == 2]


def record_of(spec: dict[str, Any], offset: int) -> Record:
    def data(text: str | None) -> bytes | None:
        return None if text is None else bytes.fromhex(text)

    headers: list[tuple[str | bytes, bytes | None]] = [(name, data(value)) for name, value in spec.get("headers", [])]
    return Record(offset, spec["timestamp"], data(spec["key"]), data(spec["value"]), headers)


@pytest.mark.parametrize("case", MODERN, ids=lambda case: case["name"])
def test_builds_what_kafka_builds(case: dict[str, Any]) -> None:
    question = case["question"]
    base_offset = question.get("base_offset", 0)
    records: list[Record] = []
    offset = base_offset
    for spec in question["records"]:
        offset = spec.get("offset", offset)
        records.append(record_of(spec, offset))
        offset += 1
    ours = build_batch(
        records,
        base_offset=base_offset,
        codec=question.get("codec", 0),
        level=question.get("level"),
        timestamp_type=question.get("append_time", 0),
        log_append_time_ms=question.get("append_time_ms"),
        producer_id=question.get("producer_id", -1),
        producer_epoch=question.get("producer_epoch", -1),
        base_sequence=question.get("base_sequence", -1),
        leader_epoch=question.get("leader_epoch", 0),
        control=question.get("control", False),
        transactional=question.get("transactional", False),
        last_offset=question.get("last_offset"),
        delete_horizon_ms=question.get("horizon_ms"),
    )
    theirs = bytes.fromhex(case["answer"]["batch"])
    if not question.get("codec"):
        assert ours.hex() == theirs.hex()
    # Compressors differ in their bytes, not in what they say.
    for mine, kafka in zip(ours[21:61], theirs[21:61], strict=True):
        assert mine == kafka
    our_header, their_header = parse_header(ours), parse_header(theirs)
    assert list(iter_records(ours, 0, our_header, max_bytes=10**7)) == list(
        iter_records(theirs, 0, their_header, max_bytes=10**7)
    )


def test_tuples_are_numbered_and_records_keep_their_offsets() -> None:
    numbered = build_batch([(1, b"a", None, []), (2, b"b", None, [])], base_offset=10)
    kept = build_batch([Record(10, 1, b"a", None, []), Record(11, 2, b"b", None, [])], base_offset=10)
    assert numbered == kept


def test_an_empty_batch_keeps_its_place() -> None:
    batch = empty_batch(
        base_offset=5,
        last_offset=9,
        leader_epoch=3,
        timestamp_type=1,
        max_timestamp=77,
        producer_id=8,
        producer_epoch=2,
        base_sequence=4,
        transactional=True,
        control=False,
    )
    header = parse_header(batch)
    assert (header.size, header.count, header.base_timestamp, header.max_timestamp) == (61, 0, -1, 77)
    assert (header.base_offset, header.next_offset, header.last_sequence) == (5, 10, 8)
    assert list(iter_records(batch, 0, header, max_bytes=0)) == []
