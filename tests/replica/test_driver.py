"""Partitions follow the cluster's image, whatever a crash left in the folders; nothing is read before it is durable."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import pytest
from tests.log.logs import make_batch

from ottla.log.config import LogConfig
from ottla.log.manager import LogManager
from ottla.metadata.image import Changes, Image, PartitionImage, TopicImage
from ottla.metadata.records import PartitionRecord, TopicRecord
from ottla.model.errors import ApiError, StorageError
from ottla.model.ids import TopicPartition
from ottla.record.validate import Depth
from ottla.replica.driver import Replicas
from ottla.replica.partition import Partition
from ottla.runtime.clock import ManualClock
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.tasks import Tasks

NODE = 1
FIRST_ID, SECOND_ID = bytes([1] * 16), bytes([2] * 16)


def topic_image(name: str, topic_id: bytes, count: int = 1) -> TopicImage:
    record = PartitionRecord(replicas=(NODE,), isr=(NODE,), leader=NODE)
    return TopicImage(name, TopicRecord(topic_id, count), tuple(PartitionImage(at, record, 1) for at in range(count)))


def image_of(*topics: TopicImage) -> Image:
    image = Image()
    image.topics = {topic.name: topic for topic in topics}
    image.topics_by_id = {topic.id: topic for topic in topics}
    return image


def changes_of(*topic_ids: bytes) -> Changes:
    changes = Changes()
    changes.topic_ids.update(topic_ids)
    return changes


class Side:
    """A node's logs and partitions on a simulated disk."""

    def __init__(self, tasks: Tasks, config: LogConfig | None = None) -> None:
        self.files = MemoryFiles()
        self.clock = ManualClock()
        self.tasks = tasks
        self.config = config or LogConfig()
        self.failed: list[str] = []
        self.dirs = ["/data"]
        self.start()

    def start(self, *images: Image) -> None:
        """Start on what is on the disk now, as after kill -9."""
        self.files._locks.clear()
        uuids = iter(bytes([at] * 16) for at in range(100, 200))
        self.logs = LogManager(
            files=self.files,
            clock=self.clock,
            tasks=self.tasks,
            dirs=self.dirs,
            default_config=self.config,
            fresh_uuid=lambda: next(uuids),
            on_directory_failure=lambda directory, logs: self.failed.append(directory.path),
        )
        self.logs.open(node_id=NODE)
        self.logs.load()
        self.replicas = Replicas(
            node_id=NODE, logs=self.logs, log_config=lambda topic: self.config, depth=lambda: Depth.HEADER
        )
        for image in images:
            self.replicas.load(image)

    def append(self, topic: str | bytes = "t", index: int = 0) -> Partition:
        partition = self.replicas.partition(topic, index)
        batch, header = make_batch()
        partition.append_validated(batch, header, now_ms=self.clock.now_ms())
        return partition


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.close()


async def test_a_log_that_a_crash_left_over_does_not_become_a_new_topics(tasks: Tasks) -> None:
    side = Side(tasks)
    side.replicas.load(image_of(topic_image("t", FIRST_ID), topic_image("other", bytes([3] * 16))))
    side.append()
    # Killed after the metadata forgot the topic, before its folder was renamed.
    left = image_of(topic_image("other", bytes([3] * 16)))
    side.start(left)
    created = image_of(*left.topics.values(), topic_image("t", SECOND_ID))
    await side.replicas.apply(left, created, changes_of(SECOND_ID))
    partition = side.replicas.partition(SECOND_ID, 0)
    assert (partition.log.log_start_offset, partition.log.log_end_offset) == (0, 0)
    assert partition.log.topic_id == SECOND_ID
    kept = [name for name in side.files.list_dirs("/data") if name.endswith("-stray")]
    assert len(kept) == 1
    assert side.files.size(f"/data/{kept[0]}/{0:020d}.log") > 0, "what the cluster does not know is kept, as by Kafka"


@pytest.mark.parametrize("shown", [(), (topic_image("t", SECOND_ID),)], ids=["deleted", "made anew"])
async def test_a_log_of_another_id_is_never_served(tasks: Tasks, shown: tuple[TopicImage, ...]) -> None:
    side = Side(tasks)
    side.replicas.load(image_of(topic_image("t", FIRST_ID)))
    side.append()
    now = image_of(*shown)
    side.start(now)
    await side.replicas.apply(now, image_of(topic_image("t", SECOND_ID)), changes_of(SECOND_ID))
    assert side.replicas.partition("t", 0).log.log_end_offset == 0


