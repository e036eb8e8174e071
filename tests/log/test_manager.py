"""All logs of a node: start, making, deleting, failing, background jobs, stop (reference section 4.1)."""

import asyncio
import errno
import itertools

import pytest
from tests.log.logs import NOW_MS, SMALL, make_batch, read_all

from ottla.log import names
from ottla.log.directory import LogDirectory
from ottla.log.log import Log
from ottla.log.manager import LogManager, LogManagerConfig
from ottla.model.errors import OperatorError, StorageError
from ottla.model.ids import TopicPartition
from ottla.runtime.clock import ManualClock
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.tasks import Tasks

A0, A1, B0 = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)
TOPIC_ID = bytes(range(16))


class Node:
    """A manager on a simulated disk, stopped or killed and started again at will."""

    def __init__(self, *dirs: str) -> None:
        self.clock = ManualClock(NOW_MS)
        self.files = MemoryFiles(now_ms=self.clock.now_ms)
        self.dirs = dirs or ("/data",)
        self.failed: list[tuple[str, list[Log]]] = []
        self._ids = itertools.count(1)
        self.config = LogManagerConfig()
        self.tasks = Tasks()
        self.manager = self.make()

    def make(self) -> LogManager:
        return LogManager(
            files=self.files,
            clock=self.clock,
            tasks=self.tasks,
            dirs=self.dirs,
            default_config=SMALL,
            fresh_uuid=lambda: next(self._ids).to_bytes(16, "big"),
            config=self.config,
            on_directory_failure=self.note,
        )

    def note(self, directory: LogDirectory, logs: list[Log]) -> None:
        self.failed.append((directory.path, logs))

    def start(self) -> LogManager:
        self.manager = self.make()
        self.manager.open(node_id=1)
        self.manager.load()
        return self.manager

    async def restart(self) -> LogManager:
        await self.manager.close()
        return self.start()

    def crash(self) -> LogManager:
        self.files.crash()
        return self.start()

    def create(self, topic_partition: TopicPartition = A0) -> Log:
        log = self.manager.create(topic_partition, TOPIC_ID, SMALL)
        log.leader_epochs.assign(0, 0)
        return log


@pytest.fixture
def node() -> Node:
    return started("/data")


def started(*dirs: str) -> Node:
    node = Node(*dirs)
    node.start()
    return node


def append(log: Log, count: int = 1, *, leader_epoch: int = 0) -> None:
    for mark in range(count):
        batch, header = make_batch(1, mark=mark)
        log.append(batch, header, leader_epoch=leader_epoch, now_ms=NOW_MS)
    log.high_watermark = log.log_end_offset


# -- start -----------------------------------------------------------------------------------------------------------


def test_a_new_folder_is_made_and_marked(node: Node) -> None:
    assert set(node.files.list_dir("/data")) == {".lock", "meta.properties"}
    assert node.manager.cluster_id == "AAAAAAAAAAAAAAAAAAAAAQ"
    assert node.manager.directories[0].id == bytes(15) + b"\2"


async def test_identity_survives_a_restart(node: Node) -> None:
    before = node.files.read_bytes("/data/meta.properties")
    manager = await node.restart()
    assert manager.cluster_id == "AAAAAAAAAAAAAAAAAAAAAQ"
    assert node.files.read_bytes("/data/meta.properties") == before


def test_a_folder_in_use_is_refused_and_left_alone(node: Node) -> None:
    other = node.make()
    with pytest.raises(OperatorError, match="in use by another node"):
        other.open(node_id=1)
    node.manager.release()
    other.open(node_id=1)


def test_when_one_of_several_folders_is_in_use_the_others_are_given_back() -> None:
    node = started("/one")
    node.dirs = ("/two", "/one")
    with pytest.raises(OperatorError, match="/one"):
        node.make().open(node_id=1)
    node.dirs = ("/two",)
    node.make().open(node_id=1)


