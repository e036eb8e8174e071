"""A producer: records go into batches by partition, batches go to the partitions' leaders."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from ottla.client.cluster import Cluster
from ottla.client.errors import ClientClosed, ClientError, RecordTooLarge
from ottla.client.metadata import NOBODY
from ottla.client.results import RecordMetadata
from ottla.client.settings import ClientSettings
from ottla.model.ids import TopicPartition
from ottla.record.batch import HEADER_SIZE
from ottla.record.records import Header

from .batch import RECORD_OVERHEAD_BYTES, Delivery, size_of
from .buffer import Buffer
from .partitioner import Route, partition_of_key
from .sender import Sender


class Producer:
    """Writes records; made by ``client.producer()``, within one event loop.

    Idempotent unless acks is not ``all`` or ``enable.idempotence`` is off: a record is written once and in order,
    however often a batch is sent again. Batches wait at most ``linger.ms`` for company; what waits and what is under
    way is at most ``buffer.memory`` bytes. A record not written within ``delivery.timeout.ms`` has failed.
    """

    def __init__(self, cluster: Cluster, settings: ClientSettings, *, on_close: "Callable[[Producer], None]") -> None:
        self._cluster = cluster
        self._on_close = on_close
        # Off by default for consumers only: who writes to a topic means it, and the broker decides whether it is made.
        self._auto_create = settings.switch("allow.auto.create.topics") or not settings.is_set(
            "allow.auto.create.topics"
        )
        self._max_block_ms = settings.number("max.block.ms")
        self._max_record_bytes = settings.number("max.request.size")
        self._max_age_s = settings.seconds("metadata.max.age.ms")
        self._buffer = Buffer(
            limit_bytes=settings.number("buffer.memory"),
            batch_bytes=min(settings.number("batch.size"), self._max_record_bytes) - HEADER_SIZE,
            linger_s=settings.seconds("linger.ms"),
            delivery_s=settings.seconds("delivery.timeout.ms"),
        )
        self._routes: dict[str, Route] = {}
        self._sender = Sender(cluster, settings, self._buffer, on_metadata=self._update_routes)
        self._aging: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def failed_records(self) -> int:
        """How many records could not be written so far."""
        return self._sender.failed_records

    @property
    def buffered_bytes(self) -> int:
        """What waits or is under way at the moment."""
        return self._buffer.used_bytes

    async def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> RecordMetadata:
        """Write one record, and wait until the broker has acknowledged it (as ``acks`` says).

        Without ``partition`` the key decides, as in Kafka's Java client (murmur2); records without a key fill one
        partition's batch, then another's. Without a time it is now.
        """
        return await (
            await self.queue(topic, value, key=key, headers=headers, partition=partition, timestamp_ms=timestamp_ms)
        )

    async def queue(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> Delivery:
        """Put a record into its batch and go on; waits only while the buffer is full, or the topic not known.

        The fast way to write many: what comes back can be awaited or forgotten; :meth:`flush` raises the first error
        of those that nobody has awaited. Raises RecordTooLarge for one of more than ``max.request.size`` bytes,
        BrokerError for a topic that does not exist, TimedOut after ``max.block.ms``.
        """
        if self._closed:
            raise ClientClosed("the producer is closed")
        if timestamp_ms is None:
            timestamp_ms = time.time_ns() // 1_000_000
        # What is no bytes is found here, rather than when the whole batch is built.
        record = (
            timestamp_ms,
            key if key is None else bytes(key),
            value if value is None else bytes(value),
            headers,
        )
        size_bytes = (
            size_of(record)
            if headers
            else RECORD_OVERHEAD_BYTES + (len(key) if key is not None else 0) + (len(value) if value is not None else 0)
        )
        if size_bytes + HEADER_SIZE > self._max_record_bytes:
            raise RecordTooLarge(
                f"a record of about {size_bytes} bytes is more than max.request.size ({self._max_record_bytes}) allows"
            )
        buffer = self._buffer
        if not buffer.has_room(size_bytes):
            await buffer.wait_for_room(size_bytes, self._max_block_ms / 1000)
        route = self._routes.get(topic)
        if route is None:
            route = await self._find(topic)
        if partition is None:
            if key is not None:
                partition = partition_of_key(key, route.count)
            else:
                partition = route.sticky
                if not buffer.takes_more(TopicPartition(topic, partition), size_bytes):
                    partition = route.move_on()
        elif not 0 <= partition < route.count:
            raise ClientError(f"topic {topic} has the partitions 0 to {route.count - 1}: there is no {partition}")
        if self._closed:  # while we waited
            raise ClientClosed("the producer is closed")
        if self._task is None:
            self._start()
        return buffer.append(TopicPartition(topic, partition), record, size_bytes)

    async def flush(self) -> None:
        """Send what is there without lingering and wait until all of it is written or has failed.

        Raises the first error since the last flush, of records that nobody has awaited.
        """
        await self._drain()
        error, self._sender.first_error = self._sender.first_error, None
        if error is not None:
            raise error

    async def close(self, *, drain: bool = True) -> None:
        """Send what is there (unless ``drain`` is off) and end; raises nothing, harmless the second time."""
        if self._closed:
            return
        self._closed = True
        try:
            if drain:
                await self._drain()
        finally:
            self._on_close(self)
            if self._aging is not None:
                self._aging.cancel()
            if self._task is not None:
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task

    async def __aenter__(self) -> "Producer":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush and close; raises what flush raises unless there is an error already. A cancelled one does not wait."""
        await self.close(drain=error is None or isinstance(error, Exception))
        failed = self._sender.first_error
        if error is None and failed is not None:
            raise failed

    async def _drain(self) -> None:
        buffer = self._buffer
        buffer.hurry += 1
        try:
            buffer.wake.set()
            for batch in buffer.pending():
                await batch.settled()
        finally:
            buffer.hurry -= 1

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._sender.run(), name="ottla producer")
        self._ask_again_later()

    def _ask_again_later(self) -> None:
        """Look for new partitions every ``metadata.max.age.ms``."""

        def age() -> None:
            self._sender.ask_again(self._routes)
            self._ask_again_later()

        self._aging = asyncio.get_running_loop().call_later(self._max_age_s, age)

    async def _find(self, topic: str) -> Route:
        """Learn of a topic: how many partitions it has, and which have leaders."""
        found = await self._cluster.topic(
            topic, self._cluster.deadline(self._max_block_ms), auto_create=self._auto_create
        )
        route = self._routes[topic] = Route(len(found.partitions), list(found.partitions))
        return route

    def _update_routes(self) -> None:
        """Take over what has become known: topics may have grown, and partitions lost their leaders."""
        for name, route in self._routes.items():
            topic = self._cluster.metadata.topics.get(name)
            if topic is not None and not topic.error_code and topic.partitions:
                led = [number for number, part in topic.partitions.items() if part.leader != NOBODY]
                route.count = len(topic.partitions)
                route.available = led or list(topic.partitions)
