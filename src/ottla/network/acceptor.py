"""Listening sockets: bound before anything is touched, accepted from once all is ready."""

import asyncio
import contextlib
import socket

from ottla.network.busy_poll import BusyPoll
from ottla.network.driver import Connection, ConnectionLimits, Service
from ottla.network.turn import Turn
from ottla.network.wire import LargeBuffers


class Acceptor:
    """Listening sockets and the connections that came in through them."""

    def __init__(
        self,
        service: Service,
        limits: ConnectionLimits,
        *,
        large_buffers: LargeBuffers | None = None,
        busy_poll_us: int = 0,
    ) -> None:
        self._service = service
        self._limits = limits
        self._large_buffers = large_buffers or LargeBuffers()
        self._servers: list[asyncio.Server] = []
        self._busy_poll_us = busy_poll_us
        self._turn: Turn | None = None

    async def listen(self, sock: socket.socket, *, listener: str, backlog: int) -> None:
        """Accept connections on a bound socket in the name of ``listener``."""
        loop = asyncio.get_running_loop()
        turn = self._turn = self._turn or Turn(BusyPoll(self._busy_poll_us) if self._busy_poll_us else None)
        server = await loop.create_server(
            lambda: Connection(self._service, self._limits, self._large_buffers, listener=listener, turn=turn),
            sock=sock,
            backlog=backlog,
        )
        self._servers.append(server)

    def release_memory(self) -> None:
        """Give back memory for large requests that was not used since this was called last."""
        self._large_buffers.release_unused()

    def socket_descriptors(self) -> list[int]:
        """Return the descriptors of the listening sockets."""
        return [sock.fileno() for server in self._servers for sock in server.sockets]

    def stop_accepting(self) -> None:
        """Accept no more; the connections there are stay."""
        for server in self._servers:
            server.close()

    async def close(self) -> None:
        """Wait until the listening sockets are gone."""
        for server in self._servers:
            server.close()
        self._servers.clear()


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
