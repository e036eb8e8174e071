"""The producer against answers of all kinds: order, sequences, limits, and what becomes of a record that cannot be."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from tests.client.fake import Answer, Closes, FakeBroker, Hangs, until

from ottla.client import BrokerError, Client, ClientClosed, ClientError, RecordTooLarge, TimedOut
from ottla.client.producer import Producer
from ottla.model.error_codes import ErrorCode
from ottla.protocol.api_table import ApiKey
from ottla.protocol.message import Message
from ottla.protocol.messages.init_producer_id import InitProducerIdResponse
from ottla.protocol.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from ottla.record.batch import BatchHeader, crc_ok, parse_header
from ottla.record.records import Record, iter_records

QUICK = {"retry.backoff.ms": "5", "retry.backoff.max.ms": "10", "linger.ms": "0"}


class Partitions:
    """The leader of all partitions: keeps what is produced, says no with the codes it is given."""

    def __init__(self, fake: FakeBroker, codes: Iterable[int] = ()) -> None:
        self.batches: list[tuple[str, int, BatchHeader, list[Record]]] = []
        self.refused: list[BatchHeader] = []
        self.producer_ids = 100
        self.epoch = 0
        self.log_start_offset = 0
        self.max_records = 10**9
        self._codes: Iterator[int] = iter(codes)
        self._ends: dict[tuple[str, int], int] = {}
        fake.handlers[ApiKey.PRODUCE] = self.produce
        fake.handlers[ApiKey.INIT_PRODUCER_ID] = self.init_producer_id

    def init_producer_id(self, request: Message, version: int) -> Answer:
        self.producer_ids += 1
        return InitProducerIdResponse(producer_id=self.producer_ids, producer_epoch=self.epoch)

    def produce(self, request: Message, version: int) -> Answer:
        assert isinstance(request, ProduceRequest)
        topics = []
        for topic in request.topic_data:
            answers = [
                self._append(topic.name, part.index, bytes(part.records or b"")) for part in topic.partition_data
            ]
            topics.append(TopicProduceResponse(name=topic.name, partition_responses=answers))
        return ProduceResponse(responses=topics)

    def _append(self, topic: str, partition: int, data: bytes) -> PartitionProduceResponse:
        header = parse_header(data)
        assert header.size == len(data)
        assert crc_ok(data, 0, header.size)
        code = next(self._codes, 0)
        if header.count > self.max_records:
            code = ErrorCode.MESSAGE_TOO_LARGE
        if code:
            self.refused.append(header)
            return PartitionProduceResponse(index=partition, error_code=code, log_start_offset=self.log_start_offset)
        base = self._ends.get((topic, partition), 0)
        self._ends[topic, partition] = base + header.count
        self.batches.append((topic, partition, header, list(iter_records(data, 0, header, max_bytes=10**8))))
        return PartitionProduceResponse(index=partition, base_offset=base)

    def values(self, partition: int = 0) -> list[bytes | None]:
        return [record.value for _, part, _, records in self.batches for record in records if part == partition]


def _numbers(header: BatchHeader) -> tuple[int, int, int]:
    """Producer id, epoch, sequence."""
    return header.producer_id, header.producer_epoch, header.base_sequence


async def test_records_travel_in_batches_with_sequence_numbers(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    async with Client(fake.address) as client, client.producer(linger_ms=5) as producer:
        deliveries = [await producer.queue("t", b"%d" % number, timestamp_ms=number) for number in range(10)]
        metadata = [await delivery for delivery in deliveries]
        later = await producer.send("t", b"10", key=b"k", headers=[("h", b"v"), ("n", None)], timestamp_ms=99)
    assert [entry.offset for entry in metadata] == list(range(10))
    assert [entry.timestamp_ms for entry in metadata] == list(range(10))
    assert later.offset == 10
    first, second = [header for _, _, header, _ in leader.batches]
    assert (first.base_sequence, first.count, first.producer_id, first.producer_epoch) == (0, 10, 101, 0)
    assert (second.base_sequence, second.count, second.producer_id) == (10, 1, 101)
    assert leader.batches[1][3][0].headers == [("h", b"v"), ("n", None)]


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_every_codec(fake: FakeBroker, compression: str) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    async with Client(fake.address) as client, client.producer(compression_type=compression) as producer:
        for number in range(500):
            await producer.queue("t", b"%d" % number)
    assert leader.values() == [b"%d" % number for number in range(500)]


async def test_without_idempotence_there_are_no_sequence_numbers(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    async with Client(fake.address) as client:
        for settings in ({"acks": 1}, {"enable_idempotence": False}):
            async with client.producer(**settings) as producer:
                await producer.send("t", b"x")
    assert [(header.producer_id, header.base_sequence) for _, _, header, _ in leader.batches] == [(-1, -1)] * 2
    assert [request.acks for request in fake.of(ApiKey.PRODUCE) if isinstance(request, ProduceRequest)] == [1, -1]
    assert not fake.of(ApiKey.INIT_PRODUCER_ID)


async def test_acks_0_has_no_answer(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    fake.handlers[ApiKey.PRODUCE] = lambda request, version: Hangs()
    async with Client(fake.address) as client, client.producer(acks=0) as producer:
        assert (await producer.send("t", b"x")).offset == -1
        await client.admin.list_topics()
    assert len(fake.of(ApiKey.PRODUCE)) == 1


async def test_what_may_pass_is_sent_again_in_order_under_the_same_numbers(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake, codes=[6, 5, 19, 7, 0, 3])
    async with Client(fake.address, QUICK) as client, client.producer(batch_size=200) as producer:
        for number in range(30):
            await producer.queue("t", b"%02d" % number)
    assert leader.values() == [b"%02d" % number for number in range(30)]
    assert {header.base_sequence for header in leader.refused} <= {
        header.base_sequence for _, _, header, _ in leader.batches
    }
    sequences = [(header.base_sequence, header.count) for _, _, header, _ in leader.batches]
    assert all(base + count == following for (base, count), (following, _) in pairwise(sequences))
    assert leader.producer_ids == 101


async def test_a_batch_that_was_sent_takes_no_more_records(fake: FakeBroker) -> None:
    """Its sequence numbers are taken: with one record more under them the leader would not know it as sent before."""
    fake.topics["t"] = 1
    leader = Partitions(fake, codes=[ErrorCode.NOT_ENOUGH_REPLICAS])
    slow = {**QUICK, "retry.backoff.ms": "50", "retry.backoff.max.ms": "50"}
    async with Client(fake.address, slow) as client, client.producer() as producer:
        first = await producer.queue("t", b"1")
        await until(lambda: len(leader.refused) == 1)
        # The refusal, which came first, has been dealt with when this is answered.
        await client.admin.list_topics()
        second = await producer.queue("t", b"2")
        assert [(await first).offset, (await second).offset] == [0, 1]
    (refused,) = leader.refused
    accepted = [(header.base_sequence, header.count) for _, _, header, _ in leader.batches]
    assert refused.count == 1
    assert accepted == [(0, 1), (1, 1)]


async def test_a_lost_answer_is_no_second_record(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    answers = iter(["lost", "duplicate"])

    def produce(request: Message, version: int) -> Answer:
        what = next(answers, "")
        if what == "duplicate":
            assert isinstance(request, ProduceRequest)
            part = PartitionProduceResponse(index=0, error_code=ErrorCode.DUPLICATE_SEQUENCE_NUMBER, base_offset=-1)
            return ProduceResponse(responses=[TopicProduceResponse(name="t", partition_responses=[part])])
        answer = leader.produce(request, version)
        return Closes() if what == "lost" else answer

    fake.handlers[ApiKey.PRODUCE] = produce
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        await client.connect()
        assert (await producer.send("t", b"a")).offset == -1, "nobody remembers where"
        assert (await producer.send("t", b"b")).offset == 1
    assert leader.values() == [b"a", b"b"]
    assert [header.base_sequence for _, _, header, _ in leader.batches] == [0, 1]


async def test_a_batch_that_is_too_large_is_halved(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    leader.max_records = 3
    async with Client(fake.address, QUICK) as client, client.producer(linger_ms=20) as producer:
        deliveries = [await producer.queue("t", b"%02d" % number) for number in range(20)]
        offsets = [(await delivery).offset for delivery in deliveries]
    assert offsets == list(range(20))
    assert leader.values() == [b"%02d" % number for number in range(20)]
    assert [header.base_sequence for _, _, header, _ in leader.batches] == sorted(
        header.base_sequence for _, _, header, _ in leader.batches
    )


async def test_one_record_that_is_too_large_fails_alone(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    leader.max_records = 0
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        with pytest.raises(BrokerError, match="MESSAGE_TOO_LARGE"):
            await producer.send("t", b"x")
        leader.max_records = 10
        assert (await producer.send("t", b"y")).offset == 0
        assert producer.failed_records == 1
        assert producer.buffered_bytes == 0
    assert [_numbers(header) for _, _, header, _ in leader.batches] == [(101, 1, 0)], "anew under a higher epoch"


@pytest.mark.parametrize("code", [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.UNKNOWN_PRODUCER_ID])
async def test_a_leader_that_forgot_us_gets_the_batch_under_a_higher_epoch(fake: FakeBroker, code: ErrorCode) -> None:
    """Kafka's TransactionManager.canRetry: the id stays, so what is still on its way under the old epoch is refused."""
    fake.topics["t"] = 2
    leader = Partitions(fake, codes=[0, 0, code])
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        await producer.send("t", b"other", partition=1)
        await producer.send("t", b"a", partition=0)
        await producer.send("t", b"b", partition=0)
        await producer.send("t", b"c", partition=0)
        await producer.send("t", b"other", partition=1)
    assert leader.values() == [b"a", b"b", b"c"]
    assert leader.producer_ids == 101
    of = [[_numbers(header) for _, part, header, _ in leader.batches if part == number] for number in (0, 1)]
    assert of == [[(101, 0, 0), (101, 1, 0), (101, 1, 1)], [(101, 0, 0), (101, 0, 1)]]


