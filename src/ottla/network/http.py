"""As much of an HTTP/1.1 server as pages for machines need: GET and HEAD, without bodies, on the event loop.

Written by hand because it is small and has to start at once (``docs/decisions/0004-http-by-hand.md``). Whoever is on
the other side can cost little: a request is at most ``MAX_HEAD_BYTES`` and has to be there within ``REQUEST_SECONDS``,
an answer has to be taken within ``ANSWER_SECONDS``, and of more than ``MAX_CONNECTIONS`` the idlest gives way.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from ottla.model.errors import PeerError

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 20
MAX_HEAD_BYTES = 8192
REQUEST_SECONDS = 5.0
"""From a request's first byte to its last."""
IDLE_SECONDS = 120.0
"""Between two requests of one connection."""
ANSWER_SECONDS = 30.0
LINGER_SECONDS = 1.0
HEAD_END = b"\r\n\r\n"

REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
TEXT = "text/plain; charset=utf-8"


class HttpError(PeerError):
    """A request that cannot be served; the connection is closed after the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request:
    """One request; header names are lower case, and of those given twice the last counts."""

    __slots__ = ("headers", "method", "minor_version", "path")

    def __init__(self, method: str, path: str, minor_version: int, headers: dict[str, str]) -> None:
        self.method = method
        self.path = path
        self.minor_version = minor_version
        self.headers = headers

    @property
    def keeps_connection(self) -> bool:
        """Whether the client may send another request on this connection."""
        wish = self.headers.get("connection", "").lower()
        return wish == "keep-alive" if self.minor_version == 0 else "close" not in wish

    @property
    def has_body(self) -> bool:
        """Whether a body follows, which nobody will read."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"


class Response:
    """One answer. A body in pieces is sent as they come; for HEAD none of it is asked for."""

    __slots__ = ("body", "content_type", "status")

    def __init__(self, body: str | AsyncIterator[bytes], *, status: int = 200, content_type: str = TEXT) -> None:
        self.body = body
        self.status = status
        self.content_type = content_type


Handler = Callable[[Request], Awaitable[Response]]


def parse_head(head: bytes) -> Request:
    """Return the request that ``head`` says, without its empty line. Raises HttpError."""
    line, *fields = head.decode("latin-1").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        raise HttpError(400, "not a request line")
    method, target, version = words
    if version not in ("HTTP/1.0", "HTTP/1.1"):
        raise HttpError(505 if version.startswith("HTTP/") else 400, "HTTP/1.0 and HTTP/1.1 are served")
    headers: dict[str, str] = {}
    for field in fields:
        name, colon, value = field.partition(":")
        if not colon or not name or name != name.strip():
            raise HttpError(400, "not a header field")
        headers[name.lower()] = value.strip(" \t")
    return Request(method, target.partition("?")[0], int(version[-1]), headers)


class HttpServer:
    """Serves ``handler`` on one socket."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], bool] = {}
        """Every connection, in the order of its last activity, and whether it is idle."""

    async def listen(self, sock: socket.socket) -> None:
        """Accept connections on a bound socket."""
        self._server = await asyncio.start_server(self._connected, sock=sock, limit=MAX_HEAD_BYTES)

    async def close(self) -> None:
        """Accept no more, and end what is open."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._make_room()
        self._mark(task, idle=True)
        try:
            await self._serve(reader, writer, task)
        except asyncio.CancelledError:
            # The server closes, or this connection made room for another.
            writer.transport.abort()
        except (OSError, TimeoutError):
            writer.transport.abort()
        except Exception:
            logger.exception("an HTTP connection failed here")
            writer.transport.abort()
        finally:
            self._tasks.pop(task, None)
            writer.close()

    def _make_room(self) -> None:
        """If there are too many connections, close the one that was idle longest, or has been answered for longest.

        Whoever comes is let in: a question for the node's health must not fail because somebody holds all places.
        """
        if len(self._tasks) >= MAX_CONNECTIONS:
            task = next((task for task, idle in self._tasks.items() if idle), next(iter(self._tasks)))
            del self._tasks[task]
            task.cancel()

    def _mark(self, task: asyncio.Task[None], *, idle: bool) -> None:
        """Put a connection last in the order of activity."""
        self._tasks.pop(task, None)
        self._tasks[task] = idle

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        keeps = True
        while keeps:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    first = await reader.read(1)
                if not first:
                    return
                request = await self._read(first, reader)
                self._mark(task, idle=False)
                keeps = request.keeps_connection and not request.has_body
                if request.method not in ("GET", "HEAD"):
                    raise HttpError(405, "GET and HEAD are served")
                response = await self._answer(request)
            except HttpError as error:
                keeps = False
                request = Request("GET", "/", 1, {})
                response = Response(f"{error}\n", status=error.status)
            async with asyncio.timeout(ANSWER_SECONDS):
                keeps = await _write(writer, request, response, keeps=keeps)
            self._mark(task, idle=True)
        await _linger(reader, writer)

    async def _read(self, first: bytes, reader: asyncio.StreamReader) -> Request:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = first + await reader.readuntil(HEAD_END)
        except TimeoutError:
            raise HttpError(408, "the request did not come to an end") from None
        except asyncio.LimitOverrunError:
            raise HttpError(431, f"a request has at most {MAX_HEAD_BYTES} bytes") from None
        except asyncio.IncompleteReadError:
            raise ConnectionResetError from None
        if len(head) > MAX_HEAD_BYTES:
            raise HttpError(431, f"a request has at most {MAX_HEAD_BYTES} bytes")
        return parse_head(head.removesuffix(HEAD_END))

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except Exception:
            logger.exception("%s %s failed here", request.method, request.path)
            return Response("a fault of the node's own; its log says more\n", status=500)


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what the client still sends, for a moment: to close over it would take the answer away from it."""
    if writer.transport.is_closing():
        return
    writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            for _ in range(MAX_HEAD_BYTES):
                if not await reader.read(MAX_HEAD_BYTES):
                    return


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if writer.transport.is_closing():  # uvloop's transport would call it a fault of ours
        raise ConnectionResetError
    writer.write(data)


async def _write(writer: asyncio.StreamWriter, request: Request, response: Response, *, keeps: bool) -> bool:
    """Send an answer; return whether the connection goes on."""
    body = response.body
    if isinstance(body, str):
        content = body.encode()
        _send(writer, _head(response, keeps=keeps, length=len(content)))
        if request.method != "HEAD":
            _send(writer, content)
        await writer.drain()
        return keeps
    chunked = request.minor_version > 0
    keeps = keeps and chunked
    _send(writer, _head(response, keeps=keeps, chunked=chunked))
    if request.method != "HEAD":
        async for piece in body:
            _send(writer, b"%x\r\n%s\r\n" % (len(piece), piece) if chunked and piece else piece)
            await writer.drain()
        if chunked:
            _send(writer, b"0\r\n\r\n")
    await writer.drain()
    return keeps


def _head(response: Response, *, keeps: bool, length: int | None = None, chunked: bool = False) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {REASONS[response.status]}",
        f"Content-Type: {response.content_type}",
        "Cache-Control: no-store",
        f"Connection: {'keep-alive' if keeps else 'close'}",
    ]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    if response.status == 405:
        lines.append("Allow: GET, HEAD")
    return "\r\n".join(lines).encode("latin-1") + HEAD_END
