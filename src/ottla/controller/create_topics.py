"""Creating topics (``ReplicationControlManager.createTopics``, ``ControllerApis.createTopics``).

Every item of a request is answered for itself: those that can be created are, all in one go. A name that stands in a
request twice is refused once and created not at all. Texts and codes are Kafka's; where two could apply, in its
order: the name, what exists, the settings, then partitions and replicas.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ottla.metadata import keys, records
from ottla.metadata.image import Image
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.metadata.records import PartitionRecord, TopicRecord
from ottla.metastore.interface import Compare, Operation, Put
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.model.ids import ZERO_UUID, Uuid, uuid_from_entropy, uuid_to_text

from .config_schema import ConfigSchema
from .decision import Decision, Step
from .placement import Draw, active_ids, new_partition, place
from .topic_names import METADATA_TOPIC, find_collision, validate_topic_name

MAX_PARTITIONS_PER_REQUEST = 10_000
MAX_RECORDS_PER_REQUEST = 10_000
UNSET = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTopic:
    """One topic of a request; ``assignments`` are pairs of a partition's index and its replicas."""

    name: str
    partition_count: int = UNSET
    replication_factor: int = UNSET
    assignments: tuple[tuple[int, tuple[int, ...]], ...] = ()
    configs: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedTopic:
    """The answer for one topic; what follows ``error`` means something only if there is none."""

    name: str
    error: ApiError | None = None
    id: Uuid = ZERO_UUID
    partition_count: int = UNSET
    replication_factor: int = UNSET
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDefaults:
    """``num.partitions`` and ``default.replication.factor``."""

    partition_count: int
    replication_factor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """The controller's randomness: ``entropy(size)`` gives bytes, ``draw(end)`` a number below ``end``."""

    entropy: Callable[[int], bytes]
    draw: Draw


