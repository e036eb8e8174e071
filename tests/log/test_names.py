"""File and folder names (reference sections 4.1 and 4.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.log import names
from ottla.model.ids import TopicPartition


def test_offsets_are_twenty_digits() -> None:
    assert names.segment_file(42, names.LOG) == "00000000000000000042.log"
    assert names.segment_path("/d/t-0", 42, names.TIME_INDEX) == "/d/t-0/00000000000000000042.timeindex"
    assert names.offset_of("00000000000000000042.log.swap") == 42
    assert names.offset_of("leader-epoch-checkpoint") is None
    assert names.offset_of("partition.metadata") is None


@given(st.text("abc-._09", min_size=1, max_size=30), st.integers(0, 10**6))
def test_a_partitions_folder_is_told_apart_at_the_last_dash(topic: str, partition: int) -> None:
    topic_partition = TopicPartition(topic, partition)
    assert names.parse_partition_dir(names.partition_dir_name(topic_partition)) == topic_partition


@pytest.mark.parametrize("name", ["", "-", "-1", "topic", "topic-", "topic-x", "topic-1x", "cleaner-offset-checkpoint"])
def test_other_names_are_no_partitions(name: str) -> None:
    assert names.parse_partition_dir(name) is None


@pytest.mark.parametrize("topic", ["t", "web-clicks", "x" * 249])
def test_a_deleted_folders_name_fits_a_file_system(topic: str) -> None:
    name = names.deleted_dir_name(TopicPartition(topic, 7), "0123456789abcdef" * 2)
    assert len(name) <= 255
    assert name.endswith(f"-7.{'0123456789abcdef' * 2}-delete")
    assert names.is_deleted_dir(name)
    assert names.parse_partition_dir(name) is None
    assert not names.is_deleted_dir("please-delete")


def test_moving_and_stray_folders_are_known() -> None:
    assert names.is_future_dir("t-0.abc-future")
    assert names.is_stray_dir("t-0.abc-stray")
    assert not names.is_stray_dir("t-0")
