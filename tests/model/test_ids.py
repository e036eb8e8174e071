"""Topic partitions and Kafka's uuids."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.ids import (
    METADATA_UUID,
    ZERO_UUID,
    TopicPartition,
    uuid_from_entropy,
    uuid_from_text,
    uuid_to_text,
)


def test_topic_partition_reads_like_its_folder() -> None:
    assert str(TopicPartition("a-b", 7)) == "a-b-7"
    assert {TopicPartition("a", 1): 1}[TopicPartition("a", 1)] == 1


@given(st.binary(min_size=16, max_size=16))
def test_text_and_back(uuid: bytes) -> None:
    text = uuid_to_text(uuid)
    assert len(text) == 22
    assert uuid_from_text(text) == uuid


def test_reserved_ids_as_kafka_writes_them() -> None:
    assert uuid_to_text(ZERO_UUID) == "AAAAAAAAAAAAAAAAAAAAAA"
    assert uuid_to_text(METADATA_UUID) == "AAAAAAAAAAAAAAAAAAAAAQ"


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 23, "A" * 21 + "!", "A" * 21 + "é", "A" * 40])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a uuid"):
        uuid_from_text(text)


@given(st.text(max_size=30))
def test_no_text_does_anything_else(text: str) -> None:
    try:
        uuid = uuid_from_text(text)
    except ValueError:
        return
    assert len(uuid) == 16


@given(st.binary(min_size=16, max_size=16))
def test_random_uuids_carry_version_and_variant(entropy: bytes) -> None:
    uuid = uuid_from_entropy(entropy)
    assert uuid[6] >> 4 == 4
    assert uuid[8] >> 6 == 0b10
    kept = [byte for index, byte in enumerate(uuid) if index not in (6, 8)]
    assert kept == [byte for index, byte in enumerate(entropy) if index not in (6, 8)]
    assert base64.urlsafe_b64decode(uuid_to_text(uuid) + "==") == uuid
