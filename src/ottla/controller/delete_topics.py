"""Deleting topics by name or by id (``ControllerApis.deleteTopics``).

A topic goes in one step with its partitions and its settings; its name is free again at once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ottla.metadata import keys
from ottla.metadata.image import Image, TopicImage
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.metastore.interface import Delete, DeletePrefix
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.model.ids import ZERO_UUID, Uuid

from .decision import Decision, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicReference:
    """A topic by name or by id; a request may wrongly give both, or neither."""

    name: str | None = None
    id: Uuid = ZERO_UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedTopic:
    """The answer for one topic; ``name`` is None, or ``id`` zero, where it is not known."""

    name: str | None
    id: Uuid
    error: ApiError | None = None


def delete_topics(image: Image, references: Sequence[TopicReference]) -> Decision[DeletedTopic]:
    """Decide which topics are deleted."""
    answers: list[DeletedTopic] = []

    def refuse(name: str | None, topic_id: Uuid, code: ErrorCode, message: str) -> None:
        answers.append(DeletedTopic(name=name, id=topic_id, error=ApiError(code, message)))

    by_name: Counter[str] = Counter()
    by_id: Counter[Uuid] = Counter()
    for reference in references:
        if reference.name is None:
            if reference.id == ZERO_UUID:
                refuse(None, ZERO_UUID, ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified.")
            else:
                by_id[reference.id] += 1
        elif reference.id == ZERO_UUID:
            by_name[reference.name] += 1
        else:
            message = "You may not specify both topic name and topic id."
            refuse(reference.name, reference.id, ErrorCode.INVALID_REQUEST, message)
    found: dict[Uuid, TopicImage] = {}
    for topic_id, times in by_id.items():
        topic = image.topics_by_id.get(topic_id)
        if times > 1:
            refuse(None, topic_id, ErrorCode.INVALID_REQUEST, "Duplicate topic id.")
        elif topic is None:
            refuse(None, topic_id, ErrorCode.UNKNOWN_TOPIC_ID, "This server does not host this topic ID.")
        else:
            found[topic_id] = topic
    for name, times in by_name.items():
        topic = image.topics.get(name)
        if times > 1:
            refuse(name, ZERO_UUID, ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
        elif topic is None:
            message = "This server does not host this topic-partition."
            refuse(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
        elif topic.id in found:
            del found[topic.id]
            message = "The provided topic name maps to an ID that was already supplied."
            refuse(name, topic.id, ErrorCode.INVALID_REQUEST, message)
        else:
            found[topic.id] = topic
    answers.extend(DeletedTopic(name=topic.name, id=topic.id) for topic in found.values())
    return Decision(answers=tuple(answers), steps=tuple(_deletion(topic) for topic in found.values()))


def _deletion(topic: TopicImage) -> Step:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    return Step(
        (
            Delete(keys.topic(topic.name)),
            DeletePrefix(keys.partitions(topic.id)),
            Delete(keys.config(resource)),
        )
    )
