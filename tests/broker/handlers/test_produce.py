"""Batches that are checked in a thread, and what may happen to their topic or their node meanwhile."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.harness.batches import Entry, batch
from tests.harness.calls import produce_request, unique
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

from ottla.broker.node import Node
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition
from ottla.record.validate import Validated
from ottla.replica.partition import Partition
from ottla.testing import Broker

LONG = batch([Entry(value=b"v" * (number % 5)) for number in range(20_000)])


class Checks:
    """Holds the checks of batches in the thread for computations until they are let go."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go_on = threading.Event()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Checks]:
    checks = Checks()
    validate = Partition.validate

    def held(partition: Partition, records: bytearray, *, at_once: bool = False, **more: Any) -> Validated:
        if not at_once:
            checks.began.set()
            assert checks.go_on.wait(10)
        return validate(partition, records, at_once=at_once, **more)

    monkeypatch.setattr(Partition, "validate", held)
    yield checks
    checks.go_on.set()


def node_of(broker: Broker) -> Node:
    node = broker._life.node
    assert node is not None
    return node


def test_a_batch_is_not_written_to_another_topic_that_came_meanwhile(checks: Checks) -> None:
    """It was checked by the settings of the first one: here it has no keys, which the second one asks for."""
    topic = unique("anew")
    with Broker() as broker, Connection(broker.host, broker.port) as connection:
        broker.create_topic(topic)
        request_id = connection.send("Produce", 9, produce_request(topic, LONG))
        assert checks.began.wait(10)
        broker.delete_topic(topic)
        broker.create_topic(topic, config={"cleanup.policy": "compact"})
        checks.go_on.set()
        answer = connection.receive("Produce", 9, expect_id=request_id)
        code = answer["responses"][0]["partition_responses"][0]["error_code"]
        assert code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert broker.records(topic) == []


def test_nothing_is_appended_to_logs_that_are_being_closed(checks: Checks) -> None:
    """The client has left, so nobody waits for its batch when the node stops."""
    topic = unique("stopping")
    found = []
    with Broker() as broker:
        broker.create_topic(topic)
        node = node_of(broker)
        with Connection(broker.host, broker.port) as connection:
            connection.send("Produce", 9, produce_request(topic, LONG))
            assert checks.began.wait(10)

        async def end_of_check() -> None:
            checks.go_on.set()
            await asyncio.wait([task for task in asyncio.all_tasks() if task.get_name() == "produce check"], timeout=10)
            log = node.logs.get(TopicPartition(topic, 0))
            assert log is not None
            found.append(log.log_end_offset)

        node._closers.append(end_of_check)
    assert found == [0]


def test_what_follows_a_batch_that_takes_long_waits_for_it(checks: Checks) -> None:
    """A partition that is named twice: Kafka's clients never do that, but who does means an order."""
    topic = unique("twice")
    with Broker() as broker, Connection(broker.host, broker.port) as connection:
        broker.create_topic(topic, partitions=2)
        body = produce_request(topic, LONG)
        (asked,) = body["topic_data"]
        short = batch([Entry(value=b"short")])
        asked["partition_data"] += [{"index": 0, "records": short}, {"index": 1, "records": short}]
        body["topic_data"].append({"name": topic, "partition_data": [{"index": 0, "records": short}]})
        request_id = connection.send("Produce", 9, body)
        assert checks.began.wait(10)
        assert [len(broker.records(topic, partition=partition)) for partition in (0, 1)] == [0, 1]
        checks.go_on.set()
        answer = connection.receive("Produce", 9, expect_id=request_id)
        found = [one for each in answer["responses"] for one in each["partition_responses"]]
        assert [(one["index"], one["error_code"], one["base_offset"]) for one in found] == [
            (0, 0, 0),
            (0, 0, 20_000),
            (1, 0, 0),
            (0, 0, 20_001),
        ]


def test_a_batch_that_waited_bears_the_time_of_its_append(checks: Checks) -> None:
    topic = unique("time")
    with Broker() as broker, Connection(broker.host, broker.port) as late:
        broker.create_topic(topic, config={"message.timestamp.type": "LogAppendTime"})
        request_id = late.send("Produce", 9, produce_request(topic, LONG))
        assert checks.began.wait(10)
        arrived_ms = node_of(broker).clock.now_ms()
        eventually(lambda: node_of(broker).clock.now_ms() > arrived_ms, "another millisecond")
        with Connection(broker.host, broker.port) as quick:
            answer = quick.call("Produce", 9, produce_request(topic, batch([Entry(value=b"quick")])))
        quick_ms = answer["responses"][0]["partition_responses"][0]["log_append_time_ms"]
        assert quick_ms > arrived_ms
        checks.go_on.set()
        answer = late.receive("Produce", 9, expect_id=request_id)
        (found,) = answer["responses"][0]["partition_responses"]
        assert found["log_append_time_ms"] >= quick_ms
        records = broker.records(topic)
        assert {record.timestamp_ms for record in records[1:]} == {found["log_append_time_ms"]}
        assert len(records) == 1 + 20_000, "and its CRC is right"


def test_copies_that_wait_for_the_thread_count_as_memory_of_requests(checks: Checks) -> None:
    topic = unique("memory")
    with Broker() as broker, Connection(broker.host, broker.port) as producer:
        broker.create_topic(topic)
        buffers = node_of(broker).large_buffers
        assert buffers.reserved_bytes == 0
        request_id = producer.send("Produce", 9, produce_request(topic, LONG))
        assert checks.began.wait(10)
        eventually(lambda: buffers.reserved_bytes == len(LONG), "the batch counts")
        with Connection(broker.host, broker.port) as asking:
            names = [{"name": f"{number}".zfill(100)} for number in range(1_000)]
            asked = asking.send("Metadata", 9, {"topics": names})
            eventually(lambda: buffers.reserved_bytes > len(LONG) + 100_000, "a request that waits to be read counts")
            checks.go_on.set()
            asking.receive("Metadata", 9, expect_id=asked)
        producer.receive("Produce", 9, expect_id=request_id)
        eventually(lambda: buffers.reserved_bytes == 0, "nothing waits any more")
