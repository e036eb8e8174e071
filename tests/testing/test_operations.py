"""What a test may ask of its broker: topics, records and groups, blocking and awaited."""

import asyncio
import threading
import time

import confluent_kafka
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.client import BrokerError
from ottla.testing import Broker, BrokerMisused, NothingCame, TopicPartition
from ottla.testing.operations import as_bytes


def test_a_topic_can_be_written_to_and_read_at_once(ottla_broker: Broker) -> None:
    name = ottla_broker.create_topic(
        "orders", partitions=3, config={"cleanup.policy": ["compact"], "segment.bytes": 2_000_000}
    )
    assert name == "orders"
    assert ottla_broker.topics()["orders"] == 3
    written = ottla_broker.produce("orders", "hello", b"bytes", None, key="k", headers={"h": "v", "n": None})
    assert [one.offset for one in written] == [0, 1, 2]
    records = ottla_broker.records("orders")
    assert [record.value for record in records] == [b"hello", b"bytes", None]
    assert {record.key for record in records} == {b"k"}
    assert {tuple(record.headers) for record in records} == {(("h", b"v"), ("n", None))}
    assert {record.partition for record in records} == {written[0].partition}
    ottla_broker.delete_topic("orders")
    assert "orders" not in ottla_broker.topics()


def test_a_topic_without_a_name_gets_a_fresh_one(ottla_broker: Broker) -> None:
    names = {ottla_broker.create_topic() for _ in range(3)}
    assert len(names) == 3
    assert names <= ottla_broker.topics().keys()


def test_a_topic_that_is_there_already(ottla_broker: Broker, ottla_topic: str) -> None:
    with pytest.raises(BrokerError, match="already exists"):
        ottla_broker.create_topic(ottla_topic)


def test_where_and_when_a_record_is_written(ottla_broker: Broker) -> None:
    topic = ottla_broker.create_topic(partitions=4)
    for partition in (2, 0, 3):
        ottla_broker.produce(topic, str(partition), partition=partition, timestamp_ms=1000 + partition)
    found = [(record.partition, record.value, record.timestamp_ms) for record in ottla_broker.records(topic)]
    assert found == [(0, b"0", 1000), (2, b"2", 1002), (3, b"3", 1003)]
    assert [record.value for record in ottla_broker.records(topic, partition=2)] == [b"2"]
    assert ottla_broker.records(topic, partition=1) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(st.none(), st.binary(max_size=200), st.text(max_size=50)), min_size=1, max_size=20))
def test_what_is_written_is_read(values: list[bytes | str | None]) -> None:
    with Broker() as broker:
        topic = broker.create_topic(partitions=1)
        broker.produce(topic, *values)
        assert [record.value for record in broker.records(topic)] == [as_bytes(value, "") for value in values]


def test_a_thousand_records_of_a_kilobyte(ottla_broker: Broker, ottla_topic: str) -> None:
    values = [b"%04d" % number + bytes(1000) for number in range(1000)]
    ottla_broker.produce(ottla_topic, *values)
    assert [record.value for record in ottla_broker.records(ottla_topic)] == values


def test_waiting_for_records(ottla_broker: Broker, ottla_topic: str) -> None:
    def write() -> None:
        for number in range(5):
            ottla_broker.produce(ottla_topic, str(number))

    writer = threading.Thread(target=write)
    writer.start()
    records = ottla_broker.records(ottla_topic, count=5)
    writer.join()
    assert [record.value for record in records] == [b"0", b"1", b"2", b"3", b"4"]


def test_waiting_for_a_topic_that_somebody_makes(ottla_broker: Broker) -> None:
    writer = threading.Timer(0.1, lambda: ottla_broker.produce("made-later", "v"))
    writer.start()
    assert [record.value for record in ottla_broker.records("made-later", count=1)] == [b"v"]
    writer.join()


def test_records_that_do_not_come(ottla_broker: Broker, ottla_topic: str) -> None:
    ottla_broker.produce(ottla_topic, "1", "2")
    started = time.perf_counter()
    with pytest.raises(NothingCame, match=rf"^2 of 3 records came to {ottla_topic} within 0\.2 s$"):
        ottla_broker.records(ottla_topic, count=3, timeout_s=0.2)
    assert 0.2 <= time.perf_counter() - started < 5
    assert issubclass(NothingCame, TimeoutError)


