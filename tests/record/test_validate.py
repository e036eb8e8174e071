import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.record.batch import TimestampType, crc_ok, parse_header, stamp
from ottla.record.build import build_batch
from ottla.record.compress import Codec, compress
from ottla.record.records import iter_records
from ottla.record.validate import (
    COMPRESSED_AT_ONCE_BYTES,
    DECOMPRESSED_AT_ONCE_BYTES,
    FIELDS_AT_ONCE,
    LENGTHS_AT_ONCE,
    AppendRules,
    Depth,
    RecordsRejected,
    TakesLong,
    Validated,
    validate,
)

VECTORS = json.loads((Path(__file__).parent / "oracle" / "vectors.json").read_text())
NOW = 1_700_000_000_000
LIMIT = 10**7

KAFKA_STUMBLES = {
    "an absurd length behind the batch": None,  # a partial batch like any other: dropped
    "length 2147483647": ErrorCode.INVALID_RECORD,
}
"""Where Kafka answers UNKNOWN_SERVER_ERROR and something else than INVALID_RECORD is right; None accepts."""


def is_rewritten(name: str) -> bool:
    """Offset deltas that are not 0, 1, 2: Kafka stumbles over them in a compressed batch and keeps them otherwise."""
    if "base offset" in name or "count" in name:
        return False
    return "offset" in name or name.endswith("rewritten, bit 6")


def is_stricter(name: str) -> bool:
    """Kafka does not look at a record's own length if the batch is compressed; its consumers do."""
    return name.startswith("gzip record: length")


def rules_of(settings: dict[str, Any]) -> AppendRules:
    target = settings.get("compression.type", "producer")
    codec = None if target == "producer" else Codec.NONE if target == "uncompressed" else Codec[target.upper()]
    return AppendRules(
        max_message_bytes=settings.get("max.message.bytes", 1_048_588),
        timestamp_type=TimestampType(settings.get("message.timestamp.type") == "LogAppendTime"),
        before_max_ms=settings.get("message.timestamp.before.max.ms", 2**63 - 1),
        compacted="compact" in settings.get("cleanup.policy", ""),
        compression=codec,
        compression_level=settings.get("compression.gzip.level"),
    )


def ask(case: dict[str, Any], depth: Depth) -> Validated:
    question = case["question"]
    batch = bytearray.fromhex(question["batch"])
    rules = rules_of(question.get("settings", {}))
    return validate(batch, rules, question["now_ms"], question.get("produce_version", 12), depth=depth)


def check_stored(validated: Validated, stored: bytes) -> None:
    header = validated.header
    batch = validated.batch
    assert parse_header(batch).size == len(batch)
    stamp(batch, 0, 0, 7)
    assert crc_ok(batch, 0, len(batch))
    if header.codec == 0 or not validated.records_changed:
        assert bytes(batch).hex() == stored.hex()
        return
    assert bytes(batch[21:61]).hex() == stored[21:61].hex()
    theirs = list(iter_records(stored, 0, parse_header(stored), max_bytes=LIMIT))
    assert list(iter_records(batch, 0, header, max_bytes=LIMIT)) == theirs


@pytest.mark.parametrize("case", VECTORS["append"], ids=lambda case: case["name"])
def test_says_what_kafka_says_when_it_looks_at_the_records(case: dict[str, Any]) -> None:
    name, answer = case["name"], case["answer"]
    expected = answer.get("error")
    if is_rewritten(name):
        validated = ask(case, Depth.RECORDS)
        assert validated.records_changed
        offsets = [record.offset for record in iter_records(validated.batch, 0, validated.header, max_bytes=LIMIT)]
        assert offsets == list(range(validated.header.count))
        assert crc_ok(validated.batch, 0, validated.header.size)
        return
    if is_stricter(name):
        expected = ErrorCode.INVALID_RECORD
    elif expected == ErrorCode.UNKNOWN_SERVER_ERROR:
        expected = KAFKA_STUMBLES.get(name, ErrorCode.INVALID_RECORD)
    if expected is None:
        validated = ask(case, Depth.RECORDS)
        if "stored" in answer:
            check_stored(validated, bytes.fromhex(answer["stored"]))
        return
    with pytest.raises(ApiError) as refused:
        ask(case, Depth.RECORDS)
    assert refused.value.code == expected, refused.value
    if "records" in answer:
        assert isinstance(refused.value, RecordsRejected)
        assert [error.batch_index for error in refused.value.record_errors] == answer["records"]
    else:
        assert not isinstance(refused.value, RecordsRejected)


LIES_UNDER_A_HEADER = (
    "record: ",
    "gzip record: ",
    "max timestamp too",  # believed unless it is out of bounds or before the first
    "count 2, last offset delta 1",
    "not codec",
    "cut off",
    "with a tail",
    "twice",
    "count",
    "of nothing",
    "offsets",
    "rewritten, bit 6",
)


