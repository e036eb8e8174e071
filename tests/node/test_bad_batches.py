"""Produce requests whose batches lie: Kafka's error for each, and nothing is written (issue 3, 4.2 and 6.1)."""

import gzip
import uuid
from collections.abc import Callable

import pytest
from tests.harness import calls, target
from tests.harness.batches import (
    GZIP,
    LZ4,
    NONE,
    SNAPPY,
    ZSTD,
    Entry,
    batch,
    headers_of,
    now_ms,
    record,
    records_of,
    values,
)
from tests.harness.node import Node
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

THREE = values(3)
DAY_MS = 86_400_000


def _offsets(*offset_deltas: int) -> bytes:
    return b"".join(record(Entry(value=b"x"), timestamp_delta=0, offset_delta=delta) for delta in offset_deltas)


# What is wrong: (the records field, Kafka's error code).
LIES: dict[str, tuple[Callable[[], bytes | None], int]] = {
    "wrong crc": (lambda: batch(THREE, crc=12345), 2),
    "length too long": (lambda: batch(THREE, length=len(batch(THREE)) - 12 + 1), 87),
    "length too short": (lambda: batch(THREE, length=len(batch(THREE)) - 12 - 1), 2),
    "length of nothing": (lambda: batch(THREE, length=0), 2),
    "negative length": (lambda: batch(THREE, length=-5), 2),
    "no records": (lambda: b"", 87),
    "a cut header": (lambda: batch(THREE)[:40], 87),
    "a cut batch": (lambda: batch(THREE)[:-1], 87),
    "two batches": (lambda: batch(THREE) + batch(THREE), 87),
    "noise": (lambda: bytes(range(200)), 2),
    "count too high": (lambda: batch(THREE, count=4), 87),
    "count too low": (lambda: batch(THREE, count=2), 87),
    "count negative": (lambda: batch(THREE, count=-1), 87),
    "count enormous": (lambda: batch(THREE, count=2_000_000_000), 87),
    "count zero": (lambda: batch([], count=0, last_offset_delta=-1), 87),
    "delta too high": (lambda: batch(THREE, last_offset_delta=7), 87),
    "delta negative": (lambda: batch(THREE, last_offset_delta=-3), 87),
    "delta enormous": (lambda: batch(THREE, last_offset_delta=2147483647), 87),
    "base offset": (lambda: batch(THREE, base_offset=77), 87),
    "control": (lambda: batch(THREE, attributes=0x20), 87),
    "transactional without id": (lambda: batch(THREE, attributes=0x10), 53),
    "magic 3": (lambda: batch(THREE, magic=3), 2),
    "magic 0": (lambda: batch(THREE, magic=0), 87),
    "magic 1": (lambda: batch(THREE, magic=1), 87),
    "producer without sequence": (lambda: batch(THREE, producer_id=5, producer_epoch=0), 87),
    "gzip that is none": (lambda: batch(THREE, codec=GZIP, payload=b"not gzip at all"), -1),
    "lz4 that is none": (lambda: batch(THREE, codec=LZ4, payload=b"not lz4 at all"), -1),
    "zstd that is none": (lambda: batch(THREE, codec=ZSTD, payload=b"not zstd at all"), -1),
    "snappy that is none": (lambda: batch(THREE, codec=SNAPPY, payload=b"not snappy at all"), -1),
    "codec 5": (lambda: batch(THREE, attributes=5), -1),
    "codec 7": (lambda: batch(THREE, attributes=7), -1),
    "far future": (lambda: batch([Entry(timestamp=now_ms() + 2 * DAY_MS)]), 32),
    "record length too long": (lambda: batch(THREE, payload=b"\x7e" + _offsets(0, 1, 2)[1:]), 87),
    "record length negative": (lambda: batch(THREE, payload=b"\x01" + _offsets(0, 1, 2)[1:]), 87),
    "records end early": (lambda: batch(THREE, payload=_offsets(0, 1)), 87),
    "records go on": (lambda: batch(THREE, payload=_offsets(0, 1, 2, 3)), 87),
}


def _accepted(code: int) -> set[int]:
    """What counts as Kafka's answer: where Kafka says UNKNOWN_SERVER_ERROR, Ottla may know better."""
    return {-1, 2, 87} if code == -1 and not target.is_kafka() else {code}


