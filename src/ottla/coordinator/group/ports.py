"""What a group coordinator needs from the rest of the node; each comes with its simulated twin in the tests."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from .offsets import NO_PRODUCER_ID
from .records import KeyValue


class JournalBatch:
    """What one batch of ``__consumer_offsets`` holds.

    ``producer_id`` is set for offsets that were committed within a transaction; ``commits`` for a marker that ends
                    one, which
    has no records.
    """

    __slots__ = ("base_offset", "commits", "producer_id", "records")

    def __init__(
        self,
        records: Sequence[KeyValue],
        *,
        base_offset: int = 0,
        producer_id: int = NO_PRODUCER_ID,
        commits: bool | None = None,
    ) -> None:
        self.records = records
        self.base_offset = base_offset
        self.producer_id = producer_id
        self.commits = commits


class Journal(Protocol):
    """The partitions of ``__consumer_offsets`` that this node leads."""

    def max_batch_bytes(self, partition: int) -> int:
        """How large a batch may be, in bytes, its header included (``max.message.bytes`` of the topic)."""

    def is_empty(self, partition: int) -> bool:
        """Whether there is nothing to load."""

    def load(self, partition: int) -> AsyncIterator[JournalBatch]:
        """Read everything that is committed, from the start."""

    async def append(self, partition: int, records: Sequence[KeyValue], now_ms: int) -> None:
        """Write one batch and wait until it is committed.

        Raises ApiError or StorageError when it is not, or when nobody can say.
        """


class Timer(Protocol):
    """A call that has not been made yet."""

    def cancel(self) -> None:
        """Do not make the call."""


class Clock(Protocol):
    """Time, as :class:`ottla.runtime.clock.Clock` tells it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""

    def monotonic_ms(self) -> float:
        """Milliseconds that never go back."""

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Call back in ``delay_ms`` milliseconds."""
