"""The sparse indexes (reference section 4.2)."""

import struct
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.log.index import OffsetIndex, OffsetPosition, TimeIndex, TimestampOffset, WouldBlock
from ottla.model.errors import CorruptData
from ottla.runtime.files.memory import MemoryFiles

BASE = 10_000


def offset_index(files: MemoryFiles, size_bytes: int = 0, max_bytes: int = 1 << 20) -> OffsetIndex:
    return OffsetIndex(files, "/x.index", BASE, max_bytes, size_bytes=size_bytes)


def time_index(files: MemoryFiles, size_bytes: int = 0, max_bytes: int = 1 << 20) -> TimeIndex:
    return TimeIndex(files, "/x.timeindex", BASE, max_bytes, size_bytes=size_bytes)


def test_offset_entries_are_two_big_endian_words() -> None:
    files = MemoryFiles()
    index = offset_index(files)
    index.append(BASE + 7, 5000)
    index.append(BASE + 9, 9100)
    assert not files.exists("/x.index")
    index.flush()
    assert files.read_bytes("/x.index") == struct.pack(">4I", 7, 5000, 9, 9100)


def test_time_entries_are_a_long_and_a_word_and_strictly_increase() -> None:
    files = MemoryFiles()
    index = time_index(files)
    assert index.maybe_append(1_000, BASE + 7)
    assert not index.maybe_append(1_000, BASE + 9)
    assert not index.maybe_append(999, BASE + 9)
    assert index.maybe_append(1_001, BASE + 12)
    index.flush()
    assert files.read_bytes("/x.timeindex") == struct.pack(">qIqI", 1_000, 7, 1_001, 12)


def test_a_time_index_taken_over_from_a_file_knows_its_last_timestamp() -> None:
    files = MemoryFiles()
    files.write_bytes("/x.timeindex", struct.pack(">qI", 500, 3))
    index = time_index(files, 12)
    assert not index.maybe_append(500, BASE + 4)
    assert index.maybe_append(501, BASE + 4)
    assert index.last_entry() == TimestampOffset(501, BASE + 4)


def test_full_keeps_one_time_entry_for_the_roll() -> None:
    files = MemoryFiles()
    offsets, times = offset_index(files, max_bytes=17), time_index(files, max_bytes=36)
    offsets.append(BASE + 1, 1)
    times.maybe_append(1, BASE + 1)
    assert (offsets.is_full, times.is_full) == (False, False)
    offsets.append(BASE + 2, 2)
    times.maybe_append(2, BASE + 2)
    assert (offsets.is_full, times.is_full) == (True, True)


def test_lookup_waits_for_nobody_when_told_so() -> None:
    files = MemoryFiles()
    index = offset_index(files)
    for number in range(2000):
        index.append(BASE + number * 2, number * 10)
    index.seal()
    files.cold = lambda path: True
    with pytest.raises(WouldBlock):
        index.lookup(BASE + 100, nowait=True)
    assert index.lookup(BASE + 101) == OffsetPosition(BASE + 100, 500)


def test_memory_is_bounded_however_many_entries() -> None:
    files = MemoryFiles()
    index = offset_index(files)
    for number in range(20_000):
        index.append(BASE + number, number)
        if number % 100 == 0:
            index.flush()
    held = len(index._tail[1])
    assert held < 2_000
    assert index.lookup(BASE + 12_345) == OffsetPosition(BASE + 12_345, 12_345)
    assert index.last_entry() == OffsetPosition(BASE + 19_999, 19_999)


def test_a_file_that_is_no_index_is_called_corrupt() -> None:
    files = MemoryFiles()
    files.write_bytes("/x.index", bytes(16))
    with pytest.raises(CorruptData, match="not above"):
        offset_index(files, 16).sanity_check(16)
    with pytest.raises(CorruptData, match="multiple"):
        offset_index(files, 15).sanity_check(15)
    files.write_bytes("/x.timeindex", struct.pack(">qIqI", 9, 1, 8, 2))
    with pytest.raises(CorruptData, match="below its first"):
        time_index(files, 24).sanity_check(24)


def test_a_file_shorter_than_it_was_is_called_corrupt() -> None:
    files = MemoryFiles()
    files.write_bytes("/x.index", struct.pack(">4I", 7, 5000, 9, 9100))
    index = offset_index(files, 16)
    files.write_bytes("/x.index", b"")
    with pytest.raises(CorruptData, match="should have 2 entries"):
        index.lookup(BASE + 8)


Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 1500)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("seal"), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0)),
        st.tuples(st.just("truncate"), st.integers(-5, 5000)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(steps=steps, targets=st.lists(st.integers(-3, 20_000), min_size=1, max_size=5))
def test_an_offset_index_finds_what_a_list_finds(steps: list[Step], targets: list[int]) -> None:
    files = MemoryFiles()
    index = offset_index(files)
    model: list[tuple[int, int]] = []
    for action, number in steps:
        if action == "append":
            for _ in range(number):
                offset, position = (model[-1][0] + 3, model[-1][1] + 100) if model else (BASE + 2, 40)
                model.append((offset, position))
                index.append(offset, position)
        elif action == "truncate":
            index.truncate_to(BASE + number)
            model = [entry for entry in model if entry[0] < BASE + number]
        elif action == "reopen":
            index.seal()
            index = offset_index(files, files.size("/x.index"))
        else:
            getattr(index, action)()
        assert index.entries == len(model)
        for target in targets:
            at = bisect_right(model, BASE + target, key=lambda entry: entry[0])
            assert index.lookup(BASE + target) == (model[at - 1] if at else (BASE, 0))
            at = bisect_right(model, target * 30, key=lambda entry: entry[1])
            assert index.lookup_position(target * 30) == (model[at - 1] if at else (BASE, 0))
    index.seal()
    assert files.read_bytes("/x.index") == b"".join(struct.pack(">II", o - BASE, p) for o, p in model)


@settings(max_examples=40, deadline=None)
@given(steps=steps, targets=st.lists(st.integers(-3, 20_000), min_size=1, max_size=5))
def test_a_time_index_finds_what_a_list_finds(steps: list[Step], targets: list[int]) -> None:
    files = MemoryFiles()
    index = time_index(files)
    model: list[tuple[int, int]] = []
    for action, number in steps:
        if action == "append":
            for _ in range(number):
                timestamp, offset = (model[-1][0] + 5, model[-1][1] + 3) if model else (7, BASE + 2)
                model.append((timestamp, offset))
                assert index.maybe_append(timestamp, offset)
        elif action == "truncate":
            index.truncate_to(BASE + number)
            model = [entry for entry in model if entry[1] < BASE + number]
        elif action == "reopen":
            index.seal()
            index = time_index(files, files.size("/x.timeindex"))
        else:
            getattr(index, action)()
        assert index.last_entry() == (model[-1] if model else (-1, BASE))
        for target in targets:
            at = bisect_right(model, target, key=lambda entry: entry[0])
            assert index.lookup(target) == (model[at - 1] if at else (-1, BASE))
