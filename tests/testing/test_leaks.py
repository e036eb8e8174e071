"""A hundred brokers one after another leave nothing behind."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import confluent_kafka
import pytest

from ottla.broker.node import Node
from ottla.testing import Broker

SOURCE = Path(__file__).resolve().parents[2] / "src"
BROKERS = 100
ALLOWED_BYTES = 1 << 20
"""What a hundred brokers may leave in memory: caches of codecs and the like, far from what even one broker takes."""


def children() -> int:
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return len(listed.read_text().split()) if listed.exists() else 0


def descriptors() -> int:
    listed = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


def left_of(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def held(folder: Path) -> dict[str, int]:
    """What a process holds that can be counted."""
    return {
        "nodes": left_of(Node),
        "tasks": left_of(asyncio.Task),
        "threads": threading.active_count(),
        "descriptors": descriptors(),
        "child processes": children(),
        "temporary folders": len(list(folder.iterdir())),
    }


def use(broker: Broker) -> None:
    """Write a record with a foreign client, and ask the broker for everything that it can be asked for."""
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap_servers})
    producer.produce("t", b"v")
    assert producer.flush(10) == 0
    broker.create_topic("u", partitions=3)
    broker.produce("u", "v")
    assert len(broker.records("u", count=1)) == 1
    assert broker.groups() == {}
    broker.restart()


def run(*, disk: bool, folder: Path) -> None:
    """Run a hundred brokers; AssertionError if anything is left of them that was not there before."""
    for _ in range(5):  # what is made once and kept: imports, codecs, the resolver's caches
        with Broker(disk=disk) as broker:
            use(broker)
    gc.collect()
    before = held(folder)
    bytes_before = 0
    tracemalloc.start()
    for number in range(BROKERS):
        with Broker(disk=disk) as broker:
            if number % 10 == 0:
                use(broker)
        if number == BROKERS // 5:
            gc.collect()
            bytes_before = tracemalloc.get_traced_memory()[0]
    del broker
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - bytes_before
    tracemalloc.stop()
    assert {name: count for name, count in held(folder).items() if count > before[name]} == {}
    assert grown < ALLOWED_BYTES, grown


@pytest.mark.parametrize("disk", ["memory", "temporary folder"])
def test_a_hundred_brokers_leave_nothing(disk: str, tmp_path: Path) -> None:
    """In a process of its own, where nobody else starts threads or opens files meanwhile."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, __file__, disk]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    run(disk=sys.argv[1] != "memory", folder=Path(os.environ["TMPDIR"]))
