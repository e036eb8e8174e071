"""From a request frame to its handler and back: the one place that every request passes.

A request's API key and version select an :class:`Entry`, made at first use by importing the API's messages and its
handler (``ottla.broker.handlers.<api>``), so that a node starts without any of them. A handler is a plain function
``handle(request, context)`` that returns the response, a :class:`~ottla.broker.context.Deferred`, or None for no
response; or a coroutine function, which runs as a task while the connection waits.

What a peer can cause ends in an error code or a closed connection, never in a traceback: an API or version that is
not served closes the connection, except for ApiVersions (KIP-511), and so does a frame that is no request.
"""

import importlib
import struct
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from ottla.broker.context import Deferred, Payload, RequestContext
from ottla.model.errors import MalformedMessage, PeerError, UnsupportedVersion
from ottla.network.driver import Buffer, Connection, Slot
from ottla.protocol.api import ApiKey, api
from ottla.protocol.versions import SERVED

if TYPE_CHECKING:
    from ottla.broker.node import Node

HEAD = struct.Struct(">hhih")
RESPONSE_HEAD = struct.Struct(">ii")
CODEC_ERRORS = (struct.error, IndexError, ValueError, OverflowError, RecursionError)
API_VERSIONS = ApiKey.API_VERSIONS
PRODUCE = ApiKey.PRODUCE
LARGE_REQUEST_BYTES = 64 * 1024
"""Larger ones take more than a few milliseconds to decode, produce requests excepted."""
API_VERSIONS_FALLBACK = 0


class Entry:
    """How one version of one API is read, handled and answered."""

    __slots__ = (
        "count",
        "decode",
        "encode",
        "encode_parts",
        "flexible",
        "handle",
        "key",
        "name",
        "response",
        "version",
    )

    def __init__(self, key: ApiKey, version: int) -> None:
        described = api(key)
        codec = importlib.import_module(f"ottla.protocol.messages.{described.module}")
        handler = importlib.import_module(f"ottla.broker.handlers.{described.module}")
        self.key = key
        self.version = version
        self.name = described.name
        self.flexible = described.flexible_from is not None and version >= described.flexible_from
        self.decode: Callable[[Buffer, int, int], Any] = codec.decode_request
        self.encode: Callable[[Any, int, bytearray], None] = codec.encode_response
        self.encode_parts: Callable[[Any, int, list[Buffer]], None] | None = getattr(
            codec, "encode_response_parts", None
        )
        self.handle: Callable[[Any, RequestContext], Any] = handler.handle
        self.count = 0

    def encoder(self, correlation_id: int) -> Callable[[Any], Payload]:
        """Return what turns a response message into the bytes of its frame."""
        version = self.version
        encode_parts = self.encode_parts
        # The response header of ApiVersions never has tagged fields, so that any client can read it (KIP-511).
        tagged = self.flexible and self.key != API_VERSIONS
        if encode_parts is None:
            encode = self.encode

            def whole(response: Any) -> Payload:
                out = bytearray(9 if tagged else 8)
                encode(response, version, out)
                RESPONSE_HEAD.pack_into(out, 0, len(out) - 4, correlation_id)
                return out

            return whole

        def in_parts(response: Any) -> Payload:
            head = bytearray(9 if tagged else 8)
            parts: list[Buffer] = [head]
            encode_parts(response, version, parts)
            RESPONSE_HEAD.pack_into(head, 0, sum(map(len, parts)) - 4, correlation_id)
            return parts

        return in_parts


