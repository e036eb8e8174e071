"""Requests that take long to look at: done beside the event loop, in order, with the same answers."""

import uuid

import pytest
from tests.harness import calls
from tests.harness.batches import ZSTD, Entry, batch, headers_of, values
from tests.harness.wire import Connection

MANY = [Entry(value=b"v" * (number % 5)) for number in range(20_000)]
"""More, and more varied, than is walked on the loop."""


def send_produce(connection: Connection, topic: str, records: bytes) -> int:
    return connection.send("Produce", 9, calls.produce_request(topic, records))


def answer_of(connection: Connection, request_id: int) -> dict[str, object]:
    answer = connection.receive("Produce", 9, expect_id=request_id)
    result: dict[str, object] = answer["responses"][0]["partition_responses"][0]
    return result


@pytest.mark.parametrize("codec", [0, ZSTD])
def test_a_connections_batches_stay_in_order(connection: Connection, topic: str, codec: int) -> None:
    small, long = batch(values(1)), batch(MANY, codec=codec)
    sent = [send_produce(connection, topic, records) for records in (small, long, small, long, small)]
    found = [answer_of(connection, request_id) for request_id in sent]
    assert [result["error_code"] for result in found] == [0] * 5
    first = found[0]["base_offset"]
    assert isinstance(first, int)
    count = len(MANY)
    assert [result["base_offset"] for result in found] == [
        first,
        first + 1,
        first + 1 + count,
        first + 2 + count,
        first + 2 + 2 * count,
    ]
    stored = calls.fetch(connection, topic, first + 1, partition_max_bytes=8 << 20)
    assert headers_of(stored["records"])[0].count == count


def test_a_long_batch_that_lies_is_refused(connection: Connection, topic: str) -> None:
    lie = batch(MANY, count=len(MANY) + 1, last_offset_delta=len(MANY))
    assert calls.produce(connection, topic, lie)["error_code"] == 87
    assert calls.end_offset(connection, topic) == 0


def test_a_long_batch_without_an_ack(connection: Connection, topic: str) -> None:
    connection.send("Produce", 9, calls.produce_request(topic, batch(MANY), acks=0))
    assert calls.end_offset(connection, topic) == len(MANY), "the request behind it waited for it"


def test_a_large_request_is_answered_as_a_small_one(connection: Connection, topic: str) -> None:
    names = [f"nobody-{number}" for number in range(30_000)]
    asked = [{"topic_id": uuid.UUID(int=0), "name": name} for name in [topic, *names]]
    answer = connection.call("Metadata", 12, {"topics": asked, "allow_auto_topic_creation": False})
    errors = {found["name"]: found["error_code"] for found in answer["topics"]}
    assert errors == {topic: 0, **dict.fromkeys(names, 3)}


def test_a_large_fetch_waits_like_a_small_one(connection: Connection, topic: str) -> None:
    partitions = [{"partition": number, "fetch_offset": 0, "partition_max_bytes": 1000} for number in range(1, 3000)]
    asked = [{"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1000}]
    body = {"max_wait_ms": 100, "min_bytes": 1, "max_bytes": 1000, "session_id": 0, "session_epoch": -1}
    answer = connection.call("Fetch", 11, {**body, "topics": [{"topic": topic, "partitions": asked + partitions}]})
    (found,) = answer["responses"]
    errors = [partition["error_code"] for partition in found["partitions"]]
    assert errors == [0] + [3] * len(partitions)


def test_a_large_request_that_is_cut_off_closes_the_connection(connection: Connection) -> None:
    head, number_of_topics = bytes.fromhex("000300090000000100017800"), b"\xc1\xb8\x02"
    body = head + number_of_topics + b"\x02a\x00" * 40_000
    connection.send_frame(body[:-1])
    connection.wait_closed()


def test_a_large_request_for_versions_nobody_serves_is_answered_as_a_small_one(connection: Connection) -> None:
    connection.send_frame(bytes.fromhex("0012006300000007000178") + bytes(70_000))
    assert connection.receive_frame()[:6] == bytes.fromhex("000000070023")
