"""Produce, Fetch and ListOffsets where they meet what else happens: a file that goes, a disk to be waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.log.logs import make_batch

from ottla.broker.connections import ConnectionQuota, Connections
from ottla.broker.context import RequestContext
from ottla.broker.fetch_sessions import FetchSessions
from ottla.broker.handlers import fetch, list_offsets, produce
from ottla.log.config import LogConfig
from ottla.log.manager import LogManager
from ottla.metadata.delta import ImageDelta
from ottla.metadata.image import Image
from ottla.metadata.records import PartitionRecord, TopicRecord
from ottla.model.error_codes import ErrorCode
from ottla.network.driver import Connection, Slot
from ottla.protocol.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from ottla.protocol.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from ottla.protocol.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from ottla.record.validate import Depth
from ottla.replica.driver import Replicas
from ottla.runtime.clock import ManualClock
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.tasks import Tasks

TOPIC_ID = bytes([1] * 16)


class Peer:
    """What a handler sees of a connection: slots that remember what became of them."""

    peer_host, peer_port = "127.0.0.1", 1

    def __init__(self) -> None:
        self.closed = False

    def new_slot(self, *, pipelines: bool = False, waits: bool = False) -> Slot:
        return Slot(cast(Connection, self), pipelines=pipelines, waits=waits)

    def slot_completed(self) -> None:
        """The tests look at the slot itself."""

    def close(self) -> None:
        self.closed = True


class Side:
    """As much of a node as these handlers ask for."""

    def __init__(self, tasks: Tasks, **settings: Any) -> None:
        self.files = MemoryFiles()
        self.clock = ManualClock()
        self.tasks = tasks
        self.limits = SimpleNamespace(fetch_max_bytes=1 << 20)
        self.call_soon: Callable[..., object] = asyncio.get_running_loop().call_soon
        self.waiting_fetches: set[object] = set()
        self.fetch_sessions = FetchSessions(slots=10, random_below=lambda bound: 0)
        self.connections = Connections(clock=self.clock, quota=ConnectionQuota(), max_idle_ms=-1)
        config = LogConfig(**settings)
        self.logs = LogManager(
            files=self.files,
            clock=self.clock,
            tasks=tasks,
            dirs=["/data"],
            default_config=config,
            fresh_uuid=lambda: bytes([7] * 16),
        )
        self.logs.open(node_id=1)
        self.logs.load()
        self.replicas = Replicas(node_id=1, logs=self.logs, log_config=lambda topic: config, depth=lambda: Depth.HEADER)
        delta = ImageDelta(1)
        delta.topics["t"] = TopicRecord(TOPIC_ID, 1)
        delta.partitions[TOPIC_ID] = {0: (PartitionRecord(replicas=(1,), isr=(1,), leader=1), 1)}
        self.replicas.load(Image().apply(delta))
        self.peer = Peer()
        self.answers: list[Any] = []
        self.errors: dict[int, int] = {}
        self.name = "Produce or Fetch"

    @property
    def log(self) -> Any:
        return self.replicas.partition("t", 0).log

    def context(self, version: int) -> RequestContext:
        return RequestContext(
            node=cast(Any, self),
            connection=cast(Connection, self.peer),
            api_version=version,
            client_id=None,
            api=self,
            correlation_id=0,
        )

    def payload(self, response: Any, correlation_id: int) -> bytes:
        self.answers.append(response)
        return b""

    def append(self) -> None:
        batch, header = make_batch()
        self.replicas.partition("t", 0).append_validated(batch, header, now_ms=self.clock.now_ms())

    def fetch(self, offset: int = 0, **options: Any) -> Any:
        asked = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=options.pop("most", 1 << 20))
        options = {"max_wait_ms": 1000, "min_bytes": 1, "max_bytes": 1 << 20, "session_epoch": -1, **options}
        request = FetchRequest(topics=[FetchTopic(topic="t", partitions=[asked])], **options)
        return fetch.handle(request, self.context(12))

    def produce(self, *indexes: int, acks: int) -> Any:
        data = [PartitionProduceData(index=index, records=memoryview(make_batch()[0])) for index in indexes]
        request = ProduceRequest(acks=acks, topic_data=[TopicProduceData(name="t", partition_data=data)])
        return produce.handle(request, self.context(9))

    async def settled(self, slot: Slot) -> None:
        for _ in range(500):
            if slot.done:
                return
            await asyncio.sleep(0.002)
        raise AssertionError("the client would wait for ever")


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.close()


async def test_a_fetch_does_not_wait_for_more_than_an_answer_may_hold(tasks: Tasks) -> None:
    side = Side(tasks)
    side.append()
    answer = side.fetch(min_bytes=1 << 30, max_bytes=10)
    assert isinstance(answer, FetchResponse)
    assert answer.responses[0].partitions[0].records


async def test_a_file_that_goes_while_a_fetch_reads_it_in_a_thread_is_an_error_code(tasks: Tasks) -> None:
    side = Side(tasks)
    side.append()
    side.files.cold = lambda path: True
    deferred = side.fetch()
    side.files.remove(side.log.segments.active.log.path)
    await side.settled(deferred.slot)
    assert side.answers[0].responses[0].partitions[0].error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert not side.peer.closed


@pytest.mark.parametrize("cold", [True, False], ids=["in a thread", "on the loop"])
async def test_a_fault_of_ours_in_a_fetch_that_waited_closes_the_connection(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch, cold: bool
) -> None:
    side = Side(tasks)
    deferred = side.fetch()
    side.append()
    calls = 0

    def broken(*args: object, **options: object) -> None:
        nonlocal calls
        calls += 1
        if cold and calls == 1:
            return
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(type(side.replicas.partition("t", 0)), "read", broken)
    await side.settled(deferred.slot)
    assert side.peer.closed
    assert sum(side.connections.handler_errors.values()) == 1


async def test_time_up_and_enough_at_once_is_one_answer(tasks: Tasks) -> None:
    side = Side(tasks)
    deferred = side.fetch()
    side.files.cold = lambda path: True
    side.append()
    side.clock.advance(1000)
    await side.settled(deferred.slot)
    await asyncio.sleep(0.02)
    assert len(side.answers) == 1
    assert not side.waiting_fetches


async def test_a_fetch_whose_client_is_gone_is_not_read_for(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    side = Side(tasks)
    deferred = side.fetch()
    side.append()
    deferred.slot.abandon()
    monkeypatch.setattr(fetch.Fetch, "read", None)
    await asyncio.sleep(0.01)
    assert not side.waiting_fetches
    assert not side.answers


async def test_an_error_without_an_ack_closes_the_connection_after_a_flush_as_well(tasks: Tasks) -> None:
    side = Side(tasks, flush_messages=1)
    deferred = side.produce(0, 5, acks=0)
    await side.settled(deferred.slot)
    assert side.peer.closed
    assert side.log.high_watermark == 1, "what could be written is kept"
    side.peer.closed = False
    await side.settled(side.produce(0, acks=0).slot)
    assert not side.peer.closed


async def test_a_fault_of_ours_while_flushing_closes_the_connection(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(tasks, flush_messages=1)

    async def broken(*args: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(side.replicas, "flush_through", broken)
    await side.settled(side.produce(0, acks=-1).slot)
    assert side.peer.closed


@pytest.mark.parametrize("times", [1, 99])
async def test_a_segment_that_goes_while_time_is_looked_up(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    side = Side(tasks)
    side.append()
    search = side.log.offset_for_timestamp
    left = times

    def racing(log: object, timestamp: int) -> object:
        nonlocal left
        if left:
            left -= 1
            raise FileNotFoundError("deleted by retention")
        return search(timestamp)

    monkeypatch.setattr(type(side.log), "offset_for_timestamp", racing)
    asked = ListOffsetsPartition(partition_index=0, current_leader_epoch=-1, timestamp=0)
    request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name="t", partitions=[asked])])
    answer = (await list_offsets.handle(request, side.context(7))).topics[0].partitions[0]
    if times == 1:
        assert (answer.error_code, answer.offset) == (0, 0)
    else:
        assert answer.error_code == ErrorCode.KAFKA_STORAGE_ERROR
