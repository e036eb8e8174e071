"""The connections of a node: how many there may be, which have gone silent, and what their peers did wrong."""

import logging
import traceback
from collections import Counter
from typing import TYPE_CHECKING

from ottla.model.errors import PeerError
from ottla.network.driver import Connection
from ottla.runtime.quiet_log import QuietLog

if TYPE_CHECKING:
    from ottla.runtime.clock import Clock

logger = logging.getLogger(__name__)

SILENT_MS = 10_000


class ConnectionQuota:
    """``max.connections`` and ``max.connections.per.ip`` with its overrides; changeable while the node runs."""

    __slots__ = ("overrides", "per_host", "total")

    def __init__(self, *, total: int, per_host: int, overrides: dict[str, int]) -> None:
        self.total = total
        self.per_host = per_host
        self.overrides = overrides


class Connections:
    """All open connections, with counters of what was refused, closed and done wrong."""

    def __init__(self, *, clock: "Clock", quota: ConnectionQuota, max_idle_ms: float) -> None:
        self.quota = quota
        self.max_idle_ms = max_idle_ms
        self.refused = 0
        self.expired = 0
        self.peer_errors: Counter[str] = Counter()
        self.handler_errors: Counter[str] = Counter()
        self._open: set[Connection] = set()
        self._per_host: Counter[str] = Counter()
        self._quiet = QuietLog(logger, clock)

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> list[Connection]:
        """Return the open connections as they are now."""
        return list(self._open)

    def opened(self, connection: Connection) -> bool:
        """Take a connection in, unless it is one too many."""
        host = connection.peer_host
        limit = self.quota.overrides.get(host, self.quota.per_host)
        if len(self._open) >= self.quota.total or self._per_host[host] >= limit:
            self.refused += 1
            self._quiet.warning(
                "connection refused",
                "refused a connection from %s: %d are open, %d of them from there (max.connections, "
                "max.connections.per.ip)",
                host,
                len(self._open),
                self._per_host[host],
            )
            return False
        self._open.add(connection)
        self._per_host[host] += 1
        return True

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        host = connection.peer_host
        self._per_host[host] -= 1
        if self._per_host[host] <= 0:
            del self._per_host[host]

    def failed(self, connection: Connection, error: PeerError) -> None:
        """Count what a peer did wrong, and say it at most once a second."""
        kind = type(error).__name__
        self.peer_errors[kind] += 1
        self._quiet.warning(
            kind, "closing the connection of %s:%d: %s", connection.peer_host, connection.peer_port, error
        )

    def handler_failed(self, api: str, version: int, connection: Connection, error: Exception) -> None:
        """Count a fault of ours, and say where it is at most once a second."""
        self.handler_errors[api] += 1
        self._quiet.error(
            api,
            "%s version %d of %s:%d failed here, its connection is closed: %r\n%s",
            api,
            version,
            connection.peer_host,
            connection.peer_port,
            error,
            "".join(traceback.format_exception(error)),
        )

    def sweep(self, now: float) -> None:
        """Close what was silent for ``connections.max.idle.ms`` and take back the buffers of the merely quiet.

        ``now`` is the event loop's time in seconds.
        """
        oldest = now - self.max_idle_ms / 1000.0
        quiet = now - SILENT_MS / 1000.0
        for connection in list(self._open):
            if connection.last_active < quiet and connection.is_idle:
                if self.max_idle_ms >= 0 and connection.last_active < oldest:
                    self.expired += 1
                    connection.abort()
                else:
                    connection.release_buffers()
            elif connection.closing and connection.last_active < oldest:
                # A peer that neither reads what is owed to it nor hangs up.
                connection.abort()