def create_topics(
    image: Image,
    topics: Sequence[NewTopic],
    *,
    defaults: TopicDefaults,
    schema: ConfigSchema,
    chance: Chance,
) -> Decision[CreatedTopic]:
    """Decide which topics are created, and how."""
    names = [topic.name for topic in topics]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    wanted = [topic for topic in topics if topic.name not in twice]
    answers: list[CreatedTopic] = []
    preparations: list[Operation] = []
    steps: list[Step] = []
    taken: set[str] = set()
    try:
        _check_partition_total(wanted, defaults)
        written = 0
        for topic in wanted:
            try:
                plan = _plan(image, topic, taken, defaults, schema, chance)
            except ApiError as error:
                answers.append(CreatedTopic(name=topic.name, error=error))
                continue
            written += 1 + len(topic.configs) + len(plan.partitions)
            if written > MAX_RECORDS_PER_REQUEST:
                raise ApiError(ErrorCode.POLICY_VIOLATION, "Unable to perform excessively large batch operation.")
            taken.add(topic.name)
            answers.append(plan.answer)
            preparations.extend(plan.preparations())
            steps.append(plan.step())
    except ApiError as error:
        answers = [CreatedTopic(name=topic.name, error=error) for topic in wanted]
        preparations, steps = [], []
    duplicate = ApiError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
    answers.extend(CreatedTopic(name=name, error=duplicate) for name in sorted(twice))
    return Decision(answers=tuple(answers), preparations=tuple(preparations), steps=tuple(steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    answer: CreatedTopic
    partitions: Sequence[PartitionRecord]

    def preparations(self) -> Iterable[Operation]:
        return partition_puts(self.answer.id, enumerate(self.partitions))

    def step(self) -> Step:
        answer = self.answer
        key = keys.topic(answer.name)
        operations: list[Operation] = [Put(key, records.encode_topic(TopicRecord(answer.id, len(self.partitions))))]
        if answer.configs:
            resource = ConfigResource(ConfigResourceType.TOPIC, answer.name)
            operations.append(Put(keys.config(resource), records.encode_config(answer.configs)))
        return Step(tuple(operations), (Compare(key, 0),))


def partition_puts(topic_id: Uuid, partitions: Iterable[tuple[int, PartitionRecord]]) -> Iterable[Put]:
    """Yield the writes of new partitions, given by index and record."""
    prefix = keys.partitions(topic_id)
    # Who leads and who is in sync follows from the replicas, and few partitions differ in these.
    values: dict[tuple[int, ...], bytes] = {}
    for index, record in partitions:
        value = values.get(record.replicas)
        if value is None:
            value = values[record.replicas] = records.encode_partition(record)
        yield Put(f"{prefix}{index}", value)


def new_topic_id(image: Image, entropy: Callable[[int], bytes]) -> Uuid:
    """Draw an id that no topic has and whose text no command line takes for an option."""
    while True:
        topic_id = uuid_from_entropy(entropy(16))
        if topic_id not in image.topics_by_id and not uuid_to_text(topic_id).startswith("-"):
            return topic_id


def _check_partition_total(topics: Iterable[NewTopic], defaults: TopicDefaults) -> None:
    total = 0
    for topic in topics:
        if topic.assignments:
            total += len(topic.assignments)
        else:
            total += defaults.partition_count if topic.partition_count == UNSET else topic.partition_count
        if total > MAX_PARTITIONS_PER_REQUEST:
            raise ApiError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")


def _plan(
    image: Image,
    topic: NewTopic,
    taken: set[str],
    defaults: TopicDefaults,
    schema: ConfigSchema,
    chance: Chance,
) -> _Plan:
    name = topic.name
    if name == METADATA_TOPIC:
        raise ApiError(ErrorCode.INVALID_REQUEST, f"Creation of internal topic {name} is prohibited.")
    validate_topic_name(name)
    if name in image.topics:
        raise ApiError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    other = find_collision(name, image.topics) or find_collision(name, taken)
    if other is not None:
        raise ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic '{name}' collides with existing topic: {other}")
    configs = dict(topic.configs)
    if configs:
        schema.validate(ConfigResource(ConfigResourceType.TOPIC, name), configs, configs)
    partitions = _assigned(image, topic) if topic.assignments else _placed(image, topic, defaults, chance)
    answer = CreatedTopic(
        name=name,
        id=new_topic_id(image, chance.entropy),
        partition_count=len(partitions),
        replication_factor=len(partitions[0].replicas),
        configs={key: value for key, value in configs.items() if value is not None},
    )
    return _Plan(answer=answer, partitions=partitions)


def _placed(image: Image, topic: NewTopic, defaults: TopicDefaults, chance: Chance) -> Sequence[PartitionRecord]:
    factor, count = topic.replication_factor, topic.partition_count
    if factor < UNSET or factor == 0:
        raise ApiError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if count < UNSET or count == 0:
        raise ApiError(ErrorCode.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value.")
    factor = defaults.replication_factor if factor == UNSET else factor
    count = defaults.partition_count if count == UNSET else count
    return place(image.brokers.values(), count, factor, chance.draw)


def _assigned(image: Image, topic: NewTopic) -> Sequence[PartitionRecord]:
    for given, what in ((topic.replication_factor, "replication factor"), (topic.partition_count, "numPartitions")):
        if given != UNSET:
            raise ApiError(
                ErrorCode.INVALID_REQUEST,
                f"A manual partition assignment was specified, but {what} was not set to -1.",
            )
    made: dict[int, PartitionRecord] = {}
    factor: int | None = None
    for index, replicas in topic.assignments:
        if index in made:
            raise invalid_assignment(f"Found multiple manual partition assignments for partition {index}")
        made[index] = manual_partition(image, index, replicas, factor)
        factor = len(replicas)
    if set(made) != set(range(len(made))):
        raise invalid_assignment("partitions should be a consecutive 0-based integer sequence")
    return [made[index] for index in range(len(made))]


def manual_partition(
    image: Image, index: int, replicas: tuple[int, ...], replication_factor: int | None
) -> PartitionRecord:
    """Return the record of a partition whose replicas a request names; raise INVALID_REPLICA_ASSIGNMENT.

    ``replication_factor`` is that of the topic's other partitions, None if there are none.
    """
    said = "The manual partition assignment includes"
    if not replicas:
        raise invalid_assignment(f"{said} an empty replica list.")
    before: int | None = None
    for replica in sorted(replicas):
        if replica not in image.brokers:
            raise invalid_assignment(f"{said} broker {replica}, but no such broker is registered.")
        if replica == before:
            raise invalid_assignment(f"{said} the broker {replica} more than once.")
        before = replica
    if replication_factor is not None and len(replicas) != replication_factor:
        raise invalid_assignment(
            f"{said} a partition with {len(replicas)} replica(s), but this is not consistent with previous"
            f" partitions, which have {replication_factor} replica(s)."
        )
    active = active_ids(image.brokers.values())
    if not active.intersection(replicas):
        raise invalid_assignment(
            f"All brokers specified in the manual partition assignment for partition {index} are fenced or in"
            " controlled shutdown."
        )
    return new_partition(replicas, active)


def invalid_assignment(message: str) -> ApiError:
    """Return INVALID_REPLICA_ASSIGNMENT."""
    return ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
