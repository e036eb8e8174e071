"""Which offsets may be compacted, how dirty a log is, how segments are grouped (LogCleanerManager, Cleaner)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.log.cleaner.selection import (
    Dirt,
    DirtyRange,
    SegmentSummary,
    compaction_delay_ms,
    dirty_range,
    group_segments,
    is_due,
    measure_dirt,
    segments_between,
)

NOW_MS = 1_000_000


def segment(base_offset: int, size_bytes: int = 100, *, index: int = 8, timestamp: int = 0) -> SegmentSummary:
    return SegmentSummary(base_offset, size_bytes, index, index, timestamp)


LOG = [segment(0), segment(10), segment(20), segment(30)]


def dirty(
    segments: list[SegmentSummary] = LOG,
    *,
    start: int = 0,
    end: int = 40,
    stable: int = 40,
    checkpoint: int | None = None,
    lag_ms: int = 0,
) -> DirtyRange:
    return dirty_range(
        segments,
        log_start_offset=start,
        log_end_offset=end,
        last_stable_offset=stable,
        checkpoint=checkpoint,
        min_compaction_lag_ms=lag_ms,
        now_ms=NOW_MS,
    )


def test_without_checkpoint_everything_but_the_active_segment_is_dirty() -> None:
    assert dirty() == DirtyRange(0, 30, False)


def test_dirt_begins_at_the_checkpoint() -> None:
    assert dirty(checkpoint=20) == DirtyRange(20, 30, False)


@pytest.mark.parametrize("checkpoint", [4, 41])
def test_a_checkpoint_outside_the_log_is_reset_to_the_log_start(checkpoint: int) -> None:
    assert dirty(start=5, checkpoint=checkpoint) == DirtyRange(5, 30, True)


def test_checkpoint_at_the_log_end_is_valid() -> None:
    assert dirty(checkpoint=40) == DirtyRange(40, 40, False)


def test_nothing_beyond_the_last_stable_offset_is_cleanable() -> None:
    assert dirty(stable=15) == DirtyRange(0, 15, False)


def test_the_range_is_rounded_down_to_a_segment() -> None:
    assert measure_dirt(LOG, dirty(stable=15)) == Dirt(clean_bytes=0, cleanable_bytes=100, end_offset=10)


def test_segments_younger_than_the_minimum_lag_and_all_behind_them_are_uncleanable() -> None:
    log = [
        segment(0, timestamp=NOW_MS - 200),
        segment(10, timestamp=NOW_MS - 99),
        segment(20, timestamp=NOW_MS - 500),
        segment(30, timestamp=NOW_MS),
    ]
    assert dirty(log, lag_ms=100).first_uncleanable_offset == 10
    assert dirty(log, lag_ms=99).first_uncleanable_offset == 30


def test_minimum_lag_looks_at_dirty_segments_only() -> None:
    log = [segment(0, timestamp=NOW_MS), segment(10, timestamp=0), segment(20, timestamp=NOW_MS)]
    assert dirty(log, checkpoint=10, lag_ms=100).first_uncleanable_offset == 20


def test_ratio_is_cleanable_over_clean_and_cleanable() -> None:
    dirt = measure_dirt(LOG, dirty(checkpoint=20))
    assert dirt == Dirt(clean_bytes=200, cleanable_bytes=100, end_offset=30)
    assert dirt.ratio == pytest.approx(1 / 3)


def test_a_segment_that_is_half_dirty_counts_on_both_sides() -> None:
    assert measure_dirt(LOG, dirty(checkpoint=15)) == Dirt(clean_bytes=200, cleanable_bytes=200, end_offset=30)


def test_a_log_of_one_segment_is_not_dirty() -> None:
    dirt = measure_dirt([segment(0)], dirty([segment(0)], end=10, stable=10))
    assert dirt.ratio == 0.0
    assert not is_due(dirt, min_cleanable_dirty_ratio=0.0, delay_ms=1)


def test_due_when_the_ratio_is_above_the_minimum() -> None:
    dirt = Dirt(100, 100, 30)
    assert not is_due(dirt, min_cleanable_dirty_ratio=0.5, delay_ms=0)
    assert is_due(dirt, min_cleanable_dirty_ratio=0.49, delay_ms=0)


def test_due_when_the_maximum_lag_has_passed_if_there_is_something_to_clean() -> None:
    assert is_due(Dirt(1000, 1, 30), min_cleanable_dirty_ratio=0.5, delay_ms=1)
    assert not is_due(Dirt(1000, 0, 30), min_cleanable_dirty_ratio=0.5, delay_ms=1)


def test_maximum_lag_counts_from_the_earliest_known_timestamp() -> None:
    lag_ms = 100
    assert compaction_delay_ms([NOW_MS - 150, NOW_MS - 5], max_compaction_lag_ms=lag_ms, now_ms=NOW_MS) == 50
    assert compaction_delay_ms([NOW_MS - 100], max_compaction_lag_ms=lag_ms, now_ms=NOW_MS) == 0
    assert compaction_delay_ms([-1, 0], max_compaction_lag_ms=lag_ms, now_ms=NOW_MS) == 0
    assert compaction_delay_ms([1], max_compaction_lag_ms=2**63 - 1, now_ms=NOW_MS) == 0


def test_segments_between_includes_the_one_that_holds_the_start() -> None:
    assert [one.base_offset for one in segments_between(LOG, 15, 30)] == [10, 20]
    assert [one.base_offset for one in segments_between(LOG, 15, None)] == [10, 20, 30]
    assert list(segments_between(LOG, 30, 30)) == []


def groups(segments: list[SegmentSummary], size: int = 10**9, index: int = 10**9, end: int = 10**6) -> list[list[int]]:
    found = group_segments(segments, max_size_bytes=size, max_index_size_bytes=index, end_offset=end)
    return [[one.base_offset for one in group] for group in found]


def test_neighbours_are_grouped_up_to_the_segment_size() -> None:
    assert groups(LOG, size=250) == [[0, 10], [20, 30]]
    assert groups(LOG, size=99) == [[0], [10], [20], [30]]


def test_groups_respect_the_index_size() -> None:
    assert groups(LOG, index=16) == [[0, 10], [20, 30]]


def test_groups_keep_offsets_within_int32_of_their_base() -> None:
    limit = 2**31 - 1
    log = [segment(0), segment(10), segment(limit + 1)]
    assert groups(log, end=limit + 2) == [[0, 10], [limit + 1]]
    # The last offset of a segment is only known to lie below the base of the next.
    log = [segment(0), segment(10), segment(limit + 2)]
    assert groups(log, end=limit + 3) == [[0], [10, limit + 2]]


def test_an_empty_segment_joins_however_far_the_next_offset_is() -> None:
    log = [segment(0), segment(10, size_bytes=0)]
    assert groups(log, end=2**40) == [[0, 10]]


@given(
    st.lists(st.tuples(st.integers(1, 2**31), st.integers(0, 500), st.integers(0, 64)), min_size=1, max_size=20),
    st.integers(1, 1000),
)
def test_groups_cover_all_segments_in_order_and_within_the_limits(
    shapes: list[tuple[int, int, int]], max_size: int
) -> None:
    log, base = [], 0
    for gap, size, index in shapes:
        log.append(segment(base, size, index=index))
        base += gap
    found = group_segments(log, max_size_bytes=max_size, max_index_size_bytes=100, end_offset=base)
    assert [one for group in found for one in group] == log
    for group in found:
        if len(group) > 1:
            assert sum(one.size_bytes for one in group) <= max_size
            assert sum(one.index_size_bytes for one in group) <= 100
