"""The cluster as it stood at one revision of its metadata: immutable, shared, never waited for.

Everything that asks "who leads", "does it exist", "which settings" reads an :class:`Image`. A change makes a new one
that shares what did not change: moving one topic copies the two dictionaries of topics (references, tens of
microseconds for thousands of topics) and nothing below them.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ottla.model.errors import CorruptData
from ottla.model.ids import Uuid

from . import keys
from .delta import ImageDelta
from .keys import ConfigResource, ConfigResourceType
from .records import NO_LEADER, BrokerRecord, ControllerRecord, PartitionRecord, TopicRecord

INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
"""Topics that belong to the cluster itself (``org.apache.kafka.common.internals.Topic``)."""

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
NO_CONTROLLER = ControllerRecord(-1, -1)


class PartitionImage:
    """One partition; ``revision`` is what its key must be compared with to change it."""

    __slots__ = ("index", "record", "revision")

    def __init__(self, index: int, record: PartitionRecord, revision: int) -> None:
        self.index = index
        self.record = record
        self.revision = revision

    @property
    def replicas(self) -> tuple[int, ...]:
        """Brokers that hold it, the preferred leader first."""
        return self.record.replicas

    @property
    def isr(self) -> tuple[int, ...]:
        """Brokers that are in sync."""
        return self.record.isr

    @property
    def leader(self) -> int:
        """The leader's broker id, or -1."""
        return self.record.leader

    @property
    def leader_epoch(self) -> int:
        """Grows with every change of the leader."""
        return self.record.leader_epoch

    @property
    def partition_epoch(self) -> int:
        """Grows with every change."""
        return self.record.partition_epoch

    @property
    def elr(self) -> tuple[int, ...]:
        """Eligible leader replicas (KIP-966)."""
        return self.record.elr

    @property
    def last_known_elr(self) -> tuple[int, ...]:
        """Replicas that were eligible before an unclean shutdown (KIP-966)."""
        return self.record.last_known_elr

    def __repr__(self) -> str:
        return f"PartitionImage({self.index}, {self.record}, revision={self.revision})"


class TopicImage:
    """One topic and all its partitions, by index."""

    __slots__ = ("id", "name", "partitions", "record")

    def __init__(self, name: str, record: TopicRecord, partitions: tuple[PartitionImage, ...]) -> None:
        self.name = name
        self.id = record.id
        self.record = record
        self.partitions = partitions

    @property
    def is_internal(self) -> bool:
        """Whether it belongs to the cluster itself."""
        return self.name in INTERNAL_TOPICS

    def __repr__(self) -> str:
        return f"TopicImage({self.name}, {self.id.hex()}, {len(self.partitions)} partitions)"


Hidden = Mapping[Uuid, Mapping[int, PartitionImage]]
"""Partitions whose topic is not there (yet, or any more), or does not count them (yet)."""


class Image:
    """The cluster at ``revision``. All mappings are to be read only."""

    __slots__ = (
        "_hidden",
        "brokers",
        "cluster_id",
        "configs",
        "controller",
        "controller_revision",
        "features",
        "next_producer_id",
        "revision",
        "topics",
        "topics_by_id",
    )

    def __init__(self) -> None:
        self.revision = 0
        self.cluster_id = ""
        self.controller = NO_CONTROLLER
        self.controller_revision = 0
        self.features: Mapping[str, int] = {}
        self.next_producer_id = 0
        self.brokers: Mapping[int, BrokerRecord] = {}
        self.topics: Mapping[str, TopicImage] = {}
        self.topics_by_id: Mapping[Uuid, TopicImage] = {}
        self.configs: Mapping[ConfigResource, Mapping[str, str]] = {}
        self._hidden: Hidden = {}

    @property
    def controller_id(self) -> int:
        """The controller's broker id, or -1."""
        return self.controller.id

    @property
    def hidden_topic_ids(self) -> frozenset[Uuid]:
        """Topic ids under which there are partitions that do not count; left behind if nobody creates them now."""
        return frozenset(self._hidden)

    def partition(self, topic: str, index: int) -> PartitionImage | None:
        """Return a partition, or None if there is none."""
        image = self.topics.get(topic)
        if image is None or not 0 <= index < len(image.partitions):
            return None
        return image.partitions[index]

    def config(self, resource: ConfigResource) -> Mapping[str, str]:
        """Return the settings that were made for a resource; empty if none were."""
        return self.configs.get(resource, NO_SETTINGS)

    def topic_config(self, name: str) -> Mapping[str, str]:
        """Return the settings that were made for a topic."""
        return self.config(ConfigResource(ConfigResourceType.TOPIC, name))

    def store_keys(self) -> Iterator[str]:
        """Yield the metastore's keys that this image was read from and that may be deleted."""
        if self.controller_id >= 0:
            yield keys.CONTROLLER
        yield from map(keys.broker, self.brokers)
        yield from map(keys.config, self.configs)
        for topic in self.topics.values():
            yield keys.topic(topic.name)
            yield from (keys.partition(topic.id, partition.index) for partition in topic.partitions)
        for topic_id, partitions in self._hidden.items():
            yield from (keys.partition(topic_id, index) for index in partitions)

    def apply(self, delta: ImageDelta) -> "Image":
        """Return the image after ``delta``; this one stays as it is."""
        image = Image()
        image.revision = delta.revision
        image.cluster_id = self.cluster_id if delta.cluster_id is None else delta.cluster_id
        image.controller, image.controller_revision = delta.controller or (self.controller, self.controller_revision)
        image.features = self.features if delta.features is None else delta.features
        image.next_producer_id = self.next_producer_id if delta.next_producer_id is None else delta.next_producer_id
        image.brokers = _merged(self.brokers, delta.brokers)
        image.configs = _merged(self.configs, delta.configs)
        if delta.topics or delta.partitions:
            _apply_topics(self, delta, image)
        else:
            image.topics, image.topics_by_id, image._hidden = self.topics, self.topics_by_id, self._hidden
        return image


