"""What a handler knows beside its request: who asks, by which version, through which connection, of which node."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ottla.model.errors import PeerError
from ottla.network.driver import Buffer, Connection, Slot
from ottla.security.principal import ANONYMOUS, Principal

if TYPE_CHECKING:
    from ottla.broker.node import Node

Payload = bytes | bytearray | list[Buffer]


class Deferred:
    """An answer that comes later; a handler returns it and completes it with the response message."""

    __slots__ = ("_encode", "slot")

    def __init__(self, slot: Slot, encode: Callable[[Any], Payload]) -> None:
        self.slot = slot
        self._encode = encode

    def complete(self, response: Any) -> None:
        """Send ``response``, or nothing for None (acks=0)."""
        self.slot.complete(None if response is None else self._encode(response))

    def fail(self) -> None:
        """Close the connection, since there will be no answer."""
        self.slot.fail()

    @property
    def done(self) -> bool:
        """Whether the answer was given."""
        return self.slot.done


class RequestContext:
    """One request's surroundings."""

    __slots__ = ("_slot", "api_version", "client_id", "connection", "encode", "node", "principal")

    def __init__(
        self,
        *,
        node: "Node",
        connection: Connection,
        api_version: int,
        client_id: str | None,
        encode: Callable[[Any], Payload],
        principal: Principal = ANONYMOUS,
        slot: Slot | None = None,
    ) -> None:
        self.node = node
        self.connection = connection
        self.api_version = api_version
        self.client_id = client_id
        self.principal = principal
        self.encode = encode
        self._slot = slot

    @property
    def client_host(self) -> str:
        """The client's address as Kafka writes it in group descriptions: with a leading slash."""
        return "/" + self.connection.peer_host

    @property
    def listener(self) -> str:
        """Name of the listener that the client came in through."""
        return self.connection.listener

    def advertised_endpoint(self) -> tuple[str, int]:
        """Host and port of this node for the client: as configured for its listener, else what it dialled."""
        configured = self.node.advertised.get(self.connection.listener)
        return configured or (self.connection.local_host, self.connection.local_port)

    def defer(self, *, pipelines: bool = False) -> Deferred:
        """Answer later. With ``pipelines`` the connection's next request may begin meanwhile."""
        slot = self._slot  # there is one already if the request itself took long to read
        return Deferred(self.connection.new_slot(pipelines=pipelines) if slot is None else slot, self.encode)

    def spawn(self, answering: Coroutine[Any, Any, None], deferred: Deferred, *, name: str) -> None:
        """Run what will complete ``deferred``; should it fail, nobody waits for ever."""
        self.node.tasks.spawn(self._answer(answering, deferred, name), name=name)

    async def _answer(self, answering: Coroutine[Any, Any, None], deferred: Deferred, name: str) -> None:
        try:
            await answering
        except Exception as error:
            self.failed(deferred, error, name=name)

    def failed(self, deferred: Deferred, error: Exception, *, name: str) -> None:
        """Close the connection because of the peer's fault, or of one of ours, which is said in the log."""
        connections = self.node.connections
        if isinstance(error, PeerError):
            connections.failed(self.connection, error)
        else:
            connections.handler_failed(name, self.api_version, self.connection, error)
        deferred.fail()