async def test_logs_are_left_alone_when_the_metadata_is_lost(tasks: Tasks) -> None:
    side = Side(tasks)
    side.replicas.load(image_of(topic_image("t", FIRST_ID)))
    side.append()
    side.start(Image())
    assert "t-0" in side.files.list_dirs("/data")


async def test_a_folder_that_somebody_removed_keeps_no_topic_from_being_deleted_and_made(tasks: Tasks) -> None:
    side = Side(tasks)
    full = image_of(topic_image("t", FIRST_ID, 3))
    side.replicas.load(full)
    side.files.remove_tree("/data/t-1")
    await side.replicas.apply(full, Image(), changes_of(FIRST_ID))
    await side.replicas.apply(Image(), image_of(topic_image("t", SECOND_ID, 3)), changes_of(SECOND_ID))
    assert [side.append(SECOND_ID, index).log.log_end_offset for index in range(3)] == [1, 1, 1]
    assert not side.failed


async def test_one_partition_that_cannot_be_removed_does_not_stop_the_others(tasks: Tasks) -> None:
    side = Side(tasks)
    full = image_of(topic_image("t", FIRST_ID, 2), topic_image("u", SECOND_ID))
    side.replicas.load(full)
    side.files.fail("rename", match="t-0")
    await side.replicas.apply(full, Image(), changes_of(FIRST_ID, SECOND_ID))
    assert side.failed == ["/data"]
    for name in ("t", "u"):
        with pytest.raises(ApiError):
            side.replicas.partition(name, 0)


async def test_what_lies_in_a_directory_that_is_offline_is_not_made_anew_elsewhere(tasks: Tasks) -> None:
    side = Side(tasks)
    side.dirs = ["/data", "/second"]
    side.start()
    full = image_of(topic_image("t", FIRST_ID, 4))
    side.replicas.load(full)
    for index in range(4):
        side.append("t", index)
    side.files.fail("read", match="/second/.kafka_cleanshutdown")
    side.start(full)
    assert side.failed == ["/second"]
    # A change to the topic does not make them either; a new partition is made where it can be.
    more = image_of(topic_image("t", FIRST_ID, 5))
    await side.replicas.apply(full, more, changes_of(FIRST_ID))
    ends = {}
    for index in range(5):
        with contextlib.suppress(StorageError):
            ends[index] = side.replicas.partition(FIRST_ID, index).log.log_end_offset
    assert sorted(ends.values()) == [0, 1, 1]
    assert ends[4] == 0
    side.failed.clear()
    side.start(more)
    assert not side.failed
    assert [side.replicas.partition("t", index).log.log_end_offset for index in range(5)] == [1, 1, 1, 1, 0]


@pytest.mark.parametrize("roll", [False, True])
async def test_an_append_to_a_file_that_somebody_removed_is_a_storage_error(tasks: Tasks, roll: bool) -> None:
    side = Side(tasks)
    side.replicas.load(image_of(topic_image("t", FIRST_ID)))
    log = side.append().log
    if roll:
        log.update_config(LogConfig(segment_bytes=1))
    side.files.remove_tree("/data/t-0")
    with pytest.raises(StorageError):
        side.append()
    assert side.failed == ["/data"]


async def test_a_flush_makes_readable_what_it_brought_to_the_disk_and_no_more(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(tasks, LogConfig(flush_messages=1))
    side.replicas.load(image_of(topic_image("t", FIRST_ID)))
    partition = side.append()
    fsync, gathered, go_on = side.files.check, threading.Event(), threading.Event()

    def slow(action: str, path: str, *, grow: int = 0) -> None:
        if action == "fsync":
            gathered.set()
            go_on.wait(10)
        fsync(action, path, grow=grow)

    monkeypatch.setattr(side.files, "check", slow)
    begun = asyncio.ensure_future(side.replicas.flush_through(partition, 1))
    await asyncio.to_thread(gathered.wait, 10)
    side.append()
    go_on.set()
    await begun
    assert partition.log.recovery_point == 1
    assert partition.log.high_watermark == 1, "the second record came after the flush had begun"
    await side.replicas.flush_through(partition, 2)
    assert partition.log.high_watermark == 2


async def test_a_failure_of_a_deleted_log_does_not_hit_the_one_that_took_its_name(tasks: Tasks) -> None:
    side = Side(tasks)
    full = image_of(topic_image("t", FIRST_ID))
    side.replicas.load(full)
    old = side.append().log
    await side.replicas.apply(full, Image(), changes_of(FIRST_ID))
    await side.replicas.apply(Image(), image_of(topic_image("t", SECOND_ID)), changes_of(SECOND_ID))
    old.fail(StorageError("a write that was still under way"))
    assert not side.failed
    assert side.logs.get(TopicPartition("t", 0)) is side.append().log
