"""The disk in memory: what a power cut leaves, and faults on demand."""

import errno
import sys
import weakref

import pytest

from ottla.model.errors import StorageError
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.files.volatile import VolatileFiles


def test_a_crash_keeps_what_was_fsynced_and_nothing_else() -> None:
    files = MemoryFiles()
    file = files.open("/log", create=True)
    file.append(b"safe")
    file.fsync()
    file.append(b"lost")
    files.write_bytes("/never", b"synced")
    files.crash()
    assert files.read_bytes("/log") == b"safe"
    assert files.read_bytes("/never") == b"", "the name is there, the content is not"


@pytest.mark.parametrize("kept", range(6))
def test_a_crash_may_leave_a_torn_tail(kept: int) -> None:
    files = MemoryFiles()
    file = files.open("/log", create=True)
    file.append(b"safe")
    file.fsync()
    file.append(b"tail")
    files.crash(lambda path, unsynced: min(kept, unsynced))
    assert files.read_bytes("/log") == b"safe" + b"tail"[:kept]
    files.crash()
    assert files.read_bytes("/log") == b"safe" + b"tail"[:kept], "what has survived is on the disk"


def test_what_was_cut_or_overwritten_unsynced_comes_back() -> None:
    files = MemoryFiles()
    file = files.open("/log", create=True)
    file.append(b"0123456789")
    file.fsync()
    file.truncate(5)
    file.append(b"x")
    files.crash(lambda path, unsynced: unsynced)
    assert files.read_bytes("/log") == b"0123456789"
    file.pwrite(b"zz", 2)
    file.fsync()
    files.crash()
    assert files.read_bytes("/log") == b"01zz456789"


def test_an_atomic_write_leaves_the_old_or_the_new() -> None:
    files = MemoryFiles()
    files.write_atomic("/c", b"old")
    files.fail("rename")
    with pytest.raises(StorageError):
        files.write_atomic("/c", b"new")
    files.crash()
    assert files.read_bytes("/c") == b"old"
    files.write_atomic("/c", b"new")
    files.crash()
    assert files.read_bytes("/c") == b"new"


def test_a_disk_has_room_for_so_much() -> None:
    files = MemoryFiles(capacity_bytes=10)
    file = files.open("/log", create=True)
    file.append(b"12345678")
    with pytest.raises(StorageError, match="No space left") as caught:
        file.append(b"123")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert file.size == 8
    assert files.free_bytes("/") == 2


def test_faults_come_as_often_as_they_were_ordered_and_where() -> None:
    files = MemoryFiles()
    one, other = files.open("/one", create=True), files.open("/other", create=True)
    files.fail("write", match="one", times=2)
    other.append(b"x")
    for _ in range(2):
        with pytest.raises(StorageError):
            one.append(b"x")
    one.append(b"x")
    files.fail("write")
    files.heal()
    one.append(b"x")
    assert one.size == 2


def test_a_failed_fsync_stays_failed() -> None:
    files = MemoryFiles()
    file = files.open("/log", create=True)
    files.fail("fsync")
    for _ in range(2):
        with pytest.raises(StorageError):
            file.fsync()


def test_a_rename_that_nobody_told_the_file_of_is_found_out() -> None:
    files = MemoryFiles()
    file = files.open("/log", create=True)
    files.rename("/log", "/log.deleted")
    with pytest.raises(FileNotFoundError):
        file.pread(1, 0)
    file.moved("/log.deleted")
    assert file.pread(1, 0) == b""


def test_a_power_cut_drops_locks() -> None:
    files = MemoryFiles()
    files.lock("/.lock")
    with pytest.raises(BlockingIOError):
        files.lock("/.lock")
    files.crash()
    files.lock("/.lock")


def test_without_a_disk_a_removed_file_is_freed_when_it_is_closed() -> None:
    files = VolatileFiles()
    file = files.open("/log", create=True)
    file.append(bytes(1000))
    assert files.used_bytes() == 1000
    files.remove("/log")
    assert files.used_bytes() == 0
    assert file.size == 1000, "it is open: who reads it may finish"
    content = weakref.ref(file.content())
    file.close()
    assert content() is None
    with pytest.raises(FileNotFoundError):
        file.pread(1, 0)


def test_without_a_disk_growing_costs_the_same_however_large_the_file_is() -> None:
    """Each append copies what is appended, and nothing else: no step of a growing file allocates anew for a reader."""
    file = VolatileFiles().open("/log", create=True)
    part = bytes(1 << 16)
    for _ in range(512):
        file.append(part)
    grown: bytearray = file.content().data
    assert len(grown) == 32 << 20
    assert sys.getsizeof(grown) < 1.2 * (32 << 20)
    assert file.pread_nowait(10, 1 << 20) == bytes(10)
