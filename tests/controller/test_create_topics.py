"""Creating topics: codes and sentences are those of Apache Kafka 4.2, asked on a node of one broker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controller.cluster import Schema, brokers, carried_out, chance, create, written

from ottla.controller.create_topics import NewTopic, TopicDefaults, create_topics
from ottla.metadata.image import Image
from ottla.metastore.interface import Compare, Put
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID

ONE = brokers(1)


def assigned(*pairs: tuple[int, tuple[int, ...]]) -> NewTopic:
    return NewTopic(name="t", assignments=pairs)


REFUSED = [
    (NewTopic(name=""), ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: the empty string is not allowed"),
    (
        NewTopic(name="__cluster_metadata"),
        ErrorCode.INVALID_REQUEST,
        "Creation of internal topic __cluster_metadata is prohibited.",
    ),
    (
        NewTopic(name="t", partition_count=0),
        ErrorCode.INVALID_PARTITIONS,
        "Number of partitions was set to an invalid non-positive value.",
    ),
    (
        NewTopic(name="t", partition_count=-2),
        ErrorCode.INVALID_PARTITIONS,
        "Number of partitions was set to an invalid non-positive value.",
    ),
    (
        NewTopic(name="t", replication_factor=0),
        ErrorCode.INVALID_REPLICATION_FACTOR,
        "Replication factor must be larger than 0, or -1 to use the default value.",
    ),
    (
        NewTopic(name="t", replication_factor=-2, partition_count=0),
        ErrorCode.INVALID_REPLICATION_FACTOR,
        "Replication factor must be larger than 0, or -1 to use the default value.",
    ),
    (
        NewTopic(name="t", replication_factor=5),
        ErrorCode.INVALID_REPLICATION_FACTOR,
        "Unable to replicate the partition 5 time(s): The target replication factor of 5 cannot be reached"
        " because only 1 broker(s) are registered.",
    ),
    (
        NewTopic(name="t", partition_count=2, assignments=((0, (1,)),)),
        ErrorCode.INVALID_REQUEST,
        "A manual partition assignment was specified, but numPartitions was not set to -1.",
    ),
    (
        NewTopic(name="t", replication_factor=1, partition_count=2, assignments=((0, (1,)),)),
        ErrorCode.INVALID_REQUEST,
        "A manual partition assignment was specified, but replication factor was not set to -1.",
    ),
    (
        assigned((0, (1,)), (2, (1,))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "partitions should be a consecutive 0-based integer sequence",
    ),
    (
        assigned((-1, (1,))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "partitions should be a consecutive 0-based integer sequence",
    ),
    (
        assigned((0, (1,)), (0, (1,))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "Found multiple manual partition assignments for partition 0",
    ),
    (
        assigned((0, (1, 1))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes the broker 1 more than once.",
    ),
    (
        assigned((0, (1,)), (1, (9,))),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes broker 9, but no such broker is registered.",
    ),
    (
        assigned((0, ())),
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes an empty replica list.",
    ),
    (
        NewTopic(name="t", configs=(("foo", "bar"),)),
        ErrorCode.INVALID_CONFIG,
        "Unknown topic config name: foo",
    ),
    (
        NewTopic(name="t", partition_count=0, configs=(("retention.ms", "bad"),)),
        ErrorCode.INVALID_CONFIG,
        "retention.ms is bad",
    ),
]


@pytest.mark.parametrize(("topic", "code", "message"), REFUSED)
def test_what_is_refused(topic: NewTopic, code: ErrorCode, message: str) -> None:
    image, (answer,) = create(ONE, topic)
    assert answer.error is not None
    assert (answer.error.code, answer.error.message) == (code, message)
    assert (answer.name, answer.id, answer.partition_count) == (topic.name, ZERO_UUID, -1)
    assert not image.topics


def test_a_topic_comes_with_partitions_and_settings() -> None:
    topic = NewTopic(name="t", partition_count=3, configs=(("retention.ms", "1"), ("retention.ms", "2")))
    image, (answer,) = create(ONE, topic)
    assert answer.error is None
    assert (answer.partition_count, answer.replication_factor) == (3, 1)
    assert answer.configs == {"retention.ms": "2"}
    created = image.topics["t"]
    assert created.id == answer.id != ZERO_UUID
    assert [(one.index, one.replicas, one.isr, one.leader, one.leader_epoch) for one in created.partitions] == [
        (index, (1,), (1,), 1, 0) for index in range(3)
    ]
    assert image.topic_config("t") == {"retention.ms": "2"}


def test_defaults_stand_for_minus_one() -> None:
    defaults = TopicDefaults(partition_count=4, replication_factor=2)
    decision = create_topics(brokers(1, 2), [NewTopic(name="t")], defaults=defaults, schema=Schema(), chance=chance())
    assert (decision.answers[0].partition_count, decision.answers[0].replication_factor) == (4, 2)


def test_replicas_may_be_assigned() -> None:
    image, (answer,) = create(brokers(1, 2, 3), assigned((1, (3, 1)), (0, (2, 3))))
    assert answer.error is None
    assert [(one.replicas, one.leader) for one in image.topics["t"].partitions] == [((2, 3), 2), ((3, 1), 3)]


def test_assigned_replicas_are_as_many_for_each_partition() -> None:
    _, (answer,) = create(brokers(1, 2, 3), assigned((0, (1, 2)), (1, (1,))))
    assert answer.error is not None
    assert answer.error.code == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    assert answer.error.message == (
        "The manual partition assignment includes a partition with 1 replica(s), but this is not consistent"
        " with previous partitions, which have 2 replica(s)."
    )


def test_fenced_brokers_hold_but_do_not_lead() -> None:
    image, (answer,) = create(brokers(1, 2, fenced=[1]), assigned((0, (1, 2))))
    assert answer.error is None
    partition = image.topics["t"].partitions[0]
    assert (partition.replicas, partition.isr, partition.leader) == ((1, 2), (2,), 2)
    _, (answer,) = create(brokers(1, 2, fenced=[1]), assigned((0, (1,))))
    assert answer.error is not None
    assert answer.error.message == (
        "All brokers specified in the manual partition assignment for partition 0 are fenced or in controlled shutdown."
    )
    _, (answer,) = create(brokers(1, fenced=[1]), NewTopic(name="t"))
    assert answer.error is not None
    assert answer.error.message == ("Unable to replicate the partition 1 time(s): All brokers are currently fenced.")


def test_an_existing_name_and_its_likes_are_refused() -> None:
    image, _ = create(ONE, NewTopic(name="a_b"), NewTopic(name="c"))
    _, answers = create(image, NewTopic(name="c"), NewTopic(name="a.b"), NewTopic(name="C"))
    errors = [answer.error for answer in answers]
    assert errors[0] is not None
    assert (errors[0].code, errors[0].message) == (ErrorCode.TOPIC_ALREADY_EXISTS, "Topic 'c' already exists.")
    assert errors[1] is not None
    assert errors[1].code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert errors[1].message == "Topic 'a.b' collides with existing topic: a_b"
    assert errors[2] is None


def test_likes_in_one_request_are_refused() -> None:
    image, answers = create(ONE, NewTopic(name="a_b"), NewTopic(name="a.b"))
    assert [answer.error is None for answer in answers] == [True, False]
    assert set(image.topics) == {"a_b"}


def test_a_name_twice_in_a_request_is_refused_once_and_not_created() -> None:
    image, answers = create(ONE, NewTopic(name="dup"), NewTopic(name="other"), NewTopic(name="dup", partition_count=2))
    assert set(image.topics) == {"other"}
    assert [(answer.name, answer.error and answer.error.message) for answer in answers] == [
        ("other", None),
        ("dup", "Duplicate topic name."),
    ]


def test_one_bad_item_does_not_hinder_the_others() -> None:
    image, answers = create(ONE, NewTopic(name="a"), NewTopic(name="b", partition_count=0), NewTopic(name="c"))
    assert set(image.topics) == {"a", "c"}
    assert [answer.error is None for answer in answers] == [True, False, True]


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ([NewTopic(name="a", partition_count=10_001)], "Excessively large number of partitions per request."),
        (
            [NewTopic(name="a", partition_count=6000), NewTopic(name="b", partition_count=6000)],
            "Excessively large number of partitions per request.",
        ),
        ([NewTopic(name="a", partition_count=10_000)], "Unable to perform excessively large batch operation."),
    ],
)
def test_a_request_may_not_be_too_large(topics: list[NewTopic], message: str) -> None:
    image, answers = create(ONE, *topics)
    assert not image.topics
    for answer in answers:
        assert answer.error is not None
        assert (answer.error.code, answer.error.message) == (ErrorCode.POLICY_VIOLATION, message)


def test_a_topic_is_written_only_if_its_name_is_still_free() -> None:
    decision = create_topics(
        ONE,
        [NewTopic(name="t", partition_count=2)],
        defaults=TopicDefaults(partition_count=1, replication_factor=1),
        schema=Schema(),
        chance=chance(),
    )
    (step,) = decision.steps
    assert step.compares == (Compare("topics/t", 0),)
    assert all(isinstance(one, Put) and one.key.startswith("partitions/") for one in decision.preparations)
    assert not written(ONE, decision.preparations).topics


def test_ids_are_new_and_do_not_begin_with_a_dash() -> None:
    dash = b"\xf8" + bytes(15)
    image, (existing,) = create(ONE, NewTopic(name="old"))
    taken = existing.id
    drawn = iter([taken, dash, b"\x07" * 16])
    decision = create_topics(
        image,
        [NewTopic(name="t")],
        defaults=TopicDefaults(partition_count=1, replication_factor=1),
        schema=Schema(),
        chance=type(chance())(entropy=lambda size: next(drawn), draw=lambda end: 0),
    )
    assert decision.answers[0].id[0] == 7


@given(
    st.lists(
        st.builds(
            NewTopic,
            name=st.sampled_from(["a", "a.b", "a_b", "", "b", "c", "__cluster_metadata"]),
            partition_count=st.integers(-2, 4),
            replication_factor=st.integers(-2, 4),
            assignments=st.just(()),
            configs=st.lists(
                st.tuples(st.sampled_from(["retention.ms", "foo"]), st.sampled_from(["1", "bad", None])), max_size=2
            ).map(tuple),
        ),
        max_size=5,
    )
)
def test_what_is_answered_is_what_is_there(topics: list[NewTopic]) -> None:
    """Property: one answer a name; created topics are exactly those without an error; deciding changes nothing."""
    before = brokers(1, 2, 3)
    decision = create_topics(
        before,
        topics,
        defaults=TopicDefaults(partition_count=2, replication_factor=2),
        schema=Schema(),
        chance=chance(),
    )
    assert not before.topics
    after: Image = carried_out(before, decision)
    assert sorted(answer.name for answer in decision.answers) == sorted({topic.name for topic in topics})
    created = {answer.name: answer for answer in decision.answers if answer.error is None}
    assert set(after.topics) == set(created)
    for name, answer in created.items():
        topic = after.topics[name]
        assert (topic.id, len(topic.partitions)) == (answer.id, answer.partition_count)
        assert after.topic_config(name) == answer.configs
        for partition in topic.partitions:
            assert len(set(partition.replicas)) == answer.replication_factor
            assert partition.leader == partition.replicas[0]
    assert not after.hidden_topic_ids
