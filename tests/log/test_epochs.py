"""Leader epochs of a partition (reference section 5.1)."""

import pytest

from ottla.log.epochs import LeaderEpochs
from ottla.model.errors import CorruptData
from ottla.runtime.files.memory import MemoryFiles


def disk() -> MemoryFiles:
    files = MemoryFiles()
    files.make_dir("/d")
    return files


def epochs(*entries: tuple[int, int]) -> LeaderEpochs:
    made = LeaderEpochs(disk(), "/d")
    for epoch, offset in entries:
        made.assign(epoch, offset)
    return made


def test_an_epoch_is_remembered_with_the_offset_it_began_at() -> None:
    assert epochs((0, 0), (2, 5), (2, 9), (3, 9)).entries == [(0, 0), (2, 5), (3, 9)]


def test_entries_that_contradict_a_new_one_go() -> None:
    assert epochs((1, 0), (2, 10), (4, 20), (3, 15)).entries == [(1, 0), (2, 10), (3, 15)]
    assert epochs((1, 0), (2, 10), (4, 20), (5, 10)).entries == [(1, 0), (5, 10)]
    assert epochs((1, 10), (1, 5)).entries == [(1, 5)]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [(-1, (-1, -1)), (5, (5, 100)), (6, (-1, -1)), (0, (0, 10)), (2, (2, 20)), (3, (2, 20)), (4, (2, 20))],
)
def test_where_an_epoch_ends(asked: int, answer: tuple[int, int]) -> None:
    assert epochs((2, 10), (5, 20)).end_offset_for(asked, 100) == answer


def test_without_epochs_no_end_is_known() -> None:
    assert epochs().end_offset_for(0, 100) == (-1, -1)


def test_which_epoch_wrote_an_offset() -> None:
    known = epochs((2, 10), (5, 20))
    assert [known.epoch_of(offset) for offset in (9, 10, 19, 20, 99)] == [-1, 2, 2, 5, 5]


def test_cutting_epochs_at_both_ends() -> None:
    known = epochs((1, 0), (2, 10), (3, 20))
    known.truncate_from_end(20)
    assert known.entries == [(1, 0), (2, 10)]
    assert known.latest_epoch == 2
    known.truncate_from_start(12)
    assert known.entries == [(2, 12)]
    known.truncate_from_start(12)
    assert known.entries == [(2, 12)]
    known.truncate_from_end(5)
    assert known.entries == []
    assert known.latest_epoch == -1


def test_the_epoch_file_is_kafkas_and_comes_back() -> None:
    files = disk()
    known = LeaderEpochs(files, "/d")
    known.assign(0, 0)
    known.assign(3, 70)
    known.write()
    assert files.read_bytes("/d/leader-epoch-checkpoint") == b"0\n2\n0 0\n3 70\n"
    again = LeaderEpochs(files, "/d")
    again.load()
    assert (again.entries, again.latest_epoch) == (known.entries, 3)
    assert not again.is_dirty(100)


def test_an_epoch_that_wrote_nothing_is_not_worth_a_file() -> None:
    known = epochs((4, 0))
    assert not known.is_dirty(0)
    assert known.is_dirty(1)
    known.write()
    known.truncate_from_end(0)
    assert known.is_dirty(0), "what the file says is wrong now"


def test_a_damaged_epoch_file_is_called_so() -> None:
    files = disk()
    files.write_bytes("/d/leader-epoch-checkpoint", b"0\n1\na b\n")
    with pytest.raises(CorruptData):
        LeaderEpochs(files, "/d").load()