@pytest.mark.parametrize(("node_id", "cluster_id"), [(2, None), (1, "someone-elses")])
async def test_a_folder_of_somebody_else_is_refused(node: Node, node_id: int, cluster_id: str | None) -> None:
    await node.manager.close()
    before = {name: node.files.read_bytes(f"/data/{name}") for name in node.files.scan_dir("/data")}
    with pytest.raises(OperatorError, match="belongs to"):
        node.make().open(node_id=node_id, cluster_id=cluster_id)
    assert {name: node.files.read_bytes(f"/data/{name}") for name in node.files.scan_dir("/data")} == before


async def test_damaged_properties_are_told(node: Node) -> None:
    await node.manager.close()
    node.files.write_bytes("/data/meta.properties", b"version=9\n")
    with pytest.raises(OperatorError, match="version 9"):
        node.make().open(node_id=1)


async def test_logs_come_back_after_a_clean_stop(node: Node) -> None:
    append(node.create(A0), 30)
    append(node.create(B0), 3)
    node.create(A1)
    records = read_all(node.manager.logs[A0])
    node.manager.broker_epoch = 7
    manager = await node.restart()
    assert set(manager.logs) == {A0, A1, B0}
    log = manager.logs[A0]
    assert read_all(log) == records
    assert (log.high_watermark, log.recovery_point, log.topic_id) == (30, 30, TOPIC_ID)
    assert log.leader_epochs.entries == [(0, 0)]
    assert manager.directories[0].previous_broker_epoch == 7
    assert manager.directories[0].had_clean_shutdown
    assert not node.files.exists("/data/.kafka_cleanshutdown"), "a crash from here on is no clean stop"


async def test_checkpoints_are_kafkas(node: Node) -> None:
    append(node.create(A0), 30)
    node.manager.logs[A0].delete_records(node.manager.logs[A0].segments[1].base_offset + 1)
    start = node.manager.logs[A0].log_start_offset
    await node.manager.close()
    assert node.files.read_bytes("/data/recovery-point-offset-checkpoint") == b"0\n1\na 0 30\n"
    assert node.files.read_bytes("/data/replication-offset-checkpoint") == b"0\n1\na 0 30\n"
    assert node.files.read_bytes("/data/log-start-offset-checkpoint") == b"0\n1\na 0 %d\n" % start
    assert node.files.read_bytes("/data/.kafka_cleanshutdown") == b'{"version":0,"brokerEpoch":-1}'
    assert node.start().logs[A0].log_start_offset == start


async def test_after_a_crash_logs_are_recovered_from_their_recovery_points(node: Node) -> None:
    append(node.create(A0), 30)
    append(node.create(A1), 5)
    records = read_all(node.manager.logs[A0])
    await node.manager.logs[A0].flush_through(30)
    await node.manager.checkpoint_recovery_points()
    append(node.manager.logs[A0], 3)
    manager = node.crash()
    assert not manager.directories[0].had_clean_shutdown
    assert read_all(manager.logs[A0])[:30] == records
    assert manager.logs[A1].log_end_offset == 0


