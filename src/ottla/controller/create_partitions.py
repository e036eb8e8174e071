"""Giving topics more partitions (``ReplicationControlManager.createPartitions``)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ottla.metadata import keys, records
from ottla.metadata.image import Image, TopicImage
from ottla.metadata.records import PartitionRecord
from ottla.metastore.interface import Operation, Put
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .create_topics import MAX_PARTITIONS_PER_REQUEST, invalid_assignment, manual_partition, partition_puts
from .decision import Decision, Step
from .placement import Draw, place


@dataclass(frozen=True, slots=True, kw_only=True)
class MorePartitions:
    """One topic of a request; ``count`` is what it shall have, ``assignments`` the replicas of the new ones."""

    name: str
    count: int
    assignments: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionsCreated:
    """The answer for one topic."""

    name: str
    error: ApiError | None = None


def create_partitions(image: Image, topics: Sequence[MorePartitions], *, draw: Draw) -> Decision[PartitionsCreated]:
    """Decide which topics get which partitions."""
    names = [topic.name for topic in topics]
    twice = sorted({name for name in names if names.count(name) > 1})
    duplicate = ApiError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
    answers = [PartitionsCreated(name=name, error=duplicate) for name in twice]
    preparations: list[Operation] = []
    steps: list[Step] = []
    made = 0
    for wanted in topics:
        if wanted.name in twice:
            continue
        try:
            topic = image.topics.get(wanted.name)
            if topic is None:
                raise ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            made += max(0, wanted.count - len(topic.partitions))
            if made > MAX_PARTITIONS_PER_REQUEST:
                raise ApiError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")
            partitions = _new_partitions(image, topic, wanted, draw)
        except ApiError as error:
            answers.append(PartitionsCreated(name=wanted.name, error=error))
            continue
        answers.append(PartitionsCreated(name=wanted.name))
        preparations.extend(partition_puts(topic.id, enumerate(partitions, len(topic.partitions))))
        record = topic.record._replace(partition_count=wanted.count)
        steps.append(Step((Put(keys.topic(topic.name), records.encode_topic(record)),)))
    return Decision(answers=tuple(answers), preparations=tuple(preparations), steps=tuple(steps))


def _new_partitions(image: Image, topic: TopicImage, wanted: MorePartitions, draw: Draw) -> Sequence[PartitionRecord]:
    existing = len(topic.partitions)
    if wanted.count == existing:
        raise ApiError(ErrorCode.INVALID_PARTITIONS, f"Topic already has {existing} partition(s).")
    if wanted.count < existing:
        raise ApiError(
            ErrorCode.INVALID_PARTITIONS,
            f"The topic {topic.name} currently has {existing} partition(s); {wanted.count} would not be an increase.",
        )
    additional = wanted.count - existing
    factor = len(topic.partitions[0].replicas)
    if wanted.assignments is None:
        return place(image.brokers.values(), additional, factor, draw)
    if len(wanted.assignments) != additional:
        raise invalid_assignment(
            f"Attempted to add {additional} additional partition(s), but only {len(wanted.assignments)}"
            " assignment(s) were specified."
        )
    return [
        manual_partition(image, existing + offset, replicas, factor)
        for offset, replicas in enumerate(wanted.assignments)
    ]
