"""The loader shows a change once everybody has prepared for it, and survives gaps in the history."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ottla.metadata import keys, records
from ottla.metadata.driver import MetadataLoader
from ottla.metadata.image import Changes, Image
from ottla.metadata.records import PartitionRecord, TopicRecord
from ottla.metastore.interface import Delete, DeletePrefix, Put
from ottla.metastore.memory import MemoryMetastore
from ottla.runtime.clock import ManualClock
from ottla.runtime.tasks import Tasks

ALONE = records.encode_partition(PartitionRecord(replicas=(1,), isr=(1,), leader=1))


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.close()


@pytest.fixture
async def store() -> AsyncIterator[MemoryMetastore]:
    store = MemoryMetastore(clock=ManualClock())
    yield store
    await store.close()


@pytest.fixture
async def loader(store: MemoryMetastore, tasks: Tasks) -> AsyncIterator[MetadataLoader]:
    loader = MetadataLoader(store, tasks.spawn)
    await loader.start()
    yield loader
    await loader.close()


async def create(store: MemoryMetastore, name: str, topic_id: bytes) -> int:
    topic = Put(keys.topic(name), records.encode_topic(TopicRecord(topic_id, 1)))
    return (await store.transact([], [Put(keys.partition(topic_id, 0), ALONE), topic])).revision


async def test_what_is_there_at_the_start_is_shown_at_once(store: MemoryMetastore, tasks: Tasks) -> None:
    revision = await create(store, "t", bytes(16))
    loader = MetadataLoader(store, tasks.spawn)
    await loader.start()
    assert set(loader.image.topics) == {"t"}
    assert loader.image.revision == revision
    await loader.close()


async def test_a_change_is_shown_once_the_publishers_are_ready(store: MemoryMetastore, loader: MetadataLoader) -> None:
    ready = asyncio.Event()
    asked: list[str] = []

    async def slow(old: Image, new: Image, changes: Changes) -> None:
        asked.extend(after.name for _, after in changes.topics(old, new) if after is not None)
        await ready.wait()

    def quick(old: Image, new: Image, changes: Changes) -> None:
        asked.append("quick")

    loader.subscribe(slow)
    loader.subscribe(quick)
    revision = await create(store, "t", bytes(16))
    await loader.wait_for_latest(revision)
    waiting = asyncio.create_task(loader.wait_for(revision))
    for _ in range(5):
        await asyncio.sleep(0)
    assert set(loader.latest.topics) == {"t"}
    assert not loader.image.topics
    assert not waiting.done()
    assert asked == ["t"]
    ready.set()
    await waiting
    assert set(loader.image.topics) == {"t"}
    assert asked == ["t", "quick"]


async def test_changes_that_come_meanwhile_are_prepared_together(
    store: MemoryMetastore, loader: MetadataLoader
) -> None:
    seen: list[list[str]] = []
    ready = asyncio.Event()

    async def slow(old: Image, new: Image, changes: Changes) -> None:
        seen.append(sorted(after.name for _, after in changes.topics(old, new) if after is not None))
        await ready.wait()

    loader.subscribe(slow)
    await create(store, "a", bytes([1]) * 16)
    await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    await create(store, "b", bytes([2]) * 16)
    revision = await create(store, "c", bytes([3]) * 16)
    ready.set()
    await loader.wait_for(revision)
    assert seen == [["a"], ["b", "c"]]


async def test_a_publisher_that_fails_holds_nothing_up(
    store: MemoryMetastore, loader: MetadataLoader, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(old: Image, new: Image, changes: Changes) -> None:
        raise RuntimeError("no")

    loader.subscribe(broken)
    await loader.wait_for(await create(store, "t", bytes(16)))
    assert set(loader.image.topics) == {"t"}
    assert "could not prepare" in caplog.text


async def test_after_a_gap_everything_is_read_anew(
    store: MemoryMetastore, loader: MetadataLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: set[bytes] = set()
    loader.subscribe(lambda old, new, changes: changed.update(changes.topic_ids))
    await loader.wait_for(await create(store, "gone", bytes([1]) * 16))
    changed.clear()
    monkeypatch.setattr("ottla.metastore.watches.MAX_BACKLOG_EVENTS", 1)
    await store.transact([], [Delete(keys.topic("gone")), DeletePrefix(keys.partitions(bytes([1]) * 16))])
    revision = await create(store, "new", bytes([2]) * 16)
    await loader.wait_for(revision)
    assert set(loader.image.topics) == {"new"}
    assert not loader.image.hidden_topic_ids
    assert changed == {bytes([1]) * 16, bytes([2]) * 16}
    monkeypatch.undo()
    await loader.wait_for(await create(store, "newer", bytes([3]) * 16))
    assert set(loader.image.topics) == {"new", "newer"}


async def test_closing_lets_nobody_wait(store: MemoryMetastore, tasks: Tasks) -> None:
    loader = MetadataLoader(store, tasks.spawn)
    await loader.start()
    waiting = asyncio.create_task(loader.wait_for(100))
    await asyncio.sleep(0)
    await loader.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
