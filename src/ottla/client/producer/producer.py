"""A producer: records go into batches by partition, batches go to the partitions' leaders."""

from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import Any

from ottla.client.cluster import Cluster
from ottla.client.results import RecordMetadata
from ottla.client.settings import ClientSettings
from ottla.record.records import Header


class Delivery:
    """A record on its way: await it for its RecordMetadata, or for the error that kept it from being written."""

    def __await__(self) -> Generator[Any, None, RecordMetadata]:
        raise NotImplementedError


class Producer:
    """Writes records; made by ``client.producer()``, within one event loop.

    Idempotent unless acks is not ``all`` or ``enable.idempotence`` is off: a record is written once and in order,
    however often a batch is sent again. Batches wait at most ``linger.ms`` for company; what waits and
    what is under way is at most ``buffer.memory`` bytes. A record that could not be written within ``delivery.timeout.ms`` has failed.
    """

    def __init__(self, cluster: Cluster, settings: ClientSettings, *, on_close: "Callable[[Producer], None]") -> None:
        raise NotImplementedError

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
        raise NotImplementedError

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
        of those that nobody has awaited.
        """
        raise NotImplementedError

    async def flush(self) -> None:
        """Send what is there without lingering and wait until all of it is written or has failed.

        Raises the first error since the last flush.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Flush and end; never raises for records, harmless the second time."""

    async def __aenter__(self) -> "Producer":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush and close; raises what flush raises unless there is an error already."""
        await self.close()
