"""Start-up after a crash (reference section 4.2): torn tails at any byte, damage, lost and wrong indexes."""

import logging

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.log.logs import SMALL, Bench, make_batch, read_all

from ottla.log import names
from ottla.log.config import LogConfig
from ottla.record.batch import iter_batches

ONE_SEGMENT = LogConfig(index_interval_bytes=100)


def filled(config: LogConfig = SMALL, batches: int = 12) -> Bench:
    bench = Bench(config)
    for mark in range(batches):
        bench.append(1 + mark % 3, mark=mark, leader_epoch=mark // 4)
        bench.clock.advance(10)
    return bench


def file_bytes(bench: Bench, suffix: str) -> dict[str, bytes]:
    return {name: bench.files.read_bytes(bench.path(name)) for name in bench.names(suffix)}


def test_a_torn_tail_is_cut_at_every_byte() -> None:
    bench = filled(ONE_SEGMENT)
    whole = bench.files.read_bytes(bench.path(bench.names(".log")[0]))
    records = read_all(bench.log)
    ends = [(position + header.size, header.next_offset) for position, header in iter_batches(whole)]
    path = bench.path(bench.names(".log")[0])
    for size in range(len(whole) + 1):
        bench.files.write_bytes(path, whole[:size])
        log = bench.open(clean=False, recovery_point=0)
        expected = max((offset for end, offset in ends if end <= size), default=0)
        assert log.log_end_offset == expected, size
        assert read_all(log) == [record for record in records if record[0] < expected]
        assert log.segments.active.log.size == max((end for end, _ in ends if end <= size), default=0)
        assert not bench.names(".corrupt"), "a torn tail is nothing to look at"


@pytest.mark.parametrize("clean", [True, False])
def test_a_wrong_index_entry_hides_no_record(clean: bool) -> None:
    bench = filled()
    records = read_all(bench.log)
    bench.log.close()
    for name in bench.names(".index")[:-1]:
        path = bench.path(name)
        whole = bench.files.read_bytes(path)
        for at in range(4, len(whole), 8):
            for wrong in (b"\0\0\0\7", b"\0\0\1\1"):
                bench.files.write_bytes(path, whole[:at] + wrong + whole[at + 4 :])
                log = bench.open(clean=clean)
                assert read_all(log) == records
        bench.files.write_bytes(path, whole)


def test_what_is_written_after_recovery_is_read_after_the_next_start() -> None:
    bench = filled(ONE_SEGMENT)
    path = bench.path(bench.names(".log")[0])
    bench.files.write_bytes(path, bench.files.read_bytes(path)[:-7])
    before = bench.open(clean=False).log_end_offset
    bench.append(2, mark=99)
    records = read_all(bench.log)
    assert records[-1][0] == before + 1
    bench.restart()
    assert read_all(bench.log) == records


@settings(max_examples=60, deadline=None)
@example(flips=[(1139456, 1)])  # in base offsets, which then reach into the next segment
@example(flips=[(1139453, 1)])
@given(flips=st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 255)), min_size=1, max_size=3))
def test_flipped_bits_are_never_served_and_never_silently_dropped(flips: list[tuple[int, int]]) -> None:
    bench = filled()
    records = read_all(bench.log)
    bench.log.flush()
    paths = [bench.path(name) for name in bench.names(".log")]
    total = sum(bench.files.size(path) for path in paths)
    for at, mask in flips:
        place = at % total
        for path in paths:
            if place < bench.files.size(path):
                data = bytearray(bench.files.read_bytes(path))
                data[place] ^= mask
                bench.files.write_bytes(path, data)
                break
            place -= bench.files.size(path)
    log = bench.open(clean=False, recovery_point=0)
    left = read_all(log)
    # bytes before the CRC's reach (base offset, leader epoch) may change unseen, as with Kafka
    values = [value for _, value in records]
    assert [value for _, value in left] == values[: len(left)]
    if len(flips) == 1 and len(left) < len(values) - 3:  # good batches followed: it was no torn tail
        assert bench.names(".corrupt") or log.log_end_offset >= len(values) - 3


