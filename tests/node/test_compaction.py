"""Compaction on a running node (issue 3, 3.4 and 'Done when')."""

import time

import pytest
from tests.harness import batches, calls
from tests.harness.node import Node
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

NODE_SETTINGS = {"log.cleaner.backoff.ms": 200, "log.cleaner.min.cleanable.ratio": 0.01}

COMPACT: dict[str, object] = {
    "cleanup.policy": "compact",
    "segment.bytes": 1 << 20,
    "min.cleanable.dirty.ratio": 0.01,
    "delete.retention.ms": 0,
    "segment.ms": 100,
}


def read_everything(connection: Connection, topic: str) -> list[batches.Fetched]:
    """All records up to the end of the partition, offsets that were compacted away left out."""
    end = calls.end_offset(connection, topic)
    offset, found = 0, []
    while offset < end:
        result = calls.fetch(connection, topic, offset, partition_max_bytes=8 << 20)
        assert result["error_code"] == 0
        headers = batches.headers_of(result["records"])
        assert headers, f"nothing at offset {offset} of {end}"
        found += [record for record in batches.records_of(result["records"]) if record.offset >= offset]
        offset = headers[-1].last_offset + 1
    return found


def put(connection: Connection, topic: str, pairs: list[tuple[bytes, bytes | None]]) -> None:
    entries = [batches.Entry(key=key, value=value) for key, value in pairs]
    result = calls.produce(connection, topic, batches.batch(entries))
    assert result["error_code"] == 0, result


def roll(connection: Connection, topic: str) -> None:
    """segment.ms goes by the records' own time: a record that is later than that begins a new segment."""
    later = batches.now_ms() + 60_000
    for _ in range(2):
        later += 60_000
        entry = batches.Entry(key=b"roll", value=b"", timestamp=later)
        assert calls.produce(connection, topic, batches.batch([entry]))["error_code"] == 0


def test_only_the_last_value_of_a_key_stays(connection: Connection) -> None:
    topic = calls.unique("compacted")
    calls.create_topic(connection, topic, configs=COMPACT)
    for number in range(50):
        put(connection, topic, [(b"key-%d" % key, b"%d" % number) for key in range(10)])
    roll(connection, topic)

    def state() -> dict[bytes | None, list[bytes | None]]:
        found: dict[bytes | None, list[bytes | None]] = {}
        for record in read_everything(connection, topic):
            found.setdefault(record.key, []).append(record.value)
        return found

    final = eventually(
        state, "compaction", timeout_s=30, interval_s=0.2, accept=lambda found: len(found[b"key-0"]) == 1
    )
    assert {key: found for key, found in final.items() if key != b"roll"} == {
        b"key-%d" % key: [b"49"] for key in range(10)
    }


def test_offsets_stay_and_gaps_are_skipped(connection: Connection) -> None:
    topic = calls.unique("gaps")
    calls.create_topic(connection, topic, configs=COMPACT)
    for number in range(30):
        put(connection, topic, [(b"same", b"%d" % number)])
    put(connection, topic, [(b"once", b"here")])
    roll(connection, topic)
    eventually(lambda: len(read_everything(connection, topic)) < 10, "compaction", timeout_s=30, interval_s=0.2)
    found = {record.key: record for record in read_everything(connection, topic)}
    assert (found[b"same"].offset, found[b"same"].value) == (29, b"29")
    assert (found[b"once"].offset, found[b"once"].value) == (30, b"here")
    first = batches.records_of(calls.fetch(connection, topic, 5)["records"])[0]
    assert first.offset in (29, 30)
    assert calls.end_offset(connection, topic) == 33