@pytest.mark.parametrize("code", [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.UNKNOWN_PRODUCER_ID])
async def test_a_batch_has_its_numbers_made_anew_once(fake: FakeBroker, code: ErrorCode) -> None:
    """Refused again with the first numbers of an epoch it is sent again as it is (``sequenceHasBeenReset``)."""
    fake.topics["t"] = 1
    leader = Partitions(fake, codes=[0, code, code, code])
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        await producer.send("t", b"a")
        await producer.send("t", b"b")
    assert leader.values() == [b"a", b"b"]
    assert [_numbers(header) for header in leader.refused] == [(101, 0, 1), (101, 1, 0), (101, 1, 0)]


async def test_a_leader_that_cannot_say_where_its_log_begins_is_asked_again(fake: FakeBroker) -> None:
    """UNKNOWN_PRODUCER_ID without a log start offset: the partition is moving, and nobody has forgotten us yet."""
    fake.topics["t"] = 1
    leader = Partitions(fake, codes=[0, ErrorCode.UNKNOWN_PRODUCER_ID])
    leader.log_start_offset = -1
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        await producer.send("t", b"a")
        await producer.send("t", b"b")
    assert [_numbers(header) for _, _, header, _ in leader.batches] == [(101, 0, 0), (101, 0, 1)]


