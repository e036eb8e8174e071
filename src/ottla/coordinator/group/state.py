"""All that one coordinator knows: the groups and the offsets of one partition of ``__consumer_offsets``."""

from .classic import ClassicGroup
from .decision import Decision
from .offsets import NO_PRODUCER_ID, Offsets
from .records import GroupDeleted, GroupStored, OffsetCommitted, OffsetDeleted, Record

__all__ = ["NO_PRODUCER_ID", "Groups"]


class Groups:
    """The state that decisions read, and that :meth:`replay` and :meth:`apply` alone change."""

    __slots__ = ("by_id", "offsets")

    def __init__(self) -> None:
        self.by_id: dict[str, ClassicGroup] = {}
        self.offsets = Offsets()

    def replay(self, record: Record, producer_id: int = NO_PRODUCER_ID) -> None:
        """Change the replicated state as ``record`` says, now that it is in the log."""
        if isinstance(record, OffsetCommitted):
            group_id = record.group_id
            if group_id not in self.by_id:
                # Who commits without ever joining has a group all the same, a simple one.
                self.by_id[group_id] = ClassicGroup(group_id, state_since_ms=None)
            self.offsets.put(group_id, record.topic, record.partition, record.committed, producer_id)
        elif isinstance(record, OffsetDeleted):
            self.offsets.remove(record.group_id, record.topic, record.partition)
        elif isinstance(record, GroupStored):
            self.by_id[record.group_id] = ClassicGroup.from_stored(record)
        else:
            assert isinstance(record, GroupDeleted)
            self.by_id.pop(record.group_id, None)

    def apply(self, decision: Decision) -> None:
        """Replay a decision's records, then let the volatile state it ends in take the group's place."""
        for record in decision.records:
            self.replay(record)
        group = decision.volatile
        if group is not None:
            self.by_id[group.group_id] = group

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Groups):
            return NotImplemented
        return self.by_id == other.by_id and self.offsets == other.offsets

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key