@pytest.mark.parametrize("depth", [Depth.HEADER, Depth.LENGTHS])
@pytest.mark.parametrize("case", VECTORS["append"], ids=lambda case: case["name"])
def test_a_shorter_look_says_the_same_or_trusts_a_lie(case: dict[str, Any], depth: Depth) -> None:
    """It never refuses what Kafka takes; what it takes and Kafka refuses are lies about the records alone."""
    name, answer = case["name"], case["answer"]
    code = ErrorCode.NONE
    try:
        validated = ask(case, depth)
    except ApiError as error:
        code = error.code
    if code:
        if answer.get("error", 0) > 0:
            assert code == answer["error"]
        else:
            assert "error" in answer or is_stricter(name), "Kafka takes it"
        return
    if "error" in answer:
        codec = validated.header.codec
        assert name in KAFKA_STUMBLES or codec or any(lie in name for lie in LIES_UNDER_A_HEADER)
    elif not any(lie in name for lie in LIES_UNDER_A_HEADER):
        check_stored(validated, bytes.fromhex(answer["stored"]))


def batch_of(count: int, size: int = 10, codec: int = 0) -> bytearray:
    return build_batch([(NOW + index, b"key", bytes(size), []) for index in range(count)], codec=codec)


def test_nothing_is_copied_when_nothing_changes() -> None:
    for batch in (batch_of(3), memoryview(batch_of(3))):
        validated = validate(batch, AppendRules(), NOW, 12)
        assert validated.batch is batch
        assert not validated.records_changed
        assert validated.header.count == 3


def test_what_cannot_be_written_to_is_copied() -> None:
    for batch in (bytes(batch_of(3)), memoryview(bytes(batch_of(3)))):
        validated = validate(batch, AppendRules(timestamp_type=TimestampType.LOG_APPEND_TIME), NOW + 9, 12)
        assert isinstance(validated.batch, bytearray)
        assert parse_header(validated.batch).max_timestamp == NOW + 9
        assert bytes(batch) == bytes(batch_of(3))


def test_a_header_sees_impossible_counts() -> None:
    for codec in (0, 1, 2, 3):
        batch = batch_of(2, codec=codec)
        header = parse_header(batch)
        for count in (2**31 - 1, header.size * 1100):
            lie = bytearray(batch)
            lie[57:61] = count.to_bytes(4, "big")
            lie[23:27] = (count - 1).to_bytes(4, "big")
            lie[17:21] = _crc(lie)
            with pytest.raises(ApiError) as refused:
                validate(lie, AppendRules(), NOW, 12)
            assert refused.value.code is ErrorCode.INVALID_RECORD


def _crc(batch: bytearray) -> bytes:
    from ottla.record.crc import crc32c

    return crc32c(memoryview(batch)[21:]).to_bytes(4, "big")


def test_a_batch_larger_than_a_segment() -> None:
    batch = batch_of(3)
    validate(batch, AppendRules(segment_bytes=len(batch)), NOW, 12)
    with pytest.raises(ApiError) as refused:
        validate(batch, AppendRules(segment_bytes=len(batch) - 1), NOW, 12)
    assert refused.value.code is ErrorCode.RECORD_LIST_TOO_LARGE


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])
def test_a_bomb_is_refused(codec: Codec) -> None:
    bomb = batch_of(1, size=20_000_000, codec=codec)
    rules = AppendRules(max_decompressed_bytes=1_000_000)
    with pytest.raises(ApiError) as refused:
        validate(bomb, rules, NOW, 12, depth=Depth.RECORDS)
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE


def test_levels_reach_the_codec() -> None:
    text = b"".join(b"%d quick brown foxes " % number for number in range(5000))
    sizes = {}
    for level in (1, 9):
        batch = build_batch([(NOW, None, text, [])])
        rules = AppendRules(compression=Codec.GZIP, compression_level=level)
        sizes[level] = len(validate(batch, rules, NOW, 12).batch)
    assert sizes[9] < sizes[1] < len(text)


@given(
    sizes=st.lists(st.sampled_from([0, 1, 60, 61, 62, 300]) | st.integers(0, 20_000), min_size=2, max_size=50),
    lie=st.integers(-3, 3),
    data=st.data(),
)
def test_wrong_lengths_and_counts_are_seen_by_their_lengths(sizes: list[int], lie: int, data: st.DataObject) -> None:
    batch = build_batch(
        [(NOW, None, bytes(size), []) for size in sizes for _ in range(size % 40)] or [(NOW, None, b"", [])]
    )
    count = parse_header(batch).count
    assert validate(bytearray(batch), AppendRules(max_message_bytes=2**30), NOW, 12).header.count == count
    claimed = max(1, count + lie)
    batch[57:61] = claimed.to_bytes(4, "big")
    batch[23:27] = (claimed - 1).to_bytes(4, "big")
    if claimed == count:
        batch += bytes(data.draw(st.integers(1, 20)))
        batch[8:12] = (len(batch) - 12).to_bytes(4, "big")
    batch[17:21] = _crc(batch)
    with pytest.raises(ApiError) as refused:
        validate(batch, AppendRules(max_message_bytes=2**30), NOW, 12)
    assert refused.value.code is ErrorCode.INVALID_RECORD


