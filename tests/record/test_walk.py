from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ottla.model.errors import ApiError
from ottla.record.batch import HEADER_SIZE, parse_header
from ottla.record.build import build_batch
from ottla.record.records import iter_records
from ottla.record.varint import read_varint
from ottla.record.walk import walk, walk_lengths

NOW = 1_700_000_000_000


def outcome_of_walk(batch: bytes | bytearray) -> tuple[int, int, bool, bool] | str:
    try:
        seen = walk(bytes(batch[HEADER_SIZE:]), parse_header(batch).count)
    except ApiError as error:
        return error.code.name
    walk_lengths(bytes(batch[HEADER_SIZE:]), parse_header(batch).count)
    return seen.min_timestamp_delta, seen.max_timestamp_delta, seen.offsets_in_order, seen.has_null_key


def outcome_of_reading(batch: bytes | bytearray) -> tuple[int, int, bool, bool] | str:
    header = parse_header(batch)
    try:
        records = list(iter_records(batch, 0, header, max_bytes=10**7))
    except ApiError as error:
        return error.code.name
    deltas = [record.timestamp - header.base_timestamp for record in records]
    in_order = [record.offset for record in records] == list(range(len(records)))
    return min(deltas), max(deltas), in_order, any(record.key is None for record in records)


keys = st.sampled_from([None, b"", b"k", b"k" * 64])
values = st.sampled_from([None, b"", b"v", b"v" * 63, b"v" * 64, b"v" * 9000])
deltas = st.integers(-(2**40), 2**40) | st.integers(-200, 200)
records = st.tuples(deltas, keys, values, st.just([]) | st.just([("h", None)]))


@given(st.lists(records, min_size=1, max_size=20))
def test_sees_what_a_reader_sees(each: list[tuple[int, bytes | None, bytes | None, list[tuple[str, None]]]]) -> None:
    batch = build_batch([(NOW + delta, key, value, headers) for delta, key, value, headers in each])
    assert outcome_of_walk(batch) == outcome_of_reading(batch)


@given(
    count=st.sampled_from([2, 40, 63, 65, 150, 8150, 8300]),
    step=st.sampled_from([0, 1, 3, 63, 64, 8000]),
    key=keys,
    value=st.sampled_from([None, b"", b"v" * 60, b"v" * 130]),
    sign=st.sampled_from([1, -1]),
)
@settings(max_examples=40, deadline=None)
def test_runs_of_equal_records(count: int, step: int, key: bytes | None, value: bytes | None, sign: int) -> None:
    """Long enough for columns, over the places where offset deltas grow by a byte."""
    batch = build_batch([(NOW + sign * (index // 7) * step, key, value, []) for index in range(count)])
    assert outcome_of_walk(batch) == outcome_of_reading(batch)


@given(data=st.data(), count=st.sampled_from([30, 100, 300]), value=st.sampled_from([b"v" * 5, b"v" * 100]))
@settings(deadline=None)
def test_damaged_runs(data: st.DataObject, count: int, value: bytes) -> None:
    """Whatever is changed anywhere, the walk says what the reader says."""
    batch = build_batch([(NOW + index // 3, None, value, []) for index in range(count)])
    stride = (len(batch) - HEADER_SIZE) // count
    for _ in range(data.draw(st.integers(1, 3))):
        record = data.draw(st.integers(0, count - 1))
        place = min(HEADER_SIZE + record * stride + data.draw(st.integers(0, 12)), len(batch) - 1)
        batch[place] = data.draw(st.integers(0, 255))
    assert outcome_of_walk(batch) == outcome_of_reading(batch)


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 60)), min_size=1, max_size=6))
def test_runs_of_runs(shapes: list[tuple[int, int]]) -> None:
    batch = build_batch([(NOW, b"k", bytes(size), []) for size, times in shapes for _ in range(times)])
    assert outcome_of_walk(batch) == outcome_of_reading(batch)


def lengths_agree(data: bytes, count: int) -> bool:
    """The same as walk_lengths, one record after the other."""
    pos = 0
    try:
        for _ in range(count):
            length, pos = read_varint(data, pos)
            if length < 0:
                return False
            pos += length
    except (IndexError, ValueError):
        return False
    return pos == len(data)


@given(
    data=st.data(), count=st.sampled_from([2, 30, 300]), size=st.sampled_from([1, 56, 57, 100]), more=st.integers(-1, 1)
)
@settings(deadline=None)
def test_lengths(data: st.DataObject, count: int, size: int, more: int) -> None:
    records = bytearray(build_batch([(NOW, None, bytes(size), [])] * count)[HEADER_SIZE:])
    for place in data.draw(st.lists(st.integers(0, len(records) - 1), max_size=3)):
        records[place] = data.draw(st.integers(0, 255))
    try:
        walk_lengths(bytes(records), count + more)
        fits = True
    except ApiError:
        fits = False
    assert fits == lengths_agree(bytes(records), count + more)


def outcome_of_lengths(records: bytes | memoryview, count: int) -> str:
    try:
        walk_lengths(records, count)
    except ApiError as error:
        return str(error.message)
    return "fine"


@given(
    runs=st.lists(
        st.tuples(st.sampled_from([0, 1, 60, 61, 62, 300, 9000]), st.integers(1, 3000)), min_size=1, max_size=6
    ),
    count_lie=st.sampled_from([0, 0, 1, -1]),
    cut=st.sampled_from([0, 0, 0, 1, 2, 40]),
)
@settings(max_examples=60, deadline=None)
def test_in_pieces_as_in_one(runs: list[tuple[int, int]], count_lie: int, cut: int) -> None:
    """Dense records are copied piece by piece; wherever the pieces part, the same is seen."""
    batch = build_batch(
        [(NOW, None, bytes(size), []) for size, times in runs for _ in range(min(times, 10**6 // (size + 9)))]
    )
    count = parse_header(batch).count + count_lie
    assume(count > 0)
    records = bytes(batch[HEADER_SIZE : len(batch) - cut])
    seen = outcome_of_lengths(memoryview(records), count)
    assert seen == outcome_of_lengths(records, count)
    assert (seen == "fine") == (not count_lie and not cut)