def test_tombstones_delete_and_go_in_the_end(connection: Connection) -> None:
    topic = calls.unique("tombstones")
    calls.create_topic(connection, topic, configs=COMPACT)
    put(connection, topic, [(b"a", b"1"), (b"b", b"1")])
    put(connection, topic, [(b"a", None)])

    def keys() -> set[bytes | None]:
        roll(connection, topic)
        return {record.key for record in read_everything(connection, topic)}

    eventually(
        keys, "the tombstone is gone", timeout_s=40, interval_s=0.5, accept=lambda found: found == {b"b", b"roll"}
    )


def test_policy_can_be_switched_on_later(connection: Connection) -> None:
    topic = calls.unique("switched")
    calls.create_topic(connection, topic, configs={**COMPACT, "cleanup.policy": "delete"})
    for number in range(20):
        put(connection, topic, [(b"same", b"%d" % number)])
    change = {"name": "cleanup.policy", "config_operation": 0, "value": "compact"}
    resource = {"resource_type": 2, "resource_name": topic, "configs": [change]}
    answer = connection.call("IncrementalAlterConfigs", 1, {"resources": [resource], "validate_only": False})
    assert answer["responses"][0]["error_code"] == 0
    roll(connection, topic)
    eventually(lambda: len(read_everything(connection, topic)) < 10, "compaction", timeout_s=30, interval_s=0.2)


def test_delete_records_of_a_compacted_topic_is_refused(connection: Connection) -> None:
    topic = calls.unique("refused")
    calls.create_topic(connection, topic, configs=COMPACT)
    put(connection, topic, [(b"a", b"1")])
    request = {"topics": [{"name": topic, "partitions": [{"partition_index": 0, "offset": 1}]}], "timeout_ms": 1000}
    (found,) = connection.call("DeleteRecords", 2, request)["topics"]
    assert found["partitions"][0]["error_code"] == 44


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_million_records_with_a_thousand_keys(node: Node, connection: Connection) -> None:
    """They compact to a thousand, and the node answers all the while."""
    topic = calls.unique("millions")
    calls.create_topic(connection, topic, configs={**COMPACT, "segment.bytes": 16 << 20, "segment.ms": 3_600_000})
    keys = [b"key-%04d" % number for number in range(1000)]
    per_batch, total = 10_000, 2_000_000
    waiting: list[int] = []
    for start in range(0, total, per_batch):
        entries = [batches.Entry(key=keys[n % 1000], value=b"%d" % n) for n in range(start, start + per_batch)]
        waiting.append(connection.send("Produce", 9, calls.produce_request(topic, batches.batch(entries))))
        if len(waiting) > 4:
            _acknowledged(connection, waiting.pop(0))
    for correlation_id in waiting:
        _acknowledged(connection, correlation_id)
    change = {"name": "segment.ms", "config_operation": 0, "value": "100"}
    resource = {"resource_type": 2, "resource_name": topic, "configs": [change]}
    connection.call("IncrementalAlterConfigs", 1, {"resources": [resource], "validate_only": False})
    roll(connection, topic)
    worst_s = 0.0

    def count() -> int:
        nonlocal worst_s
        start_s = time.monotonic()
        with node.connect() as other:
            other.call("Metadata", 9, {"topics": []})
        worst_s = max(worst_s, time.monotonic() - start_s)
        first = batches.headers_of(calls.fetch(connection, topic, 0, partition_max_bytes=1)["records"])
        if first[0].base_offset < total - 100_000 and first[0].count == per_batch:
            return total
        return sum(record.key != b"roll" for record in read_everything(connection, topic))

    left = eventually(count, "compaction", timeout_s=300, interval_s=0.5, accept=lambda left: left <= 1000)
    assert left == 1000
    found = {record.key: record.value for record in read_everything(connection, topic) if record.key != b"roll"}
    assert found == {key: b"%d" % (total - 1000 + number) for number, key in enumerate(keys)}
    assert worst_s < 2


def _acknowledged(connection: Connection, correlation_id: int) -> None:
    answer = connection.receive("Produce", 9, expect_id=correlation_id)
    assert answer["responses"][0]["partition_responses"][0]["error_code"] == 0