async def test_damaged_checkpoints_cost_work_but_nothing_else(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    append(node.create(A0), 30)
    records = read_all(node.manager.logs[A0])
    await node.manager.close()
    for name in (names.RECOVERY_POINT_CHECKPOINT, names.LOG_START_CHECKPOINT, names.HIGH_WATERMARK_CHECKPOINT):
        node.files.write_bytes(f"/data/{name}", b"0\n9\n")
    log = node.start().logs[A0]
    assert read_all(log) == records
    assert log.high_watermark == 0
    assert "starting from nothing" in caplog.text


async def test_other_folders_are_left_alone_and_deleted_ones_go(node: Node) -> None:
    await node.manager.close()
    for name in ("a-0.0123-delete", "a-0.0123-future", "b-1.0123-stray", "__cluster_metadata-0", "notes", "lost+found"):
        node.files.make_dir(f"/data/{name}")
    manager = node.start()
    assert not manager.logs
    await manager.tick()
    assert "a-0.0123-delete" not in node.files.list_dir("/data")
    assert len(node.files.list_dirs("/data")) == 5


def test_a_partition_in_two_folders_is_told() -> None:
    node = started("/one", "/two")
    node.create(A0)
    node.files.make_dir("/two/a-0")
    node.files.make_dir("/one/a-0")
    node.manager.release()
    with pytest.raises(OperatorError, match="a-0 is in"):
        node.start()


async def test_a_log_that_cannot_be_opened_does_not_stop_the_others(node: Node) -> None:
    append(node.create(A0), 3)
    append(node.create(B0), 3)
    await node.manager.close()
    node.files.write_bytes("/data/a-0/partition.metadata", b"garbage")
    manager = node.start()
    assert set(manager.logs) == {B0}
    assert "partition.metadata" in str(manager.damaged[A0])
    with pytest.raises(StorageError, match=r"partition\.metadata"):
        manager.create(A0, TOPIC_ID, SMALL)
    assert node.files.exists("/data/a-0/00000000000000000000.log"), "left for a person to look at"

    await manager.delete(A0)
    log = manager.create(A0, TOPIC_ID, SMALL)
    assert log.log_end_offset == 0, "its name is free again"
    (kept,) = [name for name in node.files.list_dirs("/data") if name.endswith("-stray")]
    assert node.files.read_bytes(f"/data/{kept}/partition.metadata") == b"garbage"


async def test_several_threads_recover() -> None:
    node = started("/one", "/two")
    for number in range(12):
        append(node.create(TopicPartition("t", number)), 20)
        node.manager.logs[TopicPartition("t", number)].flush()
    manager = node.crash()
    assert len(manager) == 12
    assert all(log.log_end_offset == 20 for log in manager)


# -- making and deleting ---------------------------------------------------------------------------------------------


def test_new_logs_go_where_the_fewest_are() -> None:
    node = started("/one", "/two", "/three")
    for number in range(7):
        node.create(TopicPartition("t", number))
    counts = [len(node.manager.logs_in(directory)) for directory in node.manager.directories]
    assert sorted(counts) == [2, 2, 3]


def test_making_a_partition_syncs_nothing(node: Node) -> None:
    node.files.calls.clear()
    node.create()
    assert not {"fsync", "fsync_dir"} & set(node.files.calls)
    assert set(node.files.list_dir("/data/a-0")) == {"00000000000000000000.log", "partition.metadata"}
    assert node.files.read_bytes("/data/a-0/partition.metadata") == b"version: 0\ntopic_id: AAECAwQFBgcICQoLDA0ODw"


async def test_a_deleted_logs_name_is_free_at_once_and_empty(node: Node) -> None:
    append(node.create(), 10)
    old = node.manager.logs[A0]
    await node.manager.delete(A0)
    assert node.manager.get(A0) is None
    (folder,) = node.files.list_dirs("/data")
    assert names.is_deleted_dir(folder)
    assert len(read_all(old)) == 10, "whoever had it may finish"
    append(node.create(), 1)
    assert len(read_all(node.manager.logs[A0])) == 1
    node.clock.advance(SMALL.file_delete_delay_ms - 1)
    await node.manager.tick()
    assert folder in node.files.list_dirs("/data")
    node.clock.advance(1)
    await node.manager.tick()
    assert node.files.list_dirs("/data") == ["a-0"]


async def test_marks_of_a_deleted_log_do_not_touch_its_namesake(node: Node) -> None:
    append(node.create(), 30)
    node.manager.logs[A0].delete_records(25)
    await node.manager.logs[A0].flush_through(30)
    for job in (
        node.manager.checkpoint_recovery_points,
        node.manager.checkpoint_log_starts,
        node.manager.checkpoint_high_watermarks,
    ):
        await job()
    await node.manager.delete(A0)
    append(node.create(), 2)
    node.manager.logs[A0].flush()
    log = node.crash().logs[A0]
    assert (log.log_start_offset, log.log_end_offset) == (0, 2)
    assert len(read_all(log)) == 2


async def test_deleting_what_is_not_there_is_fine(node: Node) -> None:
    await node.manager.delete(A0)


async def test_a_flush_under_way_does_not_mind_a_deletion(node: Node) -> None:
    append(node.create(), 3)
    log = node.manager.logs[A0]
    flushing = asyncio.ensure_future(log.flush_through(3))
    await asyncio.sleep(0)
    await node.manager.delete(A0)
    await flushing
    assert not node.failed


def test_a_folder_that_is_in_the_way_is_put_aside(node: Node) -> None:
    node.files.make_dir("/data/a-0")
    node.files.write_bytes("/data/a-0/00000000000000000099.log", b"left over")
    log = node.create()
    assert log.log_end_offset == 0
    assert set(node.files.list_dir("/data/a-0")) == {"00000000000000000000.log", "partition.metadata"}


# -- failing ---------------------------------------------------------------------------------------------------------


async def test_a_failing_disk_takes_its_folder_offline_and_leaves_the_others() -> None:
    node = started("/one", "/two")
    for topic_partition in (A0, A1, B0):
        append(node.create(topic_partition), 3)
    bad = node.manager.directory_of(A0)
    struck = node.manager.logs_in(bad)
    spared = [log for log in node.manager if log not in struck]
    node.files.fail("write", match=f"{bad.path}/a-0", error=errno.EIO)
    with pytest.raises(StorageError):
        append(node.manager.logs[A0])
    assert [path for path, _ in node.failed] == [bad.path]
    assert set(node.failed[0][1]) == set(struck)
    for log in struck:
        with pytest.raises(StorageError):
            append(log)
        assert len(read_all(log)) == 3
    for log in spared:
        append(log)
    made = node.create(TopicPartition("new", 0))
    assert not made.directory.startswith(bad.path)
    await node.manager.close()
    assert node.files.exists(f"{spared[0].directory.rpartition('/')[0]}/.kafka_cleanshutdown")
    assert not node.files.exists(f"{bad.path}/.kafka_cleanshutdown")


async def test_without_any_folder_nothing_is_made(node: Node) -> None:
    append(node.create())
    node.files.fail("fsync", match=".log")
    with pytest.raises(StorageError):
        await node.manager.logs[A0].flush_through(1)
    with pytest.raises(StorageError, match="offline"):
        node.create(B0)
    await node.manager.close()


async def test_a_checkpoint_that_cannot_be_written_takes_the_folder_offline(node: Node) -> None:
    append(node.create())
    node.files.fail("write", match=names.HIGH_WATERMARK_CHECKPOINT, error=errno.ENOSPC)
    await node.manager.checkpoint_high_watermarks()
    assert node.manager.directories[0].failure is not None
    assert len(node.failed) == 1


async def test_a_full_disk_loses_nothing_that_was_acknowledged(node: Node) -> None:
    log = node.create()
    append(log, 20)
    await log.flush_through(20)
    records = read_all(log)
    node.files.capacity_bytes = node.files.used_bytes()
    with pytest.raises(StorageError):
        append(log)
    assert read_all(log) == records
    await node.manager.close()
    node.files.capacity_bytes = None
    again = node.start().logs[A0]
    assert read_all(again) == records
    append(again)


async def test_a_stop_that_cannot_sync_is_no_clean_stop(node: Node) -> None:
    append(node.create(), 3)
    node.files.fail("fsync", match=".log")
    await node.manager.close()
    assert not node.files.exists("/data/.kafka_cleanshutdown")
    assert not node.start().directories[0].had_clean_shutdown


# -- jobs ------------------------------------------------------------------------------------------------------------


async def test_the_tick_writes_index_entries_and_epochs(node: Node) -> None:
    log = node.create()
    append(log, 4)
    index = names.segment_path(log.directory, 0, names.INDEX)
    assert not node.files.exists(index)
    await node.manager.tick()
    assert node.files.size(index) == 8 * log.segments[0].offset_index.entries > 0
    assert node.files.read_bytes(f"{log.directory}/leader-epoch-checkpoint") == b"0\n1\n0 0\n"
    assert not node.manager.context.dirty
    append(log, leader_epoch=5)
    await node.manager.tick()
    assert node.files.read_bytes(f"{log.directory}/leader-epoch-checkpoint") == b"0\n2\n0 0\n5 4\n"


async def test_an_idle_tick_touches_no_disk(node: Node) -> None:
    append(node.create(), 4)
    await node.manager.tick()
    node.files.calls.clear()
    await node.manager.tick()
    await node.manager.expire_producers()
    assert not node.files.calls


async def test_flush_ms_is_kept_by_the_tick(node: Node) -> None:
    from dataclasses import replace

    log = node.create()
    log.update_config(replace(SMALL, flush_ms=3000))
    node.clock.advance(1000)
    append(log, 2)
    for _ in range(4):
        node.clock.advance(1000)
        await node.manager.tick()
    await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name().startswith("flush ")])
    assert log.recovery_point == 2


