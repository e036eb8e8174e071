"""Leaders, coordinators and controllers move from broker to broker, and the client goes after them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest
from tests.client.fake import Answer, FakeBroker, fake_broker, until
from tests.client.test_producer import Partitions

from ottla.client import Client, ConnectionFailed, NewTopic, TimedOut, TopicPartition
from ottla.model.error_codes import ErrorCode
from ottla.protocol.api_table import ApiKey
from ottla.protocol.message import Message
from ottla.protocol.messages.create_topics import CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse
from ottla.protocol.messages.delete_groups import DeletableGroupResult, DeleteGroupsResponse
from ottla.protocol.messages.fetch import FetchableTopicResponse, FetchRequest, FetchResponse, PartitionData
from ottla.protocol.messages.find_coordinator import Coordinator, FindCoordinatorResponse
from ottla.protocol.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from ottla.protocol.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from ottla.protocol.messages.offset_fetch import OffsetFetchResponse, OffsetFetchResponseGroup
from ottla.record.build import build_batch

QUICK = {
    "retry.backoff.ms": "5",
    "retry.backoff.max.ms": "10",
    "linger.ms": "0",
    "fetch.max.wait.ms": "20",
    "default.api.timeout.ms": "3000",
}
PART = TopicPartition("t", 0)


class Pair:
    """Two brokers, 1 and 2; ``leader``, ``coordinator`` and ``controller`` say which of them is what at the moment."""

    def __init__(self, one: FakeBroker, two: FakeBroker) -> None:
        self.brokers = {1: one, 2: two}
        self.leader = self.coordinator = self.controller = 1
        for node_id, broker in self.brokers.items():
            broker.handlers[ApiKey.METADATA] = self._metadata
            broker.handlers[ApiKey.FIND_COORDINATOR] = self._find_coordinator
            broker.handlers[ApiKey.LIST_OFFSETS] = partial(self._list_offsets, node_id)
            broker.handlers[ApiKey.FETCH] = partial(self._fetch, node_id)
            broker.handlers[ApiKey.CREATE_TOPICS] = partial(self._create, node_id)
            broker.handlers[ApiKey.DELETE_GROUPS] = partial(self._delete_group, node_id)

    def _metadata(self, request: Message, version: int) -> Answer:
        assert isinstance(request, MetadataRequest)
        return MetadataResponse(
            brokers=[
                MetadataResponseBroker(node_id=node_id, host="127.0.0.1", port=broker.port)
                for node_id, broker in self.brokers.items()
            ],
            controller_id=self.controller,
            topics=[
                MetadataResponseTopic(
                    name=topic.name,
                    partitions=[MetadataResponsePartition(partition_index=0, leader_id=self.leader)],
                )
                for topic in request.topics or ()
            ],
        )

    def _find_coordinator(self, request: Message, version: int) -> Answer:
        if self.coordinator < 0:
            found = Coordinator(key="g", node_id=-1, error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
        else:
            port = self.brokers[self.coordinator].port
            found = Coordinator(key="g", node_id=self.coordinator, host="127.0.0.1", port=port)
        return FindCoordinatorResponse(coordinators=[found])

    def _list_offsets(self, me: int, request: Message, version: int) -> Answer:
        assert isinstance(request, ListOffsetsRequest)
        code = 0 if me == self.leader else ErrorCode.NOT_LEADER_OR_FOLLOWER
        part = ListOffsetsPartitionResponse(partition_index=0, error_code=code, offset=me)
        return ListOffsetsResponse(topics=[ListOffsetsTopicResponse(name="t", partitions=[part])])

    def _fetch(self, me: int, request: Message, version: int) -> Answer:
        assert isinstance(request, FetchRequest)
        offset = request.topics[0].partitions[0].fetch_offset
        part = PartitionData(partition_index=0, high_watermark=4)
        if me != self.leader:
            part.error_code = ErrorCode.NOT_LEADER_OR_FOLLOWER
        elif offset < 4:
            part.records = build_batch([(0, None, b"%d" % offset, [])], base_offset=offset)
        return FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[part])])

    def _create(self, me: int, request: Message, version: int) -> Answer:
        assert isinstance(request, CreateTopicsRequest)
        code = 0 if me == self.controller else ErrorCode.NOT_CONTROLLER
        return CreateTopicsResponse(
            topics=[CreatableTopicResult(name=topic.name, error_code=code) for topic in request.topics]
        )

    def _delete_group(self, me: int, request: Message, version: int) -> Answer:
        code = 0 if me == self.coordinator else ErrorCode.NOT_COORDINATOR
        return DeleteGroupsResponse(results=[DeletableGroupResult(group_id="g", error_code=code)])


@contextlib.asynccontextmanager
async def _pair() -> AsyncIterator[Pair]:
    async with fake_broker() as one, fake_broker() as two:
        yield Pair(one, two)


async def test_a_leader_that_moved_is_found() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        for leader in (1, 2, 2, 1):
            pair.leader = leader
            assert (await client.admin.list_offsets({PART: -1}))[PART].offset == leader


async def test_a_leader_that_died_is_left() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        assert (await client.admin.list_offsets({PART: -1}))[PART].offset == 1
        pair.leader = 2
        await pair.brokers[1].stop()
        assert (await client.admin.list_offsets({PART: -1}))[PART].offset == 2
        await pair.brokers[1].start()


async def test_a_leader_that_nobody_finds_is_an_error_when_the_time_is_over() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        pair.leader = -1
        found = await client.admin.list_offsets({PART: -1}, timeout_ms=100)
        error = found[PART].error
        assert error is not None
        assert error.name == "LEADER_NOT_AVAILABLE"


async def test_a_producer_follows_the_leader() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client, client.producer() as producer:
        leaders = {1: Partitions(pair.brokers[1]), 2: Partitions(pair.brokers[2], codes=[6])}
        await producer.send("t", b"a")
        pair.leader = 2
        pair.brokers[1].handlers[ApiKey.PRODUCE] = Partitions(pair.brokers[1], codes=[6] * 1000).produce
        await producer.send("t", b"b")
        assert leaders[1].values() == [b"a"]
        assert leaders[2].values() == [b"b"]


async def test_a_consumer_follows_the_leader() -> None:
    async with (
        _pair() as pair,
        Client(pair.brokers[1].address, QUICK) as client,
        client.consumer(partitions=[PART], from_=0) as consumer,
    ):
        read = [(await consumer.poll(1, 5000))[0].value for _ in range(2)]
        pair.leader = 2
        read += [(await consumer.poll(1, 5000))[0].value for _ in range(2)]
        assert read == [b"0", b"1", b"2", b"3"]


async def test_a_controller_that_moved_is_found() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        assert (await client.admin.create_topics([NewTopic("a")]))["a"].error is None
        pair.controller = 2
        assert (await client.admin.create_topics([NewTopic("b")]))["b"].error is None
        assert len(pair.brokers[2].of(ApiKey.CREATE_TOPICS)) == 1


async def test_a_coordinator_that_moved_is_found() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        assert await client.admin.delete_groups(["g"]) == {"g": None}
        pair.coordinator = 2
        assert await client.admin.delete_groups(["g"]) == {"g": None}
        await pair.brokers[2].stop()
        pair.coordinator = 1
        assert await client.admin.delete_groups(["g"]) == {"g": None}
        pair.coordinator = -1
        with pytest.raises(TimedOut, match="COORDINATOR_NOT_AVAILABLE"):
            await client.admin.delete_groups(["other"], timeout_ms=100)
        await pair.brokers[2].start()


async def test_an_advertised_address_that_cannot_be_reached_is_named_as_such() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        pair.leader = 2
        await pair.brokers[2].stop()
        with pytest.raises(TimedOut, match="the address that broker 2 advertises") as caught:
            await client.admin.list_offsets({PART: -1}, timeout_ms=100)
        assert isinstance(caught.value.__cause__, ConnectionFailed)
        await pair.brokers[2].start()


async def test_a_consumer_whose_brokers_stay_away_says_so_in_the_end() -> None:
    settings = {**QUICK, "default.api.timeout.ms": "300"}
    async with (
        _pair() as pair,
        Client(pair.brokers[1].address, settings) as client,
        client.consumer(partitions=[PART], from_=0) as consumer,
    ):
        assert await consumer.poll(10, 5000)
        for broker in pair.brokers.values():
            await broker.stop()
        with pytest.raises(ConnectionFailed):
            await anext(record async for record in consumer if record.offset > 3)
        for broker in pair.brokers.values():
            await broker.start()


async def test_what_a_leader_of_before_still_answers_is_not_read_twice() -> None:
    """Two fetches of the same offset: the old leader's, which was on its way, and the new one's."""
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        late = asyncio.Event()

        async def answer(me: int, request: Message, version: int) -> Answer:
            assert isinstance(request, FetchRequest)
            offset = request.topics[0].partitions[0].fetch_offset
            if me == 1:
                await late.wait()
            elif offset == 3:
                late.set()
            part = PartitionData(partition_index=0, high_watermark=4)
            if offset < 4:
                part.records = build_batch([(0, None, b"%d" % offset, [])], base_offset=offset)
            return FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[part])])

        for node_id in (1, 2):
            pair.brokers[node_id].handlers[ApiKey.FETCH] = partial(answer, node_id)
        async with client.consumer(partitions=[PART], from_=0) as consumer:
            await until(lambda: bool(pair.brokers[1].of(ApiKey.FETCH)))
            pair.leader = 2
            await client._cluster.refresh(["t"])
            consumer.resume([PART])
            read = []
            while consumer.position(PART) != 4:
                read += await consumer.poll(1, 5000)
            await consumer.poll(1, 50)
            assert [record.value for record in read] == [b"0", b"1", b"2", b"3"]
            assert consumer.position(PART) == 4


async def test_the_offsets_of_a_group_whose_coordinator_died_are_found() -> None:
    async with _pair() as pair, Client(pair.brokers[1].address, QUICK) as client:
        for broker in pair.brokers.values():
            broker.handlers[ApiKey.OFFSET_FETCH] = lambda request, version: OffsetFetchResponse(
                groups=[OffsetFetchResponseGroup(group_id="g")]
            )
        pair.coordinator = 2
        assert await client.admin.group_offsets("g") == {}
        await pair.brokers[2].stop()
        pair.coordinator = 1
        assert await client.admin.group_offsets("g") == {}
        await pair.brokers[2].start()
