"""Checkpoint files (reference section 4.1)."""

import pytest

from ottla.log.checkpoints import OffsetCheckpoint, decode, encode
from ottla.model.errors import CorruptData
from ottla.model.ids import TopicPartition
from ottla.runtime.files.memory import MemoryFiles

TOPIC = TopicPartition("web-clicks", 12)


def disk() -> MemoryFiles:
    files = MemoryFiles()
    files.make_dir("/d")
    return files


def test_a_checkpoint_is_a_version_a_count_and_lines() -> None:
    files = disk()
    checkpoint = OffsetCheckpoint(files, "/d/x")
    assert checkpoint.read() == {}
    assert checkpoint.write({TOPIC: 5, TopicPartition("b", 0): 7})
    assert files.read_bytes("/d/x") == b"0\n2\nweb-clicks 12 5\nb 0 7\n"
    assert not files.exists("/d/x.tmp")
    assert OffsetCheckpoint(files, "/d/x").read() == {TOPIC: 5, TopicPartition("b", 0): 7}


def test_a_checkpoint_that_says_the_same_is_not_written_again() -> None:
    files = disk()
    checkpoint = OffsetCheckpoint(files, "/d/x")
    checkpoint.write({TOPIC: 5})
    files.calls.clear()
    assert not checkpoint.write({TOPIC: 5})
    assert not files.calls
    again = OffsetCheckpoint(files, "/d/x")
    again.read()
    assert not again.write({TOPIC: 5})


def test_a_checkpoint_survives_a_crash_at_any_moment_whole() -> None:
    files = disk()
    checkpoint = OffsetCheckpoint(files, "/d/x")
    checkpoint.write({TOPIC: 5})
    files.fail("rename")
    with pytest.raises(Exception, match="rename"):
        checkpoint.write({TOPIC: 6})
    files.crash()
    assert OffsetCheckpoint(files, "/d/x").read() == {TOPIC: 5}


def test_an_empty_checkpoint_file_has_no_entries() -> None:
    assert decode(b"", "x", 3) == []


@pytest.mark.parametrize(
    "data",
    [b"1\n0\n", b"x\n0\n", b"0\n", b"0\n2\na 0 1\n", b"0\n1\na 0\n", b"0\n1\na 0 1 2\n", b"\xff\n", b"0\n0\na 0 1\n"],
)
def test_a_damaged_checkpoint_is_called_so(data: bytes) -> None:
    with pytest.raises(CorruptData):
        decode(data, "x", 3)


def test_spaces_of_any_kind_separate() -> None:
    assert decode(b"0\n1\na \t 0   9\n", "x", 3) == [["a", "0", "9"]]
    assert encode([]) == b"0\n0\n"
