"""Leases of the stores that live in this process: a deadline each, kept by the clock that the store was given."""

from collections.abc import Callable

from ottla.runtime.clock import Clock, Timer

from .interface import LeaseLostError


class LocalLease:
    """One lease; see :class:`~ottla.metastore.interface.Lease`."""

    def __init__(self, table: "LeaseTable", lease_id: int, ttl_ms: int) -> None:
        self.id = lease_id
        self.ttl_ms = ttl_ms
        self._table = table

    async def keep_alive(self) -> None:
        """Renew for ``ttl_ms`` from now."""
        self._table.renew(self)

    async def revoke(self) -> None:
        """Give the lease up."""
        await self._table.revoke(self.id)


class LeaseTable:
    """Who is alive until when. ``on_lost`` deletes what was written under a lease that ended."""

    def __init__(self, clock: Clock, on_lost: Callable[[int], None]) -> None:
        self._clock = clock
        self._on_lost = on_lost
        self._next_id = 1
        self._timers: dict[int, Timer] = {}

    def grant(self, ttl_ms: int) -> LocalLease:
        """Begin a lease."""
        lease = LocalLease(self, self._next_id, ttl_ms)
        self._next_id += 1
        self._start(lease)
        return lease

    def alive(self, lease_id: int) -> bool:
        """Whether keys may be written under ``lease_id``."""
        return lease_id in self._timers

    def renew(self, lease: LocalLease) -> None:
        """Move the deadline; raise LeaseLostError if it has passed."""
        timer = self._timers.get(lease.id)
        if timer is None:
            raise LeaseLostError(f"lease {lease.id} has expired")
        timer.cancel()
        self._start(lease)

    async def revoke(self, lease_id: int) -> None:
        """End a lease now."""
        timer = self._timers.get(lease_id)
        if timer is not None:
            timer.cancel()
            self._end(lease_id)

    def close(self) -> None:
        """Stop the timers without ending the leases."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _start(self, lease: LocalLease) -> None:
        self._timers[lease.id] = self._clock.call_later(lease.ttl_ms, lambda: self._end(lease.id))

    def _end(self, lease_id: int) -> None:
        del self._timers[lease_id]
        self._on_lost(lease_id)