async def test_retention_runs_over_all_logs_but_the_cleaners(node: Node) -> None:
    from dataclasses import replace

    for topic_partition in (A0, A1, B0):
        append(node.create(topic_partition), 30)
    node.manager.logs[A1].update_config(replace(SMALL, cleanup_policy=frozenset({"compact", "delete"})))
    node.manager.cleans_compacted = True
    node.clock.advance(SMALL.retention_ms + 1000)
    await node.manager.delete_old_segments()
    starts = {key: log.log_start_offset for key, log in node.manager.logs.items()}
    assert starts == {A0: 30, A1: 0, B0: 30}
    node.manager.cleans_compacted = False
    await node.manager.delete_old_segments()
    assert node.manager.logs[A1].log_start_offset == 30


async def test_silent_producers_are_forgotten(node: Node) -> None:
    log = node.create()
    batch, header = make_batch(1, producer_id=4, producer_epoch=0, base_sequence=0)
    log.append(batch, header, leader_epoch=0, now_ms=NOW_MS)
    node.clock.advance(node.config.producer_id_expiration_ms)
    await node.manager.expire_producers()
    assert not log.producers.producers


async def test_jobs_come_again_after_their_intervals(node: Node) -> None:
    node.manager.start()
    append(node.create(), 4)
    for _ in range(6):
        node.clock.advance(1000)
        await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name().startswith("log manager")])
    assert node.files.read_bytes("/data/replication-offset-checkpoint") == b"0\n1\na 0 4\n"
    assert not node.files.exists("/data/recovery-point-offset-checkpoint")
    for _ in range(60):
        node.clock.advance(1000)
        await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name().startswith("log manager")])
    assert node.files.exists("/data/recovery-point-offset-checkpoint")
    await node.manager.close()
    node.clock.advance(10**7)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("log manager")]


