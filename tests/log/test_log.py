"""Appending to a log and rolling it (reference section 4.2)."""

import errno

import pytest
from tests.log.logs import NOW_MS, SMALL, Bench, make_batch, read_all

from ottla.log.config import LogConfig
from ottla.log.index import RELATIVE_OFFSET_MAX, OffsetPosition, TimestampOffset
from ottla.log.log import Log
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.record.batch import iter_batches, parse_header

BIG = LogConfig()


def bases(log: Log) -> list[int]:
    return log.segments.base_offsets()


def test_a_batch_gets_its_offset_and_epoch_in_place_and_its_crc_stays_right() -> None:
    bench = Bench()
    bench.append(3)
    batch, header = make_batch(2)
    info = bench.log.append(batch, header, leader_epoch=7, now_ms=NOW_MS)
    assert (info.base_offset, info.last_offset, info.duplicate, info.log_start_offset) == (3, 4, False, 0)
    assert info.log_append_time_ms == -1
    written = parse_header(batch)
    assert (written.base_offset, written.leader_epoch) == (3, 7)
    assert len(read_all(bench.log)) == 5
    assert bench.log.leader_epochs.entries == [(0, 0), (7, 3)]


def test_one_append_is_one_write() -> None:
    bench = Bench(BIG)
    bench.append()
    bench.memory.calls.clear()
    for _ in range(100):
        bench.append()
    assert bench.memory.calls == {"write": 100}


def test_log_append_time_is_told() -> None:
    bench = Bench()
    batch, header = make_batch(2)
    batch[22] |= 0x08
    header.attributes |= 0x08
    header.max_timestamp = NOW_MS + 5
    info = bench.log.append(batch, header, leader_epoch=0, now_ms=NOW_MS)
    assert info.log_append_time_ms == NOW_MS + 5