async def test_a_batch_of_an_old_epoch_has_failed(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake, codes=[0, ErrorCode.INVALID_PRODUCER_EPOCH])
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        await producer.send("t", b"a")
        with pytest.raises(BrokerError, match="INVALID_PRODUCER_EPOCH"):
            await producer.send("t", b"b")
        await producer.send("t", b"c")
    assert leader.values() == [b"a", b"c"]
    assert [_numbers(header) for _, _, header, _ in leader.batches] == [(101, 0, 0), (101, 1, 0)]


async def test_after_the_last_epoch_there_is_another_producer_id(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake, codes=[ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER])
    leader.epoch = 32767
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        await producer.send("t", b"a")
    assert [_numbers(header) for _, _, header, _ in leader.batches] == [(102, 32767, 0)]


async def test_flush_raises_what_nobody_awaited_and_awaiting_raises_it_there(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    Partitions(fake, codes=[29, 87, 87])
    async with Client(fake.address, QUICK) as client:
        producer = client.producer()
        with pytest.raises(BrokerError, match="TOPIC_AUTHORIZATION_FAILED"):
            await producer.send("t", b"x")
        await producer.flush()
        await producer.queue("t", b"x")
        with pytest.raises(BrokerError, match="INVALID_RECORD"):
            await producer.flush()
        await producer.flush()
        await producer.queue("t", b"x")
        await producer.close()
        with pytest.raises(ClientClosed):
            await producer.queue("t", b"x")


async def test_leaving_the_block_raises_what_nobody_awaited(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    Partitions(fake, codes=[87])
    async with Client(fake.address, QUICK) as client:
        with pytest.raises(BrokerError, match="INVALID_RECORD"):
            async with client.producer() as producer:
                await producer.queue("t", b"x")


async def test_a_record_that_does_not_get_there_fails_when_its_time_is_over(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    Partitions(fake, codes=[6] * 100_000)
    async with Client(fake.address, QUICK) as client, client.producer(delivery_timeout_ms=100) as producer:
        with pytest.raises(TimedOut, match=r"not written within delivery.timeout.ms: .*NOT_LEADER_OR_FOLLOWER"):
            await producer.send("t", b"x")


async def test_a_record_that_is_under_way_fails_in_time_as_well(fake: FakeBroker) -> None:
    """Kafka's Sender.getExpiredInflightBatches: nobody waits for request.timeout.ms beyond delivery.timeout.ms."""
    fake.topics["t"] = 1
    leader = Partitions(fake)
    answered = asyncio.Event()

    async def late(request: Message, version: int) -> Answer:
        await answered.wait()
        return leader.produce(request, version)

    fake.handlers[ApiKey.PRODUCE] = late
    async with Client(fake.address, QUICK) as client, client.producer(delivery_timeout_ms=500) as producer:
        first = await producer.queue("t", b"a")
        await until(lambda: bool(fake.of(ApiKey.PRODUCE)))
        second = await producer.queue("t", b"b")
        async with asyncio.timeout(10):
            for delivery in (first, second):
                with pytest.raises(TimedOut, match=r"not written within delivery\.timeout\.ms"):
                    await delivery
        assert (producer.failed_records, producer.buffered_bytes) == (2, 0)
        answered.set()
        async with asyncio.timeout(10):
            while not await _is_written(producer, b"c"):
                pass
    assert leader.values()[0] == b"a", "it was written, which nobody could know"
    (_, first_epoch, _), (_, next_epoch, sequence) = [_numbers(header) for _, _, header, _ in leader.batches][:2]
    assert next_epoch > first_epoch, "the numbers of what is in doubt are not used again"
    assert sequence == 0


async def _send_for_ever(producer: Producer, value: bytes) -> None:
    while True:
        await producer.send("t", value)


async def _is_written(producer: Producer, value: bytes) -> bool:
    try:
        await producer.send("t", value)
    except TimedOut:
        return False
    return True


async def test_acks_0_to_a_broker_that_reads_no_more_fails_in_time(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    reads = asyncio.Event()

    async def stuck(request: Message, version: int) -> Answer:
        await reads.wait()
        return Hangs()

    fake.handlers[ApiKey.PRODUCE] = stuck
    settings = {**QUICK, "max.request.size": "20000000", "batch.size": "20000000"}
    async with Client(fake.address, settings) as client, client.producer(acks=0, delivery_timeout_ms=200) as producer:
        async with asyncio.timeout(10):
            with pytest.raises(TimedOut, match=r"not written within delivery\.timeout\.ms"):
                await _send_for_ever(producer, bytes(8_000_000))
        reads.set()


async def test_a_connection_that_takes_nothing_is_given_up(fake: FakeBroker) -> None:
    """As every request that is not answered in ``request.timeout.ms``: else none after it would be."""
    fake.topics["t"] = 1
    stuck, reads = [True], asyncio.Event()

    async def produce(request: Message, version: int) -> Answer:
        if stuck:
            await reads.wait()
        return Hangs()

    fake.handlers[ApiKey.PRODUCE] = produce
    settings = {**QUICK, "max.request.size": "20000000", "batch.size": "20000000", "request.timeout.ms": "200"}
    async with Client(fake.address, settings) as client, client.producer(acks=0) as producer:
        async with asyncio.timeout(10):
            while fake.connections < 2:
                await producer.send("t", bytes(8_000_000))
        stuck.clear()
        reads.set()


async def test_retries_are_counted(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake, codes=[6, 6, 6, 6])
    async with Client(fake.address, QUICK) as client, client.producer(retries=2) as producer:
        with pytest.raises(BrokerError, match="NOT_LEADER_OR_FOLLOWER"):
            await producer.send("t", b"x")
    assert len(leader.refused) == 3


async def test_a_full_buffer_holds_up_whoever_adds_to_it(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    release = asyncio.Event()

    async def slow(request: Message, version: int) -> Answer:
        await release.wait()
        return leader.produce(request, version)

    fake.handlers[ApiKey.PRODUCE] = slow
    async with Client(fake.address, QUICK) as client, client.producer(buffer_memory=1000, max_block_ms=500) as producer:
        for _ in range(8):
            await producer.queue("t", bytes(100))
        with pytest.raises(TimedOut, match=r"buffer\.memory"):
            await producer.queue("t", bytes(100))
        assert producer.buffered_bytes <= 1000
        release.set()
        for _ in range(100):
            await producer.queue("t", bytes(100))
            assert producer.buffered_bytes <= 1000
        await producer.flush()
        assert producer.buffered_bytes == 0
        await producer.queue("t", bytes(3000))
    assert len(leader.values()) == 109


async def test_what_cannot_be_sent_is_said_at_once(fake: FakeBroker) -> None:
    fake.topics["t"] = 2
    leader = Partitions(fake)
    async with Client(fake.address, QUICK) as client, client.producer(max_request_size=5000) as producer:
        with pytest.raises(RecordTooLarge, match=r"max\.request\.size"):
            await producer.send("t", bytes(5000))
        with pytest.raises(ClientError, match="the partitions 0 to 1: there is no 2"):
            await producer.send("t", b"x", partition=2)
        with pytest.raises(TypeError):
            await producer.send("t", "text")  # type: ignore[arg-type]  # what a caller may get wrong
        with pytest.raises(ClientError, match="not a record"):
            await producer.send("t", b"x", timestamp_ms=1 << 70, partition=0)
        await producer.send("t", b"fine", partition=0)
    assert leader.values() == [b"fine"]


async def test_an_unknown_topic_is_an_error_unless_the_broker_creates_it(fake: FakeBroker) -> None:
    leader = Partitions(fake)
    settings = {**QUICK, "allow.auto.create.topics": "false"}
    async with Client(fake.address, settings) as client, client.producer() as producer:
        with pytest.raises(BrokerError, match="topic t: UNKNOWN_TOPIC_OR_PARTITION"):
            await producer.send("t", b"x")
    async with Client(fake.address, QUICK) as client, client.producer() as producer:
        sending = asyncio.create_task(producer.send("t", b"x"))
        asked = len(fake.of(ApiKey.METADATA))
        await until(lambda: len(fake.of(ApiKey.METADATA)) > asked + 1)
        fake.topics["t"] = 1
        await sending
    assert leader.values() == [b"x"]


async def test_records_without_a_key_fill_one_batch_then_another(fake: FakeBroker) -> None:
    fake.topics["t"] = 4
    leader = Partitions(fake)
    async with Client(fake.address) as client, client.producer(batch_size=2000, linger_ms=1000) as producer:
        for _ in range(200):
            await producer.queue("t", bytes(50))
    sizes = [len(records) for _, _, _, records in leader.batches]
    assert sum(sizes) == 200
    assert len(sizes) <= 12
    partitions = [partition for _, partition, _, _ in leader.batches]
    assert len(set(partitions)) > 1


async def test_a_key_has_its_partition(fake: FakeBroker) -> None:
    fake.topics["t"] = 3
    Partitions(fake)
    async with Client(fake.address) as client, client.producer() as producer:
        first = await producer.send("t", b"a", key=b"key")
        second = await producer.send("t", b"b", key=b"key")
    assert first.partition == second.partition


async def test_a_cancelled_block_does_not_wait_for_what_cannot_be_sent(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    Partitions(fake)
    fake.handlers[ApiKey.PRODUCE] = lambda request, version: Hangs()
    async with Client(fake.address) as client:

        async def work() -> None:
            async with client.producer() as producer:
                await producer.send("t", b"x")

        task = asyncio.create_task(work())
        await until(lambda: bool(fake.of(ApiKey.PRODUCE)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_another_awaiting_task_is_not_taken_along(fake: FakeBroker) -> None:
    fake.topics["t"] = 1
    leader = Partitions(fake)
    release = asyncio.Event()

    async def slow(request: Message, version: int) -> Answer:
        await release.wait()
        return leader.produce(request, version)

    fake.handlers[ApiKey.PRODUCE] = slow
    async with Client(fake.address) as client, client.producer() as producer:
        one, other = asyncio.create_task(producer.send("t", b"1")), asyncio.create_task(producer.send("t", b"2"))
        await until(lambda: bool(fake.of(ApiKey.PRODUCE)))
        one.cancel()
        release.set()
        assert (await other).partition == 0
    assert sorted(value or b"" for value in leader.values()) == [b"1", b"2"]


async def test_a_client_closes_what_was_made_from_it(fake: FakeBroker) -> None:
    """Producers and consumers that nobody closed; what a producer still has is sent."""
    fake.topics["t"] = 1
    leader = Partitions(fake)
    client = Client(fake.address)
    for value in (b"1", b"2"):
        await client.producer(linger_ms=60_000).queue("t", value)
    client.consumer(topics=["t"])
    await client.close()
    assert sorted(value or b"" for value in leader.values()) == [b"1", b"2"]


async def test_closing_ends_who_is_about_to_add_a_record(fake: FakeBroker) -> None:
    """It was put into a buffer that nobody empties any more, and waited for ever."""
    fake.topics["t"] = 1
    Partitions(fake)
    answered = asyncio.Event()

    async def slow(request: Message, version: int) -> Answer:
        await answered.wait()
        return fake._metadata(request, version)

    async with Client(fake.address, QUICK) as client:
        await client.connect()
        fake.handlers[ApiKey.METADATA] = slow
        producer = client.producer()
        asked = len(fake.of(ApiKey.METADATA))
        sending = asyncio.create_task(producer.send("t", b"x"))
        await until(lambda: len(fake.of(ApiKey.METADATA)) > asked)
        await producer.close()
        answered.set()
        async with asyncio.timeout(5):
            with pytest.raises(ClientClosed):
                await sending
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "ottla producer"]
