"""From a request frame to its handler and back: the one place that every request passes.

A request's API key and version select an :class:`~ottla.broker.entry.Entry`. A handler is a plain function
``handle(request, context)`` that returns the response, a :class:`~ottla.broker.context.Deferred`, or None for no
response; or a coroutine function, which runs as a task while the connection waits.

What a peer can cause ends in an error code or a closed connection, never in a traceback: an API or version that is
not served closes the connection, except for ApiVersions (KIP-511), and so does a frame that is no request.
"""

import struct
from collections.abc import Coroutine
from time import perf_counter
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from ottla.broker.context import Deferred, Payload, RequestContext
from ottla.broker.entry import Entry
from ottla.broker.request_figures import QUICK_SECONDS, RequestFigures
from ottla.broker.slow_requests import SlowRequests
from ottla.model.errors import MalformedMessage, PeerError, UnsupportedVersion
from ottla.network.driver import Buffer, Connection, Slot, Times
from ottla.protocol.api import ApiKey
from ottla.protocol.versions import SERVED

if TYPE_CHECKING:
    from ottla.broker.node import Node

HEAD = struct.Struct(">hhih")
CODEC_ERRORS = (struct.error, IndexError, ValueError, OverflowError, RecursionError)
API_VERSIONS = ApiKey.API_VERSIONS
PRODUCE = ApiKey.PRODUCE
LARGE_REQUEST_BYTES = 64 * 1024
"""Larger ones take more than a few milliseconds to decode, produce requests excepted."""
API_VERSIONS_FALLBACK = 0
FOREVER = float("inf")


class Dispatcher:
    """Serves the connections of one node (:class:`ottla.network.driver.Service`)."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._entries: dict[int, Entry] = {}
        self.slow = SlowRequests(node.clock, node.config.int("ottla.log.slow.request.ms"))

    # -- network.driver.Service -----------------------------------------------------------------------------------

    def serve(self, frame: memoryview, connection: Connection) -> Payload | Slot | None:
        """Answer one request frame."""
        try:
            size_bytes = len(frame)
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
            if position > size_bytes:
                raise ValueError("client id beyond the end of the frame")
            if entry.flexible and entry.version == version:
                # Almost always there are no tagged fields in the header: one zero byte.
                position = position + 1 if frame[position] == 0 else _skip_tags(frame, position)
            entry.count += 1
            entry.request_bytes += size_bytes
            connection.client_id = client_id
            if size_bytes > LARGE_REQUEST_BYTES and key != PRODUCE and entry.version == version:
                return self._serve_large(entry, connection, bytes(frame), position, correlation_id)
            request = entry.decode(frame, position, entry.version) if entry.version == version else None
        except CODEC_ERRORS as error:
            raise _malformed(frame, error) from error
        context = RequestContext(self._node, connection, version, client_id, entry, correlation_id)
        try:
            answer = entry.handle(request, context)
        except PeerError:
            raise
        except Exception as error:
            self._handler_failed(entry, connection, error)
            return None
        answer_class = answer.__class__
        slot = None
        if answer_class is Deferred:
            slot = answer.slot
        elif answer_class is CoroutineType:
            slot = self._run(entry, connection, answer, correlation_id)
        else:
            payload = None if answer is None else entry.payload(answer, correlation_id)
        now = perf_counter()
        if slot is None:
            connection.answered.append((entry, connection.began_waiting, connection.last_active, now, now))
        else:
            worked = now if slot.waits else FOREVER
            slot.times = (entry, connection.began_waiting, connection.last_active, worked, now)
        # A request that has come along with this one waits from now on, as in Kafka, which takes up one at a time.
        connection.began_waiting = connection.last_active = now
        return payload if slot is None else slot

    def connection_opened(self, connection: Connection) -> bool:
        """Say whether this connection may stay."""
        return self._node.connections.opened(connection)

    def connection_closed(self, connection: Connection) -> None:
        """Forget a connection and what belongs to it."""
        self._node.connections.closed(connection)

    def peer_failed(self, connection: Connection, error: PeerError) -> None:
        """Count what a peer did wrong."""
        self._node.connections.failed(connection, error)

    def answers_sent(self, connection: Connection, answers: list[Times], written: float, sent: float) -> None:
        """Count how long requests took; see :mod:`ottla.broker.request_figures`."""
        for times in answers:
            entry, began_waiting, started, worked, answered = times
            total = sent - began_waiting
            entry.total_seconds += total
            entry.local_seconds += worked - started
            if started is not began_waiting:
                entry.queue_seconds += started - began_waiting
            if answered is not worked:
                entry.remote_seconds += answered - worked
            if total <= QUICK_SECONDS:
                entry.quick_count += 1
                continue
            entry.count_slow(times, written, sent)
            if worked - began_waiting >= self.slow.limit_seconds:
                self.slow.say(connection, times, written, sent)

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
        correlation_id: int,
    ) -> Slot:
        slot = connection.new_slot()
        task = self._node.tasks.spawn(self._finish(entry, connection, slot, coroutine, correlation_id), name=entry.name)
        # Nobody reads the answer any more, but what a request has begun is brought to its end (an append, say).
        del task
        return slot

    async def _finish(
        self,
        entry: Entry,
        connection: Connection,
        slot: Slot,
        coroutine: Coroutine[Any, Any, Any],
        correlation_id: int,
    ) -> None:
        try:
            answer = await coroutine
            payload = None if answer is None else entry.payload(answer, correlation_id)
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
    ) -> Slot:
        slot = connection.new_slot()
        now = perf_counter()
        slot.times = (entry, connection.began_waiting, connection.last_active, FOREVER, now)
        connection.began_waiting = connection.last_active = now
        context = RequestContext(
            self._node, connection, entry.version, connection.client_id, entry, correlation_id, slot=slot
        )
        self._node.large_buffers.hold(len(frame))
        self._node.tasks.spawn(self._answer_large(entry, context, frame, position, slot), name=entry.name)
        return slot

    async def _answer_large(
        self, entry: Entry, context: RequestContext, frame: bytes, position: int, slot: Slot
    ) -> None:
        """Decode and encode in the thread for computations, which the event loop can interrupt."""
        compute = self._node.tasks.compute
        try:
            size_bytes = len(frame)
            try:
                request = await compute(entry.decode, frame, position, entry.version)
            except CODEC_ERRORS as error:
                raise _malformed(frame, error) from error
            finally:
                frame = b""  # nobody needs it any more; it may be large
                self._node.large_buffers.let_go(size_bytes)
            answer = entry.handle(request, context)
            if isinstance(answer, Deferred):
                return
            if isinstance(answer, CoroutineType):
                answer = await answer
            payload = None
            if answer is not None:
                payload, codes = await compute(entry.payload_and_errors, answer, context.correlation_id)
                entry.count_errors(codes)
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

    @property
    def request_figures(self) -> list[RequestFigures]:
        """What was counted so far, for each version of each API that was asked for."""
        return list(self._entries.values())


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
