"""Retention by time, by size and by the log's start (reference section 5.11)."""

import pytest
from tests.log.logs import NOW_MS, Bench, read_all

from ottla.log.config import LogConfig
from ottla.log.retention import deletable_segments

COMPACT = frozenset({"compact"})
BOTH = frozenset({"compact", "delete"})


def filled(**values: object) -> Bench:
    """Return five segments of two batches each, the records a second apart."""
    bench = Bench(LogConfig(retention_ms=-1))
    for number in range(10):
        if number % 2 == 0:
            bench.log.roll()
        bench.append(timestamp=NOW_MS + 1000 * number)
    bench.commit()
    bench.configure(**values)
    return bench


def bases(bench: Bench) -> list[int]:
    return bench.log.segments.base_offsets()


def test_segments_whose_youngest_record_is_too_old_go() -> None:
    bench = filled(retention_ms=5000)
    assert bench.log.delete_old_segments(NOW_MS + 6000) == 0
    assert bench.log.delete_old_segments(NOW_MS + 6001) == 1
    assert bases(bench) == [2, 4, 6, 8]
    assert bench.log.log_start_offset == 2
    assert bench.log.delete_old_segments(NOW_MS + 10_001) == 2
    assert bases(bench) == [6, 8]


def test_when_all_are_too_old_an_empty_one_is_left() -> None:
    bench = filled(retention_ms=5000)
    assert bench.log.delete_old_segments(NOW_MS + 60_000) == 5
    assert bases(bench) == [10]
    assert (bench.log.log_start_offset, bench.log.log_end_offset) == (10, 10)
    assert bench.log.delete_old_segments(NOW_MS + 10**9) == 0
    assert bench.append().base_offset == 10


def test_an_old_segment_behind_a_young_one_stays() -> None:
    bench = Bench(LogConfig(retention_ms=1000))
    bench.append(timestamp=NOW_MS + 10**6)
    bench.log.roll()
    bench.append(timestamp=NOW_MS)
    bench.commit()
    assert bench.log.delete_old_segments(NOW_MS + 5000) == 0


def test_records_without_timestamps_are_as_old_as_their_file() -> None:
    bench = Bench(LogConfig(retention_ms=1000))
    bench.append(timestamp=-1)
    bench.log.roll()
    bench.commit()
    assert bench.log.delete_old_segments(NOW_MS + 1000) == 0
    assert bench.log.delete_old_segments(NOW_MS + 1001) == 1


def test_size_is_brought_down_to_but_not_below_the_limit() -> None:
    bench = filled()
    size = bench.log.segments[0].log.size
    assert all(segment.log.size == size for segment in bench.log.segments)
    bench.configure(retention_bytes=3 * size - 1)
    assert bench.log.delete_old_segments(NOW_MS) == 2
    assert bases(bench) == [4, 6, 8]
    bench.configure(retention_bytes=2 * size)
    assert bench.log.delete_old_segments(NOW_MS) == 1
    assert bench.log.size_bytes == 2 * size


def test_nothing_at_or_above_the_high_watermark_goes() -> None:
    bench = filled(retention_ms=0)
    bench.log.high_watermark = 5
    assert bench.log.delete_old_segments(NOW_MS + 10**6) == 2
    assert bases(bench) == [4, 6, 8]


def test_a_compacted_topic_keeps_what_is_old() -> None:
    bench = filled(retention_ms=0, retention_bytes=0, cleanup_policy=COMPACT)
    assert bench.log.delete_old_segments(NOW_MS + 10**6) == 0
    bench.log.raise_log_start_offset(5)
    assert bench.log.delete_old_segments(NOW_MS + 10**6) == 2, "but not what lies below its start"
    bench.configure(cleanup_policy=BOTH)
    assert bench.log.delete_old_segments(NOW_MS + 10**6) == 3


def test_without_any_policy_only_the_start_counts() -> None:
    bench = filled(retention_ms=0, retention_bytes=0, cleanup_policy=frozenset())
    assert bench.log.delete_old_segments(NOW_MS + 10**6) == 0


@pytest.mark.parametrize("restart", [False, True])
def test_what_is_left_is_read_and_stays_left(restart: bool) -> None:
    bench = filled()
    records = read_all(bench.log)
    bench.configure(retention_ms=5000)
    bench.log.delete_old_segments(NOW_MS + 8001)
    if restart:
        bench.restart()
    assert read_all(bench.log) == records[4:]
    assert bench.log.log_start_offset == 4


def test_looking_changes_nothing() -> None:
    bench = filled(retention_ms=5000)
    bench.restart()
    assert [segment.base_offset for segment in deletable_segments(bench.log, NOW_MS + 8001)] == [0, 2]
    assert bases(bench) == [0, 2, 4, 6, 8]