def _merged(old: Mapping, changes: Mapping) -> Mapping:  # type: ignore[type-arg]  # any key and value, the same in all
    if not changes:
        return old
    merged = {**old, **changes}
    for key, value in changes.items():
        if value is None:
            del merged[key]
    return merged


def _apply_topics(old: Image, delta: ImageDelta, new: Image) -> None:
    topics, by_id, hidden = dict(old.topics), dict(old.topics_by_id), dict(old._hidden)
    records: dict[Uuid, tuple[str, TopicRecord | None]] = {}
    for name, record in delta.topics.items():
        before = topics.pop(name, None)
        if before is not None:
            del by_id[before.id]
            records[before.id] = (name, None)
        if record is not None:
            records[record.id] = (name, record)
    for topic_id in {*records, *delta.partitions}:
        before = old.topics_by_id.get(topic_id)
        if topic_id in records:
            name, record = records[topic_id]
        elif before is not None:
            name, record = before.name, before.record
        else:
            name, record = "", None
        changes = delta.partitions.get(topic_id, {})
        moved = None if before is None or before.record is not record else _moved(before, changes)
        if moved is not None and topic_id not in hidden:
            topics[name] = by_id[topic_id] = moved
            continue
        partitions = _partitions(before, old._hidden.get(topic_id, {}), changes)
        count = 0 if record is None else record.partition_count
        rest = {index: partition for index, partition in partitions.items() if index >= count}
        if rest:
            hidden[topic_id] = rest
        else:
            hidden.pop(topic_id, None)
        if record is not None:
            topic = TopicImage(name, record, _visible(name, partitions, count))
            topics[name] = by_id[topic_id] = topic
    new.topics, new.topics_by_id, new._hidden = topics, by_id, hidden


def _moved(before: TopicImage, changes: Mapping[int, tuple[PartitionRecord, int] | None]) -> TopicImage | None:
    """Return the topic with changes to partitions that it has, None for any other kind of change."""
    partitions = list(before.partitions)
    for index, change in changes.items():
        if change is None or not 0 <= index < len(partitions):
            return None
        partitions[index] = PartitionImage(index, *change)
    return TopicImage(before.name, before.record, tuple(partitions))


def _partitions(
    before: TopicImage | None,
    hidden: Mapping[int, PartitionImage],
    changes: Mapping[int, tuple[PartitionRecord, int] | None],
) -> dict[int, PartitionImage]:
    partitions: dict[int, PartitionImage] = dict(enumerate(before.partitions)) if before is not None else {}
    partitions.update(hidden)
    for index, change in changes.items():
        if change is None:
            partitions.pop(index, None)
        else:
            partitions[index] = PartitionImage(index, *change)
    return partitions


def _visible(name: str, partitions: Mapping[int, PartitionImage], count: int) -> tuple[PartitionImage, ...]:
    try:
        return tuple([partitions[index] for index in range(count)])
    except KeyError as error:
        raise CorruptData(f"the cluster's metadata is damaged: {name} has no partition {error.args[0]}") from error


class Changes:
    """Which parts of two images differ, without saying how: what subscribers look at."""

    __slots__ = ("brokers", "configs", "controller", "topic_ids")

    def __init__(self) -> None:
        self.topic_ids: set[Uuid] = set()
        self.configs: set[ConfigResource] = set()
        self.brokers: set[int] = set()
        self.controller = False

    def add(self, delta: ImageDelta, before: Image) -> None:
        """Note what ``delta`` changes in ``before``."""
        self.topic_ids.update(delta.partitions)
        for name, record in delta.topics.items():
            old = before.topics.get(name)
            if old is not None:
                self.topic_ids.add(old.id)
            if record is not None:
                self.topic_ids.add(record.id)
        self.configs.update(delta.configs)
        self.brokers.update(delta.brokers)
        self.controller = self.controller or delta.controller is not None

    def topics(self, old: Image, new: Image) -> Iterator[tuple[TopicImage | None, TopicImage | None]]:
        """Yield each topic that differs, as it was and as it is; None where it was or is not."""
        for topic_id in self.topic_ids:
            before, after = old.topics_by_id.get(topic_id), new.topics_by_id.get(topic_id)
            if before is not after:
                yield before, after


__all__ = [
    "INTERNAL_TOPICS",
    "NO_LEADER",
    "Changes",
    "Image",
    "PartitionImage",
    "TopicImage",
]
