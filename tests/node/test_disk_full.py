"""A full disk: KAFKA_STORAGE_ERROR, still readable, and with space and a restart all is there (issue 3, 6.3)."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.harness import batches, calls, target
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node
from tests.harness.wire import Connection, ConnectionClosedError

MB = 1 << 20
SIZE_MB = 48
STORAGE_ERROR = 56


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB, on memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip(f"may not mount a small file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def full(make_node: MakeNode, small_disk: Path, only_ottla: None) -> Iterator[tuple[Node, Path, list[bytes]]]:
    """A node whose disk has just run full, the ballast to remove, and the values that were acknowledged."""
    data = small_disk / "data"
    settings = {"log.segment.bytes": 4 * MB, "log.index.size.max.bytes": 65536}
    node = make_node(settings, log_dir=data).start()
    ballast = small_disk / "ballast"
    with node.connect() as connection:
        calls.create_topic(connection, "t")
        calls.create_topic(connection, "other")
        assert calls.produce(connection, "other", batches.batch(batches.values(3)))["error_code"] == 0
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        ballast.write_bytes(bytes(free - 16 * MB))
        acknowledged, code = write_until_refused(connection)
    assert code == STORAGE_ERROR
    assert len(acknowledged) > 10
    yield node, ballast, acknowledged
    node.close()


def write_until_refused(connection: Connection) -> tuple[list[bytes], int]:
    """Produce 400 kB records until one is refused; what was acknowledged and the error."""
    acknowledged: list[bytes] = []
    for number in range(1000):
        value = b"%d " % number + os.urandom(16) * 25_000
        result = calls.produce(connection, "t", batches.batch([batches.Entry(value=value)]))
        if result["error_code"]:
            return acknowledged, result["error_code"]
        acknowledged.append(value)
    raise AssertionError("the disk never ran full")


def read_all(connection: Connection, topic: str) -> list[bytes]:
    offset = 0
    found: list[bytes] = []
    while True:
        result = calls.fetch(connection, topic, offset, partition_max_bytes=2 * MB)
        assert result["error_code"] == 0, result
        records = batches.records_of(result["records"])
        if not records:
            return found
        found += [record.value or b"" for record in records]
        offset = records[-1].offset + 1


Full = tuple[Node, Path, list[bytes]]


def test_what_was_acknowledged_is_still_readable(full: Full) -> None:
    node, _, acknowledged = full
    assert node.running
    with node.connect() as connection:
        assert read_all(connection, "t") == acknowledged
        assert read_all(connection, "other") == [b"v0", b"v1", b"v2"]
        assert connection.call("Metadata", 9, {"topics": []})["brokers"]


def test_further_writes_are_refused_the_same_way(full: Full) -> None:
    node, _, acknowledged = full
    with node.connect() as connection:
        for _ in range(5):
            entry = batches.batch(batches.values(1, size_bytes=400_000))
            assert calls.produce(connection, "t", entry)["error_code"] == STORAGE_ERROR
        assert len(read_all(connection, "t")) == len(acknowledged)


@pytest.mark.parametrize("kill", [False, True], ids=["stop", "kill"])
def test_space_and_a_restart_bring_everything_back(full: Full, kill: bool) -> None:
    node, ballast, acknowledged = full
    if kill:
        node.kill()
    else:
        node.process.send_signal(signal.SIGTERM)
        node.process.wait(10)
    ballast.unlink()
    node.start()
    with node.connect() as connection:
        found = read_all(connection, "t")
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) - len(acknowledged) in (0, 1), "at most the record that was refused"
        result = calls.produce(connection, "t", batches.batch(batches.values(1)))
        assert (result["error_code"], result["base_offset"]) == (0, len(found))
        assert calls.produce(connection, "other", batches.batch(batches.values(1)))["error_code"] == 0


def test_kafka_itself_halts_on_a_full_disk(make_node: MakeNode, small_disk: Path) -> None:
    """For the record: Apache Kafka takes its only folder offline and the process ends."""
    if not target.is_kafka():
        pytest.skip("about Apache Kafka")
    node = make_node({"log.segment.bytes": 4 * MB}, log_dir=small_disk / "data").start()
    with node.connect() as connection:
        calls.create_topic(connection, "t")
        with contextlib.suppress(ConnectionClosedError, TimeoutError):
            _, code = write_until_refused(connection)
            assert code == STORAGE_ERROR
    assert node.process.wait(60) != 0
