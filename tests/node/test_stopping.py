"""SIGTERM, SIGINT and kill -9 under load: what was acknowledged is there afterwards (issue 3, 1.3 and 'Done when')."""

import json
import os
import signal
import struct
from pathlib import Path

import pytest
from tests.harness import batches, calls, target
from tests.harness.fixtures import MakeNode
from tests.harness.load import ProducerLoad, check_acknowledged
from tests.harness.node import Node
from tests.harness.waiting import Stopwatch, eventually

PARTITIONS = 3
# A broker that goes down may say that it no longer leads: the client tries again elsewhere or later.
NOT_LEADER = 6


@pytest.fixture
def topic() -> str:
    return calls.unique("load")


def start_loads(node: Node, topic: str, **options: int) -> list[ProducerLoad]:
    with node.connect() as connection:
        calls.create_topic(connection, topic, partitions=PARTITIONS)
    loads = [ProducerLoad(node, topic, partition=partition, **options) for partition in range(PARTITIONS)]
    for load in loads:
        load.start()
    return loads


def verify(node: Node, loads: list[ProducerLoad]) -> None:
    with node.connect(timeout_s=30) as connection:
        calls.wait_for_topic(connection, loads[0].topic, PARTITIONS)
        for load in loads:
            assert set(load.errors) <= {NOT_LEADER}
            check_acknowledged(connection, load)
            entry = batches.batch([batches.Entry(key=b"after", value=b"after")])
            assert calls.produce(connection, load.topic, entry, partition=load.partition)["error_code"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_clean_stop_under_load(make_node: MakeNode, topic: str, number: signal.Signals) -> None:
    node = make_node().start()
    loads = start_loads(node, topic)
    idle = [node.connect() for _ in range(20)]
    polling = node.connect()
    polling.send("Fetch", 12, calls.fetch_request(topic, 1_000_000, max_wait_ms=30_000, min_bytes=1 << 20))
    for load in loads:
        load.wait_for(500)
    watch = Stopwatch()
    assert node.stop(number=number) == 0, node.process.tail()
    assert target.is_kafka() or watch.seconds() < 5
    for load in loads:
        load.finish()
    for connection in [*idle, polling]:
        connection.close()
    marker = json.loads((node.log_dir / ".kafka_cleanshutdown").read_text())
    assert marker["version"] == 0
    assert "brokerEpoch" in marker
    assert target.is_kafka() or "Traceback" not in node.process.stderr
    node.start()
    assert not (node.log_dir / ".kafka_cleanshutdown").exists()
    verify(node, loads)


def test_stop_of_an_idle_node_is_quick_and_without_complaint(make_node: MakeNode, only_ottla: None) -> None:
    node = make_node().start()
    watch = Stopwatch()
    assert node.stop() == 0
    assert watch.seconds() < 2
    assert [json.loads(line)["level"] for line in node.process.stderr.splitlines()] == ["INFO"] * 6


def test_stop_answers_what_it_took_in(make_node: MakeNode, topic: str) -> None:
    """Requests that were sent whole before the signal are answered or closed, never answered wrongly."""
    node = make_node().start()
    with node.connect() as connection:
        calls.create_topic(connection, topic)
    load = ProducerLoad(node, topic, in_flight=50, size_bytes=10_000)
    load.start()
    load.wait_for(200)
    assert node.stop() == 0
    load.finish()
    assert set(load.errors) <= {NOT_LEADER}
    node.start()
    with node.connect() as connection:
        calls.wait_for_topic(connection, topic)
        check_acknowledged(connection, load)


def kill_settings(flush: bool) -> dict[str, object]:
    # A small segment makes kills fall on rolls too.
    return {"log.segment.bytes": 1 << 20, **({"log.flush.interval.messages": 1} if flush else {})}


@pytest.mark.parametrize("flush", [True, False], ids=["flush-each", "page-cache"])
def test_kill_under_load_loses_nothing_acknowledged(make_node: MakeNode, topic: str, flush: bool) -> None:
    """A process kill leaves the page cache alone: even without fsync nothing that was acknowledged may go."""
    node = make_node(kill_settings(flush)).start()
    loads = start_loads(node, topic, size_bytes=300)
    for load in loads:
        load.wait_for(300 if flush else 3000)
    node.kill()
    for load in loads:
        load.finish()
    watch = Stopwatch()
    node.start()
    assert target.is_kafka() or watch.seconds() < 2
    verify(node, loads)


def test_many_kills_in_a_row(make_node: MakeNode, only_ottla: None) -> None:
    """At ever different moments, with idempotent bookkeeping, rolls and several topics behind it."""
    node = make_node(kill_settings(False)).start()
    for round_number in range(8):
        topic = calls.unique("round")
        loads = start_loads(node, topic, size_bytes=1000, records=1 + round_number)
        for load in loads:
            load.wait_for(50 + 130 * round_number)
        node.kill()
        for load in loads:
            load.finish()
        node.start()
        verify(node, loads)


def test_kill_leaves_no_process_behind(make_node: MakeNode, only_ottla: None) -> None:
    node = make_node().start()
    children = node.process.children()
    node.kill()

    def left() -> list[int]:
        return [child for child in children if _runs(child)]

    eventually(lambda: not left(), "worker processes end with their parent")


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def killed(make_node: MakeNode, topic: str) -> tuple[Node, str, list[bytes]]:
    """A node killed with five batches of three records in one partition, and their values."""
    node = make_node().start()
    with node.connect() as connection:
        calls.create_topic(connection, topic)
        for number in range(5):
            made = batches.batch(batches.values(3, prefix=f"{number}-", size_bytes=50))
            assert calls.produce(connection, topic, made)["error_code"] == 0
        expected = [record.value or b"" for record in batches.records_of(calls.fetch(connection, topic, 0)["records"])]
    node.kill()
    return node, topic, expected


def read_values(node: Node, topic: str) -> list[bytes]:
    with node.connect(timeout_s=30) as connection:
        calls.wait_for_topic(connection, topic)
        return [record.value or b"" for record in batches.records_of(calls.fetch(connection, topic, 0)["records"])]


Killed = tuple[Node, str, list[bytes]]


@pytest.mark.parametrize(
    "tail",
    [b"\x00" * 100, b"garbage" * 20, batches.batch(batches.values(2), base_offset=15)[:-3], struct.pack(">qi", 15, 80)],
    ids=["zeros", "garbage", "half a batch", "a length"],
)
def test_torn_tail_is_cut(killed: Killed, tail: bytes) -> None:
    node, topic, expected = killed
    log = node.log_dir / f"{topic}-0" / f"{0:020}.log"
    size = log.stat().st_size
    with log.open("ab") as file:
        file.write(tail)
    node.start()
    assert read_values(node, topic) == expected
    with node.connect() as connection:
        result = calls.produce(connection, topic, batches.batch(batches.values(1)))
    assert (result["error_code"], result["base_offset"]) == (0, 15)
    assert log.read_bytes()[size : size + 8] == struct.pack(">q", 15)


def test_half_of_the_last_batch_goes_and_no_more(killed: Killed) -> None:
    node, topic, expected = killed
    log = node.log_dir / f"{topic}-0" / f"{0:020}.log"
    os.truncate(log, log.stat().st_size - 10)
    node.start()
    assert read_values(node, topic) == expected[:12]


@pytest.mark.parametrize("damage", ["missing", "empty", "noise"])
def test_indexes_are_rebuilt(killed: Killed, damage: str) -> None:
    node, topic, expected = killed
    for suffix in ("index", "timeindex"):
        path = node.log_dir / f"{topic}-0" / f"{0:020}.{suffix}"
        if damage == "missing":
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(b"" if damage == "empty" else os.urandom(8 * 12))
    node.start()
    assert read_values(node, topic) == expected
    with node.connect() as connection:
        found = calls.list_offset(connection, topic, timestamp=1)
        assert (found["error_code"], found["offset"]) == (0, 0)


def test_flipped_byte_in_the_tail_cuts_there(killed: Killed) -> None:
    """After a kill everything from the recovery point on is checked by CRC."""
    node, topic, expected = killed
    log = node.log_dir / f"{topic}-0" / f"{0:020}.log"
    data = bytearray(log.read_bytes())
    data[-20] ^= 0xFF
    log.write_bytes(data)
    node.start()
    assert read_values(node, topic) == expected[:12]
