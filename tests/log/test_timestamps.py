"""Finding offsets by time (ListOffsets; KIP-734 for the largest timestamp)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.log.logs import NOW_MS, Bench, make_batch

from ottla.log.config import LogConfig
from ottla.model.errors import CorruptData


@settings(max_examples=100, deadline=None)
@given(
    batches=st.lists(
        st.tuples(st.integers(-100, 300), st.integers(1, 4), st.integers(-40, 60), st.integers(0, 4)), max_size=40
    ),
    asked=st.lists(st.integers(-200, 4000), min_size=1, max_size=6),
    start=st.integers(0, 60),
    restart=st.booleans(),
)
def test_the_first_record_that_is_young_enough_is_found(
    batches: list[tuple[int, int, int, int]], asked: list[int], start: int, restart: bool
) -> None:
    bench = Bench(LogConfig(segment_bytes=1500, index_interval_bytes=200))
    records: list[tuple[int, int, int]] = []
    timestamp = NOW_MS
    for number, (later_ms, count, step_ms, codec) in enumerate(batches):
        timestamp += later_ms
        offset, epoch = bench.log.log_end_offset, number // 7
        bench.append(count, timestamp=timestamp, step_ms=step_ms, codec=codec, leader_epoch=epoch)
        records += [(timestamp + at * step_ms, offset + at, epoch) for at in range(count)]
    bench.commit()
    if restart:
        bench.restart()
    bench.log.raise_log_start_offset(min(start, bench.log.log_end_offset))
    left = [record for record in records if record[1] >= bench.log.log_start_offset]
    for later_ms in asked:
        expected = next((record for record in left if record[0] >= NOW_MS + later_ms), None)
        assert bench.log.offset_for_timestamp(NOW_MS + later_ms) == expected
    youngest = max(left, key=lambda record: record[0], default=None)
    assert bench.log.offset_of_max_timestamp() == youngest


def test_records_without_timestamps_are_not_found() -> None:
    bench = Bench()
    bench.append(timestamp=-1)
    assert bench.log.offset_for_timestamp(0) is None
    assert bench.log.offset_of_max_timestamp() is None


def test_with_log_append_time_the_batchs_time_is_every_records() -> None:
    bench = Bench()
    batch, header = make_batch(3, timestamp=NOW_MS, step_ms=5)
    batch[22] |= 0x08
    header.attributes |= 0x08
    bench.log.append(batch, header, leader_epoch=0, now_ms=NOW_MS)
    assert bench.log.offset_for_timestamp(NOW_MS + 1) == (NOW_MS + 10, 0, 0)


def test_few_bytes_are_read_for_it() -> None:
    bench = Bench(LogConfig(index_interval_bytes=500))
    for number in range(500):
        bench.append(timestamp=NOW_MS + number, size=200)
    bench.log.roll()
    bench.memory.calls.clear()
    assert bench.log.offset_for_timestamp(NOW_MS + 321) == (NOW_MS + 321, 321, 0)
    assert bench.memory.calls["read"] < 15


def test_a_batch_that_cannot_be_opened_is_corrupt() -> None:
    bench = Bench(LogConfig())
    bench.append(3, codec=1)
    path = bench.log.segments.active.log.path
    data = bytearray(bench.files.read_bytes(path))
    data[65:80] = bytes(15)
    bench.files.write_bytes(path, data)
    with pytest.raises(CorruptData):
        bench.log.offset_for_timestamp(NOW_MS)
