"""Records on their way to one partition, and the promise that each of them is."""

import asyncio
from collections.abc import Generator
from typing import Any, NamedTuple

from ottla.client.errors import ClientError
from ottla.client.results import RecordMetadata
from ottla.model.ids import TopicPartition
from ottla.record.build import RecordTuple

RECORD_OVERHEAD_BYTES = 21
"""The most that a record without headers takes beside key and value (lengths, deltas, attributes)."""

HEADER_OVERHEAD_BYTES = 10


class Identity(NamedTuple):
    """A producer as the brokers know it (InitProducerId)."""

    producer_id: int
    epoch: int


class Written(NamedTuple):
    """Where a batch was written; ``append_time_ms`` is -1 where the records keep their own times."""

    base_offset: int
    append_time_ms: int


class Batch:
    """Records of one partition; ``done`` says what became of them. A batch that was halved points to its halves."""

    __slots__ = (
        "attempts",
        "awaited",
        "deadline",
        "done",
        "due",
        "halves",
        "identity",
        "last_error",
        "partition",
        "records",
        "renumbered",
        "sequence",
        "size_bytes",
    )

    def __init__(self, partition: TopicPartition, due: float, deadline: float) -> None:
        self.partition = partition
        self.due = due
        """When it has lingered long enough, on the loop's clock."""
        self.deadline = deadline
        self.records: list[RecordTuple] = []
        self.size_bytes = 0
        self.done: asyncio.Future[Written | None] = asyncio.get_running_loop().create_future()
        self.halves: tuple[Batch, Batch] | None = None
        self.attempts = 0
        self.awaited = False
        """Whether somebody waits for one of the records, and so hears of an error."""
        self.identity: Identity | None = None
        self.sequence = -1
        self.renumbered = False
        """Whether its sequence numbers were made anew because the leader did not know those before them."""
        self.last_error: ClientError | None = None

    def written(self, base_offset: int, append_time_ms: int) -> None:
        """All records are written."""
        if not self.done.done():
            self.done.set_result(Written(base_offset, append_time_ms))

    def failed(self, error: ClientError) -> None:
        """No record is written, or nobody knows."""
        if not self.done.done():
            self.done.set_exception(error)
            # Seen: flush and those who wait are told, and asyncio need not complain when nobody waits.
            self.done.exception()

    def halve(self) -> "tuple[Batch, Batch]":
        """Make two of a batch that is too large for its topic; it has at least two records."""
        middle = len(self.records) // 2
        halves = Batch(self.partition, self.due, self.deadline), Batch(self.partition, self.due, self.deadline)
        for half, records in zip(halves, (self.records[:middle], self.records[middle:]), strict=True):
            half.records = records
            half.size_bytes = sum(size_of(record) for record in records)
            half.awaited = self.awaited
        self.halves = halves
        self.done.set_result(None)
        return halves

    async def settled(self) -> None:
        """Wait until it is known what became of all records; raises nothing."""
        await asyncio.wait([self.done])
        for half in self.halves or ():
            await half.settled()


def size_of(record: RecordTuple) -> int:
    """Return the most bytes that a record takes in a batch that is not compressed."""
    _, key, value, headers = record
    size = RECORD_OVERHEAD_BYTES
    if key is not None:
        size += len(key)
    if value is not None:
        size += len(value)
    for name, content in headers:
        # A character of a name takes at most four bytes.
        size += HEADER_OVERHEAD_BYTES + 4 * len(name) + (len(content) if content is not None else 0)
    return size


class Delivery:
    """A record on its way: await it for its RecordMetadata, or for the error that kept it from being written."""

    __slots__ = ("_batch", "_index")

    def __init__(self, batch: Batch, index: int) -> None:
        self._batch = batch
        self._index = index

    def __await__(self) -> Generator[Any, None, RecordMetadata]:
        batch, index = self._batch, self._index
        while True:
            batch.awaited = True
            # Shielded: many may wait for one batch, and one that goes away takes only itself away.
            written = yield from asyncio.shield(batch.done).__await__()
            if written is not None:
                break
            assert batch.halves is not None
            first, second = batch.halves
            batch, index = (first, index) if index < len(first.records) else (second, index - len(first.records))
        offset = written.base_offset + index if written.base_offset >= 0 else -1
        timestamp_ms = written.append_time_ms if written.append_time_ms >= 0 else batch.records[index][0]
        return RecordMetadata(batch.partition.topic, batch.partition.partition, offset, timestamp_ms)
