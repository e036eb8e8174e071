"""Idempotent producers (reference section 7.1) and their snapshots (section 4.2)."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.log.logs import NOW_MS, Bench

from ottla.log.producers import Producer, ProducerBatch, Producers, decode_snapshot
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, CorruptData
from ottla.record.batch import parse_header
from ottla.record.build import build_batch
from ottla.record.crc import crc32c
from ottla.runtime.files.memory import MemoryFiles

LAST = 2**31 - 1


def send(bench: Bench, sequence: int, count: int = 1, epoch: int = 0, producer_id: int = 9) -> tuple[int, bool]:
    info = bench.append(count, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence)
    return info.base_offset, info.duplicate


def refused(bench: Bench, sequence: int, epoch: int = 0) -> ErrorCode:
    end = bench.log.log_end_offset
    with pytest.raises(ApiError) as caught:
        send(bench, sequence, epoch=epoch)
    assert bench.log.log_end_offset == end
    return caught.value.code


def test_a_repeated_batch_is_answered_with_its_first_offset_and_not_written() -> None:
    bench = Bench()
    bench.append(3)
    first = send(bench, 0, count=4)
    assert first == (3, False)
    assert send(bench, 0, count=4) == (3, True)
    assert bench.log.log_end_offset == 7


def test_the_last_five_batches_are_known_and_the_sixth_is_not() -> None:
    bench = Bench()
    for sequence in range(6):
        send(bench, sequence)
    for sequence in range(1, 6):
        assert send(bench, sequence) == (sequence, True)
    assert refused(bench, 0) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_a_gap_in_the_sequence_is_refused() -> None:
    bench = Bench()
    send(bench, 0)
    assert refused(bench, 2) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(bench, 1) == (1, False)


def test_a_producer_that_is_not_known_may_begin_anywhere() -> None:
    assert send(Bench(), 1234) == (0, False)


def test_sequences_wrap_around_after_the_greatest_int() -> None:
    bench = Bench()
    send(bench, LAST - 1, count=4)
    assert bench.log.producers.producers[9].last_sequence == 1
    assert send(bench, LAST - 1, count=4) == (0, True)
    assert refused(bench, LAST) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(bench, 2) == (4, False)


def test_a_new_epoch_begins_with_sequence_zero() -> None:
    bench = Bench()
    send(bench, 0)
    assert refused(bench, 1, epoch=1) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(bench, 0, epoch=1) == (1, False)


def test_an_older_epoch_is_refused_even_for_what_it_wrote() -> None:
    bench = Bench()
    send(bench, 0, epoch=3)
    send(bench, 0, epoch=4)
    assert refused(bench, 0, epoch=3) is ErrorCode.INVALID_PRODUCER_EPOCH


def test_a_silent_producer_is_forgotten() -> None:
    bench = Bench()
    send(bench, 0)
    expiration_ms = bench.context.producer_id_expiration_ms
    assert bench.log.expire_producers(NOW_MS + expiration_ms - 1) == 0
    assert bench.log.expire_producers(NOW_MS + expiration_ms) == 1
    assert send(bench, 77) == (1, False)


def test_a_snapshot_has_kafkas_bytes() -> None:
    bench = Bench()
    send(bench, 5, count=3, epoch=2)
    bench.log.roll()
    (name,) = bench.names(".snapshot")
    assert name == "00000000000000000003.snapshot"
    data = bench.files.read_bytes(bench.path(name))
    body = struct.pack(">i", 1) + struct.pack(">qhiqiqiq", 9, 2, 7, 2, 2, NOW_MS, -1, -1)
    assert data == struct.pack(">hI", 1, crc32c(body)) + body
    assert len(data) == 10 + 46


def test_a_restart_knows_the_last_batch_of_each_producer() -> None:
    bench = Bench()
    for sequence in range(3):
        send(bench, sequence, producer_id=1)
        send(bench, sequence, producer_id=2)
    bench.restart()
    assert send(bench, 2, producer_id=1) == (4, True)
    assert send(bench, 3, producer_id=2) == (6, False)
    with pytest.raises(ApiError):
        send(bench, 1, producer_id=1)


def test_after_a_crash_the_log_says_what_the_snapshot_does_not() -> None:
    bench = Bench()
    for sequence in range(4):
        send(bench, sequence)
    bench.log.roll()
    for sequence in range(4, 7):
        send(bench, sequence)
    state = bench.log.producers.state()
    bench.log.flush()
    log = bench.crash()
    assert log.producers.state()[9][0] == state[9][0]
    assert log.producers.producers[9].last_sequence == 6
    assert send(bench, 6) == (6, True)


def test_after_a_crash_all_batches_that_were_under_way_are_known_when_they_come_again() -> None:
    """A client sends up to five batches without waiting; kill -9 loses the answers, and it sends all of them again."""
    bench = Bench()
    for sequence in range(0, 14, 2):
        send(bench, sequence, count=2)
    bench.log.flush()
    for _ in range(2):
        bench.crash(recovery_point=0)
        for sequence in range(4, 14, 2):
            assert send(bench, sequence, count=2) == (sequence, True)
        assert refused(bench, 2) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(bench, 14) == (14, False)


def test_of_segments_that_recovery_does_not_read_the_last_batch_is_known() -> None:
    """Kafka's ProducerStateManager, asked: what it reloads from a snapshot is one batch of each producer."""
    bench = Bench()
    for sequence in range(3):
        send(bench, sequence)
    bench.log.roll()
    bench.log.flush()
    bench.crash(recovery_point=3)
    assert send(bench, 2) == (2, True)
    assert refused(bench, 1) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(bench, 3) == (3, False)


