"""The connections of a node: how many there may be, which have gone silent, and what their peers did wrong.

One more than ``max.connections`` is closed at once. One that comes sooner than ``max.connection.creation.rate`` allows
is held until it is its turn, as in Kafka, where it waits to be accepted: to the client both look alike. At most as many
wait as would in the operating system's queue (``socket.listen.backlog.size``); one more is closed.
"""

import logging
import traceback
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ottla.model.errors import PeerError
from ottla.network.driver import STOPPING, Connection
from ottla.runtime.quiet_log import QuietLog

if TYPE_CHECKING:
    from ottla.runtime.clock import Clock, Timer

logger = logging.getLogger(__name__)

SILENT_MS = 10_000
SECOND_MS = 1000.0
UNLIMITED = 2**31 - 1
"""Kafka's word for no limit."""


PEER_CLOSED = "peer"
"""The client hung up, or its host or the way to it is gone."""
PROTOCOL_CLOSED = "protocol"
"""What it sent cannot be understood or is not served; or a produce without acks failed, which is told in this way."""
IDLE_CLOSED = "idle"
"""It was silent for ``connections.max.idle.ms``."""
INTERNAL_CLOSED = "internal"
"""A fault of ours."""
STOPPING_CLOSED = STOPPING
"""The node stops."""
CLOSE_REASONS = (PEER_CLOSED, PROTOCOL_CLOSED, IDLE_CLOSED, INTERNAL_CLOSED, STOPPING_CLOSED)


class ConnectionQuota:
    """How many connections there may be and how many may come in a second; replaced when a dynamic setting changes.

    ``max.connections`` and ``max.connection.creation.rate`` hold for the node, and may be set lower for a listener
    (``listener.name.<name>.``); ``max.connections.per.ip`` for one client address, unless that has an override.
    """

    __slots__ = ("of_listeners", "overrides", "per_host", "rate", "rate_of_listeners", "total")

    def __init__(
        self,
        *,
        total: int = UNLIMITED,
        per_host: int = UNLIMITED,
        overrides: Mapping[str, int] | None = None,
        of_listeners: Mapping[str, int] | None = None,
        rate: int = UNLIMITED,
        rate_of_listeners: Mapping[str, int] | None = None,
    ) -> None:
        self.total = total
        self.per_host = per_host
        self.overrides = overrides or {}
        self.of_listeners = of_listeners or {}
        self.rate = rate
        self.rate_of_listeners = rate_of_listeners or {}


class Turns:
    """Who may come when, if ``rate`` may come in a second: a bucket of one second's tokens that goes below zero."""

    __slots__ = ("_full_ms",)

    def __init__(self) -> None:
        self._full_ms = -float("inf")
        """When the bucket is full again."""

    def delay_ms(self, rate: int, now_ms: float) -> float:
        """Return how long the next one would have to wait."""
        if rate >= UNLIMITED:
            return 0.0
        if rate <= 0:
            return float("inf")
        return max(0.0, self._full_ms + SECOND_MS / rate - SECOND_MS - now_ms)

    def take(self, rate: int, now_ms: float) -> None:
        """Take a token."""
        if 0 < rate < UNLIMITED:
            self._full_ms = max(self._full_ms, now_ms) + SECOND_MS / rate


