"""The libraries that people have, against a broker in the same process, blocking and awaiting."""

import asyncio
import time
import warnings

import aiokafka
import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ottla.testing import Broker

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of a call of the library's that Python 3.11 did not like
    import kafka

VALUES = [b"%d" % number for number in range(20)]


def test_confluent_kafka() -> None:
    with Broker() as broker:
        producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap_servers})
        for value in VALUES:
            producer.produce("t", value)
        assert producer.flush(10) == 0
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": broker.bootstrap_servers, "group.id": "g", "auto.offset.reset": "earliest"}
        )
        consumer.subscribe(["t"])
        assert [message.value() for message in consumer.consume(len(VALUES), timeout=10)] == VALUES
        consumer.commit(asynchronous=False)
        consumer.close()


def test_kafka_python() -> None:
    with Broker() as broker:
        producer = kafka.KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
        for value in VALUES:
            producer.send("t", value)
        producer.flush(10)
        producer.close()
        consumer = kafka.KafkaConsumer(
            "t", bootstrap_servers=broker.bootstrap_servers, group_id="g", auto_offset_reset="earliest"
        )
        assert [next(consumer).value for _ in VALUES] == VALUES
        consumer.commit()
        consumer.close()


async def test_aiokafka() -> None:
    async with Broker() as broker:
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
            for value in VALUES:
                await producer.send_and_wait("t", value)
        async with aiokafka.AIOKafkaConsumer(
            "t", bootstrap_servers=broker.bootstrap_servers, group_id="g", auto_offset_reset="earliest"
        ) as consumer:
            got = await asyncio.wait_for(consumer.getmany(timeout_ms=10_000), 15)
            while sum(map(len, got.values())) < len(VALUES):
                for partition, more in (await consumer.getmany(timeout_ms=1000)).items():
                    got.setdefault(partition, []).extend(more)
            assert [record.value for records in got.values() for record in records] == VALUES
            await consumer.commit()


@pytest.mark.parametrize("count", [3])
def test_a_broker_with_a_group_at_work_stops_at_once(count: int) -> None:
    """Members that wait for records, or for one another, hold nothing up."""
    with Broker() as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        admin.create_topics([NewTopic("t", 6)])["t"].result(10)
        consumers = []
        for _ in range(count):
            consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "g"})
            consumer.subscribe(["t"])
            assert consumer.poll(0.05) is None
            consumers.append(consumer)
        started = time.perf_counter()
        broker.stop()
        assert time.perf_counter() - started < 1
        broker.start()
        # confluent-kafka holds the interpreter in a rebalance that it meets when it closes, and the broker of this
        # process cannot answer it then: let them find together first (docs/testing.md).
        deadline = time.monotonic() + 60
        while not all(consumer.assignment() for consumer in consumers):
            assert time.monotonic() < deadline
            for consumer in consumers:
                consumer.poll(0.05)
        for consumer in consumers:
            consumer.close()