@pytest.mark.parametrize("lie", LIES)
def test_lie_is_refused_and_nothing_is_written(connection: Connection, topic: str, lie: str) -> None:
    make, code = LIES[lie]
    result = calls.produce(connection, topic, make())
    assert result["error_code"] in _accepted(code), result
    assert result["base_offset"] == -1
    assert calls.end_offset(connection, topic) == 0
    good = calls.produce(connection, topic, batch(THREE))
    assert (good["error_code"], good["base_offset"]) == (0, 0)


def test_null_records_are_refused(connection: Connection, topic: str, only_ottla: None) -> None:
    """Apache Kafka 4.2.0 never answers this one; Ottla says that it is no record."""
    assert calls.produce(connection, topic, None)["error_code"] in (2, 42, 87)


def test_bytes_behind_the_batch_are_dropped(connection: Connection, topic: str) -> None:
    """An incomplete second batch is cut off, as Kafka does."""
    good = batch(THREE)
    result = calls.produce(connection, topic, good + bytes(5))
    assert (result["error_code"], result["base_offset"]) == (0, 0)
    assert len(calls.fetch(connection, topic, 0)["records"]) == len(good)


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_log_append_time_bit_of_a_client_is_cleared(connection: Connection, topic: str, codec: int) -> None:
    """On a CreateTime topic Kafka 4.2 stores the batch as CreateTime instead of refusing it."""
    result = calls.produce(connection, topic, batch(THREE, codec=codec, attributes=8 | codec))
    assert (result["error_code"], result["log_append_time_ms"]) == (0, -1)
    (header,) = headers_of(calls.fetch(connection, topic, 0)["records"])
    assert header.attributes == codec


def test_timestamp_errors_name_the_records(connection: Connection, topic: str) -> None:
    late = now_ms() + 2 * DAY_MS
    result = calls.produce(connection, topic, batch([Entry(), Entry(timestamp=late), Entry(timestamp=late)]))
    assert result["error_code"] == 32
    assert [error["batch_index"] for error in result["record_errors"]] == [1, 2]
    assert result["error_message"]


def test_timestamp_bounds_are_the_topics_own(connection: Connection) -> None:
    topic = calls.unique("bounds")
    configs: dict[str, object] = {"message.timestamp.before.max.ms": 60_000, "message.timestamp.after.max.ms": 60_000}
    calls.create_topic(connection, topic, configs=configs)
    for shift_ms, code in [(-120_000, 32), (120_000, 32), (-30_000, 0), (30_000, 0)]:
        entry = Entry(timestamp=now_ms() + shift_ms)
        assert calls.produce(connection, topic, batch([entry]))["error_code"] == code, shift_ms


def test_log_append_time_topic_stamps_and_says_so(connection: Connection) -> None:
    topic = calls.unique("stamped")
    calls.create_topic(connection, topic, configs={"message.timestamp.type": "LogAppendTime"})
    before = now_ms()
    result = calls.produce(connection, topic, batch([Entry(timestamp=5), Entry(timestamp=6)]))
    assert result["error_code"] == 0
    stamp = result["log_append_time_ms"]
    assert before - 1000 <= stamp <= now_ms() + 1000
    found = records_of(calls.fetch(connection, topic, 0)["records"])
    assert [record.timestamp for record in found] == [stamp, stamp]


@pytest.mark.parametrize("acks", [2, -2, 5, 32767])
def test_unknown_acks_are_refused(connection: Connection, topic: str, acks: int) -> None:
    assert calls.produce(connection, topic, batch(THREE), acks=acks)["error_code"] == 21
    assert calls.end_offset(connection, topic) == 0


@pytest.mark.parametrize(("name", "partition"), [("no-such-topic", 0), ("in/valid", 0), ("", 0), (None, 1), (None, -1)])
def test_unknown_topic_or_partition(connection: Connection, topic: str, name: str | None, partition: int) -> None:
    where = topic if name is None else name
    assert calls.produce(connection, where, batch(THREE), partition=partition)["error_code"] == 3


def test_zstd_needs_version_7(connection: Connection, topic: str) -> None:
    assert calls.produce(connection, topic, batch(THREE, codec=ZSTD), version=6)["error_code"] == 76
    assert calls.produce(connection, topic, batch(THREE, codec=ZSTD), version=7)["error_code"] == 0


def test_produce_by_topic_id(connection: Connection, topic: str) -> None:
    for topic_id, code in [(calls.topic_id(connection, topic), 0), (uuid.UUID(int=77), 100)]:
        partitions = [{"index": 0, "records": batch(THREE)}]
        answer = connection.call(
            "Produce",
            13,
            {
                "transactional_id": None,
                "acks": -1,
                "timeout_ms": 1000,
                "topic_data": [{"topic_id": topic_id, "partition_data": partitions}],
            },
        )
        (found,) = answer["responses"]
        assert found["topic_id"] == topic_id
        assert [item["error_code"] for item in found["partition_responses"]] == [code]


