"""What only the file can show: it outlives the process, refuses a second one, and says what is wrong with it."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ottla.metastore.embedded import EmbeddedMetastore
from ottla.metastore.interface import CompactedError, Compare, Delete, KeyValue, Put
from ottla.model.errors import OperatorError, StorageError
from ottla.runtime.clock import ManualClock
from ottla.runtime.tasks import Tasks


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks(threads=2)
    yield tasks
    await tasks.close()


def open_at(directory: Path, tasks: Tasks) -> EmbeddedMetastore:
    return EmbeddedMetastore.open(str(directory), tasks=tasks, clock=ManualClock())


async def test_keys_revisions_and_history_outlive_the_process(tmp_path: Path, tasks: Tasks) -> None:
    store = open_at(tmp_path, tasks)
    await store.transact([], [Put("a", b"1"), Put("b", b"1")])
    await store.transact([], [Put("a", b"2")])
    await store.transact([], [Delete("b")])
    await store.close()
    store = open_at(tmp_path, tasks)
    assert await store.get_range("") == ([KeyValue("a", b"2", 2)], 3)
    watch = await store.watch("", 2)
    assert await anext(watch) == [("a", b"2", 2), ("b", None, 3)]
    assert await store.transact([Compare("a", 2)], [Put("a", b"3")]) == (True, 4)
    await store.close()


async def test_revisions_never_go_back_though_everything_was_deleted_and_forgotten(
    tmp_path: Path, tasks: Tasks
) -> None:
    store = open_at(tmp_path, tasks)
    await store.transact([], [Put("a", b"1")])
    await store.transact([], [Delete("a")])
    await store.compact(2)
    await store.close()
    store = open_at(tmp_path, tasks)
    assert await store.get_range("") == ([], 2)
    with pytest.raises(CompactedError):
        await store.watch("", 2)
    assert (await store.transact([], [Put("a", b"1")])).revision == 3
    await store.close()


async def test_leases_do_not_outlive_the_process(tmp_path: Path, tasks: Tasks) -> None:
    store = open_at(tmp_path, tasks)
    lease = await store.lease(60_000)
    await store.transact([], [Put("leased", b"", lease.id), Put("kept", b"")])
    await store.close()
    store = open_at(tmp_path, tasks)
    assert await store.get_range("") == ([KeyValue("kept", b"", 1)], 2)
    assert await anext(await store.watch("", 2)) == [("leased", None, 2)]
    await store.close()


async def test_what_was_answered_survives_a_kill(tmp_path: Path, tasks: Tasks) -> None:
    script = f"""
import asyncio, os
from ottla.metastore.embedded import EmbeddedMetastore
from ottla.metastore.interface import Put
from ottla.runtime.clock import SystemClock
from ottla.runtime.tasks import Tasks
async def main():
    store = EmbeddedMetastore.open({str(tmp_path)!r}, tasks=Tasks(), clock=SystemClock())
    for i in range(20):
        await store.transact([], [Put(f"k{{i}}", b"v")])
    os._exit(9)
asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await child.wait() == 9
    store = open_at(tmp_path, tasks)
    found, revision = await store.get_range("k")
    assert len(found) == revision == 20
    await store.close()


async def test_a_second_process_is_refused(tmp_path: Path, tasks: Tasks) -> None:
    store = open_at(tmp_path, tasks)
    await store.transact([], [Put("a", b"")])
    script = f"""
from ottla.metastore.embedded import EmbeddedMetastore
from ottla.model.errors import OperatorError
from ottla.runtime.clock import SystemClock
from ottla.runtime.tasks import Tasks
try:
    EmbeddedMetastore.open({str(tmp_path)!r}, tasks=Tasks(), clock=SystemClock())
except OperatorError as error:
    print(error)
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=subprocess.PIPE)
    said, _ = await child.communicate()
    assert b"in use by another node" in said
    assert str(tmp_path).encode() in said
    await store.close()
    reopened = open_at(tmp_path, tasks)
    await reopened.close()


def spoil_with_text(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at closely" * 20)


def spoil_the_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:4096] = bytes(3996)
    path.write_bytes(data)


def make_a_stranger(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


def make_it_newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoil_with_text, "is corrupt"),
        (spoil_the_middle, "is corrupt"),
        (make_a_stranger, "another program's database"),
        (make_it_newer, "newer Ottla"),
    ],
)
async def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, tasks: Tasks, spoil: Callable[[Path], None], says: str
) -> None:
    store = open_at(tmp_path, tasks)
    await store.transact([], [Put(f"key{i}", bytes(100)) for i in range(100)])
    await store.close()
    spoil(tmp_path / "metadata.db")
    with pytest.raises(OperatorError, match=says) as caught:
        open_at(tmp_path, tasks)
    assert str(tmp_path / "metadata.db") in str(caught.value)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "metadata.db").mkdir(parents=True)
    for directory in (tmp_path / "file", tmp_path / "file" / "sub", tmp_path / "taken"):
        with pytest.raises(OperatorError, match=r"ottla\.metadata\.dir"):
            open_at(directory, Tasks())


async def test_only_the_owner_may_read_the_file(tmp_path: Path, tasks: Tasks) -> None:
    store = open_at(tmp_path / "new", tasks)
    assert (tmp_path / "new" / "metadata.db").stat().st_mode & 0o077 == 0
    await store.close()


async def test_a_failed_commit_is_told_and_changes_nothing(
    tmp_path: Path, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_at(tmp_path, tasks)
    await store.transact([], [Put("a", b"1")])
    table = store._table

    def no_space() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(table, "commit", no_space)
        with pytest.raises(StorageError, match="disk is full"):
            await store.transact([], [Put("a", b"2")])
    assert await store.get_range("") == ([KeyValue("a", b"1", 1)], 1)
    assert (await store.transact([Compare("a", 1)], [Put("a", b"3")])).revision == 2
    await store.close()


async def test_a_burst_of_writes_shares_commits(tmp_path: Path, tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_at(tmp_path, tasks)
    commits = 0
    commit = store._table.commit

    def counted() -> None:
        nonlocal commits
        commits += 1
        commit()

    monkeypatch.setattr(store._table, "commit", counted)
    results = await asyncio.gather(*(store.transact([], [Put(f"k{i}", b"")]) for i in range(100)))
    assert [result.revision for result in results] == list(range(1, 101))
    assert commits < 10
    await store.close()


async def test_closing_comes_to_an_end_though_the_thread_just_ended(
    tmp_path: Path, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_at(tmp_path, tasks)
    in_thread, ended, go_on = tasks.in_thread, asyncio.Event(), asyncio.Event()

    async def slow(function: Callable[..., object], *args: object) -> object:
        result = await in_thread(function, *args)
        ended.set()
        await go_on.wait()
        return result

    monkeypatch.setattr(tasks, "in_thread", slow)
    await store.transact([], [Put("a", b"1")])
    await ended.wait()
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait_for(closing, 10)
