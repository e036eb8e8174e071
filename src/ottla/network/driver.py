"""The driver of a connection: an asyncio protocol around :class:`ottla.network.wire.FrameReader`.

Rules it keeps (reference section 1, issue of the peer's memory and ours):

- Responses leave in the order of their requests. A request whose answer is not there yet takes a :class:`Slot`; what
  is finished behind it waits in its own slot.
- The next request begins once the one before is answered, as in Kafka, except behind a slot that ``pipelines`` (a
  produce that waits for a flush), so that one fsync serves all that a producer has in flight.
- A peer that does not read is not read from: when the write buffer is above its limit, nothing more is taken from
  this connection until it drains. Memory is bounded by the write limit, one response, and the receive buffer.
- A connection that came too soon is held: what it says is received, up to a receive buffer full, and not looked at.
- A request that waits leaves reading on until the receive buffer is full, so that a hang-up is noticed at once.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from ottla.model.errors import PeerError
from ottla.network.wire import FrameReader, LargeBuffers

Buffer = bytes | bytearray | memoryview
Payload = bytes | bytearray | list[Buffer]

GATHERED_BYTES = 65536
"""Answers of one pass leave together, at the latest when there are this many bytes of them."""


class Slot:
    """The place of one response in its connection's order.

    ``complete`` takes the encoded response (None: there is none, as for acks=0) and may be called once, from anywhere
    on the event loop. ``on_abandoned`` is called when the connection is lost first.
    """

    __slots__ = ("_connection", "done", "on_abandoned", "payload", "pipelines")

    def __init__(self, connection: "Connection", *, pipelines: bool = False) -> None:
        self._connection: Connection | None = connection
        self.pipelines = pipelines
        self.done = False
        self.payload: Payload | None = None
        self.on_abandoned: Callable[[], None] | None = None

    def complete(self, payload: Payload | None) -> None:
        """Answer the request."""
        assert not self.done, "a response was completed twice"
        self.done = True
        self.payload = payload
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.slot_completed()

    def fail(self) -> None:
        """Close the connection instead of answering."""
        self.done = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """The connection is gone: nobody waits for the answer any more."""
        self._connection = None
        if not self.done and self.on_abandoned is not None:
            self.on_abandoned()


class Service(Protocol):
    """What a connection serves; called on the event loop."""

    def serve(self, frame: memoryview, connection: "Connection") -> Payload | Slot | None:
        """Answer one request frame, valid only during the call.

        Returns the encoded response, a slot that is completed later, or None where the request has no response.
        Raises PeerError to have the connection closed.
        """

    def connection_opened(self, connection: "Connection") -> bool:
        """Say whether this connection may stay."""

    def connection_closed(self, connection: "Connection") -> None:
        """Forget a connection that was opened."""

    def peer_failed(self, connection: "Connection", error: PeerError) -> None:
        """Count what a peer did wrong; its connection is being closed."""


class ConnectionLimits:
    """Limits of one connection, in bytes and requests; ``max_other_frame_bytes`` is for all but produce requests."""

    __slots__ = ("max_frame_bytes", "max_in_flight", "max_other_frame_bytes", "write_buffer_bytes")

    def __init__(
        self,
        *,
        max_frame_bytes: int,
        max_other_frame_bytes: int | None = None,
        write_buffer_bytes: int = 1 << 20,
        max_in_flight: int = 32,
    ) -> None:
        self.max_frame_bytes = max_frame_bytes
        self.max_other_frame_bytes = max_other_frame_bytes
        self.write_buffer_bytes = write_buffer_bytes
        self.max_in_flight = max_in_flight


class Connection(asyncio.BufferedProtocol):
    """One client's connection."""

    __slots__ = (
        "_blocked_writing",
        "_held",
        "_limits",
        "_loop",
        "_out",
        "_out_bytes",
        "_processing",
        "_reader",
        "_reading_paused",
        "_service",
        "_slots",
        "_unsent_bytes",
        "closing",
        "last_active",
        "listener",
        "local_host",
        "local_port",
        "peer_host",
        "peer_port",
        "state",
        "transport",
    )

    def __init__(
        self, service: Service, limits: ConnectionLimits, large_buffers: LargeBuffers, *, listener: str
    ) -> None:
        self._service = service
        self._limits = limits
        self._reader = FrameReader(
            limits.max_frame_bytes,
            large_buffers,
            max_other_bytes=limits.max_other_frame_bytes,
            on_memory=self._memory_granted,
        )
        self._slots: deque[Slot] = deque()
        self._loop = asyncio.get_running_loop()
        self._blocked_writing = False
        self._held = False
        self._unsent_bytes = 0
        self._reading_paused = False
        self._processing = False
        self._out: list[Buffer] = []
        self._out_bytes = 0
        self.closing = False
        self.listener = listener
        self.transport: asyncio.Transport | None = None
        self.peer_host = ""
        self.peer_port = 0
        self.local_host = ""
        self.local_port = 0
        self.last_active = self._loop.time()
        self.state: dict[str, object] = {}
        """What the service keeps about the connection, the client's software name for one."""

    # -- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection up, or refuse it."""
        # uvloop's transports keep the interface without being subclasses of it.
        self.transport = transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        local = transport.get_extra_info("sockname")
        if peer:
            self.peer_host, self.peer_port = _address(peer[0]), peer[1]
        if local:
            self.local_host, self.local_port = _address(local[0]), local[1]
        transport.set_write_buffer_limits(high=self._limits.write_buffer_bytes)
        if not self._service.connection_opened(self):
            self.closing = True
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything go that belongs to the connection."""
        self.closing = True
        slots, self._slots = self._slots, deque()
        for slot in slots:
            slot.abandon()
        self._reader.close()
        self._service.connection_closed(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to receive."""
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what was received."""
        self.last_active = self._loop.time()
        self._reader.received(nbytes)
        if self.closing:
            # Nothing is served any more, so nothing makes room: stop reading before the buffer is full.
            self._update_reading()
        else:
            self._process()

    def eof_received(self) -> bool:
        """Close when the peer has said all it has to say, after what is under way was answered."""
        if self._slots:
            self.closing = True
            return True
        return False

    def pause_writing(self) -> None:
        """Take nothing more from a peer that does not read."""
        self._blocked_writing = True

    def resume_writing(self) -> None:
        """Go on with a peer that reads again."""
        self._blocked_writing = False
        self._loop.call_soon(self._process)

    # -- requests and responses -----------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """How many requests wait for their answer."""
        return len(self._slots)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way in either direction."""
        return not self._slots and not self._blocked_writing

    def note_progress(self) -> None:
        """Count it as activity if the peer has taken some of what waits for it since this was called last."""
        transport = self.transport
        unsent = 0 if transport is None else transport.get_write_buffer_size()
        if unsent < self._unsent_bytes:
            self.last_active = self._loop.time()
        self._unsent_bytes = unsent

    def hold(self) -> None:
        """Serve nothing of this connection until :meth:`let_go`."""
        self._held = True

    def let_go(self) -> None:
        """Serve a connection that was held."""
        self._held = False
        self.last_active = self._loop.time()
        self._process()

    def _memory_granted(self) -> None:
        self._loop.call_soon(self._process)

    def new_slot(self, *, pipelines: bool = False) -> Slot:
        """Make the slot for an answer that comes later; the service returns it from ``serve``."""
        return Slot(self, pipelines=pipelines)

    def _process(self) -> None:
        """Serve what has arrived, as far as the rules allow."""
        if self._processing or self.closing:
            return
        if self._held:
            self._update_reading()
            return
        reader = self._reader
        slots = self._slots
        self._processing = True
        try:
            while not self._blocked_writing and not self.closing:
                if slots and (not slots[-1].pipelines or len(slots) >= self._limits.max_in_flight):
                    break
                frame = reader.next_frame()
                if frame is None:
                    break
                answer = self._service.serve(frame, self)
                if answer is None:
                    continue
                if isinstance(answer, Slot):
                    slots.append(answer)
                    if answer.done:
                        self._flush()
                elif slots:
                    slot = Slot(self, pipelines=True)
                    slot.done = True
                    slot.payload = answer
                    slots.append(slot)
                else:
                    self._write(answer)
            if slots:
                # What this pass answered may stand behind a slot that was completed meanwhile.
                self._flush()
        except PeerError as error:
            self._service.peer_failed(self, error)
            self._send()
            self.close()
            return
        finally:
            self._processing = False
        reader.give_back()
        self._send()
        self._update_reading()

    def _update_reading(self) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self._reader.is_full:
            if not self._reading_paused:
                self._reading_paused = True
                transport.pause_reading()
        elif self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()

    def slot_completed(self) -> None:
        """Write what is finished at the head of the order, then go on with what has arrived meanwhile."""
        if self._processing:
            # The request was answered before its slot was even queued: _process flushes.
            return
        self.last_active = self._loop.time()
        self._flush()
        if self.closing and not self._slots:
            self.close()
        elif not self._reader.is_idle:
            self._loop.call_soon(self._process)

    def _flush(self) -> None:
        slots = self._slots
        while slots and slots[0].done:
            payload = slots.popleft().payload
            if payload is not None:
                self._write(payload)

    def _write(self, payload: Payload) -> None:
        """Send, or while requests are being served gather what goes out together with one system call."""
        out = self._out
        if isinstance(payload, list):
            out.extend(payload)
            self._out_bytes += sum(map(len, payload))
        else:
            out.append(payload)
            self._out_bytes += len(payload)
        if not self._processing or self._out_bytes >= GATHERED_BYTES:
            self._send()

    def _send(self) -> None:
        out = self._out
        if not out:
            return
        self._out = []
        self._out_bytes = 0
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if len(out) == 1:
            transport.write(out[0])
        else:
            transport.writelines(out)

    def drain(self) -> None:
        """Take no more requests, and close once those under way are answered."""
        self.closing = True
        if not self._slots:
            self.close()

    def close(self) -> None:
        """Close after what is already written has left."""
        self.closing = True
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.closing = True
        if self.transport is not None:
            self.transport.abort()

    def release_buffers(self) -> None:
        """Give back the receive buffer of a connection that says nothing."""
        if not self._slots:
            self._reader.release()