class Dispatcher:
    """Serves the connections of one node (:class:`ottla.network.driver.Service`)."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._entries: dict[int, Entry] = {}

    # -- network.driver.Service -----------------------------------------------------------------------------------

    def serve(self, frame: memoryview, connection: Connection) -> Payload | Slot | None:
        """Answer one request frame."""
        try:
            key, version, correlation_id, client_id_size = HEAD.unpack_from(frame)
            entry = self._entries.get(key << 16 | version)
            if entry is None:
                entry = self._resolve(key, version)
            position = 10
            client_id = None
            if client_id_size >= 0:
                position += client_id_size
                # A client's name for itself need not be text: what is not, is replaced, as Java does.
                client_id = str(frame[10:position], "utf-8", "replace")
            if position > len(frame):
                raise ValueError("client id beyond the end of the frame")
            if entry.flexible and entry.version == version:
                # Almost always there are no tagged fields in the header: one zero byte.
                position = position + 1 if frame[position] == 0 else _skip_tags(frame, position)
            if len(frame) > LARGE_REQUEST_BYTES and key != PRODUCE:
                return self._serve_large(entry, connection, bytes(frame), position, correlation_id, client_id)
            request = entry.decode(frame, position, entry.version) if entry.version == version else None
        except CODEC_ERRORS as error:
            raise _malformed(frame, error) from error
        entry.count += 1
        encode = entry.encoder(correlation_id)
        context = RequestContext(
            node=self._node, connection=connection, api_version=version, client_id=client_id, encode=encode
        )
        try:
            answer = entry.handle(request, context)
        except PeerError:
            raise
        except Exception as error:
            self._handler_failed(entry, connection, error)
            return None
        answer_class = answer.__class__
        if answer_class is Deferred:
            return answer.slot  # type: ignore[no-any-return]  # narrowed by its class
        if answer_class is CoroutineType:
            return self._run(entry, connection, answer, encode)
        if answer is None:
            return None
        return encode(answer)

    def connection_opened(self, connection: Connection) -> bool:
        """Say whether this connection may stay."""
        return self._node.connections.opened(connection)

    def connection_closed(self, connection: Connection) -> None:
        """Forget a connection and what belongs to it."""
        self._node.connections.closed(connection)

    def peer_failed(self, connection: Connection, error: PeerError) -> None:
        """Count what a peer did wrong."""
        self._node.connections.failed(connection, error)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _resolve(self, key: int, version: int) -> Entry:
        served = SERVED.get(key)  # type: ignore[call-overload]  # an IntEnum's members are found by their number
        if served is None or not served[0] <= version <= served[1]:
            if key != API_VERSIONS:
                raise UnsupportedVersion(f"API key {key} version {version} is not served")
            version = API_VERSIONS_FALLBACK
        entry = self._entries.get(key << 16 | version)
        if entry is None:
            entry = self._entries[key << 16 | version] = Entry(ApiKey(key), version)
        return entry

    def _run(
        self,
        entry: Entry,
        connection: Connection,
        coroutine: Coroutine[Any, Any, Any],
        encode: Callable[[Any], Payload],
    ) -> Slot:
        slot = connection.new_slot()
        task = self._node.tasks.spawn(self._finish(entry, connection, slot, coroutine, encode), name=entry.name)
        # Nobody reads the answer any more, but what a request has begun is brought to its end (an append, say).
        del task
        return slot

    async def _finish(
        self,
        entry: Entry,
        connection: Connection,
        slot: Slot,
        coroutine: Coroutine[Any, Any, Any],
        encode: Callable[[Any], Payload],
    ) -> None:
        try:
            answer = await coroutine
            payload = None if answer is None else encode(answer)
        except PeerError as error:
            self.peer_failed(connection, error)
            slot.fail()
        except Exception as error:
            self._handler_failed(entry, connection, error)
            slot.fail()
        else:
            slot.complete(payload)

    def _serve_large(
        self,
        entry: Entry,
        connection: Connection,
        frame: bytes,
        position: int,
        correlation_id: int,
        client_id: str | None,
    ) -> Slot:
        slot = connection.new_slot()
        entry.count += 1
        context = RequestContext(
            node=self._node,
            connection=connection,
            api_version=entry.version,
            client_id=client_id,
            encode=entry.encoder(correlation_id),
            slot=slot,
        )
        self._node.tasks.spawn(self._answer_large(entry, context, frame, position, slot), name=entry.name)
        return slot

    async def _answer_large(
        self, entry: Entry, context: RequestContext, frame: bytes, position: int, slot: Slot
    ) -> None:
        """Decode and encode in the thread for computations, which the event loop can interrupt."""
        compute = self._node.tasks.compute
        try:
            try:
                request = await compute(entry.decode, frame, position, entry.version)
            except CODEC_ERRORS as error:
                raise _malformed(frame, error) from error
            answer = entry.handle(request, context)
            if isinstance(answer, Deferred):
                return
            if isinstance(answer, CoroutineType):
                answer = await answer
            payload = None if answer is None else await compute(context.encode, answer)
        except PeerError as error:
            self.peer_failed(context.connection, error)
            slot.fail()
        except Exception as error:
            self._handler_failed(entry, context.connection, error)
            slot.fail()
        else:
            slot.complete(payload)

    def _handler_failed(self, entry: Entry, connection: Connection, error: Exception) -> None:
        """A fault of ours: say it in the log with all that is known, and close, so that the client does not wait."""
        self._node.connections.handler_failed(entry.name, entry.version, connection, error)
        connection.close()

    def counts(self) -> dict[str, int]:
        """How many requests came in for each API so far."""
        totals: dict[str, int] = {}
        for entry in self._entries.values():
            totals[entry.name] = totals.get(entry.name, 0) + entry.count
        return totals


def _malformed(frame: Buffer, error: Exception) -> MalformedMessage:
    return MalformedMessage(f"request of {len(frame)} bytes cannot be read: {error}")


def _skip_tags(frame: memoryview, position: int) -> int:
    """Return the position behind the header's tagged fields (KIP-482)."""
    count, position = _uvarint(frame, position)
    for _ in range(min(count, len(frame))):
        _, position = _uvarint(frame, position)
        size, position = _uvarint(frame, position)
        position += size
        if position > len(frame):
            raise ValueError("tagged field beyond the end of the frame")
    return position


def _uvarint(frame: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = frame[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 28:
            raise ValueError("varint of more than five bytes")