def test_damage_with_good_batches_behind_it_is_kept_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    bench = filled(ONE_SEGMENT)
    path = bench.path(bench.names(".log")[0])
    data = bytearray(bench.files.read_bytes(path))
    positions = [position for position, _ in iter_batches(data)]
    data[positions[5] + 70] ^= 1
    bench.files.write_bytes(path, data)
    with caplog.at_level(logging.ERROR):
        log = bench.open(clean=False, recovery_point=0)
    assert log.segments.active.log.size == positions[5]
    (kept,) = bench.names(".corrupt")
    assert kept == names.corrupt_name(0, positions[5])
    assert bench.files.read_bytes(bench.path(kept)) == data[positions[5] :]
    assert "is damaged" in caplog.text
    assert bench.path(kept) in caplog.text


def test_damage_below_the_recovery_point_is_kept_even_at_the_very_end() -> None:
    bench = filled(ONE_SEGMENT)
    bench.log.flush()
    path = bench.path(bench.names(".log")[0])
    data = bench.files.read_bytes(path)
    bench.files.write_bytes(path, data[:-3])
    bench.open(clean=False)
    assert len(bench.names(".corrupt")) == 1


def test_segments_behind_damage_are_set_aside() -> None:
    bench = filled(batches=40)
    logs = file_bytes(bench, ".log")
    first, *later = sorted(logs)
    assert len(later) > 2
    data = bytearray(logs[first])
    data[65] ^= 1
    bench.files.write_bytes(bench.path(first), data)
    log = bench.open(clean=False, recovery_point=0)
    assert len(log.segments) == 1
    assert log.log_end_offset == 0
    aside = file_bytes(bench, ".corrupt")
    assert aside[names.corrupt_name(0, 0)] == data
    for name in later:
        assert aside[names.corrupt_name(names.offset_of(name) or 0, 0)] == logs[name]
    assert bench.names(".log") == [first]
    assert bench.append(1).base_offset == 0


def test_segments_below_the_recovery_point_are_not_read_again() -> None:
    bench = filled()
    bench.log.flush()
    bench.append(1)
    first = bench.names(".log")[0]
    data = bytearray(bench.files.read_bytes(bench.path(first)))
    data[65] ^= 1
    bench.files.write_bytes(bench.path(first), data)
    end = bench.log.log_end_offset
    assert bench.open(clean=False).log_end_offset == end


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_a_missing_index_is_made_anew_with_the_same_bytes(suffix: str, clean: bool) -> None:
    bench = filled()
    records = read_all(bench.log)
    bench.log.close()
    indexes = file_bytes(bench, ".index") | file_bytes(bench, ".timeindex")
    assert any(indexes.values())
    for name in bench.names(suffix):
        bench.files.remove(bench.path(name))
    bench.open(clean=clean)
    assert read_all(bench.log) == records
    bench.log.roll()
    bench.log.close()
    again = file_bytes(bench, ".index") | file_bytes(bench, ".timeindex")
    assert {name: data for name, data in again.items() if name in indexes} == indexes


@pytest.mark.parametrize("clean", [True, False])
@settings(max_examples=40, deadline=None)
@given(garbage=st.binary(min_size=1, max_size=100), which=st.integers(0, 50), start=st.integers(0, 9))
def test_a_wrong_index_never_makes_a_wrong_read(clean: bool, garbage: bytes, which: int, start: int) -> None:
    bench = filled()
    records = read_all(bench.log)
    bench.log.close()
    indexes = bench.names("index")
    name = indexes[which % len(indexes)]
    bench.files.write_bytes(bench.path(name), garbage)
    log = bench.open(clean=clean, recovery_point=0)
    for offset in range(start, log.log_end_offset, 5):
        assert read_all(log, offset, max_bytes=300) == records[offset:]


def test_index_files_without_a_segment_are_removed() -> None:
    bench = filled()
    bench.log.close()
    for suffix in (names.INDEX, names.TIME_INDEX, names.TXN_INDEX):
        bench.files.write_bytes(names.segment_path(bench.directory, 777, suffix), b"x" * 24)
    bench.open(clean=True)
    assert not [name for name in bench.names("index") if name.startswith(names.segment_file(777, ""))]


def test_rebuilding_gives_what_appending_gave() -> None:
    bench = filled(ONE_SEGMENT, batches=40)
    bench.log.close()
    before = file_bytes(bench, "index")
    bench.open(clean=False, recovery_point=0)
    bench.log.close()
    assert file_bytes(bench, "index") == before