class Acceptor:
    """Listening sockets and the connections that came in through them."""

    def __init__(
        self, service: Service, limits: ConnectionLimits, *, large_buffers: LargeBuffers | None = None
    ) -> None:
        self._service = service
        self._limits = limits
        self._large_buffers = large_buffers or LargeBuffers()
        self._servers: list[asyncio.Server] = []

    async def listen(self, sock: socket.socket, *, listener: str, backlog: int) -> None:
        """Accept connections on a bound socket in the name of ``listener``."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self._service, self._limits, self._large_buffers, listener=listener),
            sock=sock,
            backlog=backlog,
        )
        self._servers.append(server)

    def stop_accepting(self) -> None:
        """Accept no more; the connections there are stay."""
        for server in self._servers:
            server.close()

    async def close(self) -> None:
        """Wait until the listening sockets are gone."""
        for server in self._servers:
            server.close()
        self._servers.clear()


def _address(host: str) -> str:
    """Return an address as users write it: a socket for both protocols gives IPv4 ones as ``::ffff:127.0.0.1``."""
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def bind(host: str, port: int, *, receive_buffer_bytes: int = -1, send_buffer_bytes: int = -1) -> socket.socket:
    """Return a socket bound to ``host`` (empty: every interface) and ``port`` (0: a free one).

    Buffer sizes of -1 leave the operating system's, which grow with the need. Raises OSError.
    """
    family = socket.AF_INET
    if not host and socket.has_dualstack_ipv6():
        family, host = socket.AF_INET6, "::"
    else:
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        host = str(address[0])
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        # What is set here, accepted connections inherit. A peer that vanished without a word is found out some day.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if receive_buffer_bytes > 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        if send_buffer_bytes > 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
