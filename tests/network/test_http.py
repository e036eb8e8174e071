"""The HTTP side of the metrics listener over real sockets: well-meaning clients, and those who are not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.network import http
from ottla.network.acceptor import bind
from ottla.network.http import HttpError, HttpServer, Request, Response, parse_head

Exchange = Callable[[bytes], Awaitable[bytes]]


class Pages:
    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.may_go_on = asyncio.Event()

    async def answer(self, request: Request) -> Response:
        self.requests.append(request)
        match request.path:
            case "/pieces":
                return Response(self.pieces(), content_type="text/x")
            case "/wait":
                await self.may_go_on.wait()
                return Response("waited\n")
            case "/fault":
                raise RuntimeError("boom")
            case "/large":
                return Response("x" * 50_000_000)
        return Response(f"you asked for {request.path}\n", status=200 if request.path == "/" else 404)

    async def pieces(self) -> AsyncIterator[bytes]:
        for piece in (b"one\n", b"two\n"):
            yield piece
            await asyncio.sleep(0)


class Rig:
    def __init__(self, pages: Pages, port: int) -> None:
        self.pages = pages
        self.port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, said: bytes) -> bytes:
        """Send, and return all that comes until the server closes."""
        reader, writer = await self.connect()
        writer.write(said)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return answer

    async def status(self, said: bytes) -> int:
        return int((await self.say(said)).split(b" ", 2)[1])


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    pages = Pages()
    server = HttpServer(pages.answer)
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    await server.listen(sock)
    yield Rig(pages, port)
    await server.close()


CLOSE = b"Connection: close\r\n\r\n"


async def test_a_page(rig: Rig) -> None:
    head, _, body = (await rig.say(b"GET / HTTP/1.1\r\nHost: x\r\n" + CLOSE)).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 200 OK"
    assert b"Content-Length: 16" in head
    assert b"Content-Type: text/plain; charset=utf-8" in head
    assert body == b"you asked for /\n"
    assert await rig.status(b"GET /nowhere HTTP/1.1\r\n" + CLOSE) == 404
    assert rig.pages.requests[-1].path == "/nowhere"


async def test_what_stands_behind_a_question_mark_is_not_the_path(rig: Rig) -> None:
    assert await rig.status(b"GET /?a=/b HTTP/1.1\r\n" + CLOSE) == 200


async def test_pieces_are_chunks(rig: Rig) -> None:
    head, _, body = (await rig.say(b"GET /pieces HTTP/1.1\r\n" + CLOSE)).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"


async def test_an_old_client_gets_pieces_until_the_end(rig: Rig) -> None:
    head, _, body = (await rig.say(b"GET /pieces HTTP/1.0\r\n\r\n")).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == b"one\ntwo\n"


async def test_head_has_no_body(rig: Rig) -> None:
    for path in (b"/", b"/pieces", b"/nowhere"):
        answer = await rig.say(b"HEAD " + path + b" HTTP/1.1\r\n" + CLOSE)
        assert answer.endswith(b"\r\n\r\n")
        assert answer.count(b"\r\n\r\n") == 1


async def test_requests_follow_one_another_on_a_connection(rig: Rig) -> None:
    reader, writer = await rig.connect()
    writer.write(b"GET / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\nGET /pieces HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(10):
        answers = await reader.readuntil(b"0\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    writer.close()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"DELETE / HTTP/1.1\r\n\r\n", 405),
        (b"get / HTTP/1.1\r\n\r\n", 405),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
        (b"\r\n\r\n\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad name : x\r\n\r\n", 400),
        (b"\x00\xff\x16\x03\x01 garbage\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n", 431),
        (b"GET /" + b"x" * 100_000, 431),
        (b"GET /fault HTTP/1.1\r\n" + CLOSE, 500),
    ],
)
async def test_what_is_wrong_is_refused(rig: Rig, said: bytes, status: int) -> None:
    assert await rig.status(said) == status
    assert await rig.status(b"GET / HTTP/1.1\r\n" + CLOSE) == 200


async def test_a_body_is_not_read(rig: Rig) -> None:
    answer = await rig.say(b"GET / HTTP/1.1\r\nContent-Length: 20\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert answer.count(b"HTTP/1.1") == 1


async def test_who_takes_too_long_to_ask_is_told_so(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.05)
    assert await rig.status(b"GET / HTT") == 408


async def test_who_says_nothing_is_let_go(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "IDLE_SECONDS", 0.05)
    assert await rig.say(b"") == b""


async def test_who_does_not_read_is_cut_off(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_SECONDS", 0.1)
    reader, writer = await rig.connect()
    transport = writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    transport.pause_reading()
    writer.write(b"GET /large HTTP/1.1\r\n\r\n")
    await asyncio.sleep(0.3)
    transport.resume_reading()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        async with asyncio.timeout(10):
            await reader.readexactly(50_000_000)
    writer.close()


async def test_one_too_many_takes_the_place_of_the_idlest(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 3)
    first = await rig.connect()
    others = []
    for _ in range(3):
        reader, writer = await rig.connect()
        others.append(writer)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(10):
            await reader.readuntil(b"for /\n")
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            assert await first[0].read() == b""
    for writer in (first[1], *others):
        writer.close()
    assert await rig.status(b"GET / HTTP/1.1\r\n" + CLOSE) == 200


async def test_where_all_are_being_answered_the_one_that_takes_longest_has_to_go(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 2)
    busy = []
    for number in (1, 2):
        reader, writer = await rig.connect()
        busy.append((reader, writer))
        writer.write(b"GET /wait HTTP/1.1\r\n" + CLOSE)
        async with asyncio.timeout(10):
            while len(rig.pages.requests) < number:  # noqa: ASYNC110 - the server's task is what is waited for
                await asyncio.sleep(0.001)
    assert await rig.status(b"GET / HTTP/1.1\r\n" + CLOSE) == 200
    rig.pages.may_go_on.set()
    answers = []
    for reader, writer in busy:
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                answers.append(await reader.read())
        writer.close()
    assert [answer[-7:] for answer in answers if answer] == [b"waited\n"]


@given(st.binary(max_size=300))
def test_no_head_is_a_fault_of_ours(head: bytes) -> None:
    with contextlib.suppress(HttpError):
        assert parse_head(head).path.startswith("/")
