"""The producer's background task: takes batches that are ready to their leaders, and deals with the answers.

What may pass by itself is sent again after a pause, until the batch's ``delivery.timeout.ms`` is over. A batch too
large for its topic is halved. With idempotence each batch has a producer id and sequence numbers, kept when it is sent
again, so that the leader knows a batch that it has already. A partition whose batch failed for good begins anew under a
higher epoch, since nobody can say whether its last sequence numbers are taken; what may still be on its way under the
old epoch is refused then. So does one whose leader has forgotten us (Kafka's ``TransactionManager.canRetry``).
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any, Final

from ottla.client.cluster import Cluster
from ottla.client.deadline import Backoff
from ottla.client.errors import BrokerError, ClientClosed, ClientError, InvalidResponse, TimedOut, check
from ottla.client.metadata import NOBODY
from ottla.client.settings import COMPRESSIONS, ClientSettings
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition
from ottla.protocol.api_table import ApiKey
from ottla.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from ottla.record.build import build_batch

from .batch import Batch, Identity
from .buffer import Buffer, Queue

if TYPE_CHECKING:
    from ottla.protocol.messages.produce import PartitionProduceResponse

TOO_LARGE: Final = frozenset({ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.RECORD_LIST_TOO_LARGE})
FORGOTTEN: Final = frozenset({ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.UNKNOWN_PRODUCER_ID})
"""What the leader knew of our sequence numbers is gone. It has not written the batch, and only one is ever under way:
the batch goes out again under a higher epoch."""

MOVED: Final = frozenset(
    {
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.LEADER_NOT_AVAILABLE,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)
MAX_SEQUENCE: Final = 2**31 - 1
MAX_EPOCH: Final = 2**15 - 1


class Sender:
    """Empties a :class:`~ottla.client.producer.buffer.Buffer`."""

    def __init__(
        self, cluster: Cluster, settings: ClientSettings, buffer: Buffer, *, on_metadata: Callable[[], None]
    ) -> None:
        acks = settings.text("acks")
        self._cluster = cluster
        self._buffer = buffer
        self._on_metadata = on_metadata
        self._acks = -1 if acks == "all" else int(acks)
        self._idempotent = settings.switch("enable.idempotence") and self._acks == -1
        compression = settings.text("compression.type")
        self._codec = COMPRESSIONS.index(compression)
        level = f"compression.{compression}.level"
        self._level = settings.number(level) if settings.is_set(level) else None
        self._request_bytes = settings.number("max.request.size")
        self._timeout_ms = settings.number("request.timeout.ms")
        self._retries = settings.number("retries")
        self._identity: Identity | None = None
        self._identity_lock = asyncio.Lock()
        self._backoffs: dict[TopicPartition, Backoff] = {}
        self._stale: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self.first_error: ClientError | None = None
        """The first error that nobody has heard of."""
        self.failed_records = 0

    async def run(self) -> None:
        """Work until cancelled."""
        buffer = self._buffer
        try:
            while True:
                buffer.wake.clear()
                now = self._loop.time()
                self._expire(now)
                for node_id, batches in self._ready(now):
                    self._spawn(self._deliver(node_id, batches))
                if self._stale:
                    self._spawn(self._refresh())
                next_time = buffer.next_time(now)
                try:
                    async with asyncio.timeout_at(next_time):
                        await buffer.wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            closed = ClientClosed("the producer was closed before the record was written")
            if buffer.pending() and self.first_error is None:
                self.first_error = closed
            buffer.fail_all(closed)

    def ask_again(self, topics: Collection[str]) -> None:
        """Have metadata of topics asked for, since what is known may be old."""
        self._stale.update(topics)
        self._buffer.wake.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _expire(self, now: float) -> None:
        """Fail what has waited too long."""
        for queue in self._buffer.queues.values():
            while queue.batches and (batch := queue.batches[0]).deadline <= now:
                why = f": {batch.last_error}" if batch.last_error else ""
                error = TimedOut(
                    f"partition {batch.partition.partition} of topic {batch.partition.topic}: "
                    f"not written within delivery.timeout.ms{why}"
                )
                error.__cause__ = batch.last_error
                self._fail(queue, batch, error)

    def _ready(self, now: float) -> list[tuple[int, list[Batch]]]:
        """Take the batches that should go out, sorted by leader, in requests of a reasonable size."""
        requests: list[tuple[int, list[Batch]]] = []
        open_requests: dict[int, tuple[list[Batch], int]] = {}
        for partition, queue in self._buffer.queues.items():
            if not queue.batches or not self._buffer.is_ready(queue, now):
                continue
            batch = queue.batches[0]
            topic = self._cluster.metadata.topics.get(partition.topic)
            leader = NOBODY if topic is None else topic.leader(partition.partition)
            if leader == NOBODY:
                error = BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, subject=f"topic {partition.topic}")
                self._pause(queue, batch, error)
                continue
            queue.under_way = batch
            batch.attempts += 1
            batches, size_bytes = open_requests.get(leader, (None, 0))
            if batches is None or size_bytes + batch.size_bytes > self._request_bytes:
                batches, size_bytes = [], 0
                requests.append((leader, batches))
            batches.append(batch)
            open_requests[leader] = batches, size_bytes + batch.size_bytes
        return requests

    async def _deliver(self, node_id: int, batches: list[Batch]) -> None:
        """Send one request and settle its batches, or have them sent again."""
        taken = batches
        try:
            if self._idempotent:
                for batch in batches:
                    await self._identify(batch)
            topics = self._build_all(batches)
            batches = [batch for batch in batches if not batch.done.done()]
            if not batches:
                return
            request = ProduceRequest(acks=self._acks, timeout_ms=self._timeout_ms, topic_data=topics)
            if self._acks == 0:
                await (await self._cluster.node(node_id)).send(ApiKey.PRODUCE, request)
                for batch in batches:
                    if not batch.done.done():
                        self._settle(batch, -1, -1)
                return
            # The broker may wait for its followers as long as the timeout says, and answers then.
            response = await self._cluster.ask(node_id, ApiKey.PRODUCE, request, ProduceResponse)
            answers = {
                TopicPartition(answered.name, part.index): part
                for answered in response.responses
                for part in answered.partition_responses
            }
            for batch in batches:
                self._answered(batch, answers.get(batch.partition))
        except ClientError as error:
            for batch in batches:
                self._unanswered(batch, error)
        except Exception as error:
            # A fault of ours: told to those who wait rather than lost with this task.
            for batch in batches:
                self._unanswered(batch, ClientError(f"the producer failed: {error!r}"))
            raise
        finally:
            for batch in taken:
                self._buffer.queues[batch.partition].under_way = None
            self._buffer.wake.set()

    def _build_all(self, batches: list[Batch]) -> list[TopicProduceData]:
        """Build what a request holds: batches whose time is not over. One that cannot be built has failed."""
        topics: dict[str, TopicProduceData] = {}
        for batch in batches:
            if batch.done.done():
                continue
            try:
                records = self._build(batch)
            except Exception as error:  # headers that are none, a time beyond 64 bits
                self._fail(self._buffer.queues[batch.partition], batch, ClientError(f"not a record: {error}"))
                continue
            topic = topics.setdefault(batch.partition.topic, TopicProduceData(name=batch.partition.topic))
            topic.partition_data.append(PartitionProduceData(index=batch.partition.partition, records=records))
        return list(topics.values())

    def _build(self, batch: Batch) -> bytearray:
        producer_id, epoch = batch.identity or (-1, -1)
        return build_batch(
            batch.records,
            codec=self._codec,
            level=self._level,
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=batch.sequence,
        )

    # Who we are

    async def _identify(self, batch: Batch) -> None:
        """Give a batch its place in its partition's sequence; one that was sent before keeps it."""
        if batch.identity is not None:
            return
        queue = self._buffer.queues[batch.partition]
        if queue.identity is None:
            identity = await self._fresh_identity()
            if batch.done.done():
                return  # its time was over meanwhile
            queue.identity, queue.next_sequence = identity, 0
        batch.identity = queue.identity
        batch.sequence = queue.next_sequence
        queue.next_sequence = (batch.sequence + len(batch.records)) & MAX_SEQUENCE

    async def _fresh_identity(self) -> Identity:
        async with self._identity_lock:
            if self._identity is None:
                from ottla.protocol.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

                request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=MAX_SEQUENCE)
                response = await self._cluster.ask(NOBODY, ApiKey.INIT_PRODUCER_ID, request, InitProducerIdResponse)
                check(response.error_code, subject="producer id")
                self._identity = Identity(response.producer_id, response.producer_epoch)
            return self._identity

    def _begin_anew(self, queue: Queue) -> None:
        """Let a partition's sequence begin at 0 under the next epoch, which the client may choose itself (KIP-360).

        The other partitions stay with their epochs: leaders compare those of one partition only.
        """
        identity, queue.identity = queue.identity, None
        if identity is not None and identity == self._identity:
            # After the last epoch there is another id.
            self._identity = identity._replace(epoch=identity.epoch + 1) if identity.epoch < MAX_EPOCH else None

    # What became of it

    def _answered(self, batch: Batch, answer: "PartitionProduceResponse | None") -> None:
        if batch.done.done():
            return  # its time was over before
        queue = self._buffer.queues[batch.partition]
        if answer is None:
            self._fail(queue, batch, InvalidResponse(f"the broker says nothing of {batch.partition}"))
            return
        code = answer.error_code
        if code in (ErrorCode.NONE, ErrorCode.DUPLICATE_SEQUENCE_NUMBER):
            self._settle(batch, answer.base_offset, answer.log_append_time_ms)
            return
        error = BrokerError(code, _message(answer), subject=f"topic {batch.partition.topic}")
        if code in TOO_LARGE and len(batch.records) > 1:
            self._halve(queue, batch)
        elif code in FORGOTTEN and batch.identity is not None and batch.attempts <= self._retries:
            moving = code == ErrorCode.UNKNOWN_PRODUCER_ID and answer.log_start_offset < 0
            if not batch.renumbered and not moving:
                self._begin_anew(queue)
                batch.identity, batch.renumbered = None, True
            self._pause(queue, batch, error, refresh=False)
        elif error.retriable and batch.attempts <= self._retries:
            self._pause(queue, batch, error, refresh=code in MOVED)
        else:
            self._fail(queue, batch, error)

    def _unanswered(self, batch: Batch, error: ClientError) -> None:
        if batch.done.done():
            return
        queue = self._buffer.queues[batch.partition]
        if error.retriable and batch.attempts <= self._retries:
            self._pause(queue, batch, error)
        else:
            self._fail(queue, batch, error)

    def _settle(self, batch: Batch, base_offset: int, append_time_ms: int) -> None:
        queue = self._buffer.queues[batch.partition]
        assert queue.batches[0] is batch
        queue.batches.popleft()
        self._backoffs.pop(batch.partition, None)
        batch.written(base_offset, append_time_ms)
        self._buffer.release(batch)

    def _fail(self, queue: Queue, batch: Batch, error: ClientError) -> None:
        assert queue.batches[0] is batch
        queue.batches.popleft()
        self._backoffs.pop(batch.partition, None)
        self.failed_records += len(batch.records)
        if self.first_error is None and not batch.awaited:
            self.first_error = error
        if batch.identity is not None:
            self._begin_anew(queue)
        batch.failed(error)
        self._buffer.release(batch)

    def _pause(self, queue: Queue, batch: Batch, error: ClientError, *, refresh: bool = True) -> None:
        """Have a batch sent again a little later, by whoever leads the partition then."""
        batch.last_error = error
        backoff = self._backoffs.get(batch.partition)
        if backoff is None:
            backoff = self._backoffs[batch.partition] = self._cluster.backoff()
        queue.pause_until = self._loop.time() + backoff.next_s()
        if refresh:
            self._stale.add(batch.partition.topic)

    def _halve(self, queue: Queue, batch: Batch) -> None:
        queue.batches.popleft()
        if batch.identity is not None:
            # It was refused, so its sequence numbers are still to be used.
            queue.next_sequence = batch.sequence
        halves = batch.halve()
        queue.batches.extendleft(reversed(halves))
        self._buffer.used_bytes += sum(half.size_bytes for half in halves) - batch.size_bytes

    async def _refresh(self) -> None:
        """Ask who leads the partitions of topics whose leaders have moved."""
        topics, self._stale = sorted(self._stale), set()
        try:
            await self._cluster.refresh(topics)
        except ClientError:
            # Asked again when the next attempt fails.
            return
        self._on_metadata()
        self._buffer.wake.set()


def _message(answer: "PartitionProduceResponse") -> str | None:
    if answer.record_errors:
        texts = [entry.batch_index_error_message for entry in answer.record_errors if entry.batch_index_error_message]
        return "; ".join(filter(None, [answer.error_message, *texts[:1]])) or None
    return answer.error_message
