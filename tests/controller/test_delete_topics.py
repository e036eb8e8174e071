"""Deleting topics by name and id: codes and sentences are those of Apache Kafka 4.2."""

import pytest
from tests.controller.cluster import brokers, carried_out, create

from ottla.controller.create_topics import NewTopic
from ottla.controller.delete_topics import TopicReference, delete_topics
from ottla.metadata.image import Image
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID

UNKNOWN = bytes([9]) * 16


@pytest.fixture
def image() -> Image:
    made, _ = create(
        brokers(1),
        NewTopic(name="t", partition_count=3, configs=(("retention.ms", "1"),)),
        NewTopic(name="u"),
    )
    return made


def delete(image: Image, *references: TopicReference) -> tuple[Image, list[tuple[str | None, bytes, int, str | None]]]:
    decision = delete_topics(image, references)
    answers = [
        (one.name, one.id, one.error.code if one.error else 0, one.error.message if one.error else None)
        for one in decision.answers
    ]
    return carried_out(image, decision), answers


def test_a_topic_goes_with_its_partitions_and_settings(image: Image) -> None:
    topic_id = image.topics["t"].id
    after, answers = delete(image, TopicReference(name="t"))
    assert answers == [("t", topic_id, 0, None)]
    assert set(after.topics) == {"u"}
    assert not after.hidden_topic_ids
    assert after.topic_config("t") == {}
    assert all("t" not in key.split("/") for key in after.store_keys())


def test_by_id(image: Image) -> None:
    topic_id = image.topics["t"].id
    after, answers = delete(image, TopicReference(id=topic_id), TopicReference(id=UNKNOWN))
    assert sorted(answers, key=lambda answer: answer[2]) == [
        ("t", topic_id, 0, None),
        (None, UNKNOWN, ErrorCode.UNKNOWN_TOPIC_ID, "This server does not host this topic ID."),
    ]
    assert set(after.topics) == {"u"}


def test_what_is_refused(image: Image) -> None:
    topic_id = image.topics["t"].id
    invalid = ErrorCode.INVALID_REQUEST
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    cases = [
        (
            [TopicReference()],
            (None, ZERO_UUID, invalid, "Neither topic name nor id were specified."),
        ),
        (
            [TopicReference(name="t", id=topic_id)],
            ("t", topic_id, invalid, "You may not specify both topic name and topic id."),
        ),
        ([TopicReference(name="t")] * 2, ("t", ZERO_UUID, invalid, "Duplicate topic name.")),
        ([TopicReference(id=topic_id)] * 3, (None, topic_id, invalid, "Duplicate topic id.")),
        (
            [TopicReference(id=topic_id), TopicReference(name="t")],
            ("t", topic_id, invalid, "The provided topic name maps to an ID that was already supplied."),
        ),
        (
            [TopicReference(name="nope")],
            ("nope", ZERO_UUID, unknown, "This server does not host this topic-partition."),
        ),
        (
            [TopicReference(name="")],
            ("", ZERO_UUID, unknown, "This server does not host this topic-partition."),
        ),
    ]
    for references, answer in cases:
        after, answers = delete(image, *references)
        assert answers == [answer]
        assert set(after.topics) == {"t", "u"}
        after, answers = delete(image, *references, TopicReference(name="u"))
        assert answers[0] == answer
        assert set(after.topics) == {"t"}
