"""One connection to one broker: requests go out, answers come back to whoever waits for them.

:func:`connect` connects, does TLS if it is wanted, agrees on versions (ApiVersions, KIP-35 and KIP-511) and logs in
(SASL, KIP-43 and KIP-152). Afterwards any number of requests may be under way; a broker answers them in order. A
request that is not answered in ``request.timeout.ms`` costs the connection, since nothing behind it can be answered
either; that its caller has gone away before that costs nothing.
"""

import asyncio
from struct import Struct
from typing import Final, cast

from ottla.model.errors import MalformedMessage, UnsupportedVersion
from ottla.network.wire import FrameReader, FrameTooLargeError, LargeBuffers
from ottla.protocol.api import codec, decode_response
from ottla.protocol.api_table import ApiKey
from ottla.protocol.header import decode_response_header, encode_request_header
from ottla.protocol.message import Message

from .address import Address
from .errors import ClientClosed, ConnectionFailed, InvalidResponse, UnsupportedByBroker
from .versions import choose

MAX_RESPONSE_BYTES: Final = 1 << 30
MAX_FIRST_RESPONSE_BYTES: Final = 1 << 18
"""Before we know that it is a broker that speaks: an HTTP server's answer has a size of over a gigabyte."""

_size = Struct(">i")
_buffers = LargeBuffers(keep=1)


class _Waiting:
    """A request that is under way."""

    __slots__ = ("api_key", "future", "version")

    def __init__(self, api_key: int, version: int, future: "asyncio.Future[Message]") -> None:
        self.api_key = api_key
        self.version = version
        self.future = future


