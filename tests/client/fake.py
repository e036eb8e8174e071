"""A broker made of answers: what a test says it answers, and what else a peer may do to a client."""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

from tests.harness import target

from ottla.protocol.api import codec, decode_request
from ottla.protocol.api_table import TABLE, ApiKey
from ottla.protocol.header import decode_request_header, encode_response_header
from ottla.protocol.message import Message
from ottla.protocol.messages.api_versions import ApiVersion, ApiVersionsResponse
from ottla.protocol.messages.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse
from ottla.protocol.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)


class Hangs:
    """No answer, and the connection stays."""


class Closes:
    """The connection is closed instead of an answer."""


class Raw(bytes):
    """These bytes instead of a frame."""


Answer = Message | Hangs | Closes | Raw
Handler = Callable[[Message, int], Answer | Awaitable[Answer]]

NODE_ID = 7


class FakeBroker:
    """Listens on a port of its own; ``handlers`` by API key say what is answered, ``requests`` what was asked.

    ApiVersions, Metadata (with ``topics``: partitions by name) and FindCoordinator are answered unless a handler says
    otherwise. ``versions`` limits what is offered, by API key.
    """

    def __init__(self) -> None:
        self.handlers: dict[ApiKey, Handler] = {}
        self.versions: dict[ApiKey, tuple[int, int]] = {}
        self.topics: dict[str, int] = {}
        self.requests: list[tuple[ApiKey, int, Message]] = []
        self.connections = 0
        self.client_ids: set[str] = set()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"

    def of(self, api_key: ApiKey) -> list[Message]:
        """The requests of one kind."""
        return [message for key, _, message in self.requests if key == api_key]

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and close all connections."""
        assert self._server is not None
        self._server.close()
        for writer in self._tasks.values():
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks[task] = writer
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                if not await self._answer(await reader.readexactly(size), writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            await _gone(writer)
            del self._tasks[task]

    async def _answer(self, frame: bytes, writer: asyncio.StreamWriter) -> bool:
        header = decode_request_header(frame)
        key, version = ApiKey(header.api_key), header.api_version
        self.client_ids.add(header.client_id)
        request = decode_request(key, version, frame, header.body_pos)
        self.requests.append((key, version, request))
        handler = self.handlers.get(key) or _DEFAULTS[key].__get__(self)
        given = handler(request, version)
        answer = given if isinstance(given, Answer) else await given
        if isinstance(answer, Closes):
            return False
        if isinstance(answer, Raw):
            writer.write(answer)
        elif not isinstance(answer, Hangs):
            out = bytearray(4)
            encode_response_header(out, key, version, header.correlation_id)
            codec(key).encode_response(answer, version, out)
            struct.pack_into(">i", out, 0, len(out) - 4)
            writer.write(out)
        await writer.drain()
        return True

    def _api_versions(self, request: Message, version: int) -> Answer:
        offered = {ApiKey(key): (first, last) for key, _, _, first, last, _ in TABLE} | self.versions
        return ApiVersionsResponse(
            api_keys=[
                ApiVersion(api_key=key, min_version=first, max_version=last) for key, (first, last) in offered.items()
            ]
        )

    def _metadata(self, request: Message, version: int) -> Answer:
        assert isinstance(request, MetadataRequest)
        names = list(self.topics) if request.topics is None else [topic.name or "" for topic in request.topics]
        return MetadataResponse(
            brokers=[MetadataResponseBroker(node_id=NODE_ID, host="127.0.0.1", port=self.port)],
            cluster_id="fake",
            controller_id=NODE_ID,
            topics=[self._topic(name) for name in names],
        )

    def _topic(self, name: str) -> MetadataResponseTopic:
        if name not in self.topics:
            return MetadataResponseTopic(name=name, error_code=3)
        return MetadataResponseTopic(
            name=name,
            partitions=[
                MetadataResponsePartition(
                    partition_index=number, leader_id=NODE_ID, replica_nodes=[NODE_ID], isr_nodes=[NODE_ID]
                )
                for number in range(self.topics[name])
            ],
        )

    def _find_coordinator(self, request: Message, version: int) -> Answer:
        assert isinstance(request, FindCoordinatorRequest)
        if version >= 4:
            found = [
                Coordinator(key=key, node_id=NODE_ID, host="127.0.0.1", port=self.port)
                for key in request.coordinator_keys
            ]
            return FindCoordinatorResponse(coordinators=found)
        return FindCoordinatorResponse(node_id=NODE_ID, host="127.0.0.1", port=self.port)


_DEFAULTS = {
    ApiKey.API_VERSIONS: FakeBroker._api_versions,
    ApiKey.METADATA: FakeBroker._metadata,
    ApiKey.FIND_COORDINATOR: FakeBroker._find_coordinator,
}


@contextlib.asynccontextmanager
async def fake_broker() -> AsyncIterator[FakeBroker]:
    """A broker that listens."""
    broker = FakeBroker()
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@contextlib.asynccontextmanager
async def raw_server(answer: bytes | None, *, close: bool) -> AsyncIterator[str]:
    """Something that listens, answers any first bytes with these and perhaps closes; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
            if not close:
                await reader.read(-1)
        await _gone(writer)
        done.set()

    done = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await done.wait()
        await server.wait_closed()


async def _gone(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait until it is; else the loop may end before, and the collector complains."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def until(condition: Callable[[], bool], *, shown: Callable[[], object] = lambda: "") -> None:
    """Wait until something is true; after ten seconds the test fails with what is ``shown``."""
    try:
        async with asyncio.timeout(10 * target.slow_factor()):
            while not condition():  # noqa: ASYNC110  # the condition is the client's state, which has no event for it
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"it does not become true: {shown()}") from None
