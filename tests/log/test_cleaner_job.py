"""What compaction keeps, drops and rewrites: the rules of reference section 8, one by one."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.log.cleaning import DIRECTORY, NOW_MS, RETENTION_MS, Segments, batch, marker

from ottla.log import names
from ottla.log.cleaner.retention import LastRecord
from ottla.log.cleaner.transactions import AbortedTransaction
from ottla.model.errors import CorruptData
from ottla.record.batch import crc_ok, iter_batches

ACTIVE = 1000


def log(*segments: list[bytes]) -> Segments:
    """A log of these segments and an active one that takes no part."""
    return Segments([*segments, [batch(ACTIVE, (b"active", b""))]])


def data(segments: Segments) -> list[tuple[int, bytes | None, bytes | None]]:
    return [entry for entry in segments.entries() if entry[0] < ACTIVE]


def headers(segments: Segments) -> list[tuple[int, int, int]]:
    """Base offset, last offset and count of each batch that may be cleaned."""
    return [(one.base_offset, one.last_offset, one.count) for one in segments.batches() if one.base_offset < ACTIVE]


def test_only_the_last_record_of_a_key_stays_and_keeps_its_offset() -> None:
    segments = log([batch(0, (b"a", b"1"), (b"b", b"1")), batch(2, (b"a", b"2"))], [batch(3, (b"c", b"1"))])
    stats = segments.clean()
    assert data(segments) == [(1, b"b", b"1"), (2, b"a", b"2"), (3, b"c", b"1")]
    assert stats.end_offset == ACTIVE


def test_records_without_a_key_are_dropped() -> None:
    segments = log([batch(0, (None, b"1"), (b"a", b"1"))])
    segments.clean()
    assert data(segments) == [(1, b"a", b"1")]


def test_the_active_segment_is_not_touched_but_does_not_count_either() -> None:
    segments = Segments([[batch(0, (b"a", b"1"))], [batch(1, (b"a", b"2"), (b"a", b"3"))]])
    segments.clean()
    assert segments.entries() == [(0, b"a", b"1"), (1, b"a", b"2"), (2, b"a", b"3")]


def test_a_dirty_record_takes_the_place_of_a_clean_one() -> None:
    segments = log([batch(0, (b"a", b"1"), (b"b", b"1"))], [batch(2, (b"a", b"2"))])
    segments.checkpoint = 2
    segments.clean()
    assert data(segments) == [(1, b"b", b"1"), (2, b"a", b"2")]


def test_clean_records_without_a_dirty_successor_stay_whatever_they_are() -> None:
    segments = log([batch(0, (b"a", b"1")), batch(1, (b"a", b"2"))], [batch(2, (b"b", b"1"))])
    segments.checkpoint = 2
    segments.clean()
    assert data(segments) == [(0, b"a", b"1"), (1, b"a", b"2"), (2, b"b", b"1")]


def test_a_batch_keeps_its_base_and_last_offset_its_epoch_and_its_producer() -> None:
    first = batch(
        0, (b"a", b"1"), (b"b", b"1"), (b"a", b"2"), producer_id=7, producer_epoch=2, base_sequence=40, leader_epoch=9
    )
    segments = log([first, batch(3, (b"a", b"3"))])
    segments.clean()
    kept = segments.batches()[0]
    assert (kept.base_offset, kept.last_offset, kept.count) == (0, 2, 1)
    assert (kept.producer_id, kept.producer_epoch, kept.base_sequence, kept.leader_epoch) == (7, 2, 40, 9)


def test_a_rebuilt_batch_has_the_timestamps_of_what_is_left() -> None:
    segments = log([batch(0, (b"a", b"1"), (b"b", b"1"), (b"a", b"2"), timestamp=500), batch(3, (b"a", b"3"))])
    segments.clean()
    kept = segments.batches()[0]
    assert (kept.base_timestamp, kept.max_timestamp) == (501, 501)
    assert [record.timestamp for record in segments.records()][:1] == [501]


def test_log_append_time_stays_the_time_of_every_record() -> None:
    old = batch(0, (b"a", b"1"), (b"b", b"1"), timestamp=500, timestamp_type=1, log_append_time_ms=9000)
    segments = log([old, batch(2, (b"a", b"2"))])
    segments.clean()
    kept = segments.batches()[0]
    assert (kept.timestamp_type, kept.max_timestamp) == (1, 9000)
    assert segments.records()[0].timestamp == 9000


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_a_rebuilt_batch_keeps_its_codec(codec: int) -> None:
    segments = log([batch(0, (b"a", b"1"), (b"b", b"x" * 500), codec=codec), batch(2, (b"a", b"2"), codec=codec)])
    segments.clean()
    assert data(segments) == [(1, b"b", b"x" * 500), (2, b"a", b"2")]
    assert [one.codec for one in segments.batches()[:2]] == [codec, codec]


def test_a_batch_of_which_everything_stays_is_copied_byte_for_byte() -> None:
    whole = batch(5, (b"a", b"1"), (b"b", b"2"), codec=1, producer_id=3, producer_epoch=0, base_sequence=0)
    segments = log([whole])
    segments.clean()
    path = names.segment_path(DIRECTORY, 5, names.LOG)
    assert segments.files.read_bytes(path) == whole


def test_headers_of_records_survive_a_rebuild() -> None:
    from ottla.record.build import build_batch

    records = [(5, b"a", b"1", ()), (6, b"b", b"1", (("h", b"1"), ("h", None)))]
    segments = log([bytes(build_batch(records, base_offset=0)), batch(2, (b"a", b"2"))])
    segments.clean()
    assert segments.records()[0].headers == [("h", b"1"), ("h", None)]


# -- tombstones


def test_a_tombstone_takes_its_key_along_and_gets_a_delete_horizon() -> None:
    segments = log([batch(0, (b"a", b"1"))], [batch(1, (b"a", None), (b"b", b"1"))])
    segments.clean()
    assert data(segments) == [(1, b"a", None), (2, b"b", b"1")]
    kept = segments.batches()[0]
    assert kept.delete_horizon_ms == NOW_MS + RETENTION_MS
    assert [record.timestamp for record in segments.records()[:2]] == [NOW_MS - 5000, NOW_MS - 4999]


def test_a_tombstone_stays_until_its_horizon_and_the_horizon_stays_as_it_is() -> None:
    segments = log([batch(0, (b"a", None))], [batch(1, (b"b", b"1"))])
    segments.clean()
    segments.checkpoint = 1
    segments.clean(now_ms=NOW_MS + RETENTION_MS - 1)
    assert data(segments) == [(0, b"a", None), (1, b"b", b"1")]
    assert segments.batches()[0].delete_horizon_ms == NOW_MS + RETENTION_MS
    segments.checkpoint = 1
    segments.clean(now_ms=NOW_MS + RETENTION_MS)
    assert data(segments) == [(1, b"b", b"1")]


def test_a_dirty_tombstone_whose_horizon_has_passed_still_deletes() -> None:
    segments = log([batch(0, (b"a", None))], [batch(1, (b"b", b"1"))])
    segments.clean()
    segments.checkpoint = 0
    segments.clean(now_ms=NOW_MS + RETENTION_MS)
    assert data(segments) == [(1, b"b", b"1")]


def test_a_value_beside_an_expired_tombstone_stays_and_keeps_its_time() -> None:
    segments = log([batch(0, (b"a", None), (b"b", b"1"), timestamp=700)], [batch(2, (b"c", b"1"))])
    segments.clean()
    segments.checkpoint = 2
    segments.clean(now_ms=NOW_MS + RETENTION_MS)
    assert data(segments) == [(1, b"b", b"1"), (2, b"c", b"1")]
    assert segments.records()[0].timestamp == 701


# -- batches that stay empty


def test_the_last_batch_of_the_range_stays_even_if_it_is_empty() -> None:
    segments = Segments([[batch(0, (b"a", b"1")), batch(1, (None, b"2"))], [batch(2, (b"a", b"3"))]])
    segments.clean()
    assert [(one.base_offset, one.count) for one in segments.batches()] == [(0, 1), (1, 0), (2, 1)]


def test_the_batch_with_an_active_producers_last_sequence_stays_empty() -> None:
    old = batch(0, (b"a", b"1"), (b"a", b"2"), producer_id=7, producer_epoch=1, base_sequence=10, codec=1)
    segments = log([old, batch(2, (b"a", b"3"))])
    segments.clean(last_records={7: LastRecord(1, 1)})
    assert headers(segments) == [(0, 1, 0), (2, 2, 1)]
    kept = segments.batches()[0]
    assert (kept.producer_id, kept.producer_epoch, kept.base_sequence, kept.last_sequence) == (7, 1, 10, 11)
    assert (kept.size, kept.base_timestamp, kept.codec) == (61, -1, 0)
    assert kept.max_timestamp == NOW_MS - 4999


def test_an_empty_batch_goes_once_its_producer_has_moved_on_or_is_forgotten() -> None:
    old = batch(0, (b"a", b"1"), producer_id=7, producer_epoch=1, base_sequence=10)
    segments = log([old, batch(1, (b"a", b"2"))])
    segments.clean(last_records={7: LastRecord(0, 1)})
    assert headers(segments) == [(0, 0, 0), (1, 1, 1)]
    segments.checkpoint = 0
    segments.clean(last_records={7: LastRecord(55, 1)})
    assert headers(segments) == [(1, 1, 1)]


# -- transactions


def test_aborted_records_go_at_once_and_do_not_displace_others() -> None:
    aborted = batch(1, (b"a", b"2"), (b"b", b"2"), producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
    segments = log([batch(0, (b"a", b"1")), aborted, marker(3, 7, 0)])
    segments.abort(0, AbortedTransaction(7, 1, 3, 4))
    segments.clean()
    assert data(segments) == [(0, b"a", b"1")]


def test_an_abort_marker_and_its_index_entry_stay_for_the_pass_that_drops_the_data() -> None:
    aborted = batch(1, (b"a", b"2"), producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
    segments = log([batch(0, (b"a", b"1")), aborted, marker(2, 7, 0)])
    segments.abort(0, AbortedTransaction(7, 1, 2, 3))
    index = names.segment_path(DIRECTORY, 0, names.TXN_INDEX)
    before = segments.files.read_bytes(index)

    segments.clean()
    assert headers(segments) == [(0, 0, 1), (2, 2, 1)]
    assert segments.files.read_bytes(index) == before
    assert segments.batches()[1].delete_horizon_ms is None

    segments.checkpoint = 0
    segments.clean()
    assert headers(segments) == [(0, 0, 1), (2, 2, 1)]
    assert not segments.files.exists(index)
    assert segments.batches()[1].delete_horizon_ms == NOW_MS + RETENTION_MS

    segments.checkpoint = 0
    segments.clean(now_ms=NOW_MS + RETENTION_MS)
    assert headers(segments) == [(0, 0, 1)]


def test_a_commit_marker_stays_as_long_as_its_data_and_then_until_its_horizon() -> None:
    committed = batch(0, (b"a", b"1"), producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
    segments = log([committed, marker(1, 7, 1), batch(2, (b"b", b"1"))])
    segments.clean()
    assert headers(segments) == [(0, 0, 1), (1, 1, 1), (2, 2, 1)]
    assert segments.batches()[1].delete_horizon_ms is None

    segments.bases.pop()
    segments.add(batch(500, (b"a", b"2")))
    segments.add(batch(ACTIVE, (b"active", b"")))
    segments.checkpoint = 500
    segments.clean()
    assert headers(segments) == [(1, 1, 1), (2, 2, 1), (500, 500, 1)]
    assert segments.batches()[0].delete_horizon_ms is None
    segments.checkpoint = 500
    segments.clean()
    assert segments.batches()[0].delete_horizon_ms == NOW_MS + RETENTION_MS
    segments.checkpoint = 500
    segments.clean(now_ms=NOW_MS + RETENTION_MS)
    assert headers(segments) == [(2, 2, 1), (500, 500, 1)]


def test_an_aborted_transaction_whose_marker_lies_behind_the_range_is_known() -> None:
    aborted = batch(1, (b"a", b"2"), producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
    segments = Segments([[batch(0, (b"a", b"1")), aborted, batch(2, (b"b", b"1"))], [marker(3, 7, 0)]])
    segments.abort(1, AbortedTransaction(7, 1, 3, 4))
    segments.clean()
    assert [entry[0] for entry in segments.entries()] == [0, 2]


def test_the_last_marker_of_an_active_producer_stays_empty() -> None:
    segments = log([marker(0, 7, 1, epoch=3), batch(1, (b"a", b"1"))])
    segments.clean(last_records={7: LastRecord(None, 3)})
    assert segments.batches()[0].delete_horizon_ms == NOW_MS + RETENTION_MS
    segments.checkpoint = 0
    segments.clean(last_records={7: LastRecord(None, 3)}, now_ms=NOW_MS + RETENTION_MS)
    assert headers(segments) == [(0, 0, 0), (1, 1, 1)]
    assert segments.batches()[0].is_control
    segments.checkpoint = 0
    segments.clean(last_records={7: LastRecord(None, 4)})
    assert headers(segments) == [(1, 1, 1)]


def test_other_control_batches_stay() -> None:
    segments = log([marker(0, -1, 2), batch(1, (b"a", b"1"))])
    for _ in range(3):
        segments.checkpoint = 0
        segments.clean(now_ms=NOW_MS + 10 * RETENTION_MS)
    assert headers(segments) == [(0, 0, 1), (1, 1, 1)]


# -- the map's bounds


def test_a_full_map_ends_the_round_early_and_the_next_one_goes_on() -> None:
    keys = [b"key %d" % number for number in range(200)]
    segments = log([batch(number, (key, b"1")) for number, key in enumerate(keys + keys)])
    rounds = 0
    while segments.checkpoint < ACTIVE:
        before = segments.checkpoint
        segments.clean(map_bytes=2_000)
        assert segments.checkpoint > before
        rounds += 1
    assert rounds > 5
    assert data(segments) == [(200 + number, key, b"1") for number, key in enumerate(keys)]


# -- segments


def test_small_segments_become_one_with_the_first_ones_base_offset() -> None:
    segments = log([batch(10, (b"a", b"1"))], [batch(20, (b"b", b"1"))], [batch(30, (b"a", b"2"))])
    segments.checkpoint = 10
    segments.clean()
    assert segments.bases == [10, ACTIVE]
    assert data(segments) == [(20, b"b", b"1"), (30, b"a", b"2")]


def test_a_segment_of_which_nothing_stays_is_left_empty() -> None:
    segments = log([batch(0, (b"a", b"1"))], [batch(10, (b"a", b"2"))])
    segments.clean(segment_bytes=1)
    assert segments.bases == [0, 10, ACTIVE]
    assert segments.files.size(names.segment_path(DIRECTORY, 0, names.LOG)) == 0
    segments.checkpoint = 0
    segments.clean()
    assert segments.bases == [0, ACTIVE]


def test_the_new_segment_is_as_old_as_the_last_one_that_went_into_it() -> None:
    segments = log([batch(0, (b"a", b"1"))], [batch(10, (b"b", b"2"))])
    for base, modified_ms in ((0, 111_000), (10, 222_000)):
        segments.files.set_modified_ms(names.segment_path(DIRECTORY, base, names.LOG), modified_ms)
    segments.clean()
    for suffix in (names.LOG, names.INDEX, names.TIME_INDEX):
        assert segments.files.modified_ms(names.segment_path(DIRECTORY, 0, suffix)) == 222_000


def test_indexes_follow_the_rule_of_every_segment() -> None:
    batches = [
        batch(number * 2, (b"k%d" % number, b"x" * 100), (b"gone", b""), timestamp=number) for number in range(9)
    ]
    segments = log(batches)
    segments.clean(index_interval_bytes=300)
    size = segments.batches()[0].size
    content = segments.files.read_bytes(names.segment_path(DIRECTORY, 0, names.INDEX))
    positions = {one.last_offset: number * size for number, one in enumerate(segments.batches()[:9])}
    entries = list(struct.iter_unpack(">ii", content))
    assert entries == [(offset, positions[offset]) for offset in (5, 9, 13, 17)]
    content = segments.files.read_bytes(names.segment_path(DIRECTORY, 0, names.TIME_INDEX))
    last = content[-12:]
    assert (int.from_bytes(last[:8]), int.from_bytes(last[8:])) == (9, 17)


# -- what is wrong on the disk


def test_a_batch_with_a_wrong_crc_ends_the_job_and_leaves_nothing_behind() -> None:
    broken = bytearray(batch(0, (b"a", b"1")))
    broken[-2] ^= 1
    segments = log([bytes(broken), batch(1, (b"a", b"2"))])
    before = sorted(segments.files.list_dir(DIRECTORY))
    with pytest.raises(CorruptData, match="CRC"):
        segments.clean()
    assert sorted(segments.files.list_dir(DIRECTORY)) == before


def test_a_segment_that_ends_inside_a_batch_ends_the_job() -> None:
    segments = log([batch(0, (b"a", b"1")), batch(1, (b"a", b"2"))[:-3]])
    with pytest.raises(CorruptData, match="cut off"):
        segments.clean()


def test_batches_larger_than_the_buffer_are_read() -> None:
    segments = log([batch(0, (b"a", b"x" * 5000)), batch(1, (b"b", b"y" * 9000)), batch(2, (b"a", b"z" * 3000))])
    segments.clean(buffer_bytes=20)
    assert [entry[0] for entry in data(segments)] == [1, 2]


# -- all of it together

KEYS = st.sampled_from([None, b"", b"a", b"b", b"c", b"d", b"e"])
ENTRIES = st.lists(st.tuples(KEYS, st.sampled_from([None, b"", b"x", b"y" * 90])), min_size=1, max_size=6)
BATCHES = st.lists(st.tuples(ENTRIES, st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.lists(st.integers(1, 3), max_size=4), st.sampled_from([2_000, 1 << 16]), st.integers(0, 3))
def test_compaction_keeps_the_latest_of_each_key_and_changes_nothing_else(
    shapes: list[tuple[list[tuple[bytes | None, bytes | None]], int, int]],
    cuts: list[int],
    map_bytes: int,
    rounds: int,
) -> None:
    """However a log is cut into segments, and however often it is compacted."""
    offset, batches = 0, []
    for entries, codec, gap in shapes:
        batches.append(batch(offset, *entries, codec=codec))
        offset += len(entries) + gap
    parts, at = [], 0
    for cut in cuts:
        if at < len(batches):
            parts.append(batches[at : at + cut])
            at += cut
    if at < len(batches):
        parts.append(batches[at:])
    segments = log(*parts)
    original = {record.offset: record for record in segments.records()}
    latest = {record.key: record.offset for record in original.values() if record.key is not None}
    expected = [
        record for record in original.values() if record.key is not None and latest[record.key] == record.offset
    ]

    for _ in range(1 + rounds):
        while True:
            segments.clean(map_bytes=map_bytes, segment_bytes=400)
            if segments.checkpoint == ACTIVE:
                break
        segments.checkpoint = 0
    assert segments.records() == expected
    for base in segments.bases:
        content = segments.files.read_bytes(names.segment_path(DIRECTORY, base, names.LOG))
        assert all(crc_ok(content, pos, header.size) for pos, header in iter_batches(content))

    segments.checkpoint = 0
    segments.clean(now_ms=NOW_MS + RETENTION_MS)
    assert segments.records() == [record for record in expected if record.value is not None]
