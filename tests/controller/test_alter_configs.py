"""Changing settings, the older way and the newer: codes and sentences are those of Apache Kafka 4.2."""

import pytest
from tests.controller.cluster import Schema, brokers, carried_out, create

from ottla.controller.alter_configs import Alteration, ConfigChange, alter_configs
from ottla.controller.create_topics import NewTopic
from ottla.metadata.image import Image
from ottla.metadata.keys import CLUSTER_DEFAULT, ConfigResource, ConfigResourceType
from ottla.model.error_codes import ErrorCode

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)
Answers = list[tuple[int, str | None]]


@pytest.fixture
def image() -> Image:
    made, _ = create(
        brokers(1),
        NewTopic(name="t", configs=(("retention.ms", "1"), ("segment.bytes", "2"))),
        NewTopic(name="plain"),
    )
    return made


def alter(image: Image, *alterations: Alteration) -> tuple[Image, Answers]:
    decision = alter_configs(image, alterations, schema=Schema(), node_id=1)
    assert [(one.resource_type, one.resource_name) for one in decision.answers] == [
        (one.resource_type, one.resource_name) for one in alterations
    ]
    answers = [
        (one.error.code if one.error else 0, one.error.message if one.error else None) for one in decision.answers
    ]
    return carried_out(image, decision), answers


def replaced(kind: int, name: str, *pairs: tuple[str, str | None]) -> Alteration:
    return Alteration(resource_type=kind, resource_name=name, replacement=pairs)


def changed(kind: int, name: str, *changes: tuple[str, int, str | None]) -> Alteration:
    return Alteration(
        resource_type=kind,
        resource_name=name,
        changes=tuple(ConfigChange(name=one, operation=operation, value=value) for one, operation, value in changes),
    )


def test_the_older_request_names_all_that_stays(image: Image) -> None:
    after, answers = alter(image, replaced(TOPIC, "t", ("retention.ms", "7")))
    assert answers == [(0, None)]
    assert after.topic_config("t") == {"retention.ms": "7"}
    after, _ = alter(image, replaced(TOPIC, "t"))
    assert after.topic_config("t") == {}
    assert ConfigResource(ConfigResourceType.TOPIC, "t") not in after.configs


def test_the_newer_request_names_what_changes(image: Image) -> None:
    after, answers = alter(image, changed(TOPIC, "t", ("retention.ms", DELETE, None), ("cleanup.policy", SET, "x")))
    assert answers == [(0, None)]
    assert after.topic_config("t") == {"segment.bytes": "2", "cleanup.policy": "x"}
    after, answers = alter(after, changed(TOPIC, "t", ("retention.ms", DELETE, None)))
    assert answers == [(0, None)]


@pytest.mark.parametrize(
    ("before", "operation", "value", "after"),
    [
        (None, APPEND, "compact", "delete,compact"),
        (None, APPEND, "compact,delete", "delete,compact"),
        ("compact", APPEND, "compact,x", "compact,x"),
        ("delete,compact", SUBTRACT, "delete", "compact"),
        ("compact", SUBTRACT, "compact", ""),
        ("compact", SUBTRACT, "nothing", "compact"),
        (None, SUBTRACT, "delete", ""),
        ("", APPEND, "compact", "compact"),
    ],
)
def test_lists(image: Image, before: str | None, operation: int, value: str, after: str) -> None:
    if before is not None:
        image, _ = alter(image, changed(TOPIC, "plain", ("cleanup.policy", SET, before)))
    image, answers = alter(image, changed(TOPIC, "plain", ("cleanup.policy", operation, value)))
    assert answers == [(0, None)]
    assert image.topic_config("plain") == {"cleanup.policy": after}


