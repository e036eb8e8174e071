"""What the admin's calls take and return: plain tuples with names, light to import and easy to print.

Where a call is about several things, each result has ``error``, None if that one succeeded, so that the failure of one
does not hide what happened to the others; :func:`raise_errors` is for whoever wants the first of them raised.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from ottla.model.ids import TopicPartition

from .errors import BrokerError


class NewTopic(NamedTuple):
    """A topic to create. -1 partitions or replicas: the broker's default; ``assignments``: brokers by partition."""

    name: str
    partitions: int = -1
    replication_factor: int = -1
    configs: Mapping[str, str] = {}
    assignments: Mapping[int, list[int]] = {}


class CreatedTopic(NamedTuple):
    """What became of a topic to create; numbers -1 and the id empty where the broker is too old to say."""

    name: str
    topic_id: str
    partitions: int
    replication_factor: int
    configs: dict[str, str | None]
    error: BrokerError | None


class Broker(NamedTuple):
    """A broker as clients reach it."""

    id: int
    host: str
    port: int
    rack: str | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port} (id {self.id})"


class PartitionDescription(NamedTuple):
    """A partition; ``leader`` is None without one. Offsets are None where not asked for or not known.

    ``latest_offset`` is the high watermark: the offset of the next record that a consumer will see.
    """

    partition: int
    leader: int | None
    leader_epoch: int
    replicas: list[int]
    isr: list[int]
    offline_replicas: list[int]
    error: BrokerError | None
    earliest_offset: int | None = None
    latest_offset: int | None = None


class TopicDescription(NamedTuple):
    """A topic and its partitions, by number. ``topic_id`` is empty where the broker is too old to have one."""

    name: str
    topic_id: str
    internal: bool
    partitions: list[PartitionDescription]
    error: BrokerError | None

    @property
    def replication_factor(self) -> int:
        """Replicas of the first partition, 0 without partitions."""
        return len(self.partitions[0].replicas) if self.partitions else 0


class ClusterDescription(NamedTuple):
    """The cluster; ``controller`` is None if nobody says who it is."""

    cluster_id: str | None
    controller: int | None
    brokers: list[Broker]


class ListedOffset(NamedTuple):
    """An offset found by ListOffsets: -1 with timestamp -1 where no record is that young."""

    offset: int
    timestamp_ms: int
    leader_epoch: int
    error: BrokerError | None


class DeletedRecords(NamedTuple):
    """The first offset that is left, or why nothing was deleted."""

    low_watermark: int
    error: BrokerError | None


class ResourceType(IntEnum):
    """What a configuration belongs to (``org.apache.kafka.common.config.ConfigResource.Type``)."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class ConfigResource(NamedTuple):
    """A topic, a broker (by its id as text; the empty name is the cluster-wide default) or a group."""

    type: ResourceType
    name: str

    def __str__(self) -> str:
        return f"{self.type.name.lower()} {self.name or '(default)'}"


class ConfigSynonym(NamedTuple):
    """A place that a value can come from, in the order in which they are looked at."""

    name: str
    value: str | None
    source: str


class ConfigEntry(NamedTuple):
    """A setting's value in force; ``source`` in words (``default`` ...), ``type`` as Kafka's (``int`` ...)."""

    name: str
    value: str | None
    source: str
    is_default: bool
    read_only: bool
    sensitive: bool
    type: str
    synonyms: list[ConfigSynonym]
    documentation: str | None


class DescribedConfigs(NamedTuple):
    """The settings of a resource, by name."""

    resource: ConfigResource
    entries: dict[str, ConfigEntry]
    error: BrokerError | None


class ConfigOperation(IntEnum):
    """What to do to a setting; the last two are for lists such as ``cleanup.policy``."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class ConfigChange(NamedTuple):
    """A change of a setting; ``value`` is None for DELETE, which brings the default back."""

    name: str
    value: str | None = None
    operation: ConfigOperation = ConfigOperation.SET


class ListedGroup(NamedTuple):
    """A group; ``state`` and ``type`` are empty where the broker is too old to say."""

    group_id: str
    protocol_type: str
    state: str
    type: str


class GroupMember(NamedTuple):
    """A member: ``assignment`` is None if it is not one of Kafka's consumers (its bytes are nobody's business)."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    host: str
    subscription: list[str]
    assignment: list[TopicPartition] | None


class GroupDescription(NamedTuple):
    """A group: ``state`` as the broker words it (``Stable``, ``Empty``, ``Dead`` ...), ``type`` classic or consumer."""

    group_id: str
    type: str
    protocol_type: str
    state: str
    assignor: str
    coordinator: Broker | None
    members: list[GroupMember]
    error: BrokerError | None


class CommittedOffset(NamedTuple):
    """An offset that a group has committed: the next one that it will read; -1 if there is none."""

    offset: int
    leader_epoch: int
    metadata: str
    error: BrokerError | None


class LogDirReplica(NamedTuple):
    """A partition in a log directory."""

    topic: str
    partition: int
    size_bytes: int
    offset_lag: int
    is_future: bool


class LogDir(NamedTuple):
    """A log directory of a broker; -1 where the broker does not say how large the volume is."""

    broker: int
    path: str
    total_bytes: int
    usable_bytes: int
    replicas: list[LogDirReplica]
    error: BrokerError | None


class ActiveProducer(NamedTuple):
    """An idempotent producer that a partition remembers; -1 for no transaction and no sequence."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp_ms: int
    coordinator_epoch: int
    current_transaction_start_offset: int


class PartitionProducers(NamedTuple):
    """The producers of a partition."""

    producers: list[ActiveProducer]
    error: BrokerError | None


class RecordMetadata(NamedTuple):
    """Where a record was written; ``offset`` is -1 with acks=0."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


def raise_errors(errors: Iterable[BrokerError | None]) -> None:
    """Raise the first error among those given, if there is one."""
    for error in errors:
        if error is not None:
            raise error
