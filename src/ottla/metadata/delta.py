"""What changed in the cluster's metadata, read from the metastore's events."""

from collections.abc import Iterable, Mapping

from ottla.metastore.interface import Event, KeyValue
from ottla.model.ids import Uuid

from . import keys, records
from .keys import ConfigResource
from .records import BrokerRecord, ControllerRecord, PartitionRecord, TopicRecord


class ImageDelta:
    """The last known state of every key that events spoke of; None for a deleted one.

    ``revision`` is that of the last event. Keys that are not known are passed over.
    """

    __slots__ = (
        "brokers",
        "cluster_id",
        "configs",
        "controller",
        "features",
        "next_producer_id",
        "partitions",
        "revision",
        "topics",
    )

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.topics: dict[str, TopicRecord | None] = {}
        self.partitions: dict[Uuid, dict[int, tuple[PartitionRecord, int] | None]] = {}
        self.brokers: dict[int, BrokerRecord | None] = {}
        self.configs: dict[ConfigResource, Mapping[str, str] | None] = {}
        self.controller: tuple[ControllerRecord, int] | None = None
        self.cluster_id: str | None = None
        self.features: Mapping[str, int] | None = None
        self.next_producer_id: int | None = None

    @classmethod
    def of_events(cls, events: Iterable[Event | KeyValue], revision: int) -> "ImageDelta":
        """Read events, or a range, up to ``revision``; raise CorruptData for a value that cannot be read."""
        delta = cls(revision)
        last_text, last = "", delta.partitions
        partitions: dict[int, tuple[PartitionRecord, int] | None] = {}
        for key, value, at in events:
            if not key.startswith(keys.PARTITIONS):
                delta._read(key, value, at)
                continue
            topic_text, index = keys.parse_partition(key)
            if topic_text != last_text:
                last_text = topic_text
                partitions = last.setdefault(keys.topic_id_from_text(topic_text), {})
            partitions[index] = None if value is None else (records.decode_partition(key, value), at)
        return delta

    def _read(self, key: str, value: bytes | None, revision: int) -> None:
        if key.startswith(keys.TOPICS):
            name = key[len(keys.TOPICS) :]
            self.topics[name] = None if value is None else records.decode_topic(key, value)
        elif key.startswith(keys.CONFIGS):
            resource = keys.parse_config(key)
            if resource is not None:
                self.configs[resource] = None if value is None else records.decode_config(key, value)
        elif key.startswith(keys.BROKERS):
            broker_id = int(key[len(keys.BROKERS) :])
            self.brokers[broker_id] = None if value is None else records.decode_broker(key, value)
        elif key == keys.CONTROLLER:
            gone = ControllerRecord(-1, -1)
            self.controller = (gone, 0) if value is None else (records.decode_controller(key, value), revision)
        elif key == keys.CLUSTER and value is not None:
            self.cluster_id = records.decode_cluster(key, value)
        elif key == keys.FEATURES and value is not None:
            self.features = records.decode_features(key, value)
        elif key == keys.PRODUCER_IDS and value is not None:
            self.next_producer_id = records.decode_producer_ids(key, value)
