"""What the vectors say, asked anew: Kafka reads what is built here and now, with this machine's libraries."""

import os
import sys
from pathlib import Path

import pytest
from tests.record.oracle.oracle import JsonObject, ask

from ottla.record.batch import parse_header
from ottla.record.build import RecordTuple, build_batch
from ottla.record.compress import Codec
from ottla.record.records import iter_records

LIBS = Path(os.environ.get("OTTLA_KAFKA_LIBS") or Path(__file__).parents[2] / ".kafka" / "libs")
TEXT = b"the quick brown fox " * 10


@pytest.mark.java
@pytest.mark.skipif(not LIBS.is_dir(), reason="Apache Kafka's jars are not there: make clients")
def test_kafka_reads_what_we_write(monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[RecordTuple] = [
        (1_700_000_000_000 + index * 7, b"%d" % index, TEXT * index, [("h", None)]) for index in range(60)
    ]
    batches = [build_batch(records, codec=codec) for codec in Codec]
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    batches.append(build_batch(records, codec=Codec.LZ4))
    batches.append(build_batch(records, codec=Codec.LZ4, level=12))
    questions: list[JsonObject] = [{"op": "read", "batch": batch.hex()} for batch in batches]
    questions += [{"op": "append", "batch": batch.hex(), "now_ms": 1_700_000_000_000} for batch in batches]
    answers = ask(LIBS, questions)
    for batch, read, appended in zip(batches, answers, answers[len(batches) :], strict=False):
        ours = list(iter_records(batch, 0, parse_header(batch), max_bytes=10**7))
        (described,) = read["batches"]
        assert described["valid"]
        assert [record["timestamp"] for record in described["records"]] == [record.timestamp for record in ours]
        assert [record["key"] for record in described["records"]] == [(record.key or b"").hex() for record in ours]
        assert appended["stored"][100:] == batch.hex()[100:], "appended as it is"
