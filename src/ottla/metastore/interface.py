"""What Ottla asks of the place where the cluster's metadata lives.

A metastore maps text keys to bytes. Every transaction that writes moves the store on by one *revision*, and every key
remembers the revision that wrote it last (its *mod revision*; 0 stands for a key that does not exist). A transaction
is compare-and-swap: it happens as a whole if every key it compares still has the mod revision it names, and not at all
otherwise. A watch replays what happened from a revision on, and then what happens. A lease is a promise to be alive:
keys written under it disappear, as if deleted, once it is not renewed in time.

The semantics are etcd's, kept small enough that an in-memory dictionary and one SQLite table can give them too; etcd's
limits are part of them (``max_operations``: what one transaction may compare and do). One test-suite holds all
implementations to this page.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ottla.model.errors import OttlaError

UNLIMITED_OPERATIONS = 1_000_000
"""``max_operations`` of a store without a limit of its own."""

HISTORY_LIMIT = 10_000
"""Revisions that the stores of this process remember at least; beyond twice as many they compact by themselves."""


class KeyValue(NamedTuple):
    """One key as it stands, with the revision that wrote it last."""

    key: str
    value: bytes
    revision: int


class Event(NamedTuple):
    """One change to one key; ``value`` is None if it was deleted."""

    key: str
    value: bytes | None
    revision: int


class Compare(NamedTuple):
    """The transaction happens only if ``key`` has this mod revision (0: does not exist)."""

    key: str
    revision: int


class Put(NamedTuple):
    """Write ``value``; under a lease if ``lease_id`` is not 0."""

    key: str
    value: bytes
    lease_id: int = 0


class Delete(NamedTuple):
    """Delete one key; a key that does not exist stays away without an event."""

    key: str


class DeletePrefix(NamedTuple):
    """Delete every key that begins with ``prefix``."""

    prefix: str


Operation = Put | Delete | DeletePrefix


class TransactResult(NamedTuple):
    """``revision`` is the transaction's own if it succeeded and changed something, else the store's current one."""

    succeeded: bool
    revision: int


class CompactedError(OttlaError):
    """The history before ``revision`` is gone: read the range anew and watch from there."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"history before revision {revision} was compacted")
        self.revision = revision


class LeaseLostError(OttlaError):
    """The lease expired or was revoked; what was written under it is gone."""


class Watch(Protocol):
    """An endless iterator over what happens; each list holds the events of one or more whole revisions, in order.

    Iterating raises CompactedError if the reader fell too far behind. It ends when either side closes.
    """

    def __aiter__(self) -> "Watch":
        """Return itself."""

    async def __anext__(self) -> list[Event]:
        """Wait for the next events."""

    def close(self) -> None:
        """End the iteration."""


class Lease(Protocol):
    """A promise to be alive, to be renewed before ``ttl_ms`` have passed."""

    id: int
    ttl_ms: int

    async def keep_alive(self) -> None:
        """Renew for ``ttl_ms`` from now; raise LeaseLostError if it is too late."""

    async def revoke(self) -> None:
        """Give the lease up and delete what was written under it; harmless when it is lost already."""


class Metastore(Protocol):
    """The store. Every method but ``close`` raises StorageError when the store cannot do its work."""

    max_operations: int
    """Most comparisons, and most operations, that one transaction may hold."""

    shared: bool
    """Whether other processes may write to it too. If not, the office of controller needs no lease."""

    async def get(self, key: str) -> KeyValue | None:
        """Return one key, or None."""

    async def get_range(self, prefix: str) -> tuple[list[KeyValue], int]:
        """Return the keys that begin with ``prefix``, in order of their names, and the store's revision."""

    async def transact(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TransactResult:
        """Do all of ``operations`` if every comparison holds. No key may be written by two of them."""

    async def watch(self, prefix: str, from_revision: int) -> Watch:
        """Follow keys that begin with ``prefix`` from ``from_revision`` on, history included.

        Raises CompactedError if some of that history is gone.
        """

    async def compact(self, revision: int) -> None:
        """Forget the history up to and including ``revision``; keys keep their values."""

    async def lease(self, ttl_ms: int) -> Lease:
        """Begin a lease."""

    async def close(self) -> None:
        """End the watches and let go of the store."""
