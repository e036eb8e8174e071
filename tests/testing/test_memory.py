"""A broker in memory: what is deleted is free again, and what is kept costs what it is large."""

import gc
import weakref

import pytest
from tests.harness.waiting import eventually

from ottla.client import Client, TopicPartition
from ottla.runtime.files.memory import Node as Content
from ottla.runtime.files.volatile import VolatileFiles
from ottla.testing import Broker

PART = bytes(100_000)


def disk_of(broker: Broker) -> VolatileFiles:
    node = broker._life.node
    assert node is not None
    assert isinstance(node.storage.files, VolatileFiles)
    return node.storage.files


def contents(broker: Broker, folder: str) -> list["weakref.ref[Content]"]:
    files = disk_of(broker)
    return [weakref.ref(files.node(f"/memory/{folder}/{name}")) for name in files.scan_dir(f"/memory/{folder}")]


def alive(references: list["weakref.ref[Content]"]) -> int:
    gc.collect()
    return sum(reference() is not None for reference in references)


def test_what_is_kept_costs_what_it_is_large() -> None:
    with Broker() as broker:
        broker.create_topic("t")
        broker.produce("t", *[PART] * 50)
        used = disk_of(broker).used_bytes()
        assert 50 * len(PART) <= used < 51 * len(PART)


def test_a_deleted_topic_is_free() -> None:
    with Broker() as broker:
        broker.create_topic("t", partitions=1)
        broker.produce("t", *[PART] * 20)
        broker.records("t")
        held = contents(broker, "t-0")
        assert alive(held) == len(held) > 0
        broker.delete_topic("t")
        eventually(lambda: disk_of(broker).used_bytes() < len(PART), "the names go")
        eventually(lambda: alive(held) == 0, "and what they stood for")


def test_deleted_records_are_free() -> None:
    """Whole segments below the new start of the log."""
    with Broker({"log.segment.bytes": 1 << 20}) as broker:
        broker.create_topic("t", partitions=1)
        for _ in range(50):
            broker.produce("t", PART)
        held = contents(broker, "t-0")
        assert disk_of(broker).used_bytes() > 50 * len(PART)

        async def delete() -> None:
            async with Client(broker.bootstrap_servers) as client:
                await client.admin.delete_records({TopicPartition("t", 0): 49})

        loop_thread = broker._life.loop_thread
        assert loop_thread is not None
        loop_thread.run(delete())
        eventually(lambda: disk_of(broker).used_bytes() < 15 * len(PART), "the names go")
        eventually(lambda: alive(held) <= 5, "and what they stood for")
        assert [record.offset for record in broker.records("t")] == [49]


@pytest.mark.parametrize("disk", [False, True], ids=["memory", "temporary folder"])
def test_compaction_needs_no_process_of_its_own(disk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", None)
    monkeypatch.setattr("asyncio.create_subprocess_exec", None)
    settings = {"log.segment.bytes": 1 << 20, "log.cleaner.backoff.ms": 50, "log.cleaner.min.cleanable.ratio": 0.01}
    with Broker(settings, disk=disk) as broker:
        broker.create_topic("t", partitions=1, config={"cleanup.policy": "compact"})
        for number in range(60):
            broker.produce("t", PART, key=str(number % 3))
        eventually(lambda: len(broker.records("t")) < 25, "what was overwritten goes")
        keys = [record.key for record in broker.records("t")]
        assert set(keys) == {b"0", b"1", b"2"}
        broker.restart()
        assert [record.key for record in broker.records("t")][-3:] == keys[-3:]
