"""Idempotent producers over the wire (issue 3, 4.2; reference 7.1)."""

from tests.harness import calls
from tests.harness.batches import batch, records_of, values
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node
from tests.harness.wire import Connection, Values


def send(
    connection: Connection, topic: str, producer: tuple[int, int], sequence: int, *, count: int = 1, partition: int = 0
) -> Values:
    made = batch(
        values(count, prefix=f"{sequence}-"),
        producer_id=producer[0],
        producer_epoch=producer[1],
        base_sequence=sequence,
    )
    return calls.produce(connection, topic, made, partition=partition)


def outcome(result: Values) -> tuple[int, int]:
    return result["error_code"], result["base_offset"]


def test_producer_ids_are_never_given_twice(node: Node, connection: Connection) -> None:
    ids = set()
    for version in range(6):
        with node.connect() as other:
            producer_id, epoch = calls.init_producer_id(other, version=version)
            assert epoch == 0
            ids.add(producer_id)
    ids |= {calls.init_producer_id(connection)[0] for _ in range(50)}
    assert len(ids) == 56
    assert min(ids) >= 0


def test_sequences_in_order_are_appended(connection: Connection, topic: str) -> None:
    producer = calls.init_producer_id(connection)
    assert outcome(send(connection, topic, producer, 0, count=3)) == (0, 0)
    assert outcome(send(connection, topic, producer, 3, count=2)) == (0, 3)
    assert outcome(send(connection, topic, producer, 5)) == (0, 5)


def test_duplicate_of_the_last_five_is_answered_with_its_offset(connection: Connection, topic: str) -> None:
    producer = calls.init_producer_id(connection)
    for sequence in range(7):
        assert outcome(send(connection, topic, producer, sequence)) == (0, sequence)
    for sequence in range(2, 7):
        assert outcome(send(connection, topic, producer, sequence)) == (0, sequence)
    assert calls.end_offset(connection, topic) == 7


def test_older_duplicate_and_gap_are_out_of_order(connection: Connection, topic: str) -> None:
    producer = calls.init_producer_id(connection)
    for sequence in range(7):
        send(connection, topic, producer, sequence)
    assert send(connection, topic, producer, 9)["error_code"] == 45
    assert send(connection, topic, producer, 0)["error_code"] in (45, 46)
    assert calls.end_offset(connection, topic) == 7
    assert outcome(send(connection, topic, producer, 7)) == (0, 7)


def test_unknown_producer_may_start_anywhere(connection: Connection, topic: str) -> None:
    """Its state may have been lost with the records: Kafka takes any first sequence."""
    producer = calls.init_producer_id(connection)
    assert outcome(send(connection, topic, producer, 40)) == (0, 0)
    assert send(connection, topic, producer, 42)["error_code"] == 45


def test_new_epoch_starts_at_zero_and_fences_the_old(connection: Connection, topic: str) -> None:
    producer_id, epoch = calls.init_producer_id(connection)
    assert outcome(send(connection, topic, (producer_id, epoch), 0)) == (0, 0)
    assert send(connection, topic, (producer_id, epoch + 1), 5)["error_code"] == 45
    assert outcome(send(connection, topic, (producer_id, epoch + 1), 0)) == (0, 1)
    assert send(connection, topic, (producer_id, epoch), 1)["error_code"] == 47


def test_sequences_wrap_after_the_greatest_int(connection: Connection, topic: str) -> None:
    producer = calls.init_producer_id(connection)
    top = 2147483647
    assert outcome(send(connection, topic, producer, top - 1, count=3)) == (0, 0)
    assert outcome(send(connection, topic, producer, 1, count=1)) == (0, 3)
    assert send(connection, topic, producer, 5)["error_code"] == 45


def test_partitions_are_counted_apart(connection: Connection) -> None:
    topic = calls.unique("apart")
    calls.create_topic(connection, topic, partitions=2)
    producer = calls.init_producer_id(connection)
    assert outcome(send(connection, topic, producer, 0, partition=0)) == (0, 0)
    assert outcome(send(connection, topic, producer, 0, partition=1)) == (0, 0)
    assert outcome(send(connection, topic, producer, 1, partition=0)) == (0, 1)


def test_epoch_bump_by_init_producer_id(connection: Connection) -> None:
    """KIP-360 has no meaning without a transactional id: a new id each time, epoch 0."""
    first = calls.init_producer_id(connection)
    second = calls.init_producer_id(connection)
    assert first[0] != second[0]
    assert (first[1], second[1]) == (0, 0)


def test_describe_producers_tells_the_state(connection: Connection, topic: str) -> None:
    producer_id, epoch = calls.init_producer_id(connection)
    send(connection, topic, (producer_id, epoch), 0, count=5)
    request = {"topics": [{"name": topic, "partition_indexes": [0, 9]}]}
    (found,) = connection.call("DescribeProducers", 0, request)["topics"]
    by_index = {item["partition_index"]: item for item in found["partitions"]}
    assert by_index[9]["error_code"] == 3
    (active,) = by_index[0]["active_producers"]
    assert (active["producer_id"], active["producer_epoch"], active["last_sequence"]) == (producer_id, epoch, 4)
    assert active["current_txn_start_offset"] == -1


def test_state_survives_a_restart(make_node: MakeNode) -> None:
    node = make_node().start()
    topic = calls.unique("kept")
    with node.connect() as connection:
        calls.create_topic(connection, topic)
        producer = calls.init_producer_id(connection)
        for sequence in range(3):
            assert outcome(send(connection, topic, producer, sequence)) == (0, sequence)
    for kill in (False, True):
        node.restart(kill=kill)
        with node.connect() as connection:
            calls.wait_for_topic(connection, topic)
            end = calls.end_offset(connection, topic)
            assert outcome(send(connection, topic, producer, end - 1)) == (0, end - 1), "a duplicate, not appended"
            assert calls.end_offset(connection, topic) == end
            assert send(connection, topic, producer, end + 1)["error_code"] == 45
            assert outcome(send(connection, topic, producer, end)) == (0, end)
            assert calls.init_producer_id(connection)[0] != producer[0]
    with node.connect() as connection:
        found = records_of(calls.fetch(connection, topic, 0)["records"])
        assert [record.value for record in found] == [b"%d-0" % number for number in range(5)]
