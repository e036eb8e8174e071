"""The driver of a connection, over real sockets: order, pipelining, and peers that do not read."""

import asyncio
import functools
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ottla.model.errors import MalformedMessage, PeerError
from ottla.network.acceptor import Acceptor, bind
from ottla.network.driver import Connection, ConnectionLimits, Payload, Slot, Times
from ottla.network.wire import LargeBuffers


class Echo:
    """Answers each frame by what its first byte asks for."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self.failures: list[PeerError] = []
        self.slots: list[tuple[bytes, Slot]] = []
        self.served: list[bytes] = []
        self.accept = True
        self.hold = False
        self.abandoned = 0
        self.timed = False
        self.busy_seconds = 0.0
        self.waited: list[float] = []
        self.sent: list[tuple[bytes, float, float]] = []
        """Requests that were counted, how long their answers waited to be written, and how long to be taken."""

    def serve(self, frame: memoryview, connection: Connection) -> Payload | Slot | None:
        body = bytes(frame)
        self.served.append(body)
        if self.timed and body[:1] not in b"wp":
            self.waited.append(connection.last_active - connection.began_waiting)
            now = time.perf_counter()
            while time.perf_counter() < now + self.busy_seconds:
                pass
            now = time.perf_counter()
            connection.answered.append((body, connection.began_waiting, connection.last_active, now, now))
        match body[:1]:
            case b"n":
                return None
            case b"w" | b"p":
                slot = connection.new_slot(pipelines=body[:1] == b"p")
                slot.on_abandoned = self._abandoned
                self.slots.append((body, slot))
                return slot
            case b"d":
                slot = connection.new_slot()
                slot.complete(framed(body))
                return slot
            case b"x":
                raise MalformedMessage("garbage")
            case b"B":
                return [framed(b"B" * 1_000_000)]
        return [framed(body)]

    def _abandoned(self) -> None:
        self.abandoned += 1

    def connection_opened(self, connection: Connection) -> bool:
        self.open.add(connection)
        if self.hold:
            connection.hold()
        return self.accept

    def connection_closed(self, connection: Connection) -> None:
        self.open.discard(connection)

    def peer_failed(self, connection: Connection, error: PeerError) -> None:
        self.failures.append(error)

    def answers_sent(self, connection: Connection, answers: list[Times], written: float, sent: float) -> None:
        self.sent += [(times[0], written - times[4], sent - written) for times in answers]


Connect = Callable[[], Awaitable["Client"]]

WRITE_BUFFER_BYTES = 256 << 10


def framed(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *bodies: bytes) -> None:
        self.writer.write(b"".join(map(framed, bodies)))

    async def receive(self) -> bytes:
        async with asyncio.timeout(10):
            size = struct.unpack(">i", await self.reader.readexactly(4))[0]
            return await self.reader.readexactly(size)

    async def closed(self) -> bool:
        async with asyncio.timeout(10):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True


@pytest.fixture
def service() -> Echo:
    return Echo()


@pytest.fixture
def buffers() -> LargeBuffers:
    return LargeBuffers(max_bytes=1 << 20)


@pytest.fixture
async def connect(service: Echo, buffers: LargeBuffers) -> AsyncIterator["Connect"]:
    limits = ConnectionLimits(
        max_frame_bytes=4 << 20, max_other_frame_bytes=3 << 20, write_buffer_bytes=WRITE_BUFFER_BYTES, max_in_flight=5
    )
    acceptor = Acceptor(service, limits, large_buffers=buffers)
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    await acceptor.listen(sock, listener="PLAINTEXT", backlog=50)
    clients: list[Client] = []

    async def open_one() -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.writer.transport.abort()
    for connection in list(service.open):
        connection.abort()
    await acceptor.close()
    await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in callbacks that have no event to set
            await asyncio.sleep(0)


def has_slot(service: Echo, number: int) -> bool:
    return len(service.slots) > number


async def test_answers_leave_in_the_order_of_their_requests(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"p1", b"p2", b"a3")
    await until(lambda: len(service.served) == 3)
    service.slots[1][1].complete(framed(b"p2"))
    service.slots[0][1].complete(framed(b"p1"))
    assert [await client.receive() for _ in range(3)] == [b"p1", b"p2", b"a3"]


async def test_the_next_request_waits_for_the_answer_of_the_one_before(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"w1", b"a2", b"a3")
    await until(lambda: len(service.served) == 1)
    await asyncio.sleep(0)
    assert service.served == [b"w1"]
    service.slots[0][1].complete(framed(b"w1"))
    assert [await client.receive() for _ in range(3)] == [b"w1", b"a2", b"a3"]


async def test_a_request_may_have_no_answer(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"n1", b"a2")
    assert await client.receive() == b"a2"


async def test_a_slot_that_is_complete_at_once_keeps_its_place(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"p1", b"d2", b"a3")
    await until(lambda: len(service.served) >= 2)
    service.slots[0][1].complete(framed(b"p1"))
    assert [await client.receive() for _ in range(3)] == [b"p1", b"d2", b"a3"]


async def test_garbage_closes_the_connection_and_is_counted(service: Echo, connect: Connect) -> None:
    client = await connect()
    other = await connect()
    client.send(b"a1", b"x2", b"a3")
    assert await client.receive() == b"a1"
    assert await client.closed()
    assert [type(error) for error in service.failures] == [MalformedMessage]
    other.send(b"a1")
    assert await other.receive() == b"a1"


async def test_a_frame_above_the_limit_closes_the_connection(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.writer.write(struct.pack(">i", 2**31 - 1))
    assert await client.closed()
    assert len(service.failures) == 1


async def test_a_peer_that_does_not_read_is_not_read_from(service: Echo, connect: Connect) -> None:
    client = await connect()
    transport = client.writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    client.send(*[b"B"] * 200)
    other = await connect()
    for _ in range(20):
        other.send(b"a1")
        assert await other.receive() == b"a1"
    served = service.served.count(b"B")
    assert served < 100, "the rest waits unread"
    unsent = [connection.transport.get_write_buffer_size() for connection in service.open if connection.transport]
    assert WRITE_BUFFER_BYTES < max(unsent) < WRITE_BUFFER_BYTES + 2 * 1_000_004, "the limit and an answer"
    transport.resume_reading()
    for _ in range(200):
        assert len(await client.receive()) == 1_000_000


async def test_a_lost_connection_abandons_what_waits(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"p1", b"p2")
    await until(lambda: len(service.slots) == 2)
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets the connection
    client.writer.transport.abort()
    await until(lambda: not service.open)
    assert service.abandoned == 2
    service.slots[0][1].complete(framed(b"late"))


async def test_what_is_under_way_is_answered_after_the_peer_has_said_all(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"w1")
    client.writer.write_eof()
    await until(lambda: len(service.slots) == 1)
    service.slots[0][1].complete(framed(b"w1"))
    assert await client.receive() == b"w1"
    assert await client.closed()


async def test_what_was_said_before_the_end_is_served_behind_what_is_under_way(service: Echo, connect: Connect) -> None:
    """A producer without acknowledgements has sent all it has, and leaves; Kafka serves what it has received, too."""
    client = await connect()
    client.send(b"w1", b"n2", b"w3", b"n4")
    client.writer.write_eof()
    await until(lambda: len(service.slots) == 1)
    service.slots[0][1].complete(None)
    await until(lambda: len(service.slots) == 2)
    service.slots[1][1].complete(None)
    assert await client.closed()
    assert service.served == [b"w1", b"n2", b"w3", b"n4"]


async def test_a_request_that_ends_too_soon_keeps_no_connection(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"w1")
    client.writer.write(framed(b"n2")[:-1])
    client.writer.write_eof()
    await until(lambda: len(service.slots) == 1)
    service.slots[0][1].complete(None)
    assert await client.closed()
    await until(lambda: not service.open)


async def test_a_refused_connection_is_closed(service: Echo, connect: Connect) -> None:
    service.accept = False
    client = await connect()
    assert await client.closed()


async def test_no_more_than_so_many_requests_are_under_way(service: Echo, connect: Connect) -> None:
    client = await connect()
    other = await connect()
    client.send(*[b"p%d" % number for number in range(12)])
    await until(lambda: len(service.served) == 5)
    other.send(b"a1")
    assert await other.receive() == b"a1"
    assert service.served[:5] == [b"p%d" % number for number in range(5)]
    assert len(service.slots) == 5
    (connection,) = (one for one in service.open if one.in_flight)
    assert connection.in_flight == 5
    service.slots[0][1].complete(framed(b"p0"))
    assert await client.receive() == b"p0"
    await until(lambda: len(service.slots) == 6)
    for number in range(1, 12):
        await until(functools.partial(has_slot, service, number))
        service.slots[number][1].complete(framed(b"p%d" % number))
        assert await client.receive() == b"p%d" % number


async def test_a_held_connection_is_served_when_it_is_let_go(service: Echo, connect: Connect) -> None:
    service.hold = True
    client = await connect()
    await until(lambda: len(service.open) == 1)
    (held,) = service.open
    service.hold = False
    other = await connect()
    client.send(*[b"a" * 1000] * 200)
    for _ in range(5):
        other.send(b"o")
        assert await other.receive() == b"o"
    assert service.served == [b"o"] * 5
    held.let_go()
    for _ in range(200):
        assert await client.receive() == b"a" * 1000


async def test_a_held_connection_may_leave(service: Echo, connect: Connect) -> None:
    service.hold = True
    client = await connect()
    await until(lambda: len(service.open) == 1)
    client.send(b"a1")
    client.writer.transport.abort()
    await until(lambda: not service.open)
    assert service.served == []


async def test_large_requests_take_turns_with_the_memory(
    service: Echo, connect: Connect, buffers: LargeBuffers
) -> None:
    """One megabyte is allowed: the first takes more, the second waits until the first was dealt with."""
    first, second, other = [await connect() for _ in range(3)]
    large = b"\0\0" + b"l" * 2_000_000
    first.writer.write(framed(large)[:500_000])
    await until(lambda: buffers.reserved_bytes > 0)
    second.send(large)
    for _ in range(20):
        other.send(b"o")
        assert await other.receive() == b"o"
    assert large not in service.served
    first.writer.write(framed(large)[500_000:])
    assert await first.receive() == large
    assert await second.receive() == large


async def test_a_lost_connection_gives_the_memory_back(connect: Connect, buffers: LargeBuffers) -> None:
    first, second = await connect(), await connect()
    large = b"\0\0" + b"l" * 2_000_000
    first.writer.write(framed(large)[:500_000])
    await until(lambda: buffers.reserved_bytes > 0)
    second.send(large)
    first.writer.transport.abort()
    assert await second.receive() == large


async def test_a_large_request_that_is_no_produce_closes_the_connection(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.writer.write(struct.pack(">ih", (3 << 20) + 1, 3))
    assert await client.closed()
    assert [type(error).__name__ for error in service.failures] == ["FrameTooLargeError"]
    produce = await connect()
    produce.send(b"\0\0" + b"p" * (3 << 20))
    assert len(await produce.receive()) == (3 << 20) + 2


def times_of(name: bytes, connection: Connection, *, worked: float = float("inf")) -> Times:
    return (name, connection.began_waiting, connection.last_active, worked, time.perf_counter())


async def test_answers_are_counted_once_they_have_left_in_their_order(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"p1", b"e2", b"p3")
    await until(lambda: len(service.slots) == 2)
    (connection,) = service.open
    (_, first), (_, third) = service.slots
    first.times, third.times = times_of(b"p1", connection), times_of(b"p3", connection)
    third.complete(framed(b"p3"))
    assert service.sent == []
    first.complete(framed(b"p1"))
    assert [name for name, _, _ in service.sent] == [b"p1", b"p3"]
    assert all(waited >= 0 and sending == 0 for _, waited, sending in service.sent)
    assert [await client.receive() for _ in range(3)] == [b"p1", b"e2", b"p3"]


async def test_an_answer_that_waits_for_its_turn_is_counted_with_that_wait(service: Echo, connect: Connect) -> None:
    client = await connect()
    service.timed = True
    client.send(b"p1", b"e2")
    await until(lambda: b"e2" in service.served)
    assert service.sent == []
    before = time.perf_counter()
    await until(lambda: time.perf_counter() > before + 0.002)
    (connection,) = service.open
    (_, first) = service.slots[0]
    first.times = times_of(b"p1", connection)
    first.complete(framed(b"p1"))
    assert [name for name, _, _ in service.sent] == [b"p1", b"e2"]
    assert service.sent[1][1] > 0.001


async def test_who_is_served_second_in_a_turn_of_the_loop_has_waited_for_the_first(
    service: Echo, connect: Connect
) -> None:
    one, other = await connect(), await connect()
    service.busy_seconds = 0.005
    service.timed = True
    one.send(b"1")
    other.send(b"2")
    assert [await one.receive(), await other.receive()] == [b"1", b"2"]
    waited = sorted(service.waited)
    assert waited[0] == 0
    # Whether both are found in one turn is not for the test to say; if they were, the second waited for the first.
    assert waited[1] == 0 or waited[1] > 0.004
    service.waited.clear()
    one.send(b"3")
    await one.receive()
    assert service.waited == [0], "what comes alone waits for nobody"


async def test_sending_takes_as_long_as_the_peer_does_not_read(service: Echo, connect: Connect) -> None:
    client = await connect()
    transport = client.writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    service.timed = True
    client.send(*[b"B"] * 50)
    await until(lambda: any(not one.is_idle for one in service.open))
    assert len(service.sent) < 50
    before = time.perf_counter()
    await until(lambda: time.perf_counter() > before + 0.002)
    transport.resume_reading()
    for _ in range(50):
        await client.receive()
    await until(lambda: len(service.sent) == 50)
    assert max(sending for _, _, sending in service.sent) > 0.001


async def test_what_was_never_taken_is_counted_when_the_peer_is_gone(service: Echo, connect: Connect) -> None:
    client = await connect()
    transport = client.writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    service.timed = True
    client.send(*[b"B"] * 50)
    await until(lambda: any(not one.is_idle for one in service.open))
    counted, served = len(service.sent), len(service.served)
    assert counted < served
    transport.abort()
    await until(lambda: not service.open)
    assert len(service.sent) == served


async def test_time_passes_for_a_peer_that_takes_nothing(service: Echo, connect: Connect) -> None:
    client = await connect()
    transport = client.writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    client.send(*[b"B"] * 50)
    await until(lambda: any(not one.is_idle for one in service.open))
    (connection,) = service.open
    connection.note_progress()
    connection.last_active = 0.0
    connection.note_progress()
    assert connection.last_active == 0.0
    transport.resume_reading()
    for _ in range(50):
        await client.receive()
    connection.note_progress()
    assert connection.last_active > 0.0


async def test_an_ipv4_client_of_a_socket_for_both_has_an_ipv4_address(service: Echo) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    acceptor = Acceptor(service, ConnectionLimits(max_frame_bytes=1000))
    sock = bind("", 0)
    await acceptor.listen(sock, listener="PLAINTEXT", backlog=5)
    _, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1])
    await until(lambda: len(service.open) == 1)
    (connection,) = service.open
    assert (connection.peer_host, connection.local_host) == ("127.0.0.1", "127.0.0.1")
    writer.transport.abort()
    await until(lambda: not service.open)
    await acceptor.close()


async def test_accepted_connections_have_the_buffers_asked_for(service: Echo) -> None:
    acceptor = Acceptor(service, ConnectionLimits(max_frame_bytes=1000))
    sock = bind("127.0.0.1", 0, receive_buffer_bytes=20_000, send_buffer_bytes=30_000)
    await acceptor.listen(sock, listener="PLAINTEXT", backlog=5)
    _, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1])
    await until(lambda: len(service.open) == 1)
    (connection,) = service.open
    assert connection.transport is not None
    accepted = connection.transport.get_extra_info("socket")
    doubled = 2 if sys.platform == "linux" else 1  # Linux counts its own bookkeeping in
    assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 20_000 * doubled
    assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 30_000 * doubled
    assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    writer.transport.abort()
    await until(lambda: not service.open)
    await acceptor.close()


async def test_who_goes_on_sending_while_the_node_stops_gets_what_is_due(service: Echo, connect: Connect) -> None:
    client = await connect()
    client.send(b"w1")
    await until(lambda: len(service.slots) == 1)
    (connection,) = service.open
    connection.drain()
    transport = connection.transport
    assert transport is not None
    for _ in range(10):
        client.send(b"y" * 30_000)
    await until(lambda: not transport.is_reading())
    service.slots[0][1].complete(framed(b"w1"))
    assert await client.receive() == b"w1"
