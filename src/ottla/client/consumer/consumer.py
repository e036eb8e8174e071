"""A consumer: what is read, from where, and how far it got."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Literal, NamedTuple

from ottla.client.cluster import Cluster
from ottla.client.settings import ClientSettings
from ottla.model.ids import TopicPartition
from ottla.record.records import Header

Start = Literal["beginning", "end"] | int | datetime
"""Where to read from: an end of the log, an offset, or the first record that is not older than a time."""


class ConsumedRecord(NamedTuple):
    """A record as it was read. ``timestamp_type`` is 0 for the producer's clock, 1 for the broker's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


class Consumer:
    """Reads records; made by ``client.consumer()``, within one event loop, for one reading task.

    A member of a group heartbeats by itself and rejoins by itself when the group rebalances, which happens inside
    :meth:`poll`; it must call poll within ``max.poll.interval.ms``, or it leaves the group until it does.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: ClientSettings,
        *,
        topics: list[str],
        partitions: list[TopicPartition],
        group: str | None,
        start: Start | None,
        on_close: "Callable[[Consumer], None]",
    ) -> None:
        raise NotImplementedError

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions that are read at the moment."""
        raise NotImplementedError

    async def poll(self, max_records: int | None = None, timeout_ms: int = 1000) -> list[ConsumedRecord]:
        """Return the next records, at most ``max_records`` (default ``max.poll.records``), by partition in order.

        Waits up to ``timeout_ms`` for the first; an empty list says that none came. The positions move behind what is
        returned.
        """
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[ConsumedRecord]:
        """Yield records for ever."""
        return self.records()

    def records(self, *, until_end: bool = False) -> AsyncIterator[ConsumedRecord]:
        """Yield records for ever, or until each partition is read to where its end was when the iteration began."""
        raise NotImplementedError

    async def seek(self, partition: TopicPartition, start: Start) -> None:
        """Read on from somewhere else; an offset may be any, what becomes of a wrong one ``auto.offset.reset`` says."""
        raise NotImplementedError

    def position(self, partition: TopicPartition) -> int | None:
        """The offset of the next record that poll will return, None if that is not known yet."""
        raise NotImplementedError

    def high_watermark(self, partition: TopicPartition) -> int | None:
        """The end of the partition as the last answer said it, None before there was one."""
        raise NotImplementedError

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Return nothing of these until they are resumed (or the group rebalances)."""
        raise NotImplementedError

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Go on with paused partitions."""
        raise NotImplementedError

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Commit offsets for the group: these, or the positions of all partitions (what poll has returned is done).

        Raises BrokerError (ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS) if the group has given the
        partitions away meanwhile.
        """
        raise NotImplementedError

    async def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        """What the group has committed for partitions."""
        raise NotImplementedError

    async def close(self) -> None:
        """Commit if auto-commit is on, leave the group, stop reading; harmless the second time."""

    async def __aenter__(self) -> "Consumer":
        """Join the group, or find the partitions: :attr:`assignment` is known afterwards."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
