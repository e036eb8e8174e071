"""What a broker in a test tells of itself."""

from typing import TYPE_CHECKING, NamedTuple

from ottla.model.ids import TopicPartition

if TYPE_CHECKING:
    from ottla.client.results import GroupMember


class Group(NamedTuple):
    """A consumer group. ``offsets`` are those committed: the next that the group will read of each partition."""

    id: str
    state: str
    """``Stable``, ``Empty``, ``PreparingRebalance``, ``CompletingRebalance`` or ``Dead``."""
    protocol_type: str
    members: "list[GroupMember]"
    offsets: dict[TopicPartition, int]
    lags: dict[TopicPartition, int]
    """How many records of each partition with a committed offset the group has not read yet."""

    @property
    def lag(self) -> int:
        """How many records the group has not read yet, of all partitions with a committed offset."""
        return sum(self.lags.values())
