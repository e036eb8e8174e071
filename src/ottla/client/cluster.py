"""What is known of the cluster, and the connections to its brokers.

A connection to a broker is made when it is first needed and made again when it was lost; the bootstrap servers are
asked only as long as no broker is known or none of them answers. There is one for everything that is answered at once,
and *lanes* beside it for what waits at the broker: a broker answers the requests of a connection in order, so a fetch
that waits for records, or a join that waits for the other members, would hold up all that came behind it.

Those who call say how long it may take (a :class:`~ottla.client.deadline.Deadline`); :meth:`Cluster.retry` is the loop
around everything that may pass by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, TypeVar

from ottla.model.error_codes import ErrorCode
from ottla.protocol.api_table import ApiKey
from ottla.protocol.message import Message

from .address import Address, parse_addresses
from .connection import Connection
from .deadline import Backoff, Deadline, retry
from .errors import BrokerError, ClientClosed, ConnectionFailed, check
from .handshake import connect
from .metadata import NOBODY, Metadata, TopicMetadata
from .settings import ClientSettings

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")
M = TypeVar("M", bound=Message)

GROUP = 0
"""The kind of coordinator that FindCoordinator is asked for; transactions would be 1."""

MAIN_LANE = 0

CREATED_WITHIN_MS = 5000
"""How long a topic may stay unknown that is created because we ask for it; then the broker does not create it."""


class Cluster:
    """The brokers behind a list of bootstrap servers."""

    def __init__(self, bootstrap_servers: str, settings: ClientSettings) -> None:
        self.settings = settings
        self.metadata = Metadata()
        self._bootstrap = parse_addresses(bootstrap_servers)
        self._connections: dict[tuple[Address, int], asyncio.Task[Connection]] = {}
        self._leaving: set[Connection] = set()
        """Connections that others have taken the place of, and that may still owe an answer."""
        self._lanes = 0
        self._coordinators: dict[str, int] = {}
        self._tls: ssl.SSLContext | None = None
        self._reached = False
        self._closed = False

    # Time

    def deadline(self, timeout_ms: int | None) -> Deadline:
        """Return when a call must be over; None means ``default.api.timeout.ms``."""
        return Deadline(self.settings.number("default.api.timeout.ms") if timeout_ms is None else timeout_ms)

    def backoff(self) -> Backoff:
        """Return the pauses between attempts, as ``retry.backoff.ms`` and ``retry.backoff.max.ms`` have them."""
        return Backoff(self.settings.seconds("retry.backoff.ms"), self.settings.seconds("retry.backoff.max.ms"))

    async def retry(self, attempt: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
        """Call ``attempt`` until it succeeds, fails for good, or the time is over."""
        return await retry(attempt, deadline, self.backoff())

    # Connections

    def new_lane(self) -> int:
        """Return the number of a lane that nobody else uses."""
        self._lanes += 1
        return self._lanes

    async def close_lane(self, lane: int) -> None:
        """Close the connections of a lane."""
        await self._close([key for key in self._connections if key[1] == lane])

    async def node(self, node_id: int, lane: int = MAIN_LANE) -> Connection:
        """Return the connection to a broker; ConnectionFailed if it is not known or cannot be reached."""
        broker = self.metadata.brokers.get(node_id)
        if broker is None:
            await self.refresh(())
            broker = self.metadata.brokers.get(node_id)
            if broker is None:
                raise ConnectionFailed(f"broker {node_id} is not there at the moment")
        address = Address(broker.host, broker.port)
        try:
            return await self._connect(address, lane)
        except ConnectionFailed as error:
            if address in self._bootstrap:
                raise
            raise ConnectionFailed(f"{error}; it is the address that broker {node_id} advertises") from error

    async def any_node(self) -> Connection:
        """Return a connection to some broker: one that stands, else one that can be made.

        Before anything was ever answered each bootstrap server is tried once, and that none answers is final.
        """
        self._check_open()
        for (_, lane), task in self._connections.items():
            if lane == MAIN_LANE and _is_open(task):
                return task.result()
        known = [Address(broker.host, broker.port) for broker in self.metadata.brokers.values()]
        errors: list[ConnectionFailed] = []
        for address in dict.fromkeys([*known, *self._bootstrap]):
            try:
                connection = await self._connect(address, MAIN_LANE)
            except ConnectionFailed as error:
                errors.append(error)
            else:
                return connection
        failed = ConnectionFailed("; ".join(dict.fromkeys(str(error) for error in errors)))
        failed.retriable = self._reached
        raise failed

    async def _connect(self, address: Address, lane: int) -> Connection:
        self._check_open()
        task = self._connections.get((address, lane))
        if task is None or (task.done() and not _is_open(task)):
            if task is not None and not task.cancelled() and task.exception() is None:
                task.result().close_when_idle()
                self._leaving.add(task.result())
            task = asyncio.get_running_loop().create_task(self._open(address), name=f"connect to {address}")
            task.add_done_callback(_retrieve)
            self._connections[address, lane] = task
        try:
            # Shielded: that one caller goes away is no reason to break it for the others.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task.cancelled() and caller is not None and not caller.cancelling():
                raise ClientClosed(f"the connection to {address} was closed") from None
            raise

    async def _open(self, address: Address) -> Connection:
        if self._tls is None and self.settings.text("security.protocol") in ("SSL", "SASL_SSL"):
            from .tls import make_context

            self._tls = make_context(self.settings)
        connection = await connect(address, self.settings, self._tls)
        self._leaving = {old for old in self._leaving if not old.is_gone}
        return connection

    async def close(self) -> None:
        """Close every connection; calls under way raise ClientClosed."""
        self._closed = True
        await self._close(list(self._connections))
        for connection in self._leaving:
            await connection.wait_closed()

    async def _close(self, keys: list[tuple[Address, int]]) -> None:
        tasks = [self._connections.pop(key) for key in keys]
        for task in tasks:
            if not task.done():
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and task.exception() is None:
                await task.result().wait_closed()

    def _check_open(self) -> None:
        if self._closed:
            raise ClientClosed("the client is closed")

    # Requests

    async def ask(
        self,
        node_id: int,
        api_key: ApiKey,
        message: Message,
        answer: type[M],
        *,
        timeout_s: float | None = None,
        lane: int = MAIN_LANE,
    ) -> M:
        """Send a request to a broker (NOBODY means any), once, and return its answer, which is of the class given."""
        connection = await (self.any_node() if node_id == NOBODY else self.node(node_id, lane))
        try:
            response = await connection.request(api_key, message, timeout_s=timeout_s)
        except ConnectionFailed as error:
            if not self._reached:
                error = ConnectionFailed(f"{error}{self._login_hint()}")
                error.retriable = False
            raise error from error.__cause__
        self._reached = True
        return expect(response, answer)

    def _login_hint(self) -> str:
        if self.settings.text("security.protocol").startswith("SASL_"):
            return ""
        return " before it answered anything (does it want a login? see security.protocol and sasl.mechanism)"

    # Metadata

    async def refresh(self, topics: Collection[str] | None, *, auto_create: bool = False) -> dict[str, TopicMetadata]:
        """Ask for brokers and these topics (None for all), once; return them, each perhaps with an error code."""
        from ottla.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse

        wanted = None if topics is None else [MetadataRequestTopic(name=name) for name in topics]
        request = MetadataRequest(topics=wanted, allow_auto_topic_creation=auto_create)
        response = await self.ask(NOBODY, ApiKey.METADATA, request, MetadataResponse)
        check(response.error_code)
        return self.metadata.update(response)

    async def topic(self, name: str, deadline: Deadline, *, auto_create: bool = False) -> TopicMetadata:
        """Return a topic with a leader for every partition, from memory or by asking until it is so.

        An unknown topic is final (BrokerError), at once or, if it may be created by asking, a few seconds later.
        """
        known = self.metadata.topics.get(name)
        if known is not None and known.complete:
            return known

        created_by = self.deadline(CREATED_WITHIN_MS if auto_create else 0)

        async def attempt() -> TopicMetadata:
            found = (await self.refresh([name], auto_create=auto_create)).get(name)
            if found is None:
                raise ConnectionFailed(f"the broker says nothing of topic {name}")
            if found.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION and created_by.over:
                raise BrokerError(found.error_code, subject=f"topic {name}", final=True)
            check(found.error_code, subject=f"topic {name}")
            if not found.complete:
                raise BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, subject=f"topic {name}")
            return found

        return await self.retry(attempt, deadline)

    def forget_topic(self, name: str) -> None:
        """Have the topic asked for anew when it is next needed: what is known of it has proved wrong."""
        self.metadata.topics.pop(name, None)

    async def controller(self) -> int:
        """Return the id of the broker for requests to the controller; one that forwards them does as well."""
        if self.metadata.controller == NOBODY:
            await self.refresh(())
            if self.metadata.controller == NOBODY:
                raise BrokerError(ErrorCode.NOT_CONTROLLER, "no controller is known at the moment")
        return self.metadata.controller

    def forget_controller(self) -> None:
        """Have the controller asked for anew."""
        self.metadata.controller = NOBODY

    async def coordinator(self, group_id: str) -> int:
        """Return the id of the broker that coordinates a group, from memory or by asking once."""
        known = self._coordinators.get(group_id)
        if known is not None:
            return known
        from ottla.protocol.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse

        connection = await self.any_node()
        request = FindCoordinatorRequest(key=group_id, key_type=GROUP)
        if connection.version(ApiKey.FIND_COORDINATOR) >= 4:
            request = FindCoordinatorRequest(coordinator_keys=[group_id], key_type=GROUP)
        response = expect(await connection.request(ApiKey.FIND_COORDINATOR, request), FindCoordinatorResponse)
        found = response.coordinators[0] if response.coordinators else response
        check(found.error_code, found.error_message, subject=f"group {group_id}")
        broker = self.metadata.brokers.get(found.node_id)
        if broker is None or (broker.host, broker.port) != (found.host, found.port):
            await self.refresh(())
        self._coordinators[group_id] = found.node_id
        return found.node_id

    async def coordinator_node(self, group_id: str) -> Connection:
        """Return the connection to a group's coordinator; if it cannot be reached it is looked for anew next time."""
        node_id = await self.coordinator(group_id)
        try:
            return await self.node(node_id)
        except ConnectionFailed:
            self.forget_coordinator(group_id)
            raise

    def forget_coordinator(self, group_id: str) -> None:
        """Have the group's coordinator asked for anew."""
        self._coordinators.pop(group_id, None)

    async def ask_coordinator(
        self,
        group_id: str,
        api_key: ApiKey,
        message: Message,
        answer: type[M],
        *,
        timeout_s: float | None = None,
        lane: int = MAIN_LANE,
    ) -> M:
        """Send a request to a group's coordinator, once; a lost connection makes it be looked for anew."""
        node_id = await self.coordinator(group_id)
        try:
            return await self.ask(node_id, api_key, message, answer, timeout_s=timeout_s, lane=lane)
        except ConnectionFailed:
            self.forget_coordinator(group_id)
            raise


def expect(message: Message, answer: type[M]) -> M:
    """Return ``message``, which is of the class given because the codec of its API made it."""
    assert isinstance(message, answer)
    return message


_MOVED = frozenset({ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE})


def coordinator_moved(code: int) -> bool:
    """Whether an error code means that the group's coordinator must be looked for."""
    return code in _MOVED


def _retrieve(task: "asyncio.Task[Connection]") -> None:
    """Look at the error, so that asyncio does not complain if whoever waited for it has gone away."""
    if not task.cancelled():
        task.exception()


def _is_open(task: "asyncio.Task[Connection]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None and task.result().is_open
