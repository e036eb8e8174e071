"""A line in the log for a request that took long, with the parts of its time; at most one a second.

``ottla.log.slow.request.ms`` says what is long. What counts is the time that the request waited for its turn and the
time that this node worked on it: a fetch that waits for records or a JoinGroup that waits for members is not slow.
"""

import logging
from typing import TYPE_CHECKING

from ottla.network.driver import Connection, Times
from ottla.runtime.quiet_log import QuietLog

if TYPE_CHECKING:
    from ottla.runtime.clock import Clock

logger = logging.getLogger(__name__)


class SlowRequests:
    """Says which requests took ``limit_seconds`` or longer."""

    __slots__ = ("_quiet", "limit_seconds")

    def __init__(self, clock: "Clock", limit_ms: int) -> None:
        self._quiet = QuietLog(logger, clock)
        self.limit_seconds = 0.0
        self.set_limit(limit_ms)

    def set_limit(self, limit_ms: int) -> None:
        """Speak of requests from ``limit_ms`` milliseconds on; -1: of none."""
        self.limit_seconds = float("inf") if limit_ms < 0 else limit_ms / 1000

    def say(self, connection: Connection, times: Times, written: float, sent: float) -> None:
        """Log a slow request, unless another one was logged within the second."""
        request, began_waiting, started, worked, answered = times
        parts = {
            "total_ms": sent - began_waiting,
            "queue_ms": started - began_waiting,
            "local_ms": worked - started,
            "remote_ms": answered - worked,
            "response_queue_ms": written - answered,
            "response_send_ms": sent - written,
        }
        figures = {name: round(seconds * 1000, 1) for name, seconds in parts.items()}
        self._quiet.warning(
            "slow request",
            "slow: %s version %d of %s at %s:%d took %.1f ms: queue %.1f, local %.1f, remote %.1f, "
            "response queue %.1f, response send %.1f",
            request.name,
            request.version,
            connection.client_id,
            connection.peer_host,
            connection.peer_port,
            *figures.values(),
            fields={
                "api": request.name,
                "version": request.version,
                "client_id": connection.client_id,
                "client": f"{connection.peer_host}:{connection.peer_port}",
                **figures,
            },
        )
