"""Fetch over the wire: waiting, limits, positions and sessions (issue 3, 4.3)."""

import pytest
from tests.harness import calls
from tests.harness.batches import Entry, batch, headers_of, now_ms, records_of, values
from tests.harness.node import Node
from tests.harness.waiting import Stopwatch
from tests.harness.wire import Connection

# Yesterday: retention would take away older records half a minute after the start.
YESTERDAY_MS = now_ms() - 86_400_000


def fill(connection: Connection, topic: str, batches: int, *, size_bytes: int = 0, records: int = 1) -> None:
    for number in range(batches):
        entries = values(records, prefix=f"{number}-", size_bytes=size_bytes)
        assert calls.produce(connection, topic, batch(entries))["error_code"] == 0


def test_offset_in_the_middle_of_a_batch_gets_the_whole_batch(connection: Connection, topic: str) -> None:
    fill(connection, topic, 3, records=10)
    for offset in (10, 14, 19):
        headers = headers_of(calls.fetch(connection, topic, offset)["records"])
        assert [header.base_offset for header in headers] == [10, 20]


def test_fetch_at_the_end_is_empty_and_behind_it_is_out_of_range(connection: Connection, topic: str) -> None:
    fill(connection, topic, 2)
    at_end = calls.fetch(connection, topic, 2)
    assert (at_end["error_code"], at_end["high_watermark"], at_end["log_start_offset"]) == (0, 2, 0)
    assert not at_end["records"]
    for offset in (3, 1000, -1, -2):
        beyond = calls.fetch(connection, topic, offset)
        assert beyond["error_code"] == 1, offset
        assert not beyond["records"]


def test_unknown_partition_and_topic(connection: Connection, topic: str) -> None:
    assert calls.fetch(connection, topic, 0, partition=5)["error_code"] == 3
    assert calls.fetch(connection, "no-such-topic", 0)["error_code"] == 3


def test_one_batch_comes_even_if_it_is_over_every_limit(connection: Connection, topic: str) -> None:
    fill(connection, topic, 3, size_bytes=10_000)
    for limits in ({"max_bytes": 1}, {"partition_max_bytes": 1}, {"max_bytes": 0, "partition_max_bytes": 0}):
        headers = headers_of(calls.fetch(connection, topic, 1, **limits)["records"])
        assert [header.base_offset for header in headers] == [1], limits


def test_limits_cut_between_batches(connection: Connection, topic: str) -> None:
    fill(connection, topic, 10, size_bytes=10_000)
    for limit in ("max_bytes", "partition_max_bytes"):
        headers = headers_of(calls.fetch(connection, topic, 0, **{limit: 35_000})["records"])
        assert [header.base_offset for header in headers] == [0, 1, 2], limit


def test_max_bytes_holds_for_all_partitions_together(connection: Connection) -> None:
    topic = calls.unique("wide")
    calls.create_topic(connection, topic, partitions=4)
    for partition in range(4):
        entries = batch(values(1, size_bytes=50_000))
        assert calls.produce(connection, topic, entries, partition=partition)["error_code"] == 0
    request = calls.fetch_request(topic, 0, max_bytes=100)
    (first,) = request["topics"][0]["partitions"]
    request["topics"][0]["partitions"] = [{**first, "partition": partition} for partition in range(4)]
    (answer,) = connection.call("Fetch", 12, request)["responses"]
    sizes = [len(item["records"] or b"") for item in answer["partitions"]]
    assert sum(size > 0 for size in sizes) == 1, sizes


def test_max_wait_passes_when_nothing_comes(connection: Connection, topic: str) -> None:
    watch = Stopwatch()
    assert not calls.fetch(connection, topic, 0, max_wait_ms=400)["records"]
    assert 0.35 < watch.seconds() < 2


def test_no_wait_when_max_wait_or_min_bytes_is_zero(connection: Connection, topic: str) -> None:
    watch = Stopwatch()
    assert not calls.fetch(connection, topic, 0, max_wait_ms=0)["records"]
    assert not calls.fetch(connection, topic, 0, max_wait_ms=30_000, min_bytes=0)["records"]
    assert watch.seconds() < 5


def test_no_wait_when_a_partition_has_an_error(connection: Connection, topic: str) -> None:
    watch = Stopwatch()
    assert calls.fetch(connection, topic, 99, max_wait_ms=30_000)["error_code"] == 1
    assert watch.seconds() < 5


