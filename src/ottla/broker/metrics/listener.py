"""``ottla.metrics.listener``: /metrics, /healthz and /readyz over HTTP, in the node's own event loop.

Served from before the logs are recovered until after they are closed, so that a start and a stop that take long can be
watched. To answer at all says that the event loop turns.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from importlib import import_module
from typing import TYPE_CHECKING

from ottla.broker.metrics.collected import text_of
from ottla.broker.metrics.outside import ask
from ottla.broker.metrics.watch import Watch
from ottla.network.http import HttpServer, Request, Response
from ottla.runtime.metrics_text import OPENMETRICS, PROMETHEUS, wants_openmetrics

if TYPE_CHECKING:
    from ottla.broker.node import Node

INDEX = """Ottla
/metrics  figures for Prometheus, or in OpenMetrics' format for who asks for it
/healthz  200 while the process does its work, 503 if every log directory has failed
/readyz   200 while clients are served as they should be, else 503 and why
"""


class MetricsListener:
    """The pages of one node."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._server = HttpServer(self.answer)
        self._watch = Watch()
        self._turns = asyncio.Lock()

    async def start(self, sock: socket.socket) -> None:
        """Serve on a bound socket."""
        self._watch.start()
        await self._server.listen(sock)

    async def close(self) -> None:
        """Serve no more."""
        self._watch.stop()
        await self._server.close()

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        match request.path:
            case "/metrics":
                return self._metrics(request)
            case "/healthz":
                failure = self._node.storage_failure
                return Response("ok\n") if failure is None else Response(f"{failure}\n", status=503)
            case "/readyz":
                reason = self._node.not_ready
                return Response("ready\n") if reason is None else Response(f"{reason}\n", status=503)
            case "/":
                return Response(INDEX)
        return Response(INDEX, status=404)

    def _metrics(self, request: Request) -> Response:
        if not self._node.has_figures:
            return Response(f"{self._node.not_ready}\n", status=503)
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        content_type = OPENMETRICS if openmetrics else PROMETHEUS
        return Response(self._text(openmetrics=openmetrics), content_type=content_type)

    async def _text(self, *, openmetrics: bool) -> AsyncIterator[bytes]:
        node = self._node
        folders = [directory.path for directory in node.logs.directories]
        # All that collects is imported for the first scrape, in a thread: neither a start nor a client waits for it.
        catalogue = await node.tasks.in_thread(import_module, "ottla.broker.metrics.catalogue")
        outside = await node.tasks.in_thread(ask, node.storage.files, folders)
        async for piece in text_of(catalogue.collect(node, self._watch, outside), self._turns, openmetrics=openmetrics):
            yield piece