class Connection(asyncio.BufferedProtocol):
    """A connection to the broker at ``address``; made by :func:`ottla.client.handshake.connect`."""

    def __init__(self, address: Address, client_id: str, request_timeout_s: float) -> None:
        self.address = address
        self.versions: dict[int, tuple[int, int]] = {}
        self.expires_at: float | None = None
        """When the broker wants to see a new login (KIP-368), on the loop's clock."""
        self._client_id = client_id
        self._request_timeout_s = request_timeout_s
        self._reader = FrameReader(MAX_FIRST_RESPONSE_BYTES, _buffers)
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._next_correlation_id = 0
        self._lost: Exception | None = None
        self._retiring = False
        self._gone = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._loop = asyncio.get_running_loop()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the next bytes go."""
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take what has come."""
        self._reader.received(nbytes)
        try:
            while (frame := self._reader.next_frame()) is not None:
                self._take(frame)
        except FrameTooLargeError as error:
            # The limit's name in the text is a broker's.
            failed = InvalidResponse(f"{self.address} does not answer like a Kafka broker: its first bytes are no size")
            failed.__cause__ = error
            self._fail(failed)
        except MalformedMessage as error:
            self._fail(InvalidResponse(f"{self.address} does not answer like a Kafka broker: {error}"))
        self._reader.give_back()
        if self._retiring and not self._waiting:
            self.close()

    def eof_received(self) -> None:
        """The broker says no more: let the connection be closed."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, and with it whoever waits."""
        why = f": {exc}" if exc is not None and str(exc) else ""
        failed = ConnectionFailed(f"lost the connection to {self.address}{why}")
        failed.__cause__ = exc
        self._fail(failed)
        self._reader.close()
        self._gone.set()

    def pause_writing(self) -> None:
        """The broker reads more slowly than we write."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The broker has caught up."""
        self._may_write.set()

    # What the client calls

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        if self.expires_at is not None and self._loop.time() >= self.expires_at:
            return False
        return self._lost is None and not self._retiring

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of it."""
        return self._gone.is_set()

    def version(self, api_key: int, newest: int | None = None) -> int:
        """Return the version that requests of an API have on this connection; UnsupportedByBroker if there is none."""
        return choose(api_key, self.versions, newest)

    async def request(
        self,
        api_key: int,
        message: Message,
        *,
        version: int | None = None,
        timeout_s: float | None = None,
    ) -> Message:
        """Send a request and return the answer.

        Raises ConnectionFailed if the connection is lost before it comes, or if it does not come in ``timeout_s``
        (default ``request.timeout.ms``), which closes it; UnsupportedByBroker, InvalidResponse.
        """
        if version is None:
            version = self.version(api_key)
        wait_s = self._request_timeout_s if timeout_s is None else timeout_s
        overdue_at = self._loop.time() + wait_s
        overdue = ConnectionFailed(f"{self.address} did not answer within {wait_s * 1000:.0f} ms")
        try:
            async with asyncio.timeout_at(overdue_at):
                correlation_id = await self._send(api_key, message, version)
                future: asyncio.Future[Message] = self._loop.create_future()
                self._waiting[correlation_id] = _Waiting(api_key, version, future)
                try:
                    return await future
                except asyncio.CancelledError:
                    self._loop.call_at(overdue_at, self._still_silent, correlation_id, overdue)
                    raise
        except TimeoutError:
            self._fail(overdue)
            raise overdue from None

    def _still_silent(self, correlation_id: int, overdue: ConnectionFailed) -> None:
        """The time is over for a request that nobody waits for any more."""
        if correlation_id in self._waiting:
            self._fail(overdue)

    async def send(self, api_key: int, message: Message) -> None:
        """Send a request that has no answer (Produce with acks=0).

        Raises ConnectionFailed, and closes the connection, if the broker takes nothing for ``request.timeout.ms``.
        """
        wait_s = self._request_timeout_s
        try:
            async with asyncio.timeout(wait_s):
                await self._send(api_key, message, self.version(api_key))
        except TimeoutError:
            error = ConnectionFailed(f"{self.address} took nothing for {wait_s * 1000:.0f} ms")
            self._fail(error)
            raise error from None

    def close(self) -> None:
        """Close it; whoever waits gets ClientClosed."""
        self._fail(ClientClosed(f"the connection to {self.address} was closed"))

    def close_when_idle(self) -> None:
        """Send nothing new, and close it once everything is answered."""
        self._retiring = True
        if not self._waiting:
            self.close()

    async def wait_closed(self) -> None:
        """Close it and wait until the transport is gone."""
        self.close()
        await self._gone.wait()

    def widen(self) -> None:
        """Allow answers of any size: it is a broker, and it knows us."""
        assert self._reader.is_idle
        self._reader = FrameReader(MAX_RESPONSE_BYTES, _buffers)

    async def _send(self, api_key: int, message: Message, version: int) -> int:
        while not self._may_write.is_set() and self._lost is None:
            await self._may_write.wait()
        if self._lost is not None:
            raise ConnectionFailed(str(self._lost)) from self._lost
        assert self._transport is not None
        correlation_id = self._next_correlation_id
        self._next_correlation_id = (correlation_id + 1) & 0x7FFFFFFF
        out = bytearray(4)
        encode_request_header(out, api_key, version, correlation_id, self._client_id)
        try:
            codec(api_key).encode_request(message, version, out)
        except (UnsupportedVersion, ValueError) as error:
            # A field that the version in use has no place for, and that may not be left out.
            raise UnsupportedByBroker(f"the broker at {self.address} is too old for this: {error}") from error
        _size.pack_into(out, 0, len(out) - 4)
        self._transport.write(out)
        return correlation_id

    def _take(self, frame: memoryview) -> None:
        if len(frame) < 4:
            raise MalformedMessage(f"an answer of {len(frame)} bytes")
        correlation_id = int.from_bytes(frame[:4], "big", signed=True)
        waiting = self._waiting.pop(correlation_id, None)
        if waiting is None:
            raise MalformedMessage(f"an answer to request {correlation_id}, which was not sent")
        if waiting.future.done():
            return
        # A copy: the records of a fetch are views of it, and live for as long as the caller keeps them.
        data = bytes(frame)
        try:
            _, pos = decode_response_header(data, waiting.api_key, waiting.version)
            waiting.future.set_result(_decode(waiting.api_key, waiting.version, data, pos))
        except MalformedMessage as error:
            text = f"{self.address} sent an answer that cannot be read: {error}"
            waiting.future.set_exception(InvalidResponse(text))
            self._fail(InvalidResponse(text))

    def _fail(self, error: Exception) -> None:
        if self._lost is None:
            self._lost = error
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            if not request.future.done():
                request.future.set_exception(self._lost)
        self._may_write.set()
        if self._transport is not None:
            self._transport.abort()


def _decode(api_key: int, version: int, data: bytes, pos: int) -> Message:
    if api_key == ApiKey.API_VERSIONS and version > 0 and data[pos : pos + 2] == b"\x00\x23":
        # A broker that does not know the version says UNSUPPORTED_VERSION in version 0 (KIP-511).
        version = 0
    return decode_response(api_key, version, data, pos)


__all__ = ["Connection"]