def test_a_segment_is_rolled_before_it_would_grow_too_large() -> None:
    bench = Bench(LogConfig(segment_bytes=1000))
    size = len(make_batch(1, size=139)[0])
    while len(bases(bench.log)) == 1:
        bench.append(1, size=139)
    assert bench.log.segments[0].log.size <= 1000 < bench.log.segments[0].log.size + size
    assert bases(bench.log) == [0, 1000 // size]


def test_a_segment_is_rolled_by_the_records_clock() -> None:
    bench = Bench(LogConfig(segment_ms=1000))
    bench.append(timestamp=NOW_MS)
    bench.clock.advance(10_000)
    bench.append(timestamp=NOW_MS + 1000)
    assert bases(bench.log) == [0]
    bench.append(timestamp=NOW_MS + 1001)
    assert bases(bench.log) == [0, 2]


def test_a_segment_without_timestamps_is_rolled_by_the_walls_clock() -> None:
    bench = Bench(LogConfig(segment_ms=1000))
    bench.append(timestamp=-1)
    bench.clock.advance(1000)
    bench.append(timestamp=-1)
    assert bases(bench.log) == [0]
    bench.clock.advance(1)
    bench.append(timestamp=-1)
    assert bases(bench.log) == [0, 2]


def test_the_age_of_a_segment_is_known_after_a_restart() -> None:
    bench = Bench(LogConfig(segment_ms=1000))
    bench.append(timestamp=NOW_MS)
    bench.restart()
    bench.append(timestamp=NOW_MS + 1001)
    assert bases(bench.log) == [0, 1]


def test_jitter_makes_segments_roll_earlier() -> None:
    bench = Bench(LogConfig(segment_ms=1000, segment_jitter_ms=300))
    bench.context.random_below = lambda bound: bound - 1
    bench.log.roll()
    bench.append(timestamp=NOW_MS)
    bench.log.roll()
    bench.append(timestamp=NOW_MS)
    bench.append(timestamp=NOW_MS + 701)
    assert bases(bench.log) == [0, 1]
    bench.append(timestamp=NOW_MS + 702)
    assert bases(bench.log) == [0, 1, 3]


def test_a_full_index_rolls_the_segment() -> None:
    bench = Bench(LogConfig(index_interval_bytes=0, segment_index_bytes=40))
    for _ in range(8):
        bench.append()
    assert bases(bench.log)[:2] == [0, 6]
    assert bench.log.segments[0].offset_index.entries == 5


def test_an_offset_that_no_longer_fits_the_index_rolls_the_segment() -> None:
    bench = Bench(BIG)
    bench.append()
    bench.log.log_end_offset = RELATIVE_OFFSET_MAX  # as compaction of two thousand million records would leave it
    bench.append(1)
    assert bases(bench.log) == [0]
    bench.append(1)
    assert bases(bench.log) == [0, RELATIVE_OFFSET_MAX + 1]


def test_rolling_an_empty_segment_does_nothing() -> None:
    bench = Bench()
    bench.log.roll()
    assert bases(bench.log) == [0]
    bench.append()
    bench.log.roll()
    bench.log.roll()
    assert bases(bench.log) == [0, 1]
    assert bench.names(".log") == ["00000000000000000000.log", "00000000000000000001.log"]


def test_index_entries_say_the_last_offset_of_the_batch_at_a_position() -> None:
    bench = Bench(LogConfig(index_interval_bytes=100))
    for number in range(6):
        bench.append(2, size=60, timestamp=NOW_MS + [5, 3, 9, 7, 9, 11][number])
    data = bench.files.read_bytes(bench.log.segments[0].log.path)
    places = [(header.last_offset, position) for position, header in iter_batches(data)]
    index = bench.log.segments[0].offset_index
    assert [index.entry(slot) for slot in range(index.entries)] == [OffsetPosition(*place) for place in places[1:]]
    bench.log.roll()
    times = bench.log.segments[0].time_index
    assert [times.entry(slot) for slot in range(times.entries)] == [
        TimestampOffset(NOW_MS + 5, 1),
        TimestampOffset(NOW_MS + 9, 5),
        TimestampOffset(NOW_MS + 11, 11),
    ]


def test_a_full_disk_leaves_nothing_of_the_batch_and_ends_writing_but_not_reading() -> None:
    told = []
    bench = Bench(BIG)
    bench.context.on_failure = lambda log, error: told.append((log, error))
    for _ in range(5):
        bench.append()
    records = read_all(bench.log)
    size = bench.log.segments.active.log.size
    bench.memory.capacity_bytes = bench.memory.used_bytes() + 10
    with pytest.raises(StorageError, match="No space left"):
        bench.append()
    assert bench.log.segments.active.log.size == size
    assert [log for log, _ in told] == [bench.log]
    bench.memory.capacity_bytes = None
    with pytest.raises(StorageError, match="No space left"):
        bench.append()
    with pytest.raises(StorageError):
        bench.log.roll()
    with pytest.raises(StorageError):
        bench.log.truncate_to(1)
    assert len(told) == 1
    assert read_all(bench.log) == records
    bench.open(clean=False)
    assert read_all(bench.log) == records
    assert bench.append().base_offset == 5


def test_a_roll_that_fails_ends_writing() -> None:
    bench = Bench(LogConfig(segment_bytes=200))
    bench.append()
    bench.memory.fail("open", match=".log", error=errno.ENOSPC)
    bench.append(size=1)
    with pytest.raises(StorageError):
        bench.append(size=100)
    assert bench.log.failure is not None
    assert len(read_all(bench.open(clean=False))) == bench.log.log_end_offset


def test_a_follower_takes_over_offsets_and_epochs() -> None:
    leader, follower = Bench(BIG), Bench(SMALL)
    for epoch in (0, 0, 3, 3, 3, 4):
        leader.append(3, leader_epoch=epoch, producer_id=5, producer_epoch=0, base_sequence=leader.log.log_end_offset)
    info = leader.log.read(0, 1 << 20)
    mirrored = follower.log.append_as_follower(info.buffers[0], now_ms=NOW_MS)
    assert (mirrored.base_offset, mirrored.last_offset) == (0, 17)
    assert follower.log.leader_epochs.entries == leader.log.leader_epochs.entries
    assert follower.log.producers.state() == leader.log.producers.state()
    assert read_all(follower.log) == read_all(leader.log)
    assert len(bases(follower.log)) > 1


def test_a_follower_refuses_what_it_has() -> None:
    leader, follower = Bench(BIG), Bench(BIG)
    leader.append(3)
    data = leader.log.read(0, 1 << 20).buffers[0]
    follower.log.append_as_follower(data, now_ms=NOW_MS)
    with pytest.raises(ApiError):
        follower.log.append_as_follower(data, now_ms=NOW_MS)
    assert follower.log.log_end_offset == 3


def test_settings_change_while_it_runs() -> None:
    bench = Bench(BIG)
    bench.append()
    bench.append()
    bench.configure(segment_bytes=150)
    bench.append()
    assert bases(bench.log) == [0, 2]


def test_truncating_everything_begins_at_the_offset_given() -> None:
    bench = Bench()
    for _ in range(30):
        bench.append(producer_id=1, producer_epoch=0, base_sequence=bench.log.log_end_offset)
    bench.commit()
    bench.log.truncate_fully_and_start_at(1000)
    log = bench.log
    assert (log.log_start_offset, log.high_watermark, log.log_end_offset) == (1000, 1000, 1000)
    assert not log.producers.producers
    assert not bench.names(".snapshot")
    assert bench.append().base_offset == 1000
    assert bases(log) == [1000]
    assert [offset for offset, _ in read_all(bench.restart())] == [1000]


def test_truncating_lowers_the_marks_and_forgets_producers_and_epochs() -> None:
    bench = Bench()
    for number in range(30):
        bench.append(leader_epoch=number // 10, producer_id=1, producer_epoch=0, base_sequence=number)
    bench.commit()
    bench.log.flush()
    bench.log.truncate_to(12)
    log = bench.log
    assert (log.high_watermark, log.log_end_offset, log.recovery_point) == (12, 12, 12)
    assert log.leader_epochs.entries == [(0, 0), (1, 10)]
    assert log.producers.producers[1].last_sequence == 11
    log.truncate_to(100)
    assert log.log_end_offset == 12


def test_delete_records_moves_the_start_and_drops_whole_segments() -> None:
    bench = Bench()
    for number in range(30):
        bench.append(leader_epoch=number // 10)
    before = bases(bench.log)
    with pytest.raises(ApiError) as caught:
        bench.log.delete_records(5)
    assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE
    bench.log.high_watermark = 25
    target = before[2] + 1
    assert bench.log.delete_records(target) == target
    assert bases(bench.log) == before[2:]
    assert bench.log.leader_epochs.entries[0] == (target // 10, target)
    assert bench.log.delete_records(-1) == 25
    assert bench.log.delete_records(3) == 25, "the start never goes back"
    for offset in (26, -2):
        with pytest.raises(ApiError):
            bench.log.delete_records(offset)


def test_deleting_records_leaves_retention_to_its_own_time() -> None:
    """Kafka's answer names the offset asked for, though the records behind it are past ``retention.ms`` too."""
    bench = Bench(LogConfig(retention_ms=1, retention_bytes=1))
    for _ in range(10):
        bench.append()
    bench.commit()
    bench.clock.advance(10_000_000)
    assert bench.log.delete_records(4) == 4
    assert bench.log.delete_old_segments(bench.context.clock.now_ms()) == 1
    assert bench.log.log_start_offset == 10


def test_records_of_a_topic_that_is_only_compacted_are_not_deleted() -> None:
    bench = Bench(LogConfig(cleanup_policy=frozenset({"compact"})))
    bench.append()
    bench.commit()
    with pytest.raises(ApiError) as caught:
        bench.log.delete_records(1)
    assert caught.value.code is ErrorCode.POLICY_VIOLATION
    bench.configure(cleanup_policy=frozenset({"compact", "delete"}))
    assert bench.log.delete_records(1) == 1


def test_deleted_files_wait_for_their_delay() -> None:
    bench = Bench()
    for _ in range(30):
        bench.append()
    bench.commit()
    bench.log.delete_records(25)
    gone = bench.names(".deleted")
    assert gone
    trash = bench.context.trash
    trash.remove(trash.take_due(bench.clock.now_ms() + bench.config.file_delete_delay_ms - 1))
    assert bench.names(".deleted") == gone
    trash.remove(trash.take_due(bench.clock.now_ms() + bench.config.file_delete_delay_ms))
    assert not bench.names(".deleted")


def test_what_is_appended_after_a_clean_restart_is_indexed_as_before() -> None:
    one, other = Bench(LogConfig(index_interval_bytes=100)), Bench(LogConfig(index_interval_bytes=100))
    for number in range(40):
        one.append(size=80)
        other.append(size=80)
        if number == 20:
            other.restart()
    records = read_all(one.log)
    assert [value for _, value in read_all(other.log)] == [value for _, value in records]
    one.log.close()
    other.log.close()
    index = other.log.segments[0].offset_index
    data = other.files.read_bytes(other.log.segments[0].log.path)
    places = {(header.last_offset, position) for position, header in iter_batches(data)}
    assert all(tuple(index.entry(slot)) in places for slot in range(index.entries))