@given(
    count=st.integers(1, 30),
    codec=st.sampled_from(Codec),
    depth=st.sampled_from(Depth),
    compacted=st.booleans(),
    target=st.sampled_from([None, *Codec]),
    damage=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=3),
    honest_crc=st.booleans(),
)
def test_nothing_but_api_errors(
    count: int,
    codec: Codec,
    depth: Depth,
    compacted: bool,
    target: Codec | None,
    damage: list[tuple[int, int]],
    honest_crc: bool,
) -> None:
    batch = batch_of(count, codec=codec)
    for place, byte in damage:
        batch[place % len(batch)] = byte
    if honest_crc:
        batch[17:21] = _crc(batch)
    rules = AppendRules(compacted=compacted, compression=target, max_decompressed_bytes=100_000)
    code = ErrorCode.NONE
    try:
        validated = validate(batch, rules, NOW, 12, depth=depth)
    except ApiError as error:
        code = error.code
    assert code is not ErrorCode.UNKNOWN_SERVER_ERROR
    if code:
        return
    assert crc_ok(validated.batch, 0, validated.header.size)
    assert len(validated.batch) == validated.header.size
    if depth is Depth.RECORDS:
        records = list(iter_records(validated.batch, 0, validated.header, max_bytes=100_000))
        assert [record.offset for record in records] == list(range(len(records)))
        assert max(-1, *(record.timestamp for record in records)) == validated.header.max_timestamp


def test_raw_snappy_as_librdkafka_writes_it() -> None:
    from cramjam import snappy

    plain = batch_of(4)
    raw = bytes(snappy.compress_raw(bytes(plain[61:])))
    batch = plain[:61] + raw
    batch[8:12] = (len(batch) - 12).to_bytes(4, "big")
    batch[22] = Codec.SNAPPY
    batch[17:21] = _crc(batch)
    assert validate(batch, AppendRules(), NOW, 12, depth=Depth.RECORDS).batch is batch
    assert raw != compress(Codec.SNAPPY, plain[61:])


def varied(count: int, codec: int = 0) -> bytearray:
    return build_batch([(NOW, None, b"v" * (index % 7), []) for index in range(count)], codec=codec)


@pytest.mark.parametrize(
    ("batch", "rules", "depth"),
    [
        (varied(LENGTHS_AT_ONCE + 1), AppendRules(), Depth.LENGTHS),
        (varied(FIELDS_AT_ONCE + 1), AppendRules(), Depth.RECORDS),
        (varied(FIELDS_AT_ONCE + 1), AppendRules(before_max_ms=1000), Depth.HEADER),
        (
            batch_of(3, size=COMPRESSED_AT_ONCE_BYTES, codec=Codec.NONE),
            AppendRules(compression=Codec.GZIP),
            Depth.HEADER,
        ),
        (batch_of(3, size=DECOMPRESSED_AT_ONCE_BYTES, codec=Codec.ZSTD), AppendRules(), Depth.LENGTHS),
    ],
    ids=["lengths", "fields", "fields for a rule", "to be compressed", "small but large inside"],
)
def test_what_takes_long_is_not_done_at_once(batch: bytearray, rules: AppendRules, depth: Depth) -> None:
    rules.max_message_bytes = LIMIT
    before = bytes(batch)
    with pytest.raises(TakesLong):
        validate(batch, rules, NOW, 12, depth=depth, at_once=True)
    assert batch == before
    assert validate(batch, rules, NOW, 12, depth=depth).header.count == parse_header(before).count


@pytest.mark.parametrize("depth", Depth)
def test_the_usual_is_done_at_once(depth: Depth) -> None:
    batches = [varied(FIELDS_AT_ONCE), batch_of(1, size=900_000), varied(1000, codec=Codec.ZSTD)]
    for batch in batches:
        assert validate(batch, AppendRules(), NOW, 12, depth=depth, at_once=True).batch is batch


def test_at_once_a_bomb_is_refused_by_the_rules_own_limit() -> None:
    small = batch_of(1, size=200_000, codec=Codec.GZIP)
    with pytest.raises(ApiError) as refused:
        validate(small, AppendRules(max_decompressed_bytes=100_000), NOW, 12, at_once=True)
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE
