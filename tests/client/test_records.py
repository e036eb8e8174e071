"""From the bytes of a fetch to records."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.client import InvalidResponse
from ottla.client.consumer.records import Chunk
from ottla.model.ids import TopicPartition
from ottla.protocol.messages.fetch import AbortedTransaction
from ottla.record.build import RecordTuple, build_batch

PART = TopicPartition("t", 3)


def _batch(
    base: int, values: Sequence[bytes], *, codec: int = 0, producer_id: int = -1, transactional: bool = False
) -> bytearray:
    records: list[RecordTuple] = [(1000 + base + n, b"k", value, []) for n, value in enumerate(values)]
    return build_batch(
        records,
        base_offset=base,
        codec=codec,
        producer_id=producer_id,
        producer_epoch=0 if producer_id >= 0 else -1,
        base_sequence=0 if producer_id >= 0 else -1,
        transactional=transactional,
    )


def _marker(base: int, producer_id: int, *, commit: bool) -> bytearray:
    record: RecordTuple = (0, b"\x00\x00\x00\x01" if commit else b"\x00\x00\x00\x00", bytes(6), [])
    return build_batch(
        [record], base_offset=base, producer_id=producer_id, producer_epoch=0, control=True, transactional=True
    )


def _chunk(data: bytes | bytearray, position: int = 0, aborted: list[AbortedTransaction] | None = None) -> Chunk:
    return Chunk(PART, bytes(data), position, aborted or [], check_crc=True)


def _offsets(chunk: Chunk, at_once: int = 1000) -> list[int]:
    offsets: list[int] = []
    while not chunk.is_read:
        offsets += [record.offset for record in chunk.read(at_once)]
    return offsets


@settings(deadline=None)
@given(
    st.lists(st.lists(st.binary(max_size=5), min_size=1, max_size=5), min_size=1, max_size=6),
    st.integers(1, 7),
    st.data(),
)
def test_every_record_from_the_position_on_comes_once(
    batches: list[list[bytes]], at_once: int, data: st.DataObject
) -> None:
    frame = bytearray()
    values: list[bytes] = []
    for batch in batches:
        frame += _batch(len(values), batch, codec=data.draw(st.sampled_from([0, 1, 3])))
        values += batch
    position = data.draw(st.integers(0, len(values) - 1))
    cut = data.draw(st.integers(0, 60))
    chunk = _chunk(frame + _batch(len(values), [b"cut off"])[:cut], position)
    assert chunk.next_offset == len(values)
    read = []
    while not chunk.is_read:
        before = chunk.position
        some = chunk.read(at_once)
        assert len(some) <= at_once
        assert chunk.position > before
        read += some
    assert [(record.offset, record.value) for record in read] == list(enumerate(values))[position:]
    assert {(record.topic, record.partition, record.timestamp_type) for record in read} == {("t", 3, 0)}
    assert all(record.timestamp_ms == 1000 + record.offset for record in read)


def test_a_gap_that_compaction_left_is_passed() -> None:
    data = build_batch([(0, None, b"x", [])], base_offset=5, last_offset=9)
    chunk = _chunk(data, 0)
    assert _offsets(chunk) == [5]
    assert chunk.position == chunk.next_offset == 10


def test_a_broken_batch_stops_the_reader_there_and_not_before() -> None:
    broken = _batch(2, [b"c"])
    broken[-1] ^= 1
    chunk = _chunk(_batch(0, [b"a", b"b"]) + broken + _batch(3, [b"d"]))
    assert [record.value for record in chunk.read(10)] == [b"a", b"b"]
    assert not chunk.is_read
    for _ in range(2):
        with pytest.raises(
            InvalidResponse, match="partition 3 of topic t: the batch at offset 2 is corrupt: its checksum"
        ):
            chunk.read(10)
    assert chunk.position == 2


def test_what_is_no_batch_at_all_is_said() -> None:
    data = _batch(0, [b"a"])
    data[16] = 9
    with pytest.raises(InvalidResponse, match="a batch of magic 9"):
        _chunk(data)
    assert _chunk(b"").is_empty
    assert _chunk(_batch(0, [b"a"])[:30]).is_empty


def test_markers_are_not_records_and_aborted_transactions_are_not_seen() -> None:
    frame = (
        _batch(0, [b"a"], producer_id=1, transactional=True)
        + _batch(1, [b"b"], producer_id=2, transactional=True)
        + _marker(2, 1, commit=False)
        + _batch(3, [b"c"], producer_id=1, transactional=True)
        + _batch(4, [b"plain"], producer_id=1)
        + _marker(5, 1, commit=True)
        + _marker(6, 2, commit=True)
    )
    aborted = [AbortedTransaction(producer_id=1, first_offset=0)]
    chunk = _chunk(frame, 0, aborted)
    assert _offsets(chunk) == [1, 3, 4]
    assert chunk.position == 7
    assert _offsets(_chunk(frame)) == [0, 1, 3, 4], "read_uncommitted is told of no transactions"


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 10))
def test_other_bytes_are_an_error_or_nothing(data: bytes, position: int) -> None:
    try:
        chunk = _chunk(data, position)
        _offsets(chunk)
    except InvalidResponse:
        return


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_is_noticed(at: int, byte: int) -> None:
    frame = _batch(0, [b"a" * 40, b"b" * 40])
    good = [record.value for record in _chunk(frame).read(10)]
    frame[at % len(frame)] = byte
    try:
        chunk = _chunk(frame)
        got = [] if chunk.is_empty else [record.value for record in chunk.read(10)]
    except InvalidResponse:
        return
    # Base offset, length and leader epoch are outside of the checksum: none of them is a value.
    assert got in (good, [])
