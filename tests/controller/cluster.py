"""A cluster made of nothing but an image, for decisions to be made on."""

from collections.abc import Iterable, Mapping, Sequence

from ottla.controller.create_topics import Chance, CreatedTopic, NewTopic, TopicDefaults, create_topics
from ottla.controller.decision import Decision
from ottla.metadata import keys, records
from ottla.metadata.delta import ImageDelta
from ottla.metadata.image import Image
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.metadata.records import BrokerRecord
from ottla.metastore.interface import Delete, DeletePrefix, Event, Operation, Put
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

KNOWN = {"retention.ms": False, "segment.bytes": False, "cleanup.policy": True}
LISTS = {"cleanup.policy": ("delete",)}


class Schema:
    """Knows three settings; refuses the value ``bad``."""

    def validate(
        self, resource: ConfigResource, values: Mapping[str, str | None], changed: Mapping[str, str | None]
    ) -> None:
        for name, value in values.items():
            if resource.type == ConfigResourceType.TOPIC and name not in KNOWN:
                raise ApiError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
            if value is None or value == "bad":
                raise ApiError(ErrorCode.INVALID_CONFIG, f"{name} is bad")

    def list_default(self, resource: ConfigResource, name: str) -> tuple[str, ...] | None:
        return LISTS.get(name)


class Counting:
    """Randomness that can be foretold: ids count up, draws are 0."""

    def __init__(self) -> None:
        self.count = 0

    def entropy(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")

    def draw(self, end: int) -> int:
        assert end > 0
        return 0


DEFAULTS = TopicDefaults(partition_count=1, replication_factor=1)


def chance() -> Chance:
    source = Counting()
    return Chance(entropy=source.entropy, draw=source.draw)


def brokers(*ids: int, fenced: Iterable[int] = (), racks: Mapping[int, str] | None = None) -> Image:
    """An image of registered brokers and nothing else."""
    events = []
    for broker_id in ids:
        record = BrokerRecord(
            id=broker_id,
            epoch=1,
            incarnation_id=bytes(16),
            rack=(racks or {}).get(broker_id),
            fenced=broker_id in set(fenced),
        )
        events.append(Event(keys.broker(broker_id), records.encode_broker(record), 1))
    return Image().apply(ImageDelta.of_events(events, 1))


def written(image: Image, operations: Sequence[Operation]) -> Image:
    """The image after some writes."""
    revision = image.revision + 1
    events: list[Event] = []
    for operation in operations:
        match operation:
            case Put(key, value, _):
                events.append(Event(key, value, revision))
            case Delete(key):
                events.append(Event(key, None, revision))
            case DeletePrefix(prefix):
                events += [Event(key, None, revision) for key in image.store_keys() if key.startswith(prefix)]
    return image.apply(ImageDelta.of_events(events, revision))


def carried_out(image: Image, decision: Decision[object]) -> Image:
    """The image after a whole decision."""
    return written(image, [*decision.preparations, *(one for step in decision.steps for one in step.operations)])


def create(image: Image, *topics: NewTopic) -> tuple[Image, tuple[CreatedTopic, ...]]:
    """Create topics; return the image after it and the answers."""
    decision = create_topics(image, topics, defaults=DEFAULTS, schema=Schema(), chance=chance())
    return carried_out(image, decision), decision.answers
