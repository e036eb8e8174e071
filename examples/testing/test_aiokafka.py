"""Testing code that uses aiokafka: the broker's loop is in a thread of its own, so nothing here waits for itself."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from ottla.testing import Broker

# -- the code under test ------------------------------------------------------------------------------------------


async def shout(bootstrap_servers: str, source: str, target: str) -> None:
    """Read words, write them in capitals, and commit what is written; for ever."""
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=bootstrap_servers,
        group_id="shouters",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer, AIOKafkaProducer(bootstrap_servers=bootstrap_servers) as producer:
        async for record in consumer:
            await producer.send_and_wait(target, (record.value or b"").upper(), key=record.key)
            await consumer.commit()


# -- its tests ----------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_words_are_shouted(ottla_broker: Broker, ottla_topic: str) -> None:
    target = await ottla_broker.aio.create_topic()
    shouting = asyncio.create_task(shout(ottla_broker.bootstrap_servers, ottla_topic, target))
    try:
        await ottla_broker.aio.produce(ottla_topic, "hello", "world", key="k")
        records = await ottla_broker.aio.records(target, count=2)
        assert [record.value for record in records] == [b"HELLO", b"WORLD"]
        assert (await ottla_broker.aio.wait_for_group("shouters", lag=0)).lag == 0
    finally:
        shouting.cancel()
        await asyncio.gather(shouting, return_exceptions=True)


@pytest.mark.asyncio
async def test_it_survives_a_restart_of_the_broker() -> None:
    async with Broker() as broker:
        source, target = await broker.aio.create_topic(), await broker.aio.create_topic()
        shouting = asyncio.create_task(shout(broker.bootstrap_servers, source, target))
        try:
            await broker.aio.produce(source, "before")
            await broker.aio.records(target, count=1)
            await broker.aio.restart()
            await broker.aio.produce(source, "after")
            records = await broker.aio.records(target, count=2)
            assert [record.value for record in records] == [b"BEFORE", b"AFTER"]
        finally:
            shouting.cancel()
            await asyncio.gather(shouting, return_exceptions=True)
