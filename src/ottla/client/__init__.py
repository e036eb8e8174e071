"""Ottla's Kafka client, for asyncio: what the command line and ``ottla.testing`` are built on.

It speaks to Ottla and to any Apache Kafka from 2.1 on; the versions of requests are agreed on for each connection.

::

    async with Client("127.0.0.1:9092") as client:
        await client.admin.create_topics([NewTopic("orders", partitions=3)])
        async with client.producer() as producer:
            await producer.send("orders", b"hello", key=b"k")
        async with client.consumer(topics=["orders"], group="billing", from_="beginning") as consumer:
            async for record in consumer:
                print(record.value)

Everything has a timeout, and every error is a :class:`ClientError` whose text is one line for a person.
"""

from ottla.model.ids import TopicPartition

from .client import Client
from .errors import (
    AuthenticationFailed,
    BrokerError,
    ClientClosed,
    ClientError,
    ConnectionFailed,
    InvalidResponse,
    RecordTooLarge,
    SettingsError,
    TimedOut,
    UnsupportedByBroker,
)
from .results import NewTopic
from .settings import settings_from_file

__all__ = [
    "AuthenticationFailed",
    "BrokerError",
    "Client",
    "ClientClosed",
    "ClientError",
    "ConnectionFailed",
    "InvalidResponse",
    "NewTopic",
    "RecordTooLarge",
    "SettingsError",
    "TimedOut",
    "TopicPartition",
    "UnsupportedByBroker",
    "settings_from_file",
]
