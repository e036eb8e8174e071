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

Times of requests are taken here too (:data:`Times`), for the price of a few readings of the clock for each pass: who
serves appends to ``answered`` what it knows of a request, and is told when the answers have left.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol, cast

from ottla.model.errors import PeerError
from ottla.network.turn import Turn
from ottla.network.wire import FrameReader, LargeBuffers

Buffer = bytes | bytearray | memoryview
Payload = bytes | bytearray | list[Buffer]

GATHERED_BYTES = 65536
"""Answers of one pass leave together, at the latest when there are this many bytes of them."""


Times = tuple[Any, float, float, float, float]
"""What the service knows a request by; when it could begin, when it did begin, when the work on it was done (what
followed was waiting for others) and when it was answered: seconds of ``time.perf_counter``."""

STOPPING = "stopping"


class Slot:
    """The place of one response in its connection's order.

    ``complete`` takes the encoded response (None: there is none, as for acks=0) and may be called once, from anywhere
    on the event loop. ``on_abandoned`` is called when the connection is lost first.
    """

    __slots__ = ("_connection", "answered_at", "done", "on_abandoned", "payload", "pipelines", "times", "waits")

    def __init__(self, connection: "Connection", *, pipelines: bool = False, waits: bool = False) -> None:
        self._connection: Connection | None = connection
        self.pipelines = pipelines
        self.waits = waits
        """Whether it is others that are waited for, not this node's own work."""
        self.times: Times | None = None
        self.answered_at = 0.0
        self.done = False
        self.payload: Payload | None = None
        self.on_abandoned: Callable[[], None] | None = None

    def wait_for_others(self) -> None:
        """From now on it is others that are waited for."""
        self.waits = True
        if self.times is not None:
            request, began_waiting, started, _, _ = self.times
            self.times = (request, began_waiting, started, perf_counter(), 0.0)

    def complete(self, payload: Payload | None) -> None:
        """Answer the request."""
        assert not self.done, "a response was completed twice"
        self.done = True
        self.payload = payload
        self.answered_at = perf_counter()
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

    def answers_sent(self, connection: "Connection", answers: list[Times], written: float, sent: float) -> None:
        """Count requests whose answers were handed to the operating system at ``written`` and taken by it at ``sent``.

        ``answers`` is what ``serve`` has appended to the connection's ``answered``, in the order of leaving.
        """


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
        "_at_end",
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
        "_turn",
        "_unsent_answers",
        "_unsent_bytes",
        "answered",
        "began_waiting",
        "client_id",
        "close_reason",
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
        self,
        service: Service,
        limits: ConnectionLimits,
        large_buffers: LargeBuffers,
        *,
        listener: str,
        turn: Turn | None = None,
    ) -> None:
        self._turn = Turn() if turn is None else turn
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
        self._at_end = False
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
        self.last_active = self.began_waiting = perf_counter()
        """When something last happened here, and since when the request that is served next could have been."""
        self.answered: list[Times] = []
        """Requests that were answered; their answers have not been written yet."""
        self._unsent_answers: list[tuple[list[Times], float]] = []
        self.client_id: str | None = None
        """What the client last called itself in a request."""
        self.close_reason: str | None = None
        """Why this side closed the connection; None if it was the peer."""
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
        if self._unsent_answers:
            self._all_sent()
        self._service.connection_closed(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to receive."""
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what was received."""
        before = self.last_active
        now = self.last_active = self.began_waiting = perf_counter()
        turn = self._turn
        since = turn.since
        if since is None:
            turn.begin(now)
        elif before < since:
            self.began_waiting = since
        turn.moved_bytes += nbytes
        self._reader.received(nbytes)
        if self.closing:
            # Nothing is served any more, so nothing makes room: stop reading before the buffer is full.
            self._update_reading()
        else:
            self._process()

    def eof_received(self) -> bool:
        """Close when the peer has said all it has to say, after all of it was served.

        A producer that waits for no acknowledgement (acks=0) leaves as soon as it has sent its last request.
        """
        self._at_end = True
        if self._slots:
            return True
        if self._held or self._reader.is_idle:
            return False
        self._go_on_soon()
        return True

    def pause_writing(self) -> None:
        """Take nothing more from a peer that does not read."""
        self._blocked_writing = True

    def resume_writing(self) -> None:
        """Go on with a peer that reads again."""
        self._blocked_writing = False
        if self._unsent_answers:
            self._all_sent()
        self._go_on_soon()

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
            self.last_active = perf_counter()
        self._unsent_bytes = unsent

    def hold(self) -> None:
        """Serve nothing of this connection until :meth:`let_go`."""
        self._held = True

    def let_go(self) -> None:
        """Serve a connection that was held."""
        self._held = False
        self.last_active = self.began_waiting = perf_counter()
        self._process()

    def _memory_granted(self) -> None:
        self._go_on_soon()

    def _go_on_soon(self) -> None:
        self.began_waiting = perf_counter()
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self.last_active = perf_counter()
        self._process()

    def new_slot(self, *, pipelines: bool = False, waits: bool = False) -> Slot:
        """Make the slot for an answer that comes later; the service returns it from ``serve``.

        ``waits``: until others (clients, records) come, not for work of this node's own.
        """
        return Slot(self, pipelines=pipelines, waits=waits)

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
                    if self.answered:
                        slot.times = self.answered.pop()
                        slot.answered_at = slot.times[4]
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
        if self._at_end and not slots and not self._blocked_writing:
            self.close()
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
        self.last_active = perf_counter()
        self._processing = True  # so that what leaves now leaves together
        self._flush()
        self._processing = False
        self._send()
        if not self._slots and (self.closing or (self._at_end and self._reader.is_idle)):
            self.close()
        elif not self._reader.is_idle:
            self._go_on_soon()

    def _flush(self) -> None:
        slots = self._slots
        while slots and slots[0].done:
            slot = slots.popleft()
            if slot.times is not None:
                request, began_waiting, started, worked, _ = slot.times
                answered = slot.answered_at
                self.answered.append((request, began_waiting, started, min(worked, answered), answered))
            if slot.payload is not None:
                self._write(slot.payload)

    def _write(self, payload: Payload) -> None:
        """Gather what goes out together with one system call."""
        out = self._out
        if isinstance(payload, list):
            out.extend(payload)
            self._out_bytes += sum(map(len, payload))
        else:
            out.append(payload)
            self._out_bytes += len(payload)
        if self._out_bytes >= GATHERED_BYTES:
            self._send()

    def _send(self) -> None:
        """Write what was gathered, and have the requests counted that it answers: at once, or when the peer has read
        enough of what it was sent before.
        """
        out = self._out
        if out:
            self._turn.moved_bytes += self._out_bytes
            self._out = []
            self._out_bytes = 0
            transport = self.transport
            if transport is not None and not transport.is_closing():
                if len(out) == 1:
                    transport.write(out[0])
                else:
                    transport.writelines(out)
        answers = self.answered
        if answers:
            self.answered = []
            now = answers[0][4] if len(answers) == 1 else perf_counter()
            if self._blocked_writing:
                self._unsent_answers.append((answers, now))
            else:
                self._service.answers_sent(self, answers, now, now)

    def _all_sent(self) -> None:
        now = perf_counter()
        unsent, self._unsent_answers = self._unsent_answers, []
        for answers, written in unsent:
            self._service.answers_sent(self, answers, written, now)

    def drain(self) -> None:
        """Take no more requests, and close once those under way are answered: the node stops."""
        self.closing = True
        self.close_reason = self.close_reason or STOPPING
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


def _address(host: str) -> str:
    """Return an address as users write it: a socket for both protocols gives IPv4 ones as ``::ffff:127.0.0.1``."""
    return host[7:] if host.startswith("::ffff:") and "." in host else host
