"""The records that wait: batches by partition, within a limit of memory.

The last batch of a partition is open until it is full, has lingered, or is wanted out; only the first is under way.
One at a time keeps the order whatever has to be sent again, and a partition's sequence numbers simple: a batch that
fails for good leaves nothing behind it in doubt.
"""

import asyncio
from collections import deque

from ottla.client.errors import ClientError, TimedOut
from ottla.model.ids import TopicPartition
from ottla.record.build import RecordTuple

from .batch import Batch, Delivery, Identity


class Queue:
    """The batches of one partition, and what its leader knows of us."""

    __slots__ = ("batches", "identity", "next_sequence", "pause_until", "under_way")

    def __init__(self) -> None:
        self.batches: deque[Batch] = deque()
        self.under_way: Batch | None = None
        """The first batch while a request with it is; it leaves ``batches`` before that if its time is over."""
        self.pause_until = 0.0
        self.identity: Identity | None = None
        self.next_sequence = 0

    def open_batch(self) -> Batch | None:
        """Return the batch that takes more records, if any: the last, unless it is under way or was.

        One that is sent again must be the same under its sequence numbers, or the leader would not know it.
        """
        last = self.batches[-1] if self.batches else None
        if last is None or last is self.under_way or last.last_error is not None:
            return None
        return last


class Buffer:
    """All queues. ``limit_bytes`` is for everything that waits or is under way, ``batch_bytes`` for one batch."""

    def __init__(self, *, limit_bytes: int, batch_bytes: int, linger_s: float, delivery_s: float) -> None:
        self.queues: dict[TopicPartition, Queue] = {}
        self.used_bytes = 0
        self.hurry = 0
        """How many wait for everything to go out without lingering."""
        self.wake = asyncio.Event()
        self._limit_bytes = limit_bytes
        self._batch_bytes = batch_bytes
        self._linger_s = linger_s
        self._delivery_s = delivery_s
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop = asyncio.get_running_loop()

    def takes_more(self, partition: TopicPartition, size_bytes: int) -> bool:
        """Whether another record would travel with those that wait already; if not, those need not wait any longer."""
        queue = self.queues.get(partition)
        batch = None if queue is None else queue.open_batch()
        if batch is None:
            return False
        if batch.size_bytes + size_bytes <= self._batch_bytes:
            return True
        batch.due = 0.0
        self.wake.set()
        return False

    def has_room(self, size_bytes: int) -> bool:
        """Whether so much may be added at once; a record larger than all of the buffer may when it is empty."""
        return not self._waiting and (self.used_bytes + size_bytes <= self._limit_bytes or not self.used_bytes)

    async def wait_for_room(self, size_bytes: int, max_block_s: float) -> None:
        """Wait until so much may be added, in turn; TimedOut after ``max_block_s``."""
        deadline = self._loop.time() + max_block_s
        while self.used_bytes + size_bytes > self._limit_bytes and self.used_bytes:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(turn)
            self.wake.set()
            try:
                async with asyncio.timeout_at(deadline):
                    await turn
            except TimeoutError:
                raise TimedOut(
                    f"the producer's buffer (buffer.memory) stayed full for {max_block_s * 1000:.0f} ms (max.block.ms)"
                ) from None
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)

    def append(self, partition: TopicPartition, record: RecordTuple, size_bytes: int) -> Delivery:
        """Add a record to its partition's open batch, or begin one."""
        queue = self.queues.get(partition)
        if queue is None:
            queue = self.queues[partition] = Queue()
        batches = queue.batches
        batch = queue.open_batch()
        if batch is None or batch.size_bytes + size_bytes > self._batch_bytes:
            now = self._loop.time()
            batch = Batch(partition, now + self._linger_s, now + self._delivery_s)
            batches.append(batch)
            self.wake.set()
        index = len(batch.records)
        batch.records.append(record)
        batch.size_bytes += size_bytes
        self.used_bytes += size_bytes
        return Delivery(batch, index)

    def release(self, batch: Batch) -> None:
        """Give back the room of a batch that is settled, and let those go on who wait for it."""
        self.used_bytes -= batch.size_bytes
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    def is_ready(self, queue: Queue, now: float) -> bool:
        """Whether the first batch of a queue should go out."""
        if queue.under_way is not None or now < queue.pause_until:
            return False
        first = queue.batches[0]
        return (
            len(queue.batches) > 1
            or now >= first.due
            or self.hurry > 0
            or bool(self._waiting)
            or first.size_bytes >= self._batch_bytes
            or first.last_error is not None
        )

    def next_time(self, now: float) -> float | None:
        """Return when something becomes ready or fails by itself, None if nothing does."""
        times = [
            queue.batches[0].deadline
            if queue.under_way is not None
            else min(max(queue.pause_until, queue.batches[0].due, now), queue.batches[0].deadline)
            for queue in self.queues.values()
            if queue.batches
        ]
        return min(times, default=None)

    def pending(self) -> list[Batch]:
        """Return all batches that are not settled."""
        return [batch for queue in self.queues.values() for batch in queue.batches]

    def fail_all(self, error: ClientError) -> None:
        """Settle every batch with an error, and wake those who wait for room."""
        for queue in self.queues.values():
            for batch in queue.batches:
                batch.failed(error)
            queue.batches.clear()
        self.used_bytes = 0
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(error)
        self._waiting.clear()
