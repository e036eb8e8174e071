"""The simulated twin of the journal: ``__consumer_offsets`` in memory, whose commits a test can hold back or refuse."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from .ports import JournalBatch
from .records import KeyValue


class MemoryJournal:
    """Partitions as lists of batches.

    ``gate`` is awaited between a batch's writing and its commit; what it raises is the outcome of the append, and the
             batch
    is then not in the log, as after a leader that lost its office. ``before_load`` is awaited before each batch that
    is read back.
    """

    def __init__(self, *, max_batch_bytes: int = 1_048_588) -> None:
        self.partitions: dict[int, list[JournalBatch]] = {}
        self.gate: Callable[[], Awaitable[None]] | None = None
        self.before_load: Callable[[], Awaitable[None]] | None = None
        self.limit_bytes = max_batch_bytes

    def max_batch_bytes(self, partition: int) -> int:
        """How large a batch may be, in bytes."""
        return self.limit_bytes

    def is_empty(self, partition: int) -> bool:
        """Whether nothing was ever written."""
        return not self.partitions.get(partition)

    async def load(self, partition: int) -> AsyncIterator[JournalBatch]:
        """Read every batch."""
        for batch in list(self.partitions.get(partition, ())):
            if self.before_load is not None:
                await self.before_load()
            yield batch

    async def append(self, partition: int, records: Sequence[KeyValue], now_ms: int) -> None:
        """Write a batch, once the gate lets it through."""
        if self.gate is not None:
            await self.gate()
        batches = self.partitions.setdefault(partition, [])
        base_offset = batches[-1].base_offset + len(batches[-1].records) if batches else 0
        batches.append(JournalBatch(tuple(records), base_offset=base_offset))

    def records(self, partition: int) -> list[KeyValue]:
        """Return every record of a partition."""
        return [record for batch in self.partitions.get(partition, ()) for record in batch.records]