INVALID, BAD_CONFIG = ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_CONFIG
REFUSED: list[tuple[Alteration, int, str]] = [
    (replaced(TOPIC, "nope", ("retention.ms", "2")), 3, "The topic 'nope' does not exist."),
    (replaced(TOPIC, "", ("retention.ms", "2")), INVALID, "Default topic resources are not allowed."),
    (replaced(TOPIC, "nope", ("bogus", "2")), BAD_CONFIG, "Unknown topic config name: bogus"),
    (replaced(TOPIC, "t", ("retention.ms", None)), INVALID, "Null value not supported for : retention.ms"),
    (
        replaced(TOPIC, "t", ("retention.ms", "2"), ("retention.ms", "3")),
        INVALID,
        "Error due to duplicate config keys",
    ),
    (
        replaced(TOPIC, "sp ace", ("retention.ms", "2")),
        17,
        "Topic name is invalid: 'sp ace' contains one or more characters other than ASCII alphanumerics,"
        " '.', '_' and '-'",
    ),
    (replaced(BROKER, "9", ("a", "b")), INVALID, "Unexpected broker id, expected 1, but received 9"),
    (replaced(BROKER, "abc", ("a", "b")), INVALID, "Node id must be an integer, but it is: abc"),
    (replaced(LOGGER, "1", ("a", "b")), INVALID, "Unknown resource type 8"),
    (replaced(0, "x"), INVALID, "Unknown resource type 0"),
    (replaced(77, "x", ("a", "b")), INVALID, "Unknown resource type 77"),
    (replaced(GROUP, "", ("a", "b")), INVALID, "Default group resources are not allowed."),
    (replaced(CLIENT_METRICS, "", ("a", "b")), INVALID, "Subscription name can't be empty"),
    (
        changed(TOPIC, "t", ("retention.ms", APPEND, "1")),
        BAD_CONFIG,
        "Can't APPEND to key retention.ms because its type is not LIST.",
    ),
    (
        changed(TOPIC, "t", ("bogus", SUBTRACT, "1")),
        BAD_CONFIG,
        "Can't SUBTRACT to key bogus because its type is not LIST.",
    ),
    (changed(TOPIC, "t", ("retention.ms", SET, None)), INVALID, "Null value not supported for : retention.ms"),
    (changed(TOPIC, "t", ("cleanup.policy", APPEND, None)), INVALID, "Null value not supported for : cleanup.policy"),
    (changed(TOPIC, "t", ("retention.ms", 9, "1")), INVALID, "Unknown operation 9 for retention.ms"),
    (
        changed(TOPIC, "t", ("retention.ms", SET, "1"), ("retention.ms", DELETE, None)),
        INVALID,
        "Error due to duplicate config keys",
    ),
    (changed(TOPIC, "t", ("retention.ms", SET, "bad")), BAD_CONFIG, "retention.ms is bad"),
]


@pytest.mark.parametrize(("alteration", "code", "message"), REFUSED)
def test_what_is_refused(image: Image, alteration: Alteration, code: int, message: str) -> None:
    after, answers = alter(image, alteration, changed(TOPIC, "plain", ("retention.ms", SET, "5")))
    assert answers == [(code, message), (0, None)]
    assert after.topic_config("t") == image.topic_config("t")
    assert after.topic_config("plain") == {"retention.ms": "5"}


def test_a_resource_twice_is_refused_twice(image: Image) -> None:
    twice = changed(TOPIC, "t", ("retention.ms", SET, "9"))
    after, answers = alter(image, twice, changed(TOPIC, "plain"), twice)
    refused = (INVALID, "Each resource must appear at most once.")
    assert answers == [refused, (0, None), refused]
    assert after.topic_config("t") == image.topic_config("t")


def test_brokers_all_brokers_and_groups(image: Image) -> None:
    after, answers = alter(
        image,
        changed(BROKER, "1", ("log.retention.ms", SET, "1")),
        changed(BROKER, "", ("log.retention.ms", SET, "2")),
        changed(GROUP, "a/b", ("consumer.session.timeout.ms", SET, "3")),
    )
    assert answers == [(0, None)] * 3
    assert after.config(ConfigResource(ConfigResourceType.BROKER, "1")) == {"log.retention.ms": "1"}
    assert after.config(CLUSTER_DEFAULT) == {"log.retention.ms": "2"}
    group = ConfigResource(ConfigResourceType.GROUP, "a/b")
    assert after.config(group) == {"consumer.session.timeout.ms": "3"}
    assert ConfigResource(ConfigResourceType.BROKER, "01") not in after.configs


def test_one_broker_has_one_name(image: Image) -> None:
    after, answers = alter(image, changed(BROKER, "01", ("a", SET, "b")))
    assert answers == [(0, None)]
    assert after.config(ConfigResource(ConfigResourceType.BROKER, "1")) == {"a": "b"}


def test_no_change_writes_nothing(image: Image) -> None:
    decision = alter_configs(image, [changed(TOPIC, "t", ("retention.ms", SET, "1"))], schema=Schema(), node_id=1)
    assert not decision.steps