def test_long_poll_wakes_at_once(node: Node, connection: Connection, topic: str) -> None:
    """The median over several of the time from the producer's answer to the consumer's."""
    delays = []
    with node.connect(timeout_s=30) as consumer:
        for offset in range(9):
            asked = consumer.send("Fetch", 12, calls.fetch_request(topic, offset, max_wait_ms=20_000))
            assert consumer.quiet_for(0.05), "nothing to answer with yet"
            fill(connection, topic, 1)
            watch = Stopwatch()
            answer = consumer.receive("Fetch", 12, expect_id=asked)
            delays.append(watch.seconds())
            (record,) = records_of(answer["responses"][0]["partitions"][0]["records"])
            assert record.offset == offset
    assert sorted(delays)[len(delays) // 2] < 0.05, delays


def test_min_bytes_waits_for_enough(node: Node, connection: Connection, topic: str) -> None:
    with node.connect(timeout_s=30) as consumer:
        request = calls.fetch_request(topic, 0, max_wait_ms=25_000, min_bytes=25_000)
        asked = consumer.send("Fetch", 12, request)
        fill(connection, topic, 2, size_bytes=10_000)
        assert consumer.quiet_for(0.3), "20 kB are not 25 kB"
        watch = Stopwatch()
        fill(connection, topic, 1, size_bytes=10_000)
        answer = consumer.receive("Fetch", 12, expect_id=asked)
        assert watch.seconds() < 5
        assert len(headers_of(answer["responses"][0]["partitions"][0]["records"])) == 3


def test_min_bytes_gives_what_there_is_after_max_wait(connection: Connection, topic: str) -> None:
    fill(connection, topic, 1)
    watch = Stopwatch()
    result = calls.fetch(connection, topic, 0, max_wait_ms=300, min_bytes=1_000_000)
    assert watch.seconds() > 0.25
    assert len(records_of(result["records"])) == 1


def test_waiting_fetch_of_a_deleted_topic_ends(node: Node, connection: Connection, topic: str) -> None:
    with node.connect(timeout_s=30) as consumer:
        asked = consumer.send("Fetch", 12, calls.fetch_request(topic, 0, max_wait_ms=1500))
        assert consumer.quiet_for(0.05)
        answer = connection.call("DeleteTopics", 3, {"topic_names": [topic], "timeout_ms": 10_000})
        assert answer["responses"][0]["error_code"] == 0
        found = consumer.receive("Fetch", 12, expect_id=asked)["responses"][0]["partitions"][0]
        assert found["error_code"] in (0, 3, 6)


def test_leader_epoch_is_checked(connection: Connection, topic: str) -> None:
    for epoch, code in [(0, 0), (7, 75), (-1, 0)]:
        request = calls.fetch_request(topic, 0)
        request["topics"][0]["partitions"][0]["current_leader_epoch"] = epoch
        found = connection.call("Fetch", 12, request)["responses"][0]["partitions"][0]
        assert found["error_code"] == code, epoch


def test_fetch_by_topic_id(connection: Connection, topic: str) -> None:
    fill(connection, topic, 2)
    topic_id = calls.topic_id(connection, topic)
    for version in range(13, 18):
        request = calls.fetch_request(topic, 0)
        (found,) = request["topics"]
        request["topics"] = [{"topic_id": topic_id, "partitions": found["partitions"]}]
        if version >= 15:
            del request["replica_id"]
        (answer,) = connection.call("Fetch", min(version, 17), request)["responses"]
        assert answer["topic_id"] == topic_id
        assert len(records_of(answer["partitions"][0]["records"])) == 2


@pytest.mark.parametrize("timestamp", [-1, -2, -3, -4, -5])
def test_list_offsets_of_an_empty_and_of_a_filled_partition(connection: Connection, topic: str, timestamp: int) -> None:
    empty = calls.list_offset(connection, topic, timestamp=timestamp, version=9)
    assert empty["error_code"] == 0
    assert empty["offset"] == (-1 if timestamp in (-3, -5) else 0)
    stamps = [YESTERDAY_MS, YESTERDAY_MS + 5000, YESTERDAY_MS + 2000]
    result = calls.produce(connection, topic, batch([Entry(timestamp=stamp) for stamp in stamps]))
    assert result["error_code"] == 0
    filled = calls.list_offset(connection, topic, timestamp=timestamp, version=9)
    assert filled["offset"] == {-1: 3, -2: 0, -3: 1, -4: 0, -5: -1}[timestamp]
    assert filled["timestamp"] == (stamps[1] if timestamp == -3 else -1)


def test_list_offsets_by_time(connection: Connection, topic: str) -> None:
    for number in range(5):
        stamps = [YESTERDAY_MS + number * 1000, YESTERDAY_MS + number * 1000 + 500]
        calls.produce(connection, topic, batch([Entry(timestamp=stamp) for stamp in stamps]))
    for timestamp, offset, found in [
        (0, 0, YESTERDAY_MS),
        (YESTERDAY_MS, 0, YESTERDAY_MS),
        (YESTERDAY_MS + 1, 1, YESTERDAY_MS + 500),
        (YESTERDAY_MS + 2000, 4, YESTERDAY_MS + 2000),
        (YESTERDAY_MS + 4500, 9, YESTERDAY_MS + 4500),
        (YESTERDAY_MS + 4501, -1, -1),
    ]:
        result = calls.list_offset(connection, topic, timestamp=timestamp)
        assert (result["error_code"], result["offset"], result["timestamp"]) == (0, offset, found), timestamp