class Connections:
    """All open connections, with counters of what was refused, closed and done wrong."""

    def __init__(
        self, *, clock: "Clock", quota: ConnectionQuota, max_idle_ms: float, max_waiting: int = UNLIMITED
    ) -> None:
        self.quota = quota
        self.max_idle_ms = max_idle_ms
        self.max_waiting = max_waiting
        self.opened_count = 0
        """Connections that were taken in."""
        self.closed_count = 0
        """Of these, the ones that are gone."""
        self.refused = 0
        self.delayed = 0
        """Connections that had to wait for their turn."""
        self.expired = 0
        self.closed_by: Counter[str] = Counter()
        """Why connections are gone, one of the ``*_CLOSED`` reasons."""
        self.peer_errors: Counter[str] = Counter()
        self.handler_errors: Counter[str] = Counter()
        self._open: set[Connection] = set()
        self._waiting: dict[Connection, Timer] = {}
        self._per_host: Counter[str] = Counter()
        self._per_listener: Counter[str] = Counter()
        self._turns = Turns()
        self._turns_of_listeners: defaultdict[str, Turns] = defaultdict(Turns)
        self._clock = clock
        self._quiet = QuietLog(logger, clock)

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> list[Connection]:
        """Return the open connections as they are now."""
        return list(self._open)

    def by_listener(self) -> dict[str, int]:
        """Return how many are open of each listener that has any."""
        return dict(self._per_listener)

    @property
    def waiting_count(self) -> int:
        """How many connections wait for their turn."""
        return len(self._waiting)

    def opened(self, connection: Connection) -> bool:
        """Take a connection in, perhaps held for a while, unless it is one too many."""
        host, listener = connection.peer_host, connection.listener
        quota = self.quota
        if (
            len(self._open) >= quota.total
            or self._per_host[host] >= quota.overrides.get(host, quota.per_host)
            or self._per_listener[listener] >= quota.of_listeners.get(listener, UNLIMITED)
        ):
            self._refuse("max.connections, max.connections.per.ip", connection)
            return False
        if not self._take_turn(connection):
            self._refuse("max.connection.creation.rate, socket.listen.backlog.size", connection)
            return False
        self._open.add(connection)
        self._per_host[host] += 1
        self._per_listener[listener] += 1
        self.opened_count += 1
        return True

    def _refuse(self, limits: str, connection: Connection) -> None:
        self.refused += 1
        host = connection.peer_host
        self._quiet.warning(
            "connection refused",
            "refused a connection from %s to %s: %d are open, %d of them from there, %d wait (%s)",
            host,
            connection.listener,
            len(self._open),
            self._per_host[host],
            len(self._waiting),
            limits,
        )

    def _take_turn(self, connection: Connection) -> bool:
        """Let a connection begin, now or when it is its turn; return whether it may wait so long at all."""
        quota, listener = self.quota, connection.listener
        own_rate = quota.rate_of_listeners.get(listener, UNLIMITED)
        if quota.rate >= UNLIMITED and own_rate >= UNLIMITED:
            return True
        now_ms = self._clock.monotonic_ms()
        own_turns = self._turns_of_listeners[listener]
        delay_ms = max(self._turns.delay_ms(quota.rate, now_ms), own_turns.delay_ms(own_rate, now_ms))
        if delay_ms > 0:
            if delay_ms == float("inf") or len(self._waiting) >= self.max_waiting:
                return False
            self.delayed += 1
            connection.hold()
            self._waiting[connection] = self._clock.call_later(delay_ms, lambda: self._let_go(connection))
        self._turns.take(quota.rate, now_ms)
        own_turns.take(own_rate, now_ms)
        return True

    def _let_go(self, connection: Connection) -> None:
        del self._waiting[connection]
        connection.let_go()

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        self.closed_count += 1
        self.closed_by[connection.close_reason or PEER_CLOSED] += 1
        timer = self._waiting.pop(connection, None)
        if timer is not None:
            timer.cancel()
        for counter, key in ((self._per_host, connection.peer_host), (self._per_listener, connection.listener)):
            counter[key] -= 1
            if counter[key] <= 0:
                del counter[key]

    def failed(self, connection: Connection, error: PeerError) -> None:
        """Count what a peer did wrong, and say it at most once a second."""
        kind = type(error).__name__
        connection.close_reason = PROTOCOL_CLOSED
        self.peer_errors[kind] += 1
        self._quiet.warning(
            kind, "closing the connection of %s:%d: %s", connection.peer_host, connection.peer_port, error
        )

    def handler_failed(
        self, api: str, version: int, connection: Connection, error: Exception, *, where: str = "handler"
    ) -> None:
        """Count a fault of ours, and say where it is at most once a second."""
        connection.close_reason = INTERNAL_CLOSED
        self.handler_errors[api] += 1
        self._quiet.error(
            api,
            "%s version %d (%s) of %s:%d failed here, its connection is closed: %r\n%s",
            api,
            version,
            where,
            connection.peer_host,
            connection.peer_port,
            error,
            "".join(traceback.format_exception(error)),
        )

    def sweep(self, now: float) -> None:
        """Close what was silent for ``connections.max.idle.ms`` and take back the buffers of the merely quiet.

        As in Kafka, a peer that takes what is sent to it is not silent, and an answer that is long in coming is no
        excuse.

        ``now`` is the time in seconds of ``time.perf_counter``.
        """
        quiet = now - SILENT_MS / 1000.0
        oldest = now - self.max_idle_ms / 1000.0 if self.max_idle_ms >= 0 else -float("inf")
        for connection in list(self._open):
            if connection.last_active >= quiet:
                continue
            connection.note_progress()
            if connection.last_active < oldest:
                # Silent, or a peer that neither reads what is owed to it nor hangs up, or one that waits for so long
                # that nobody can tell whether it is still there.
                self.expired += 1
                connection.close_reason = IDLE_CLOSED
                connection.abort()
            elif connection.is_idle:
                connection.release_buffers()
