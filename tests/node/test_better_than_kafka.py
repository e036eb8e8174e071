"""Where Ottla is meant to be better than Kafka: no waiting after a topic or a group is made (`apache-kafka.md`)."""

import pytest
from tests.harness import batches, calls
from tests.harness.fixtures import MakeNode
from tests.harness.load import ProducerLoad, check_acknowledged
from tests.harness.node import Node
from tests.harness.waiting import Stopwatch
from tests.harness.wire import Connection

pytestmark = pytest.mark.usefixtures("only_ottla")


def create(connection: Connection, name: str, partitions: int = 1) -> None:
    item = {"name": name, "num_partitions": partitions, "replication_factor": 1, "assignments": [], "configs": []}
    (result,) = connection.call("CreateTopics", 5, {"topics": [item], "timeout_ms": 10_000})["topics"]
    assert result["error_code"] == 0


def delete(connection: Connection, name: str) -> None:
    answer = connection.call("DeleteTopics", 3, {"topic_names": [name], "timeout_ms": 10_000})
    assert [item["error_code"] for item in answer["responses"]] == [0]


def test_new_topic_serves_at_once(node: Node) -> None:
    for _ in range(30):
        name = calls.unique("fresh")
        with node.connect() as connection, node.connect() as other:
            create(connection, name, 10)
            for partition in range(10):
                entry = batches.batch(batches.values(1))
                assert calls.produce(other, name, entry, partition=partition)["error_code"] == 0
                assert calls.fetch(other, name, 0, partition=partition)["error_code"] == 0
                assert calls.list_offset(other, name, partition=partition)["offset"] == 1


def test_topic_shown_in_metadata_can_be_used(node: Node, connection: Connection) -> None:
    """Another client that sees the topic while it is being made can produce to all of it."""
    for _ in range(20):
        name = calls.unique("watched")
        with node.connect() as maker:
            item = {"name": name, "num_partitions": 5, "replication_factor": 1, "assignments": [], "configs": []}
            asked = maker.send("CreateTopics", 5, {"topics": [item], "timeout_ms": 10_000})
            while True:
                request = {"topics": [{"name": name}], "allow_auto_topic_creation": False}
                (found,) = connection.call("Metadata", 4, request)["topics"]
                if found["error_code"] == 0:
                    break
            assert len(found["partitions"]) == 5
            for partition in found["partitions"]:
                assert partition["error_code"] == 0
                index = partition["partition_index"]
                entry = batches.batch(batches.values(1))
                assert calls.produce(connection, name, entry, partition=index)["error_code"] == 0
            maker.receive("CreateTopics", 5, expect_id=asked)


def test_auto_created_topic_is_there_in_the_same_answer(connection: Connection) -> None:
    name = calls.unique("auto")
    request = {"topics": [{"name": name}], "allow_auto_topic_creation": True}
    (found,) = connection.call("Metadata", 4, request)["topics"]
    assert found["error_code"] == 0
    assert calls.produce(connection, name, batches.batch(batches.values(1)))["error_code"] == 0


def test_new_partitions_serve_at_once(connection: Connection) -> None:
    name = calls.unique("grown")
    create(connection, name, 1)
    request = {"topics": [{"name": name, "count": 5, "assignments": None}], "timeout_ms": 10_000}
    assert connection.call("CreatePartitions", 1, request)["results"][0]["error_code"] == 0
    for partition in range(5):
        entry = batches.batch(batches.values(1))
        assert calls.produce(connection, name, entry, partition=partition)["error_code"] == 0


def test_group_coordinator_answers_at_the_first_try(make_node: MakeNode) -> None:
    node = make_node().start()
    for number in range(60):
        with node.connect() as connection:
            group = f"group-{number}"
            found = connection.call("FindCoordinator", 2, {"key": group, "key_type": 0})
            assert found["error_code"] == 0
            beat = {"group_id": group, "generation_id": 1, "member_id": "nobody"}
            assert connection.call("Heartbeat", 1, beat)["error_code"] == 25


def test_coordinator_answers_without_having_been_looked_up(make_node: MakeNode) -> None:
    node = make_node().start()
    with node.connect() as connection:
        beat = {"group_id": "g", "generation_id": 1, "member_id": "nobody"}
        assert connection.call("Heartbeat", 1, beat)["error_code"] in (16, 25)


def test_first_producer_id_comes_at_the_first_try(make_node: MakeNode) -> None:
    node = make_node().start()
    with node.connect() as connection:
        request = {"transactional_id": None, "transaction_timeout_ms": 60_000}
        assert connection.call("InitProducerId", 4, request)["error_code"] == 0


def test_deleted_name_is_free_and_empty_at_once(connection: Connection) -> None:
    name = calls.unique("again")
    ids = set()
    for _ in range(20):
        create(connection, name)
        ids.add(calls.topic_id(connection, name))
        result = calls.produce(connection, name, batches.batch(batches.values(3)))
        assert (result["error_code"], result["base_offset"]) == (0, 0)
        delete(connection, name)
        (found,) = connection.call("Metadata", 4, {"topics": [{"name": name}], "allow_auto_topic_creation": False})[
            "topics"
        ]
        assert found["error_code"] == 3
    assert len(ids) == 20


def test_kill_costs_well_under_a_second(make_node: MakeNode) -> None:
    """With a hundred megabytes of log behind it; twice that bound is allowed for a busy machine."""
    node = make_node().start()
    with node.connect() as connection:
        calls.create_topic(connection, "big")
    load = ProducerLoad(node, "big", size_bytes=900_000, in_flight=2)
    load.start()
    load.wait_for(110)
    load.finish()
    node.kill()
    watch = Stopwatch()
    node.start()
    assert watch.seconds() < 2
    with node.connect(timeout_s=30) as connection:
        check_acknowledged(connection, load)
