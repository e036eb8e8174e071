"""What ottla.metastore.interface promises, asked of every implementation."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.metastore.embedded import EmbeddedMetastore
from ottla.metastore.interface import (
    CompactedError,
    Compare,
    Delete,
    DeletePrefix,
    Event,
    KeyValue,
    LeaseLostError,
    Metastore,
    Operation,
    Put,
    Watch,
)
from ottla.metastore.memory import MemoryMetastore
from ottla.model.errors import StorageError
from ottla.runtime.clock import ManualClock
from ottla.runtime.tasks import Tasks

OpenStore = Callable[..., Metastore]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["memory", "embedded"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[OpenStore]:
    tasks = Tasks()
    stores: list[Metastore] = []

    def open_one(history_limit: int = 10_000) -> Metastore:
        store: Metastore
        if request.param == "memory":
            store = MemoryMetastore(clock=clock, history_limit=history_limit)
        else:
            directory = str(tmp_path / str(len(stores)))
            store = EmbeddedMetastore.open(directory, tasks=tasks, clock=clock, history_limit=history_limit)
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.close()
    await tasks.close()


@pytest.fixture
def store(open_store: OpenStore) -> Metastore:
    return open_store()


async def put(store: Metastore, key: str, value: bytes) -> int:
    result = await store.transact([], [Put(key, value)])
    assert result.succeeded
    return result.revision


async def events_of(watch: Watch, count: int) -> list[Event]:
    events: list[Event] = []
    async for batch in watch:
        events += batch
        if len(events) >= count:
            break
    return events


async def test_an_empty_store_is_at_revision_0(store: Metastore) -> None:
    assert await store.get("a") is None
    assert await store.get_range("") == ([], 0)


async def test_every_key_remembers_the_revision_that_wrote_it(store: Metastore) -> None:
    first = await put(store, "a", b"1")
    second = await put(store, "b", b"2")
    assert 0 < first < second
    assert await store.get("a") == KeyValue("a", b"1", first)
    third = await put(store, "a", b"3")
    assert await store.get("a") == KeyValue("a", b"3", third)
    assert await store.get_range("") == ([KeyValue("a", b"3", third), KeyValue("b", b"2", second)], third)


async def test_a_range_has_the_keys_under_its_prefix_in_order(store: Metastore) -> None:
    for key in ("topics/b", "topics/a/x", "topic", "topicz", "topics0", "topics/ä", "topics/\U0001f600"):
        await put(store, key, b"")
    found, _ = await store.get_range("topics/")
    assert [entry.key for entry in found] == ["topics/a/x", "topics/b", "topics/ä", "topics/\U0001f600"]


async def test_a_transaction_happens_as_a_whole_or_not_at_all(store: Metastore) -> None:
    a = await put(store, "a", b"1")
    b = await put(store, "b", b"1")
    refused = await store.transact([Compare("a", a), Compare("b", b - 1)], [Put("a", b"2"), Delete("b")])
    assert refused == (False, b)
    assert await store.get("a") == KeyValue("a", b"1", a)
    done = await store.transact([Compare("a", a), Compare("b", b), Compare("c", 0)], [Put("a", b"2"), Delete("b")])
    assert done == (True, b + 1)
    assert await store.get_range("") == ([KeyValue("a", b"2", b + 1)], b + 1)


async def test_revision_0_stands_for_a_key_that_does_not_exist(store: Metastore) -> None:
    assert (await store.transact([Compare("a", 0)], [Put("a", b"")])).succeeded
    assert not (await store.transact([Compare("a", 0)], [Put("a", b"")])).succeeded
    await store.transact([], [Delete("a")])
    assert (await store.transact([Compare("a", 0)], [Put("a", b"")])).succeeded


async def test_a_transaction_that_changes_nothing_makes_no_revision(store: Metastore) -> None:
    revision = await put(store, "a", b"1")
    assert await store.transact([], []) == (True, revision)
    assert await store.transact([], [Delete("z"), DeletePrefix("y/")]) == (True, revision)


async def test_a_prefix_is_deleted_in_one_operation(store: Metastore) -> None:
    for key in ("p/1", "p/2", "p0", "p"):
        await put(store, key, b"")
    watch = await store.watch("", 5)
    result = await store.transact([], [DeletePrefix("p/"), Put("new", b"")])
    assert [entry.key for entry in (await store.get_range(""))[0]] == ["new", "p", "p0"]
    assert sorted(await events_of(watch, 3)) == [
        ("new", b"", result.revision),
        ("p/1", None, result.revision),
        ("p/2", None, result.revision),
    ]
    watch.close()


async def test_of_two_that_compare_the_same_key_one_wins(store: Metastore) -> None:
    results = await asyncio.gather(*(store.transact([Compare("a", 0)], [Put("a", b"%d" % i)]) for i in range(20)))
    assert sum(result.succeeded for result in results) == 1
    winner = next(i for i, result in enumerate(results) if result.succeeded)
    assert await store.get("a") == KeyValue("a", b"%d" % winner, 1)


async def test_a_watch_gives_history_first_and_then_what_happens(store: Metastore) -> None:
    await put(store, "x/a", b"1")
    revision = await put(store, "x/a", b"2")
    await put(store, "y", b"")
    watch = await store.watch("x/", revision)
    assert await events_of(watch, 1) == [("x/a", b"2", revision)]
    await store.transact([], [Delete("x/a"), Put("y", b"2")])
    assert await events_of(watch, 1) == [("x/a", None, revision + 2)]
    watch.close()
    with pytest.raises(StopAsyncIteration):
        await anext(watch)


async def test_a_watch_of_the_future_does_not_see_the_present(store: Metastore) -> None:
    watch = await store.watch("", 3)
    for _ in range(4):
        await put(store, "a", b"")
    assert [event.revision for event in await events_of(watch, 2)] == [3, 4]
    watch.close()


async def test_every_watch_sees_the_events_of_a_revision_together(store: Metastore) -> None:
    watches = [await store.watch("", 1), await store.watch("k", 1)]
    waiting = [asyncio.create_task(events_of(watch, 1)) for watch in watches]
    await asyncio.sleep(0)
    await store.transact([], [Put(f"k{i}", b"") for i in range(5)])
    for task in waiting:
        assert [event.key for event in await task] == [f"k{i}" for i in range(5)]
    for watch in watches:
        watch.close()


async def test_compacted_history_cannot_be_watched(store: Metastore) -> None:
    for value in (b"1", b"2", b"3"):
        await put(store, "a", value)
    await store.compact(2)
    for revision in (1, 2):
        with pytest.raises(CompactedError) as caught:
            await store.watch("", revision)
        assert caught.value.revision == 3
    watch = await store.watch("", 3)
    assert await events_of(watch, 1) == [("a", b"3", 3)]
    assert await store.get("a") == KeyValue("a", b"3", 3)
    watch.close()


async def test_compacting_the_future_compacts_the_past_only(store: Metastore) -> None:
    await put(store, "a", b"1")
    await store.compact(100)
    watch = await store.watch("", 2)
    await put(store, "a", b"2")
    assert await events_of(watch, 1) == [("a", b"2", 2)]
    watch.close()


async def test_history_is_bounded(open_store: OpenStore) -> None:
    store = open_store(history_limit=10)
    for _ in range(35):
        await put(store, "a", b"")
    with pytest.raises(CompactedError) as caught:
        await store.watch("", 1)
    assert 35 - 2 * 10 <= caught.value.revision <= 35 - 10 + 1
    watch = await store.watch("", caught.value.revision)
    assert [event.revision for event in await events_of(watch, 1)] == list(range(caught.value.revision, 36))
    watch.close()


async def test_what_was_written_under_a_lease_goes_with_it(store: Metastore, clock: ManualClock) -> None:
    lease = await store.lease(1000)
    await store.transact([], [Put("mine", b"1", lease.id), Put("other", b"1")])
    watch = await store.watch("", 2)
    clock.advance(900)
    await lease.keep_alive()
    clock.advance(900)
    assert await store.get("mine") is not None
    clock.advance(100)
    assert await events_of(watch, 1) == [("mine", None, 2)]
    assert await store.get("mine") is None
    assert await store.get("other") is not None
    with pytest.raises(LeaseLostError):
        await lease.keep_alive()
    with pytest.raises(LeaseLostError):
        await store.transact([], [Put("mine", b"2", lease.id)])
    watch.close()


async def test_a_revoked_lease_is_lost_at_once(store: Metastore) -> None:
    lease = await store.lease(1000)
    await store.transact([], [Put("mine", b"1", lease.id)])
    await lease.revoke()
    assert await store.get("mine") is None
    with pytest.raises(LeaseLostError):
        await lease.keep_alive()
    await lease.revoke()


async def test_a_key_written_anew_without_the_lease_stays(store: Metastore, clock: ManualClock) -> None:
    lease = await store.lease(1000)
    await store.transact([], [Put("mine", b"1", lease.id)])
    await put(store, "mine", b"2")
    clock.advance(1000)
    assert await store.get("mine") == KeyValue("mine", b"2", 2)


async def test_a_caller_that_gives_up_changes_nothing_for_the_others(store: Metastore) -> None:
    watch = await store.watch("", 1)
    caller = asyncio.create_task(store.transact([], [Put("a", b"1")]))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    revision = await put(store, "b", b"1")
    events = await events_of(watch, revision)
    assert [event.revision for event in events] == list(range(1, revision + 1))
    assert events[-1].key == "b"
    watch.close()


async def test_a_reader_that_falls_behind_is_told(store: Metastore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ottla.metastore.watches.MAX_BACKLOG_EVENTS", 3)
    watch = await store.watch("", 1)
    for _ in range(5):
        await put(store, "a", b"")
    with pytest.raises(CompactedError):
        await events_of(watch, 5)
    watch.close()


async def test_closing_ends_the_watches_and_refuses_calls(store: Metastore) -> None:
    watch = await store.watch("", 1)
    waiting = asyncio.create_task(events_of(watch, 1))
    await asyncio.sleep(0)
    await store.close()
    assert await waiting == []
    with pytest.raises(StorageError):
        await store.get("a")
    with pytest.raises(StorageError):
        await store.transact([], [Put("a", b"")])


KEYS = st.sampled_from(["a", "a/1", "a/2", "b", "b/1", "c"])
TRANSACTIONS = st.tuples(
    st.lists(st.tuples(KEYS, st.integers(0, 6)), max_size=2),
    st.lists(
        st.one_of(
            st.builds(lambda key, value: Put(key, value), KEYS, st.binary(max_size=3)),
            st.builds(Delete, KEYS),
            st.builds(DeletePrefix, st.sampled_from(["a/", "b/"])),
        ),
        max_size=3,
        unique_by=lambda operation: operation[0][:1],
    ),
)


async def check_both_agree(
    one: Metastore, other: Metastore, script: list[tuple[list[tuple[str, int]], list[Operation]]]
) -> None:
    watch_one, watch_other = await one.watch("", 1), await other.watch("", 1)
    for compares, operations in script:
        guards = [Compare(*compare) for compare in compares]
        assert await one.transact(guards, operations) == await other.transact(guards, operations)
        assert await one.get_range("") == await other.get_range("")
    _, revision = await one.get_range("")
    if revision:
        seen_one = await events_of(watch_one, 1)
        while seen_one[-1].revision < revision:
            seen_one += await anext(watch_one)
        seen_other = await events_of(watch_other, len(seen_one))
        assert sorted(seen_one, key=lambda e: (e.revision, e.key)) == sorted(
            seen_other, key=lambda e: (e.revision, e.key)
        )
        rebuilt: dict[str, bytes] = {}
        for event in seen_one:
            if event.value is None:
                del rebuilt[event.key]
            else:
                rebuilt[event.key] = event.value
        assert rebuilt == {entry.key: entry.value for entry in (await one.get_range(""))[0]}
    await one.close()
    await other.close()


def test_memory_and_file_agree_on_any_script(tmp_path: Path) -> None:
    """Property: the same transactions give the same results, ranges and events; the events rebuild the state."""
    counter = iter(range(1_000_000))

    def run(script: list[tuple[list[tuple[str, int]], list[Operation]]]) -> None:
        async def whole() -> None:
            tasks = Tasks(threads=1)
            clock = ManualClock()
            other = EmbeddedMetastore.open(str(tmp_path / str(next(counter))), tasks=tasks, clock=clock)
            await check_both_agree(MemoryMetastore(clock=clock), other, script)
            await tasks.close()

        asyncio.run(whole())

    given(st.lists(TRANSACTIONS, max_size=12))(settings(max_examples=30, deadline=None)(run))()


async def test_a_store_in_memory_can_be_opened_again(clock: ManualClock) -> None:
    store = MemoryMetastore(clock=clock)
    kept = await put(store, "kept", b"1")
    lease = await store.lease(1000)
    await store.transact([], [Put("leased", b"", lease.id)])
    await store.close()
    again = store.reopened()
    assert (await again.get_range(""))[0] == [KeyValue("kept", b"1", kept)]
    assert await put(again, "new", b"2") > kept
    await again.close()