@pytest.mark.parametrize("cut", [0, 5, 20, 55])
def test_a_damaged_snapshot_is_passed_over(cut: int) -> None:
    bench = Bench()
    send(bench, 0)
    bench.log.close()
    (name,) = bench.names(".snapshot")
    data = bench.files.read_bytes(bench.path(name))
    bench.files.write_bytes(bench.path(name), data[:cut])
    log = bench.open(clean=False)
    assert log.producers.producers[9].last_sequence == 0


def test_what_is_no_snapshot_is_called_corrupt() -> None:
    good = Producers(MemoryFiles(), "/d", expiration_ms=1).encode()
    assert decode_snapshot(good) == []
    for data in (b"", good[:-1], good + b"x", b"\0\2" + good[2:], good[:3] + b"\xff" + good[4:]):
        with pytest.raises(CorruptData):
            decode_snapshot(data)


def test_snapshots_without_a_segment_go_except_the_one_of_a_clean_stop() -> None:
    files = MemoryFiles()
    files.make_dir("/d")
    producers = Producers(files, "/d", expiration_ms=1)
    for offset in (0, 5, 10, 15, 20, 25):
        files.write_bytes(producers.snapshot_path(offset), b"")
        producers.snapshots.append(offset)
    producers.remove_stray_snapshots([0, 10, 20])
    assert producers.snapshots == [0, 10, 20, 25]
    assert len(files.scan_dir("/d")) == 4
    producers.remove_stray_snapshots([0, 10, 30])
    assert producers.snapshots == [0, 10]


def test_snapshots_go_with_their_segments() -> None:
    bench = Bench()
    for sequence in range(40):
        send(bench, sequence)
    bench.commit()
    assert len(bench.names(".snapshot")) > 3
    bench.configure(retention_bytes=0)
    bench.log.delete_old_segments(NOW_MS)
    assert bench.names(".snapshot") == ["00000000000000000040.snapshot"]


def test_an_open_transaction_is_seen_and_its_marker_ends_it() -> None:
    producers = Producers(MemoryFiles(), "/d", expiration_ms=10)
    record = [(NOW_MS, b"k", b"v", ())]
    data = build_batch(record, base_offset=5, producer_id=3, producer_epoch=1, base_sequence=0, transactional=True)
    producers.replay(parse_header(data), data, 0)
    producer = producers.producers[3]
    assert producer.current_txn_first_offset == 5
    assert not producer.expired(NOW_MS + 1000, 10)
    plain = build_batch(record, base_offset=6, producer_id=3, producer_epoch=1, base_sequence=1)
    with pytest.raises(ApiError) as caught:
        producers.check(parse_header(plain))
    assert caught.value.code is ErrorCode.INVALID_TXN_STATE
    marker = [(NOW_MS + 5, struct.pack(">hh", 0, 1), struct.pack(">hi", 0, 12), ())]
    data = build_batch(marker, base_offset=6, producer_id=3, producer_epoch=1, control=True, transactional=True)
    producers.replay(parse_header(data), data, 0)
    assert producer.current_txn_first_offset == -1
    assert producer.coordinator_epoch == 12
    assert producer.last_offset == 5


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**62),
            st.integers(0, 2**15 - 1),
            st.integers(-1, LAST),
            st.integers(-1, 2**60),
            st.integers(0, 1000),
            st.integers(-1, 2**60),
            st.integers(-1, 1000),
            st.integers(-1, 2**60),
        ),
        unique_by=lambda row: row[0],
        max_size=5,
    )
)
def test_a_snapshot_says_what_was_known(rows: list[tuple[int, ...]]) -> None:
    producers = Producers(MemoryFiles(), "/d", expiration_ms=1)
    for producer_id, epoch, sequence, offset, delta, timestamp, coordinator_epoch, txn in rows:
        producer = producers.producers[producer_id] = Producer(producer_id)
        producer.epoch = epoch
        if offset >= 0:
            producer.batches.append(ProducerBatch(sequence, offset, delta, timestamp))
        producer.last_timestamp = timestamp
        producer.coordinator_epoch = coordinator_epoch
        producer.current_txn_first_offset = txn
    again = {producer.producer_id: producer.state() for producer in decode_snapshot(producers.encode())}
    assert again == producers.state()
