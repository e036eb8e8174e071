"""The committed offsets of all groups of one coordinator, and those that wait for the end of a transaction.

An offset committed within a transaction is *pending* until the marker that ends it: then it counts if the marker
commits and no later commit has come meanwhile, or is gone. Everything here changes by replay only.
"""

from collections.abc import Iterator, Set

from .records import CommittedOffset

NO_PRODUCER_ID = -1

_NONE: frozenset[tuple[str, int]] = frozenset()


class Offsets:
    """Offsets by group, topic and partition."""

    __slots__ = ("_order", "_pending", "_placed", "groups")

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, dict[int, CommittedOffset]]] = {}
        self._pending: dict[int, dict[tuple[str, str, int], tuple[int, CommittedOffset]]] = {}
        # The place in the replayed sequence of each offset that a pending one may compete with: only while some pend.
        self._placed: dict[tuple[str, str, int], int] = {}
        self._order = 0

    def get(self, group_id: str, topic: str, partition: int) -> CommittedOffset | None:
        """Return where a group stands."""
        topics = self.groups.get(group_id)
        partitions = None if topics is None else topics.get(topic)
        return None if partitions is None else partitions.get(partition)

    def of_group(self, group_id: str) -> dict[str, dict[int, CommittedOffset]]:
        """Return a group's offsets by topic and partition; not to be changed."""
        return self.groups.get(group_id, {})

    def __iter__(self) -> Iterator[tuple[str, str, int, CommittedOffset]]:
        for group_id, topics in self.groups.items():
            for topic, partitions in topics.items():
                for partition, committed in partitions.items():
                    yield group_id, topic, partition, committed

    def pending_of(self, group_id: str) -> Set[tuple[str, int]]:
        """Return the partitions for which open transactions have offsets of the group."""
        if not self._pending:
            return _NONE
        return {(key[1], key[2]) for pending in self._pending.values() for key in pending if key[0] == group_id}

    # -- replay ---------------------------------------------------------------------------------------------------

    def put(
        self, group_id: str, topic: str, partition: int, committed: CommittedOffset, producer_id: int = NO_PRODUCER_ID
    ) -> None:
        """Replay a commit; with a producer id, one that waits for the end of that producer's transaction."""
        self._order += 1
        if producer_id != NO_PRODUCER_ID:
            self._pending.setdefault(producer_id, {})[(group_id, topic, partition)] = (self._order, committed)
            return
        topics = self.groups.get(group_id)
        if topics is None:
            topics = self.groups[group_id] = {}
        partitions = topics.get(topic)
        if partitions is None:
            partitions = topics[topic] = {}
        partitions[partition] = committed
        if self._pending:
            self._placed[(group_id, topic, partition)] = self._order

    def remove(self, group_id: str, topic: str, partition: int) -> None:
        """Replay a tombstone: it removes what is committed and what is pending."""
        for pending in self._pending.values():
            pending.pop((group_id, topic, partition), None)
        topics = self.groups.get(group_id)
        partitions = None if topics is None else topics.get(topic)
        if topics is None or partitions is None:
            return
        partitions.pop(partition, None)
        if not partitions:
            del topics[topic]
        if not topics:
            del self.groups[group_id]

    def end_transaction(self, producer_id: int, *, commits: bool) -> None:
        """Replay the marker that ends a producer's transaction."""
        pending = self._pending.pop(producer_id, {})
        if commits:
            for (group_id, topic, partition), (order, committed) in pending.items():
                # The later commit wins, whichever of the two ways it came.
                if self._placed.get((group_id, topic, partition), 0) < order:
                    self.put(group_id, topic, partition, committed)
                    self._placed[(group_id, topic, partition)] = order
        if not self._pending:
            self._placed.clear()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Offsets):
            return NotImplemented
        return self.groups == other.groups and self._open() == other._open()

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def _open(self) -> dict[int, dict[tuple[str, str, int], CommittedOffset]]:
        return {
            producer_id: {key: committed for key, (_, committed) in pending.items()}
            for producer_id, pending in self._pending.items()
            if pending
        }
