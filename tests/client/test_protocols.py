"""The bytes that members put into a group: read what is written, refuse what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.client.protocols import (
    Subscription,
    decode_assignment,
    decode_subscription,
    encode_assignment,
    encode_subscription,
)
from ottla.model.errors import MalformedMessage
from ottla.model.ids import TopicPartition

names = st.text(st.characters(codec="utf-8"), max_size=20)
partitions = st.lists(st.builds(TopicPartition, names, st.integers(0, 2**31 - 1)), unique=True, max_size=20)


@settings(deadline=None)
@given(st.lists(names, unique=True), partitions, st.integers(-1, 2**31 - 1), st.none() | st.binary(max_size=9))
def test_a_subscription_is_read_as_it_was_written(
    topics: list[str], owned: list[TopicPartition], generation: int, user_data: bytes | None
) -> None:
    subscription = Subscription(sorted(topics), sorted(owned), generation, user_data)
    assert decode_subscription(encode_subscription(subscription)) == subscription


@settings(deadline=None)
@given(partitions)
def test_an_assignment_is_read_as_it_was_written(parts: list[TopicPartition]) -> None:
    assert decode_assignment(encode_assignment(parts)) == sorted(parts)


def test_a_newer_version_is_read_as_the_newest_known() -> None:
    data = bytearray(encode_assignment([TopicPartition("a", 1)]))
    data[0:2] = b"\x00\x63"
    assert decode_assignment(bytes(data)) == [TopicPartition("a", 1)]


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_other_bytes_are_malformed_or_mean_something(data: bytes) -> None:
    for decode in (decode_assignment, decode_subscription):
        try:
            decode(data)
        except MalformedMessage:
            continue


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xff", b"\x00\x01\x00\x00\x00\x09"])
def test_these_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_assignment(data)
