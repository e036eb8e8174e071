"""The client: settings, one set of connections, and what is made on them (admin, producers, consumers)."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from .cluster import Cluster
from .settings import ClientSettings

if TYPE_CHECKING:
    from ottla.model.ids import TopicPartition

    from .admin import Admin
    from .consumer import Consumer, OnChange, Start
    from .producer import Producer


class Client:
    """A client of one cluster, used within one event loop; ``async with`` closes it and all that was made from it.

    ``bootstrap_servers`` is ``host:port`` or several with commas between them; ``settings`` have the names of Kafka's
    clients (``security.protocol``, ``request.timeout.ms``, ``linger.ms`` ...), see :mod:`.settings`. Nothing is
    connected before the first call. A first call that reaches none of the bootstrap servers fails at once
    (ConnectionFailed); once one was reached, lost connections are made again until a call's time is over.

    ``warnings`` has a line for each setting that is not known here; print them, the client does not.
    """

    def __init__(self, bootstrap_servers: str, settings: Mapping[str, str] | None = None) -> None:
        self._settings = ClientSettings(settings or {})
        self._cluster = Cluster(bootstrap_servers, self._settings)
        self._admin: Admin | None = None
        self._producers: set[Producer] = set()
        self._consumers: set[Consumer] = set()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each setting that is not known and so has no effect."""
        return self._settings.warnings

    @property
    def admin(self) -> "Admin":
        """The administrative calls."""
        if self._admin is None:
            from .admin import Admin

            self._admin = Admin(self._cluster)
        return self._admin

    async def connect(self) -> None:
        """Reach one of the bootstrap servers and learn the brokers; only to fail early."""
        await self._cluster.retry(lambda: self._cluster.refresh(()), self._cluster.deadline(None))

    def producer(self, **settings: "str | int | bool") -> "Producer":
        """Make a producer; use it with ``async with``, or close it.

        Keywords are producer settings with underscores for dots, before those of the client: ``acks`` (``"all"``, 0,
        1), ``linger_ms``, ``batch_size``, ``compression_type`` (``none gzip snappy lz4 zstd``), ``buffer_memory``,
        ``enable_idempotence``, ``delivery_timeout_ms``, ``max_block_ms``, ``max_request_size``.
        """
        from .producer import Producer

        producer = Producer(self._cluster, self._settings.replace(settings), on_close=self._producers.discard)
        self._producers.add(producer)
        return producer

    def consumer(
        self,
        *,
        topics: Iterable[str] = (),
        partitions: "Iterable[TopicPartition]" = (),
        group: str | None = None,
        from_: "Start | None" = None,
        on_assigned: "OnChange | None" = None,
        on_revoked: "OnChange | None" = None,
        on_lost: "OnChange | None" = None,
        **settings: "str | int | bool",
    ) -> "Consumer":
        """Make a consumer; use it with ``async with``, or close it.

        - ``topics`` with a ``group``: a member of that classic group, which gets its partitions from the group. A topic
          that is not there is waited for; without a group it is an error.
        - ``topics`` without a group: all partitions of these topics. ``partitions``: exactly these; a ``group`` then
          only keeps offsets.

        ``from_`` says where to begin where the group has no offset: ``"beginning"``, ``"end"``, an offset, or a
        ``datetime`` (the first record not older). It is also where ``auto.offset.reset`` points to unless that is set;
        default ``"end"``. Keywords are consumer settings with underscores for dots: ``auto_offset_reset``,
        ``enable_auto_commit`` (off here), ``group_instance_id``, ``session_timeout_ms``, ``max_poll_records``,
        ``fetch_max_bytes``, ``isolation_level``, ``partition_assignment_strategy`` (``range``, ``roundrobin``,
        ``cooperative-sticky``) ... ``on_assigned`` and ``on_revoked`` hear of partitions that a group gives and takes,
        ``on_lost`` (``on_revoked`` unless given) of those that others may have already, because the group has thrown
        us out: nothing can be committed for them.
        """
        from .consumer import Consumer

        consumer = Consumer(
            self._cluster,
            self._settings.replace(settings),
            topics=list(topics),
            partitions=list(partitions),
            group=group,
            start=from_,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
            on_lost=on_lost,
            on_close=self._consumers.discard,
        )
        self._consumers.add(consumer)
        return consumer

    async def close(self) -> None:
        """Close producers (which first send what they have), consumers (which leave their groups) and connections."""
        await self._close(drain=True)

    async def _close(self, *, drain: bool) -> None:
        for producer in list(self._producers):  # each takes itself out of the set
            await producer.close(drain=drain)
        for consumer in list(self._consumers):
            await consumer.close()
        await self._cluster.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; whoever was cancelled does not wait for records to be sent."""
        await self._close(drain=error is None or isinstance(error, Exception))
