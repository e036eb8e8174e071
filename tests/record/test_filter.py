import json
from pathlib import Path
from typing import Any

import pytest

from ottla.record.batch import crc_ok, iter_batches
from ottla.record.compress import decompress
from ottla.record.filter import Filtered, Retention, filter_batch
from ottla.record.records import iter_records

VECTORS = json.loads((Path(__file__).parent / "oracle" / "vectors.json").read_text())
BUILT = {case["name"]: bytes.fromhex(case["answer"]["batch"]) for case in VECTORS["build"]}
LIMIT = 10**7


def filter_all(data: bytes, question: dict[str, Any]) -> list[Filtered]:
    keep = set(question["keep"])
    return [
        filter_batch(
            data,
            pos,
            header,
            lambda record: record.offset in keep,
            retention=Retention[question["retention"]],
            delete_horizon_ms=question["now_ms"] + question["delete_retention_ms"],
            marker_of_empty_transaction=question.get("marker", False),
            max_bytes=LIMIT,
        )
        for pos, header in iter_batches(data)
    ]


@pytest.mark.parametrize("case", VECTORS["filter"], ids=lambda case: case["name"])
def test_leaves_what_kafka_leaves(case: dict[str, Any]) -> None:
    question, answer = case["question"], case["answer"]
    results = filter_all(BUILT[question["built"]], question)
    ours = b"".join(result.batch for result in results if result.batch is not None)
    theirs = bytes.fromhex(answer["batch"])
    our_batches, their_batches = list(iter_batches(ours)), list(iter_batches(theirs))
    assert len(our_batches) == len(their_batches)
    for (pos, header), (their_pos, their_header) in zip(our_batches, their_batches, strict=True):
        assert crc_ok(ours, pos, header.size)
        if header.codec == 0:
            assert ours[pos : pos + header.size].hex() == theirs[their_pos : their_pos + their_header.size].hex()
        elif header.magic == 2:
            assert ours[pos + 21 : pos + 61].hex() == theirs[their_pos + 21 : their_pos + 61].hex()
            our_data, their_data = (
                decompress(each.codec, data[at + 61 : at + each.size], LIMIT)
                for data, at, each in ((ours, pos, header), (theirs, their_pos, their_header))
            )
            assert our_data.hex() == their_data.hex()
        else:
            assert (header.base_offset, header.attributes, header.max_timestamp) == (
                their_header.base_offset,
                their_header.attributes,
                their_header.max_timestamp,
            )
        assert list(iter_records(ours, pos, header, max_bytes=LIMIT)) == list(
            iter_records(theirs, their_pos, their_header, max_bytes=LIMIT)
        )
    assert sum(result.records_kept for result in results) == answer["records_kept"]
    assert sum(result.records_read for result in results) == answer["records_read"]
    assert max(result.max_offset for result in results) == answer["max_offset"]


def test_what_stays_whole_is_not_copied() -> None:
    data = BUILT["producer"]
    question = {"keep": [0, 1, 3], "retention": "DELETE_EMPTY", "now_ms": 0, "delete_retention_ms": 0}
    assert filter_all(data, question)[0].changed
    pos, header = next(iter_batches(BUILT["gaps"]))
    result = filter_batch(
        BUILT["headers GZIP"],
        *next(iter_batches(BUILT["headers GZIP"])),
        lambda record: True,
        retention=Retention.DELETE_EMPTY,
        delete_horizon_ms=5,
        max_bytes=LIMIT,
    )
    assert not result.changed
    assert isinstance(result.batch, memoryview)
    assert result.batch == BUILT["headers GZIP"]
    assert header.size + pos == len(BUILT["gaps"])


def test_a_horizon_once_set_stays() -> None:
    data = BUILT["horizon"]
    question = {"keep": [0, 2], "retention": "DELETE_EMPTY", "now_ms": 10**15, "delete_retention_ms": 1}
    (result,) = filter_all(data, question)
    assert result.batch is not None
    (_, before), (_, after) = next(iter_batches(data)), next(iter_batches(result.batch))
    assert after.delete_horizon_ms == before.delete_horizon_ms is not None
