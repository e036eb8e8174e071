"""Giving topics more partitions: codes and sentences are those of Apache Kafka 4.2."""

import pytest
from tests.controller.cluster import brokers, carried_out, create

from ottla.controller.create_partitions import MorePartitions, create_partitions
from ottla.controller.create_topics import NewTopic
from ottla.metadata.image import Image
from ottla.model.error_codes import ErrorCode


def grow(image: Image, *topics: MorePartitions) -> tuple[Image, list[tuple[str, int, str | None]]]:
    decision = create_partitions(image, topics, draw=lambda end: 0)
    answers = [
        (one.name, one.error.code if one.error else 0, one.error.message if one.error else None)
        for one in decision.answers
    ]
    return carried_out(image, decision), answers


@pytest.fixture
def image() -> Image:
    made, _ = create(brokers(1, 2), NewTopic(name="t", partition_count=2), NewTopic(name="u"))
    return made


def test_new_partitions_come_behind_the_old_ones(image: Image) -> None:
    after, answers = grow(image, MorePartitions(name="t", count=5))
    assert answers == [("t", 0, None)]
    topic = after.topics["t"]
    assert [one.index for one in topic.partitions] == [0, 1, 2, 3, 4]
    assert topic.partitions[:2] == image.topics["t"].partitions
    assert topic.id == image.topics["t"].id


REFUSED = [
    (MorePartitions(name="t", count=2), ErrorCode.INVALID_PARTITIONS, "Topic already has 2 partition(s)."),
    (
        MorePartitions(name="t", count=1),
        ErrorCode.INVALID_PARTITIONS,
        "The topic t currently has 2 partition(s); 1 would not be an increase.",
    ),
    (
        MorePartitions(name="t", count=-1),
        ErrorCode.INVALID_PARTITIONS,
        "The topic t currently has 2 partition(s); -1 would not be an increase.",
    ),
    (MorePartitions(name="nope", count=3), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, None),
    (MorePartitions(name="", count=3), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, None),
    (
        MorePartitions(name="t", count=4, assignments=((1,),)),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
    ),
    (
        MorePartitions(name="t", count=4, assignments=((1,), (1, 1))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes the broker 1 more than once.",
    ),
    (
        MorePartitions(name="t", count=4, assignments=((1,), (3,))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes broker 3, but no such broker is registered.",
    ),
    (
        MorePartitions(name="t", count=4, assignments=((1,), (2, 1))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent"
        " with previous partitions, which have 1 replica(s).",
    ),
    (
        MorePartitions(name="t", count=20_000),
        ErrorCode.POLICY_VIOLATION,
        "Excessively large number of partitions per request.",
    ),
]


@pytest.mark.parametrize(("topic", "code", "message"), REFUSED)
def test_what_is_refused(image: Image, topic: MorePartitions, code: ErrorCode, message: str | None) -> None:
    after, answers = grow(image, topic)
    assert answers == [(topic.name, code, message)]
    assert len(after.topics["t"].partitions) == 2


def test_replicas_may_be_assigned(image: Image) -> None:
    after, answers = grow(image, MorePartitions(name="t", count=4, assignments=((2,), (1,))))
    assert answers == [("t", 0, None)]
    assert [one.replicas for one in after.topics["t"].partitions[2:]] == [(2,), (1,)]


def test_a_name_twice_is_refused_and_the_others_grow(image: Image) -> None:
    twice = MorePartitions(name="t", count=3)
    after, answers = grow(image, twice, MorePartitions(name="u", count=2), twice)
    assert sorted(answers) == [("t", ErrorCode.INVALID_REQUEST, "Duplicate topic name."), ("u", 0, None)]
    assert len(after.topics["t"].partitions) == 2
    assert len(after.topics["u"].partitions) == 2


def test_settings_and_unknown_fields_stay(image: Image) -> None:
    topic = image.topics["t"]
    topic.record = topic.record._replace(extra={"colour": "blue"})
    after, _ = grow(image, MorePartitions(name="t", count=3))
    assert after.topics["t"].record.extra == {"colour": "blue"}
