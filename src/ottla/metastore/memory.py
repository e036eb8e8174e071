"""A metastore in a dictionary: for tests and for simulated clusters, where several nodes hold the same one."""

from collections.abc import Sequence

from ottla.model.errors import StorageError
from ottla.runtime.clock import Clock, SystemClock

from .interface import (
    HISTORY_LIMIT,
    UNLIMITED_OPERATIONS,
    CompactedError,
    Compare,
    Delete,
    DeletePrefix,
    Event,
    KeyValue,
    LeaseLostError,
    Operation,
    Put,
    TransactResult,
)
from .leases import LeaseTable, LocalLease
from .watches import HubWatch, WatchHub


class MemoryMetastore:
    """See :class:`~ottla.metastore.interface.Metastore`. Nothing outlives the object but what
    :meth:`reopened` takes over."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        max_operations: int = UNLIMITED_OPERATIONS,
        shared: bool = False,
        history_limit: int = HISTORY_LIMIT,
    ) -> None:
        self.max_operations = max_operations
        self.shared = shared
        self._history_limit = history_limit
        self._revision = 0
        self._compacted = 0
        self._keys: dict[str, KeyValue] = {}
        self._lease_of: dict[str, int] = {}
        self._history: list[Event] = []
        self._hub = WatchHub()
        self._clock: Clock = clock or SystemClock()
        self._leases = LeaseTable(self._clock, self._lease_lost)
        self._closed = False

    def reopened(self) -> "MemoryMetastore":
        """Return a new store that begins with what this one holds, as after a restart: leases and history are gone."""
        again = MemoryMetastore(
            clock=self._clock, max_operations=self.max_operations, shared=self.shared, history_limit=self._history_limit
        )
        again._revision = again._compacted = self._revision
        again._keys = {key: entry for key, entry in self._keys.items() if key not in self._lease_of}
        return again

    async def get(self, key: str) -> KeyValue | None:
        """Return one key, or None."""
        self._check_open()
        return self._keys.get(key)

    async def get_range(self, prefix: str) -> tuple[list[KeyValue], int]:
        """Return the keys under ``prefix`` and the store's revision."""
        self._check_open()
        found = [entry for key, entry in self._keys.items() if key.startswith(prefix)]
        found.sort()
        return found, self._revision

    async def transact(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TransactResult:
        """Do all of ``operations`` if every comparison holds."""
        self._check_open()
        assert max(len(compares), len(operations)) <= self.max_operations, "the caller splits what is too large"
        for compare in compares:
            entry = self._keys.get(compare.key)
            if (entry.revision if entry is not None else 0) != compare.revision:
                return TransactResult(False, self._revision)
        self._apply(operations)
        return TransactResult(True, self._revision)

    async def watch(self, prefix: str, from_revision: int) -> HubWatch:
        """Follow keys under ``prefix`` from a revision on."""
        self._check_open()
        if from_revision <= self._compacted:
            raise CompactedError(self._compacted + 1)
        past = [e for e in self._history if e.revision >= from_revision and e.key.startswith(prefix)]
        return self._hub.open(prefix, from_revision, past)

    async def compact(self, revision: int) -> None:
        """Forget the history up to ``revision``."""
        self._check_open()
        self._forget(revision)

    async def lease(self, ttl_ms: int) -> LocalLease:
        """Begin a lease."""
        self._check_open()
        return self._leases.grant(ttl_ms)

    async def close(self) -> None:
        """End the watches."""
        self._closed = True
        self._leases.close()
        self._hub.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the metastore is closed")

    def _apply(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            if isinstance(operation, Put) and operation.lease_id and not self._leases.alive(operation.lease_id):
                raise LeaseLostError(f"lease {operation.lease_id} has expired")
        revision = self._revision + 1
        events: list[Event] = []
        for operation in operations:
            match operation:
                case Put(key, value, lease_id):
                    self._keys[key] = KeyValue(key, value, revision)
                    self._lease_of.pop(key, None)
                    if lease_id:
                        self._lease_of[key] = lease_id
                    events.append(Event(key, value, revision))
                case Delete(key):
                    self._delete(key, revision, events)
                case DeletePrefix(prefix):
                    for key in sorted(key for key in self._keys if key.startswith(prefix)):
                        self._delete(key, revision, events)
        assert len({event.key for event in events}) == len(events), "one key written twice in one transaction"
        if events:
            self._revision = revision
            self._history.extend(events)
            if revision - self._compacted >= 2 * self._history_limit:
                self._forget(revision - self._history_limit)
            self._hub.publish(events)

    def _delete(self, key: str, revision: int, events: list[Event]) -> None:
        if self._keys.pop(key, None) is not None:
            self._lease_of.pop(key, None)
            events.append(Event(key, None, revision))

    def _forget(self, revision: int) -> None:
        self._compacted = max(self._compacted, min(revision, self._revision))
        self._history = [event for event in self._history if event.revision > self._compacted]

    def _lease_lost(self, lease_id: int) -> None:
        self._apply([Delete(key) for key, holder in sorted(self._lease_of.items()) if holder == lease_id])