def test_empty_requests_get_empty_answers(connection: Connection, topic: str) -> None:
    nothing = calls.produce_request(topic, None) | {"topic_data": []}
    assert connection.call("Produce", 9, nothing)["responses"] == []
    no_partition = calls.produce_request(topic, None) | {"topic_data": [{"name": topic, "partition_data": []}]}
    assert connection.call("Produce", 9, no_partition)["responses"] == []


def test_compacted_topic_refuses_records_without_key(connection: Connection) -> None:
    topic = calls.unique("compacted")
    calls.create_topic(connection, topic, configs={"cleanup.policy": "compact"})
    for codec in (NONE, GZIP):
        mixed = batch([Entry(key=b"a"), Entry(), Entry(key=b"")], codec=codec)
        result = calls.produce(connection, topic, mixed)
        assert result["error_code"] == 87
        assert [error["batch_index"] for error in result["record_errors"]] == [1]
    assert calls.end_offset(connection, topic) == 0
    assert calls.produce(connection, topic, batch([Entry(key=b"a"), Entry(key=b"")]))["error_code"] == 0


def test_max_message_bytes_counts_the_whole_batch(connection: Connection) -> None:
    topic = calls.unique("small")
    exact = batch([Entry(value=bytes(1000))])
    calls.create_topic(connection, topic, configs={"max.message.bytes": len(exact)})
    assert calls.produce(connection, topic, exact)["error_code"] == 0
    assert calls.produce(connection, topic, batch([Entry(value=bytes(1001))]))["error_code"] == 10


def test_decompression_bomb_costs_little(node: Node, connection: Connection, topic: str) -> None:
    """One gzip member of 150 kB that grows to 150 MB: accepted unopened or refused, and nothing of it stays."""
    huge = record(Entry(value=bytes(150_000_000)), timestamp_delta=0, offset_delta=0)
    bomb = batch([Entry()], payload=gzip.compress(huge, compresslevel=9), attributes=GZIP)
    before = node.process.rss_bytes()
    assert calls.produce(connection, topic, bomb)["error_code"] in (-1, 0, 2, 10, 87)
    if not target.is_kafka():
        # It is looked at in a thread, which may still be freeing it when the answer is here.
        eventually(lambda: node.process.rss_bytes() - before < 64 << 20, "the memory is free again")
    with node.connect() as other:
        assert other.call("Metadata", 9, {"topics": []})["brokers"]


def test_one_bad_partition_does_not_harm_the_others(connection: Connection) -> None:
    topic = calls.unique("mixed")
    calls.create_topic(connection, topic, partitions=3)
    request = calls.produce_request(topic, batch(THREE))
    request["topic_data"][0]["partition_data"] = [
        {"index": 0, "records": batch(THREE)},
        {"index": 1, "records": batch(THREE, crc=1)},
        {"index": 2, "records": batch(THREE)},
        {"index": 3, "records": batch(THREE)},
    ]
    (found,) = connection.call("Produce", 9, request)["responses"]
    codes = {item["index"]: item["error_code"] for item in found["partition_responses"]}
    assert codes == {0: 0, 1: 2, 2: 0, 3: 3}


def test_acks_0_gets_no_answer_and_is_written(connection: Connection, topic: str) -> None:
    connection.send("Produce", 9, calls.produce_request(topic, batch(THREE), acks=0))
    metadata = connection.send("Metadata", 9, {"topics": []})
    connection.receive("Metadata", 9, expect_id=metadata)
    assert calls.end_offset(connection, topic) == 3


@pytest.mark.parametrize("mistake", ["wrong crc", "unknown topic", "too large"])
def test_acks_0_error_closes_the_connection(node: Node, connection: Connection, topic: str, mistake: str) -> None:
    request = {
        "wrong crc": calls.produce_request(topic, batch(THREE, crc=1), acks=0),
        "unknown topic": calls.produce_request("no-such-topic", batch(THREE), acks=0),
        "too large": calls.produce_request(topic, batch([Entry(value=bytes(1_100_000))]), acks=0),
    }[mistake]
    connection.send("Produce", 9, request)
    assert connection.wait_closed() == b""
    with node.connect() as other:
        assert calls.end_offset(other, topic) == 0
