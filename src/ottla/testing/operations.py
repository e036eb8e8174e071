"""What a test may ask of its broker. Everything goes by the wire, through a client on the broker's own loop.

The client is imported at first use: a test with a client of its own may need none of this.
"""

import asyncio
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition

from .errors import BrokerMisused, NothingCame
from .results import Group

if TYPE_CHECKING:
    from ottla.client import Client
    from ottla.client.consumer import ConsumedRecord
    from ottla.client.producer import Producer
    from ottla.client.results import GroupMember, RecordMetadata

Data: TypeAlias = bytes | str | None
"""A key or a value; text is written as UTF-8."""

Headers: TypeAlias = Mapping[str, bytes | str | None] | Iterable[tuple[str, bytes | str | None]]

TIMEOUT_S = 10.0
PAUSE_S = 0.02
_numbers = itertools.count(1)


class Operations:
    """The calls of :class:`~ottla.testing.broker.Broker` as coroutines of the broker's loop."""

    def __init__(self, client: "Callable[[], Client]") -> None:
        self._client = client
        self._producers: dict[Client, Producer] = {}

    async def create_topic(
        self, name: str | None = None, *, partitions: int | None = None, config: Mapping[str, object] | None = None
    ) -> str:
        """Create a topic and return its name; without a name it gets a fresh one.

        ``partitions``: ``num.partitions`` unless given. ``config`` has topic settings by Kafka's names. When this
        returns the topic can be produced to. A topic that exists already is an error.
        """
        from ottla.client import NewTopic
        from ottla.client.results import raise_errors

        name = fresh_name() if name is None else name
        configs = {key: _setting_text(value) for key, value in (config or {}).items()}
        topic = NewTopic(name, partitions=-1 if partitions is None else partitions, configs=configs)
        created = await self._client().admin.create_topics([topic])
        raise_errors(result.error for result in created.values())
        return name

    async def delete_topic(self, name: str) -> None:
        """Delete a topic with its records; its name is free when this returns."""
        from ottla.client.results import raise_errors

        raise_errors((await self._client().admin.delete_topics([name])).values())

    async def topics(self) -> dict[str, int]:
        """Return the topics that are not internal, by name, with how many partitions each has."""
        found = await self._client().admin.list_topics(internal=False)
        return {topic.name: len(topic.partitions) for topic in found}

    async def produce(
        self,
        topic: str,
        *values: Data,
        key: Data = None,
        headers: Headers = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> "list[RecordMetadata]":
        """Write a record for each of ``values`` and return where they are, once the broker has acknowledged all.

        Text is written as UTF-8; None is a tombstone. All get the same ``key``, ``headers``, ``partition`` and
        ``timestamp_ms``. Without a partition the key decides, as Kafka's own client has it. A topic that is not there
        is made, unless ``auto.create.topics.enable`` is off.
        """
        if not values:
            raise BrokerMisused("produce takes a topic and at least one value: produce('orders', 'hello')")
        producer = self._producer()
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        written_headers = [(name, as_bytes(value, "the value of a header")) for name, value in pairs]
        written_key = as_bytes(key, "a key")
        deliveries = [
            await producer.queue(
                topic,
                as_bytes(value, "a value"),
                key=written_key,
                headers=written_headers,
                partition=partition,
                timestamp_ms=timestamp_ms,
            )
            for value in values
        ]
        await producer.flush()
        return [await delivery for delivery in deliveries]

    def _producer(self) -> "Producer":
        client = self._client()
        if client not in self._producers:
            self._producers = {client: client.producer(linger_ms=0, enable_idempotence=False)}
        return self._producers[client]

    async def records(
        self,
        topic: str,
        *,
        partition: int | None = None,
        count: int | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> "list[ConsumedRecord]":
        """Return all records of a topic, or of one partition, in the order of partitions and offsets.

        With ``count`` it waits until there are at least as many; NothingCame if there are fewer after ``timeout_s``.
        Reading leaves no trace: there is no group.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        wanted = await self._partitions(topic, partition, deadline if count else 0.0)
        found: list[ConsumedRecord] = []
        async with self._client().consumer(partitions=wanted, from_="beginning") as consumer:
            if count is None:
                found = [record async for record in consumer.records(until_end=True)]
            while count is not None and len(found) < count:
                left_ms = (deadline - loop.time()) * 1000
                if left_ms <= 0:
                    raise NothingCame(f"{len(found)} of {count} records came to {topic} within {timeout_s:g} s")
                found += await consumer.poll(timeout_ms=max(1, int(left_ms)))
        found.sort(key=lambda record: (record.partition, record.offset))
        return found

    async def _partitions(self, topic: str, partition: int | None, deadline: float) -> list[TopicPartition]:
        """Return the partitions to read; wait for the topic until ``deadline`` if it is not there."""
        while True:
            described = (await self._client().admin.describe_topics([topic]))[topic]
            if described.error is None:
                numbers = [one.partition for one in described.partitions]
                if partition is not None and partition not in numbers:
                    raise BrokerMisused(f"{topic} has no partition {partition}, but {len(numbers)}, counted from 0")
                return [TopicPartition(topic, number) for number in numbers if partition in (None, number)]
            is_missing = described.error.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            if not is_missing or asyncio.get_running_loop().time() >= deadline:
                raise described.error
            await asyncio.sleep(PAUSE_S)

    async def groups(self) -> dict[str, Group]:
        """Return the consumer groups by id: state, members, committed offsets, and how far behind each is."""
        listed = await self._client().admin.list_groups()
        described = await self._client().admin.describe_groups([group.group_id for group in listed])
        return {
            group_id: await self._with_offsets(group_id, one.state, one.protocol_type, one.members)
            for group_id, one in described.items()
            if one.error is None
        }

    async def _with_offsets(self, group_id: str, state: str, protocol_type: str, members: "list[GroupMember]") -> Group:
        from ottla.client.admin.admin import LATEST

        committed = await self._client().admin.group_offsets(group_id)
        offsets = {key: one.offset for key, one in committed.items() if one.error is None and one.offset >= 0}
        ends = await self._client().admin.list_offsets(dict.fromkeys(offsets, LATEST)) if offsets else {}
        lags = {key: max(0, ends[key].offset - offset) for key, offset in offsets.items() if ends[key].error is None}
        return Group(group_id, state, protocol_type, list(members), offsets, lags)

    async def wait_for_group(
        self, group: str, *, members: int | None = None, lag: int | None = None, timeout_s: float = TIMEOUT_S
    ) -> Group:
        """Wait until a group is there, has exactly ``members`` and is settled, and is at most ``lag`` behind.

        What is not given is not waited for. A group without committed offsets is not yet 0 behind. NothingCame says
        how far it got.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            found = (await self.groups()).get(group)
            if found is not None and _is_as_wanted(found, members, lag):
                return found
            if asyncio.get_running_loop().time() >= deadline:
                raise NothingCame(f"{_how_far(group, found)} after {timeout_s:g} s")
            await asyncio.sleep(PAUSE_S)


def _is_as_wanted(group: Group, members: int | None, lag: int | None) -> bool:
    if members is not None and (len(group.members) != members or group.state not in ("Stable", "Empty")):
        return False
    return lag is None or (bool(group.offsets) and group.lag <= lag)


def _how_far(group: str, found: Group | None) -> str:
    if found is None:
        return f"there is no group {group}"
    behind = f"is {found.lag} records behind" if found.offsets else "has committed no offset"
    return f"the group {group} is {found.state}, has {len(found.members)} members and {behind}"


def as_bytes(data: object, what: str) -> bytes | None:
    """Return what is written for a key, a value or a header."""
    if isinstance(data, str):
        return data.encode()
    if data is None or isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise BrokerMisused(
        f"{what} is bytes, str or None, not {type(data).__name__}; encode it, with json.dumps() perhaps"
    )


def fresh_name(prefix: str = "topic") -> str:
    """Return a topic's name that was not used before, in this process or in another."""
    return f"{prefix}-{os.getpid()}-{next(_numbers)}"


def _setting_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)