def test_leader_epochs_come_out_of_the_batches() -> None:
    bench = filled()
    entries = list(bench.log.leader_epochs.entries)
    assert [epoch for epoch, _ in entries] == [0, 1, 2]
    assert not bench.files.exists(bench.path(names.LEADER_EPOCH_CHECKPOINT))
    assert bench.open(clean=False, recovery_point=0).leader_epochs.entries == entries


def test_a_damaged_epoch_file_is_learned_anew(caplog: pytest.LogCaptureFixture) -> None:
    bench = filled()
    entries = list(bench.log.leader_epochs.entries)
    bench.log.close()
    bench.files.write_bytes(bench.path(names.LEADER_EPOCH_CHECKPOINT), b"0\n7\n1 1\n")
    assert bench.open(clean=True).leader_epochs.entries == entries
    assert "anew" in caplog.text


def test_epochs_and_producers_of_what_was_lost_go_with_it() -> None:
    bench = Bench(ONE_SEGMENT)
    bench.append(2, producer_id=7, producer_epoch=0, base_sequence=0)
    bench.log.flush()
    bench.append(2, producer_id=7, producer_epoch=0, base_sequence=2, leader_epoch=5)
    bench.append(1, producer_id=8, producer_epoch=0, base_sequence=0, leader_epoch=5)
    log = bench.crash()
    assert log.log_end_offset == 2
    assert log.leader_epochs.entries == [(0, 0)]
    assert set(log.producers.producers) == {7}
    assert log.producers.producers[7].last_sequence == 1


def test_a_log_that_ends_below_its_start_begins_anew_there() -> None:
    bench = filled()
    log = bench.open(clean=True, log_start_offset=1000)
    assert (log.log_start_offset, log.log_end_offset) == (1000, 1000)
    assert bench.append(1).base_offset == 1000
    assert [names.offset_of(name) for name in bench.names(".log")] == [1000]


def test_a_clean_start_reads_next_to_nothing() -> None:
    bench = filled(batches=40)
    bench.log.close()
    bench.memory.calls.clear()
    bench.open(clean=True)
    assert len(bench.log.segments) > 5
    assert bench.memory.calls["read"] < 10


def test_a_tail_that_no_clean_stop_leaves_is_found_all_the_same() -> None:
    bench = filled(ONE_SEGMENT)
    records = read_all(bench.log)
    bench.log.close()
    path = bench.path(bench.names(".log")[0])
    bench.files.write_bytes(path, bench.files.read_bytes(path) + make_batch(3)[0][:-5])
    log = bench.open(clean=True)
    assert read_all(log) == records
    bench.append(1)
    assert len(read_all(log)) == len(records) + 1


def test_swap_files_are_put_in_place_of_what_they_were_made_from() -> None:
    bench = filled(batches=40)
    bench.log.close()
    records = read_all(bench.log)
    first, second, third = (segment.base_offset for segment in list(bench.log.segments)[:3])
    data = b"".join(
        bench.files.read_bytes(names.segment_path(bench.directory, base, names.LOG)) for base in (first, second)
    )
    for kind, content in ((names.LOG, data), (names.INDEX, b""), (names.TIME_INDEX, b"")):
        bench.files.write_bytes(names.segment_path(bench.directory, first, kind + names.SWAP), content)
    log = bench.open(clean=False, recovery_point=third)
    assert log.segments.base_offsets()[:2] == [first, third]
    assert read_all(log) == records
    assert not bench.names(names.SWAP)


def test_a_swap_whose_brothers_were_not_finished_is_dropped() -> None:
    bench = filled()
    bench.log.close()
    records = read_all(bench.log)
    bases = bench.log.segments.base_offsets()
    bench.files.write_bytes(names.segment_path(bench.directory, bases[1], names.LOG + names.SWAP), b"")
    bench.files.write_bytes(names.segment_path(bench.directory, bases[0], names.LOG + names.CLEANED), b"half")
    bench.files.write_bytes(names.segment_path(bench.directory, 5, names.LOG + names.DELETED), b"old")
    log = bench.open(clean=False)
    assert read_all(log) == records
    assert not bench.names(names.SWAP) + bench.names(names.CLEANED) + bench.names(names.DELETED)
