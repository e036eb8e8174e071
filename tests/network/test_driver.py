"""The driver of a connection, over real sockets: order, pipelining, and peers that do not read."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ottla.model.errors import MalformedMessage, PeerError
from ottla.network.driver import Acceptor, Connection, ConnectionLimits, Payload, Slot, bind


class Echo:
    """Answers each frame by what its first byte asks for."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self.failures: list[PeerError] = []
        self.slots: list[tuple[bytes, Slot]] = []
        self.served: list[bytes] = []
        self.accept = True
        self.abandoned = 0

    def serve(self, frame: memoryview, connection: Connection) -> Payload | Slot | None:
        body = bytes(frame)
        self.served.append(body)
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
        return self.accept

    def connection_closed(self, connection: Connection) -> None:
        self.open.discard(connection)

    def peer_failed(self, connection: Connection, error: PeerError) -> None:
        self.failures.append(error)


Connect = Callable[[], Awaitable["Client"]]


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
async def connect(service: Echo) -> AsyncIterator["Connect"]:
    acceptor = Acceptor(service, ConnectionLimits(max_frame_bytes=4 << 20, write_buffer_bytes=256 << 10))
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


async def test_a_refused_connection_is_closed(service: Echo, connect: Connect) -> None:
    service.accept = False
    client = await connect()
    assert await client.closed()
