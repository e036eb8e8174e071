"""Invalid and clashing topic names, by CreateTopics and by auto-creation (issue 3, 6.1)."""

import pytest
from tests.harness import batches, calls
from tests.harness.waiting import eventually
from tests.harness.wire import Connection, Values

INVALID = ["", ".", "..", "a/b", "a b", "ü", "a\x00b", "a:b", "*", "x" * 250, "a,b", "a\nb", 'a"b', "../../etc/passwd"]
VALID = ["x" * 249, "A.b-c_9", "-", "_", "...", "0"]


def create(connection: Connection, name: str, *, version: int = 5, partitions: int = 1, **options: object) -> Values:
    item = {
        "name": name,
        "num_partitions": partitions,
        "replication_factor": 1,
        "assignments": [],
        "configs": [],
        **options,
    }
    (result,) = connection.call("CreateTopics", version, {"topics": [item], "timeout_ms": 30_000})["topics"]
    return dict(result)


@pytest.mark.parametrize("name", INVALID)
def test_invalid_name_is_refused_by_create_topics(connection: Connection, name: str) -> None:
    result = create(connection, name)
    assert (result["name"], result["error_code"]) == (name, 17)
    assert result["error_message"]


@pytest.mark.parametrize("name", [name for name in INVALID if name])
def test_invalid_name_is_refused_by_metadata(connection: Connection, name: str) -> None:
    (found,) = connection.call("Metadata", 9, {"topics": [{"name": name}]})["topics"]
    assert (found["name"], found["error_code"]) == (name, 17)


@pytest.mark.parametrize("name", VALID)
def test_odd_but_valid_names_work(connection: Connection, name: str) -> None:
    calls.create_topic(connection, name)
    assert calls.produce(connection, name, batches.batch(batches.values(1)))["error_code"] == 0
    assert len(batches.records_of(calls.fetch(connection, name, 0)["records"])) == 1
    answer = connection.call("DeleteTopics", 3, {"topic_names": [name], "timeout_ms": 30_000})
    assert [item["error_code"] for item in answer["responses"]] == [0]


def test_names_that_differ_in_dot_and_underscore_collide(connection: Connection) -> None:
    """Kafka's metric names cannot tell them apart, so the second is refused."""
    stem = calls.unique("collide")
    assert create(connection, f"{stem}.a_b")["error_code"] == 0
    assert create(connection, f"{stem}_a.b")["error_code"] == 17


def test_existing_name_is_refused(connection: Connection, topic: str) -> None:
    assert create(connection, topic)["error_code"] == 36


def test_one_name_twice_in_a_request_is_refused(connection: Connection) -> None:
    name = calls.unique("twice")
    item = {"name": name, "num_partitions": 1, "replication_factor": 1, "assignments": [], "configs": []}
    answer = connection.call("CreateTopics", 5, {"topics": [item, item], "timeout_ms": 30_000})
    assert {result["error_code"] for result in answer["topics"]} == {42}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"partitions": 0}, 37),
        ({"partitions": -2}, 37),
        ({"replication_factor": 0}, 38),
        ({"replication_factor": 2}, 38),
        ({"replication_factor": -2}, 38),
        ({"configs": [{"name": "no.such.setting", "value": "1"}]}, 40),
        ({"configs": [{"name": "retention.ms", "value": "soon"}]}, 40),
        ({"configs": [{"name": "cleanup.policy", "value": "shred"}]}, 40),
        ({"configs": [{"name": "segment.bytes", "value": "10"}]}, 40),
        ({"configs": [{"name": "compression.type", "value": None}]}, 40),
        ({"assignments": [{"partition_index": 0, "broker_ids": [1]}]}, 42),
    ],
)
def test_bad_topic_is_refused(connection: Connection, options: dict[str, object], code: int) -> None:
    name = calls.unique("bad")
    result = create(connection, name, **options)  # type: ignore[arg-type]  # a table of keyword arguments
    assert result["error_code"] == code, result
    (found,) = connection.call("Metadata", 4, {"topics": [{"name": name}], "allow_auto_topic_creation": False})[
        "topics"
    ]
    assert found["error_code"] == 3


def test_validate_only_creates_nothing(connection: Connection) -> None:
    name = calls.unique("dry")
    item = {"name": name, "num_partitions": 3, "replication_factor": -1, "assignments": [], "configs": []}
    request = {"topics": [item], "timeout_ms": 30_000, "validate_only": True}
    (result,) = connection.call("CreateTopics", 7, request)["topics"]
    assert (result["error_code"], result["num_partitions"], result["replication_factor"]) == (0, 3, 1)
    (found,) = connection.call("Metadata", 4, {"topics": [{"name": name}], "allow_auto_topic_creation": False})[
        "topics"
    ]
    assert found["error_code"] == 3


def test_created_topic_is_described_in_the_answer(connection: Connection) -> None:
    name = calls.unique("told")
    item = {
        "name": name,
        "num_partitions": 2,
        "replication_factor": 1,
        "assignments": [],
        "configs": [{"name": "retention.ms", "value": "12345"}],
    }
    (result,) = connection.call("CreateTopics", 7, {"topics": [item], "timeout_ms": 30_000})["topics"]
    assert (result["error_code"], result["num_partitions"], result["replication_factor"]) == (0, 2, 1)
    configs = {entry["name"]: entry for entry in result["configs"]}
    assert configs["retention.ms"]["value"] == "12345"
    assert configs["retention.ms"]["config_source"] == 1
    assert configs["cleanup.policy"]["value"] == "delete"
    calls.wait_for_topic(connection, name, 2)
    assert calls.topic_id(connection, name) == result["topic_id"]


def test_metadata_creates_a_topic_when_asked_to(connection: Connection) -> None:
    name = calls.unique("auto")
    for allowed in (False, True):
        request = {"topics": [{"name": name}], "allow_auto_topic_creation": allowed}
        (found,) = connection.call("Metadata", 4, request)["topics"]
        assert found["error_code"] in (0, 3, 5)
        assert allowed or found["error_code"] == 3
    eventually(lambda: connection.call("Metadata", 4, request)["topics"][0]["error_code"] == 0, "the topic is there")


def test_deleting_an_unknown_topic_says_so(connection: Connection) -> None:
    answer = connection.call("DeleteTopics", 3, {"topic_names": ["no-such-topic"], "timeout_ms": 1000})
    assert [item["error_code"] for item in answer["responses"]] == [3]
