"""Small files that several threads come to at once: who writes last, and what is never brought back."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from tests.log.logs import NOW_MS, make_batch

from ottla.log.checkpoints import OffsetCheckpoint
from ottla.log.config import LogConfig
from ottla.log.epochs import LeaderEpochs
from ottla.log.manager import LogManager
from ottla.model.ids import TopicPartition
from ottla.runtime.clock import ManualClock
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.tasks import Tasks

T0, OTHER = TopicPartition("t", 0), TopicPartition("other", 0)


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.close()


class Gate:
    """Holds the first thread that syncs a file whose path contains ``match``, until :meth:`open`."""

    def __init__(self, files: MemoryFiles, match: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = threading.Event()
        self._opened = threading.Event()
        check = files.check

        def held(action: str, path: str, *, grow: int = 0) -> None:
            if action == "fsync" and match in path and not self.reached.is_set():
                self.reached.set()
                assert self._opened.wait(10)
            check(action, path, grow=grow)

        monkeypatch.setattr(files, "check", held)

    def open(self) -> None:
        self._opened.set()

    def open_soon(self) -> None:
        """Open from another thread, once whoever calls may have begun to wait."""
        threading.Timer(0.05, self.open).start()


def in_threads(*actions: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    return threads


async def test_a_checkpoint_under_way_does_not_bring_a_deleted_partition_back(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = MemoryFiles()
    clock = ManualClock(NOW_MS)
    manager = LogManager(
        files=files,
        clock=clock,
        tasks=tasks,
        dirs=["/data"],
        default_config=LogConfig(),
        fresh_uuid=lambda: bytes([9] * 16),
    )
    manager.open(node_id=1)
    manager.load()
    log = manager.create(T0, bytes([1] * 16), LogConfig())
    for _ in range(5):
        batch, header = make_batch()
        log.append(batch, header, leader_epoch=0, now_ms=NOW_MS)
    log.high_watermark = 5
    log.delete_records(4)
    gate = Gate(files, "log-start-offset-checkpoint", monkeypatch)
    writing = asyncio.ensure_future(manager.checkpoint_log_starts())
    await asyncio.to_thread(gate.reached.wait, 10)
    await manager.delete(T0)
    gate.open_soon()
    manager.create(T0, bytes([2] * 16), LogConfig())
    await writing
    checkpoint = OffsetCheckpoint(files, "/data/log-start-offset-checkpoint")
    assert T0 not in checkpoint.read(), "a start after kill -9 would drop the new log's records below that offset"


def test_of_two_checkpoints_the_later_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    files = MemoryFiles()
    files.make_dir("/d")
    checkpoint = OffsetCheckpoint(files, "/d/x")
    gate = Gate(files, "x", monkeypatch)
    first, second = checkpoint.prepare({T0: 1}), checkpoint.prepare({OTHER: 2})
    threads = in_threads(first, second)
    assert gate.reached.wait(10)
    gate.open()
    for thread in threads:
        thread.join(10)
    assert OffsetCheckpoint(files, "/d/x").read() == {OTHER: 2}
    assert not first(), "what came earlier never comes back"


def test_a_flush_and_a_tick_write_epochs_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    files = MemoryFiles()
    files.make_dir("/d")
    epochs = LeaderEpochs(files, "/d")
    epochs.assign(1, 0)
    gate = Gate(files, "leader-epoch", monkeypatch)
    failed: list[BaseException] = []

    def write() -> None:
        try:
            epochs.write()
        except BaseException as error:
            failed.append(error)

    threads = in_threads(write)
    assert gate.reached.wait(10)
    epochs.assign(2, 10)
    threads += in_threads(write)
    assert not epochs.write_first(), "the loop does not wait for a disk"
    gate.open()
    for thread in threads:
        thread.join(10)
    assert not failed
    read_back = LeaderEpochs(files, "/d")
    read_back.load()
    assert read_back.entries == [(1, 0), (2, 10)]