def test_records_of_a_topic_that_is_not_there(ottla_broker: Broker) -> None:
    with pytest.raises(BrokerError, match="nowhere"):
        ottla_broker.records("nowhere")
    assert "nowhere" not in ottla_broker.topics()


@pytest.mark.parametrize("value", [1, {"a": 1}, ["x"], object()])
def test_a_value_that_is_neither_bytes_nor_text(ottla_broker: Broker, ottla_topic: str, value: object) -> None:
    with pytest.raises(BrokerMisused, match=r"^a value is bytes, str or None, not .*json"):
        ottla_broker.produce(ottla_topic, value)  # type: ignore[arg-type] # a test of just this
    with pytest.raises(BrokerMisused, match="at least one value"):
        ottla_broker.produce(ottla_topic)
    with pytest.raises(BrokerMisused, match=f"{ottla_topic} has no partition 7, but 1"):
        ottla_broker.records(ottla_topic, partition=7)


def consumer_of(broker: Broker, topic: str, group: str) -> confluent_kafka.Consumer:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    return consumer


def test_groups_say_how_far_they_are(ottla_broker: Broker, ottla_topic: str) -> None:
    ottla_broker.produce(ottla_topic, "1", "2", "3")
    consumer = consumer_of(ottla_broker, ottla_topic, "readers")
    try:
        (message,) = consumer.consume(1, timeout=10)
        found = ottla_broker.wait_for_group("readers", members=1)
        assert found.state == "Stable"
        assert found.members[0].assignment == [TopicPartition(ottla_topic, 0)]
        assert (found.offsets, found.lag) == ({}, 0)
        consumer.commit(message=message, asynchronous=False)
        found = ottla_broker.groups()["readers"]
        assert found.offsets == {TopicPartition(ottla_topic, 0): 1}
        assert found.lag == 2
        with pytest.raises(NothingCame, match=r"^the group readers is Stable, has 1 members and is 2 records behind"):
            ottla_broker.wait_for_group("readers", lag=0, timeout_s=0.1)
        for message in consumer.consume(2, timeout=10):
            consumer.commit(message=message, asynchronous=False)
        assert ottla_broker.wait_for_group("readers", lag=0).lag == 0
    finally:
        consumer.close()
    assert ottla_broker.wait_for_group("readers", members=0).state == "Empty"


def test_a_group_that_is_not_there(ottla_broker: Broker) -> None:
    assert "nobody" not in ottla_broker.groups()
    with pytest.raises(NothingCame, match="there is no group nobody after"):
        ottla_broker.wait_for_group("nobody", timeout_s=0.05)


async def test_everything_can_be_awaited() -> None:
    async with Broker() as broker:
        topic = await broker.aio.create_topic("t", partitions=2)
        waiting = asyncio.create_task(broker.aio.records(topic, count=2))
        await broker.aio.produce(topic, "1", partition=0)
        await broker.aio.produce(topic, "2", partition=1)
        assert [record.value for record in await waiting] == [b"1", b"2"]
        assert await broker.aio.topics() == {"t": 2}
        assert await broker.aio.groups() == {}
        with pytest.raises(NothingCame):
            await broker.aio.wait_for_group("g", timeout_s=0.05)
        await broker.aio.restart()
        assert broker.aio.bootstrap_servers == broker.bootstrap_servers
        assert len(await broker.aio.records(topic)) == 2
        await broker.aio.delete_topic(topic)
        await broker.aio.stop()
        await broker.aio.start()
        assert await broker.aio.topics() == {}


async def test_what_is_awaited_can_be_cancelled() -> None:
    async with Broker() as broker:
        await broker.aio.create_topic("t")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await broker.aio.records("t", count=1)
        await broker.aio.produce("t", "v")
        assert len(await broker.aio.records("t", count=1)) == 1


def test_helpers_go_on_after_a_restart(ottla_topic: str) -> None:
    with Broker() as broker:
        for number in range(3):
            broker.produce("t", str(number))
            broker.restart()
        assert [record.value for record in broker.records("t")] == [b"0", b"1", b"2"]


def test_reading_leaves_no_trace(ottla_topic: str) -> None:
    with Broker() as broker:
        broker.produce("t", "v")
        broker.records("t")
        assert broker.groups() == {}
        assert broker.topics() == {"t": 1}
