"""Serving batches: whole ones, from the one that holds an offset, without waiting where that is asked."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.log.logs import SMALL, Bench, make_batch, read_all

from ottla.log.config import LogConfig
from ottla.log.reader import SAMPLED_READS
from ottla.log.segment import Segment
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, CorruptData
from ottla.record.batch import iter_batches, parse_header
from ottla.runtime.files import RealFiles

BIG = LogConfig(index_interval_bytes=500)


def filled(config: LogConfig = BIG, batches: int = 100, count: int = 3) -> Bench:
    bench = Bench(config)
    for mark in range(batches):
        bench.append(count, mark=mark)
    return bench


def test_an_offset_inside_a_batch_gets_the_whole_batch() -> None:
    bench = filled()
    for offset in (0, 1, 2, 3, 151, 298, 299):
        info = bench.log.read(offset, 1)
        header = parse_header(info.buffers[0])
        assert info.first_batch_offset == header.base_offset == offset - offset % 3
        assert info.size_bytes == header.size
        assert info.next_offset == header.next_offset


def test_the_end_has_nothing_and_beyond_it_is_out_of_range() -> None:
    bench = filled(batches=2)
    info = bench.log.read(6, 1000)
    assert (info.buffers, info.size_bytes, info.next_offset) == ([], 0, 6)
    for offset in (7, -1):
        with pytest.raises(ApiError) as caught:
            bench.log.read(offset, 1000)
        assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE


def test_a_batch_larger_than_the_limit_comes_only_when_one_is_owed() -> None:
    bench = filled(batches=3)
    size = len(make_batch(3, mark=1)[0])
    assert bench.log.read(3, size - 1, min_one_message=False).size_bytes == 0
    assert bench.log.read(3, size, min_one_message=False).size_bytes == size
    assert bench.log.read(3, 0).size_bytes == size


def test_nothing_at_or_above_the_bound_is_served() -> None:
    bench = filled()
    for bound in (3, 150, 297):
        info = bench.log.read(0, 1 << 20, up_to_offset=bound)
        assert info.next_offset == bound
        assert bench.log.read(bound, 1 << 20, up_to_offset=bound).size_bytes == 0


def test_going_on_where_the_last_read_ended_needs_no_index() -> None:
    bench = filled(batches=300)
    bench.log.tick()
    bench.log.segments.active.become_inactive()
    bench.memory.calls.clear()
    offset, reads = 0, 0
    while offset < bench.log.log_end_offset:
        info = bench.log.read_nowait(offset, 3000)
        assert info is not None
        offset, reads = info.next_offset, reads + 1
    assert reads > 10
    assert bench.memory.calls["read"] < reads + 5


def test_a_reader_at_the_end_costs_one_read() -> None:
    bench = filled(batches=50)
    bench.log.read_nowait(bench.log.log_end_offset - 1, 1 << 20)
    for _ in range(20):
        start = bench.log.log_end_offset
        bench.append(2)
        bench.memory.calls.clear()
        info = bench.log.read_nowait(start, 1 << 20)
        assert info is not None
        assert (info.first_batch_offset, info.next_offset) == (start, start + 2)
        assert bench.memory.calls == {"read": 1}


def test_the_event_loop_is_told_when_it_would_have_to_wait() -> None:
    bench = filled(SMALL)
    bench.memory.cold = lambda path: path.endswith(bench.names(".log")[0])
    assert bench.log.read_nowait(0, 1000) is None
    assert bench.log.read(0, 1000).size_bytes > 0
    last = bench.log.log_end_offset - 1
    assert bench.log.read_nowait(last, 1000) is not None


def test_a_reader_goes_on_after_a_roll() -> None:
    bench = filled(BIG, batches=3)
    assert bench.log.read_nowait(0, 1 << 20) is not None
    bench.log.roll()
    bench.append()
    info = bench.log.read_nowait(9, 1 << 20)
    assert info is not None
    assert info.first_batch_offset == 9


def test_a_reader_is_not_led_astray_by_a_truncation() -> None:
    bench = Bench(BIG)
    for mark in range(10):
        bench.append(1, mark=mark, size=100)
    info = bench.log.read(0, 1 << 20, up_to_offset=7)
    assert info.next_offset == 7
    bench.log.truncate_to(3)
    for mark in range(20, 26):
        bench.append(2, mark=mark, size=33)
    records = read_all(bench.log)
    for offset in range(bench.log.log_end_offset):
        assert read_all(bench.log, offset) == records[offset:]


def test_a_wrong_crc_is_told_where_it_is_asked_for() -> None:
    bench = filled(batches=10)
    path = bench.log.segments.active.log.path
    data = bytearray(bench.files.read_bytes(path))
    places = [position for position, _ in iter_batches(data)]
    data[places[4] + 80] ^= 1
    bench.files.write_bytes(path, data)
    assert bench.log.read(0, 1 << 20).next_offset == 30
    info = bench.log.read(0, 1 << 20, verify_crc=True)
    assert info.next_offset == 12, "what comes before is served"
    with pytest.raises(CorruptData, match="offset 12"):
        bench.log.read(12, 1 << 20, verify_crc=True)
    assert bench.log.read(15, 1 << 20, verify_crc=True).next_offset == 30


def spoil(bench: Bench, batch_number: int) -> None:
    path = bench.log.segments.active.log.path
    data = bytearray(bench.files.read_bytes(path))
    data[[position for position, _ in iter_batches(data)][batch_number] + 80] ^= 1
    bench.files.write_bytes(path, data)


def next_offset_nowait(bench: Bench, offset: int = 0) -> int:
    info = bench.log.read_nowait(offset, 1 << 20, verify_crc=True)
    assert info is not None
    return info.next_offset


def test_what_this_process_wrote_is_checked_now_and_then() -> None:
    bench = filled(batches=10)
    spoil(bench, 4)
    seen = [next_offset_nowait(bench) for _ in range(2 * SAMPLED_READS)]
    assert [seen.count(30), seen.count(12)] == [2 * SAMPLED_READS - 2, 2]
    assert bench.log.read(0, 1 << 20, verify_crc=True).next_offset == 12, "what comes from the disk always is"


def test_what_was_there_before_is_checked_until_it_was_in_order_once() -> None:
    bench = filled(batches=10)
    bench.restart()
    bench.append(3, mark=10)
    assert next_offset_nowait(bench) == 33
    spoil(bench, 4)
    assert next_offset_nowait(bench) == 33, "looked at a moment ago"
    bench.restart()
    assert [next_offset_nowait(bench), next_offset_nowait(bench)] == [12, 12]
    with pytest.raises(CorruptData, match="offset 12"):
        next_offset_nowait(bench, 12)
    assert next_offset_nowait(bench, 15) == 33
    assert next_offset_nowait(bench) == 12, "what lies before it is not trusted for that"


def test_what_follows_a_truncation_is_trusted_and_nothing_else() -> None:
    bench = filled(batches=10)
    bench.restart()
    bench.log.truncate_to(15)
    for mark in range(3):
        bench.append(3, mark=mark)
    segment = bench.log.segments.active
    cut = segment.position_of(15)
    assert segment.is_trusted(cut, segment.log.size)
    assert not segment.is_trusted(0, cut)
    segment.trust(0, cut)
    assert segment.is_trusted(0, segment.log.size)


def test_gaps_that_compaction_leaves_are_crossed() -> None:
    bench = Bench(LogConfig(index_interval_bytes=100))
    for _ in range(3):
        bench.append(2)
        bench.log.log_end_offset += 5  # as if compaction had removed what followed
        bench.log.roll()
    bench.append(1)
    starts = [0, 7, 14, 21]
    for offset in range(22):
        info = bench.log.read(offset, 1)
        first = next(start for start in (*starts, 99) if start + 1 >= offset or start >= offset)
        assert info.first_batch_offset == first
    assert [offset for offset, _ in read_all(bench.log)] == [0, 1, 7, 8, 14, 15, 21]


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.integers(10, 3000), min_size=1, max_size=30),
    offset=st.integers(0, 100),
    max_bytes=st.integers(0, 6000),
    bound=st.integers(0, 100),
    interval=st.sampled_from([0, 100, 1000, 4096]),
    inactive=st.booleans(),
)
def test_every_read_is_what_the_batches_say(
    sizes: list[int], offset: int, max_bytes: int, bound: int, interval: int, inactive: bool
) -> None:
    bench = Bench(LogConfig(index_interval_bytes=interval))
    for mark, size in enumerate(sizes):
        bench.append(1 + mark % 3, size=size, mark=mark)
    if inactive:
        bench.log.roll()
    data = bench.files.read_bytes(bench.log.segments[0].log.path)
    batches = [(header.base_offset, header.last_offset, data[p : p + header.size]) for p, header in iter_batches(data)]
    bounds = [base for base, _, _ in batches] + [bench.log.log_end_offset]
    up_to = bounds[bound % len(bounds)]
    offset %= bench.log.log_end_offset
    wanted = [one for one in batches if one[1] >= offset and one[0] < up_to]
    expected: list[tuple[int, int, bytes]] = []
    size_bytes = 0
    for base, last, content in wanted if offset < up_to else []:
        if expected and size_bytes + len(content) > max_bytes:
            break
        expected.append((base, last, content))
        size_bytes += len(content)
    for info in (
        bench.log.read(offset, max_bytes, up_to_offset=up_to, verify_crc=True),
        bench.log.read_nowait(offset, max_bytes, up_to_offset=up_to),
    ):
        assert info is not None
        got = b"".join(info.buffers)
        assert bool(got) == bool(expected)
        assert b"".join(content for _, _, content in expected).startswith(got), "fewer is fine, as long as it is one"
        ends = {b"": offset}
        for count in range(1, len(expected) + 1):
            ends[b"".join(content for _, _, content in expected[:count])] = expected[count - 1][1] + 1
        assert info.next_offset == ends[got]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_threads_read_while_the_log_rolls_is_truncated_and_loses_segments(seed: int, tmp_path: Path) -> None:
    config = LogConfig(segment_bytes=3000, index_interval_bytes=200)
    bench = Bench(config, files=RealFiles(max_open=3), directory=f"{tmp_path.as_posix()}/orders-3")
    stop = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        while not stop.is_set():
            log = bench.log
            offset = log.log_start_offset
            try:
                while offset < log.log_end_offset and not stop.is_set():
                    info = log.read(offset, 1500, verify_crc=True)
                    if not info.size_bytes:
                        break
                    first = parse_header(info.buffers[0])
                    assert first.base_offset <= offset <= first.last_offset or first.base_offset >= offset
                    offset = info.next_offset
            except ApiError as error:
                if error.code is not ErrorCode.OFFSET_OUT_OF_RANGE:
                    failures.append(error)
                    return
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(1200):
            bench.append(1 + number % 4, mark=number, size=40 + number % 90)
            if number % 97 == 50:
                bench.commit()
                bench.log.delete_records(bench.log.segments[-1].base_offset - 1)
                bench.context.trash.remove(bench.context.trash.take_due(1 << 60))
            if number % 331 == 330:
                bench.log.truncate_to(bench.log.segments.active.base_offset)
            if failures:
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, repr(failures[0])


def test_segments_that_were_replaced_are_read_in_their_new_shape() -> None:
    bench = Bench(SMALL)
    for mark in range(40):
        bench.append(1, mark=mark)
    log = bench.log
    records = read_all(log)
    log.read(0, 100)
    first, second = log.segments[0], log.segments[1]
    data = b"".join(bench.files.read_bytes(one.log.path) for one in (first, second))
    for one in (first, second):
        one.change_suffix(".deleted")
    bench.files.write_bytes(f"{bench.directory}/{0:020d}.log", data)
    new = Segment(bench.files, bench.directory, 0, index_interval_bytes=100, segment_index_bytes=1600, created_ms=0)
    new.rebuild_indexes()
    log.segments.replace([new], [first, second])
    log.reader.forget()
    for one in (first, second):
        one.is_current = False
        one.close()
        for path in one.paths():
            bench.files.remove(path)
    for offset in range(0, 40, 3):
        assert read_all(log, offset) == records[offset:]
    assert read_all(bench.restart()) == records
