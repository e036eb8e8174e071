"""What Metadata says of brokers and topics, as the client keeps it."""

from typing import TYPE_CHECKING, NamedTuple

from ottla.model.error_codes import ErrorCode

from .results import Broker

if TYPE_CHECKING:
    from ottla.protocol.messages.metadata import MetadataResponse, MetadataResponseTopic

NOBODY = -1
"""In the place of a broker's id."""


class PartitionMetadata(NamedTuple):
    """A partition; ``leader`` is NOBODY without one."""

    error_code: int
    partition: int
    leader: int
    leader_epoch: int
    replicas: list[int]
    isr: list[int]
    offline_replicas: list[int]


class TopicMetadata(NamedTuple):
    """A topic; partitions by number."""

    error_code: int
    name: str
    topic_id: bytes
    internal: bool
    partitions: dict[int, PartitionMetadata]

    def leader(self, partition: int) -> int:
        """The leader's id, or NOBODY."""
        found = self.partitions.get(partition)
        return NOBODY if found is None else found.leader

    @property
    def complete(self) -> bool:
        """Whether every partition has a leader, so that there is nothing to wait for."""
        return self.error_code == ErrorCode.NONE and all(part.leader != NOBODY for part in self.partitions.values())


class Metadata:
    """The last that was heard of brokers, controller and the topics that somebody asked for."""

    def __init__(self) -> None:
        self.brokers: dict[int, Broker] = {}
        self.cluster_id: str | None = None
        self.controller = NOBODY
        self.topics: dict[str, TopicMetadata] = {}

    def update(self, response: "MetadataResponse") -> dict[str, TopicMetadata]:
        """Take an answer; return the topics that it names, in its order."""
        if response.brokers:
            # A broker that has only just started may know none, not even itself: keep those that we know.
            self.brokers = {
                broker.node_id: Broker(broker.node_id, broker.host, broker.port, broker.rack)
                for broker in response.brokers
            }
        self.cluster_id = response.cluster_id or self.cluster_id
        self.controller = response.controller_id
        topics = {topic.name: _topic(topic.name, topic) for topic in response.topics if topic.name is not None}
        self.topics.update(topics)
        return topics


def _topic(name: str, topic: "MetadataResponseTopic") -> TopicMetadata:
    partitions = {
        part.partition_index: PartitionMetadata(
            part.error_code,
            part.partition_index,
            part.leader_id,
            part.leader_epoch,
            part.replica_nodes,
            part.isr_nodes,
            part.offline_replicas,
        )
        for part in sorted(topic.partitions, key=lambda part: part.partition_index)
    }
    return TopicMetadata(topic.error_code, name, topic.topic_id, topic.is_internal, partitions)
