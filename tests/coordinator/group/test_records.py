"""The record formats, byte for byte as Kafka's own classes write them (reference 4.4).

``data/coordinator_records.jsonl`` is what ``data/CoordinatorRecords.java`` printed on Apache Kafka 4.2.0.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.coordinator.group.records import (
    CommittedOffset,
    GroupDeleted,
    GroupStored,
    OffsetCommitted,
    OffsetDeleted,
    Record,
    StoredMember,
    decode,
    encode,
    string_fits,
)
from ottla.model.errors import CorruptData

VECTORS = [
    json.loads(line) for line in (Path(__file__).parent / "data" / "coordinator_records.jsonl").read_text().splitlines()
]
TOPIC_ID = bytes(range(1, 17))
COMMIT_MS, EXPIRE_MS, SINCE_MS = 1_700_000_000_123, 1_700_000_060_123, 1_700_000_000_456


def raw(vector: dict[str, Any]) -> tuple[bytes, bytes | None]:
    value = vector["value"]
    return base64.b64decode(vector["key"]), None if value is None else base64.b64decode(value)


def offset(**fields: Any) -> OffsetCommitted:
    known: dict[str, Any] = {
        "offset": 1_234_567_890_123,
        "metadata": "späte Notiz",
        "commit_timestamp_ms": COMMIT_MS,
    }
    committed = CommittedOffset(**(known | fields))
    return OffsetCommitted(group_id="grüppe", topic="topic", partition=7, committed=committed)


def group(version: int) -> GroupStored:
    common = {"client_id": "client", "client_host": "/127.0.0.1"}
    return GroupStored(
        group_id="grüppe",
        generation_id=42,
        protocol_type="consumer",
        protocol="range",
        leader="member-1",
        state_since_ms=SINCE_MS if version >= 2 else None,
        members=(
            StoredMember(
                member_id="member-1",
                instance_id=None,
                **common,
                rebalance_timeout_ms=300_000 if version >= 1 else 45_000,
                session_timeout_ms=45_000,
                subscription=b"\0\1\2",
                assignment=b"\3\4",
            ),
            StoredMember(
                member_id="member-2",
                instance_id="instance" if version >= 3 else None,
                client_id="",
                client_host="/::1",
                rebalance_timeout_ms=60_000 if version >= 1 else 10_000,
                session_timeout_ms=10_000,
                subscription=b"",
                assignment=b"",
            ),
        ),
    )


def meaning(name: str, version: int) -> Record | None:
    deleted = OffsetDeleted(group_id="grüppe", topic="topic", partition=7)
    match name:
        case "offset" | "legacy offset":
            return offset(leader_epoch=5 if version >= 3 else -1)
        case "offset of a topic by id":
            return offset(leader_epoch=5, topic_id=TOPIC_ID)
        case "offset without epoch":
            return offset()
        case "offset with expiry":
            return offset(expire_timestamp_ms=EXPIRE_MS)
        case "offset tombstone" | "legacy offset tombstone":
            return deleted
        case "group":
            return group(version)
        case "empty group" | "new group":
            is_new = name == "new group"
            return GroupStored(
                group_id="grüppe",
                generation_id=0 if is_new else 43,
                protocol_type=None if is_new else "consumer",
                protocol=None,
                leader=None,
                state_since_ms=None if is_new else SINCE_MS,
            )
        case "group tombstone":
            return GroupDeleted(group_id="grüppe")
        case _:
            assert name == "other type"
            return None


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['name']} v{vector['version']}")
def test_what_kafka_wrote_is_read(vector: dict[str, Any]) -> None:
    assert decode(*raw(vector)) == meaning(vector["name"], vector["version"])


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("offset", 4),
        ("offset of a topic by id", 4),
        ("offset without epoch", 4),
        ("offset with expiry", 1),
        ("offset tombstone", 0),
        ("group", 3),
        ("empty group", 3),
        ("new group", 3),
        ("group tombstone", 0),
    ],
)
def test_what_is_written_is_what_kafka_writes(name: str, version: int) -> None:
    (vector,) = [vector for vector in VECTORS if (vector["name"], vector["version"]) == (name, version)]
    record = meaning(name, version)
    assert record is not None
    assert encode(record) == raw(vector)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['name']} v{vector['version']}")
def test_a_record_that_is_cut_short_is_corrupt_and_nothing_worse(vector: dict[str, Any]) -> None:
    key, value = raw(vector)
    whole = decode(key, value)
    for end in range(len(key)):
        if whole is not None:
            with pytest.raises(CorruptData):
                decode(key[:end], value)
    if value is not None and whole is not None:
        for end in range(len(value)):
            with pytest.raises(CorruptData):
                decode(key, value[:end])


@pytest.mark.parametrize("version", [-1, 5, 99])
@pytest.mark.parametrize("name", ["offset", "group"])
def test_a_value_version_that_nobody_wrote_is_corrupt(name: str, version: int) -> None:
    key, value = raw(next(vector for vector in VECTORS if vector["name"] == name))
    assert value is not None
    with pytest.raises(CorruptData):
        decode(key, version.to_bytes(2, "big", signed=True) + value[2:])


@given(st.integers(0, 2).map(lambda kind: kind.to_bytes(2, "big")), st.binary(max_size=80), st.binary(max_size=120))
def test_no_bytes_do_anything_worse_than_be_corrupt(kind: bytes, key: bytes, value: bytes) -> None:
    try:
        record = decode(kind + key, value)
    except CorruptData:
        return
    assert record is not None


names = st.text(st.characters(codec="utf-8"), max_size=12)
millis = st.integers(0, 2**62)
members = st.builds(
    StoredMember,
    member_id=names,
    instance_id=st.none() | names,
    client_id=names,
    client_host=names,
    rebalance_timeout_ms=st.integers(0, 2**31 - 1),
    session_timeout_ms=st.integers(0, 2**31 - 1),
    subscription=st.binary(max_size=20),
    assignment=st.binary(max_size=20),
)
offsets = st.builds(
    CommittedOffset,
    offset=st.integers(-1, 2**63 - 1),
    leader_epoch=st.integers(-1, 2**31 - 1),
    metadata=names,
    commit_timestamp_ms=millis,
    topic_id=st.binary(min_size=16, max_size=16),
) | st.builds(
    CommittedOffset, offset=st.integers(0, 9), metadata=names, commit_timestamp_ms=millis, expire_timestamp_ms=millis
)
any_record = st.one_of(
    st.builds(OffsetCommitted, group_id=names, topic=names, partition=st.integers(0, 2**31 - 1), committed=offsets),
    st.builds(OffsetDeleted, group_id=names, topic=names, partition=st.integers(0, 2**31 - 1)),
    st.builds(GroupDeleted, group_id=names),
    st.builds(
        GroupStored,
        group_id=names,
        generation_id=st.integers(0, 2**31 - 1),
        protocol_type=st.none() | names.filter(bool),
        protocol=st.none() | names,
        leader=st.none() | names,
        state_since_ms=st.none() | millis,
        members=st.lists(members, max_size=3).map(tuple),
    ),
)


@given(any_record)
def test_every_record_comes_back_as_it_was(record: Record) -> None:
    assert decode(*encode(record)) == record


@pytest.mark.parametrize(
    ("text", "fits"),
    [("", True), ("x" * 32_767, True), ("x" * 32_768, False), ("ü" * 16_383, True), ("ü" * 16_384, False)],
)
def test_how_long_a_string_may_be(text: str, fits: bool) -> None:
    assert string_fits(text) is fits
