"""What a handler knows beside its request: who asks, by which version, through which connection, of which node."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from ottla.model.errors import PeerError
from ottla.network.driver import Buffer, Connection, Slot
from ottla.security.principal import ANONYMOUS, Principal

if TYPE_CHECKING:
    from ottla.broker.node import Node

Payload = bytes | bytearray | list[Buffer]


class ServedApi(Protocol):
    """What turns an answer into bytes: one version of one API (:class:`ottla.broker.dispatch.Entry`)."""

    name: str
    errors: dict[int, int]
    """How many errors of each code its answers have told."""

    def payload(self, response: Any, correlation_id: int) -> Payload:
        """Return the frame that tells ``response``."""


class Deferred:
    """An answer that comes later; a handler returns it and completes it with the response message."""

    __slots__ = ("_api", "_correlation_id", "slot")

    def __init__(self, slot: Slot, api: ServedApi, correlation_id: int) -> None:
        self.slot = slot
        self._api = api
        self._correlation_id = correlation_id

    def complete(self, response: Any) -> None:
        """Send ``response``, or nothing for None (acks=0)."""
        self.slot.complete(None if response is None else self._api.payload(response, self._correlation_id))

    def fail(self) -> None:
        """Close the connection, since there will be no answer."""
        self.slot.fail()

    @property
    def done(self) -> bool:
        """Whether the answer was given."""
        return self.slot.done


class RequestContext:
    """One request's surroundings."""

    __slots__ = ("_slot", "api", "api_version", "client_id", "connection", "correlation_id", "node", "principal")

    def __init__(
        self,
        node: "Node",
        connection: Connection,
        api_version: int,
        client_id: str | None,
        api: ServedApi,
        correlation_id: int,
        principal: Principal = ANONYMOUS,
        slot: Slot | None = None,
    ) -> None:
        self.node = node
        self.connection = connection
        self.api_version = api_version
        self.client_id = client_id
        self.principal = principal
        self.api = api
        self.correlation_id = correlation_id
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

    def count_error(self, code: int) -> None:
        """Count an error that the answer tells; for handlers whose answers are not searched for errors."""
        errors = self.api.errors
        errors[code] = errors.get(code, 0) + 1

    def defer(self, *, pipelines: bool = False, waits: bool = False) -> Deferred:
        """Answer later. With ``pipelines`` the connection's next request may begin meanwhile.

        ``waits`` says that it is others who are waited for, records to come or members to join: such a request is
        never slow.
        """
        slot = self._slot  # there is one already if the request itself took long to read
        if slot is None:
            slot = self.connection.new_slot(pipelines=pipelines, waits=waits)
        elif waits:
            slot.wait_for_others()
        return Deferred(slot, self.api, self.correlation_id)

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
            connections.handler_failed(self.api.name, self.api_version, self.connection, error, where=name)
        deferred.fail()