async def test_a_job_that_fails_is_tried_again(node: Node) -> None:
    crashes: list[str] = []
    node.tasks = Tasks(on_crash=lambda name, error: crashes.append(name))
    node.manager.release()
    manager = node.start()

    async def broken() -> None:
        raise RuntimeError("on purpose")

    manager._every(1000, broken, 1000)
    for _ in range(3):
        node.clock.advance(1000)
        for _ in range(3):
            await asyncio.sleep(0)
    assert len(crashes) == 3


# -- stop ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 100])
async def test_a_stop_writes_what_changed_and_nothing_else(node: Node, count: int) -> None:
    for number in range(count):
        append(node.create(TopicPartition("t", number)), 5)
    await node.restart()
    append(node.manager.logs[TopicPartition("t", 0)])
    node.files.calls.clear()
    await node.manager.close()
    assert node.files.calls["write"] < 12
    assert node.files.calls["fsync"] < 20
    assert {log.log_end_offset for log in node.start()} == {5, 6}
    assert node.manager.directories[0].had_clean_shutdown


async def test_what_was_stopped_cleanly_survives_a_power_cut(node: Node) -> None:
    for number in range(50):
        append(node.create(TopicPartition("t", number)), 20)
    await node.manager.close()
    node.files.crash()
    manager = node.start()
    assert manager.directories[0].had_clean_shutdown
    for log in manager:
        assert len(read_all(log)) == 20


async def test_the_folder_is_free_after_a_stop(node: Node) -> None:
    await node.manager.close()
    node.make().open(node_id=1)
