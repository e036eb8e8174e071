"""One contract for the disk and its double in memory, and for systems that lack what Linux has."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ottla.model.errors import StorageError
from ottla.runtime.files import Files, RealFiles
from ottla.runtime.files import real as real_module
from ottla.runtime.files import system as system_module
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.files.volatile import VolatileFiles

NEWER_CALLS = ("preadv", "pwritev", "posix_fallocate", "fdatasync", "sync")


def as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """This system, whatever it is."""


def as_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positioned reads and writes, but nothing newer."""
    for name in NEWER_CALLS:
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(real_module, "NOWAIT", 0)


def as_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seek before each read and write; what is open is neither renamed nor removed; folders cannot be synced."""
    as_macos(monkeypatch)
    monkeypatch.setattr(system_module, "pread_once", system_module._seek_read)
    for module in (system_module, real_module):
        monkeypatch.setattr(module, "pwrite_once", system_module._seek_write)
        monkeypatch.setattr(module, "WINDOWS", True)


@pytest.fixture(params=["memory", "volatile", "unsynced", "as it is", "as on macOS", "as on Windows"])
def files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Files:
    if request.param == "memory":
        return MemoryFiles()
    if request.param == "volatile":
        return VolatileFiles()
    if request.param == "unsynced":
        return RealFiles(max_open=4, fsyncs=False)
    {"as it is": as_it_is, "as on macOS": as_macos, "as on Windows": as_windows}[request.param](monkeypatch)
    return RealFiles(max_open=4)


@pytest.fixture
def folder(files: Files, tmp_path: Path) -> str:
    path = tmp_path.as_posix() + "/data"
    files.make_dir(path)
    return path


def test_what_is_appended_is_read(files: Files, folder: str) -> None:
    file = files.open(folder + "/log", create=True)
    file.append(b"one")
    file.append(bytearray(b"two"), memoryview(b"three"))
    assert file.size == 11
    assert file.pread(100, 0) == b"onetwothree"
    assert file.pread(3, 3) == b"two"
    assert file.pread(5, 11) == b""
    assert bytes(file.pread_nowait(5, 6) or b"") == b"three"
    file.fsync()
    file.close()
    assert files.open(folder + "/log").pread(100, 0) == b"onetwothree"


def test_more_buffers_than_one_call_takes(files: Files, folder: str) -> None:
    file = files.open(folder + "/log", create=True)
    file.append(*(b"%04d" % number for number in range(1500)))
    assert file.size == 6000
    assert file.pread(6000, 0) == b"".join(b"%04d" % number for number in range(1500))


def test_writing_in_place_and_cutting(files: Files, folder: str) -> None:
    file = files.open(folder + "/index", create=True)
    file.append(b"0123456789")
    file.pwrite(b"ab", 4)
    file.truncate(7)
    assert (file.size, file.pread(20, 0)) == (7, b"0123ab6")
    file.append(b"!")
    assert file.pread(20, 0) == b"0123ab6!"


def test_a_file_that_is_not_there(files: Files, folder: str) -> None:
    with pytest.raises(FileNotFoundError):
        files.open(folder + "/nothing").pread(1, 0)
    files.remove(folder + "/nothing")
    files.remove_tree(folder + "/nothing")
    files.fsync_file(folder + "/nothing")
    assert not files.exists(folder + "/nothing")


def test_an_open_file_is_renamed_and_goes_on(files: Files, folder: str) -> None:
    file = files.open(folder + "/a", create=True)
    file.append(b"x")
    files.rename(folder + "/a", folder + "/b")
    file.moved(folder + "/b")
    file.append(b"y")
    assert files.read_bytes(folder + "/b") == b"xy"
    assert not files.exists(folder + "/a")


def test_a_folder_with_open_files_is_renamed_and_removed(files: Files, folder: str) -> None:
    files.make_dir(folder + "/topic-0")
    file = files.open(folder + "/topic-0/log", create=True)
    file.append(b"x")
    files.rename(folder + "/topic-0", folder + "/topic-0-delete")
    file.moved(folder + "/topic-0-delete/log")
    assert file.pread(1, 0) == b"x"
    files.fsync_dir(folder)
    files.remove_tree(folder + "/topic-0-delete")
    assert files.list_dirs(folder) == []


def test_a_file_is_replaced_whole(files: Files, folder: str) -> None:
    reader = files.open(folder + "/meta", create=True)
    reader.append(b"old")
    files.write_atomic(folder + "/meta", b"new content")
    reader.close()
    assert files.read_bytes(folder + "/meta") == b"new content"
    assert files.list_dir(folder) == ["meta"]


def test_descriptors_are_bounded_and_come_back(files: Files, folder: str) -> None:
    many = [files.open(f"{folder}/{number}", create=True) for number in range(40)]
    for number, file in enumerate(many):
        file.append(b"%d" % number)
    if isinstance(files, RealFiles):
        assert files.open_count < 40
    assert [file.pread(9, 0) for file in many] == [b"%d" % number for number in range(40)]
    assert files.scan_dir(folder) == {str(number): len(str(number)) for number in range(40)}


def test_room_is_reserved_without_growing(files: Files, folder: str) -> None:
    file = files.open(folder + "/log", create=True)
    file.append(b"abc")
    files.preallocate(file, 1 << 16)
    assert (file.size, files.size(folder + "/log")) == (3, 3)


def test_a_lock_is_held_by_one(files: Files, folder: str) -> None:
    lock = files.lock(folder + "/.lock")
    with pytest.raises(BlockingIOError):
        files.lock(folder + "/.lock")
    lock.release()
    lock.release()
    files.lock(folder + "/.lock").release()


def test_times_and_room(files: Files, folder: str) -> None:
    files.create(folder + "/a")
    files.set_modified_ms(folder + "/a", 1_700_000_000_123)
    assert files.modified_ms(folder + "/a") == 1_700_000_000_123
    assert 0 < files.free_bytes(folder) <= files.total_bytes(folder)


def test_reads_from_many_threads_do_not_mix(files: Files, folder: str) -> None:
    file = files.open(folder + "/log", create=True)
    file.append(b"".join(b"%07d\n" % number for number in range(500)))
    wrong: list[int] = []

    def read(start: int) -> None:
        wrong.extend(number for number in range(start, 500, 4) if file.pread(8, number * 8) != b"%07d\n" % number)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def refusing(times: int, action: Callable[..., None]) -> Callable[..., None]:
    """The action, refused as Windows does while somebody has the file open, so many times."""
    left = iter(range(times))

    def called(*arguments: str) -> None:
        if next(left, None) is not None:
            raise PermissionError(errno.EACCES, "in use by another process")
        action(*arguments)

    return called


def test_windows_waits_for_others_to_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_windows(monkeypatch)
    monkeypatch.setattr(system_module, "_PAUSE_S", 0.0)
    files, path = RealFiles(), tmp_path.as_posix()
    files.write_bytes(path + "/a", b"x")
    monkeypatch.setattr(os, "replace", refusing(3, os.replace))
    files.rename(path + "/a", path + "/b")
    monkeypatch.setattr(os, "unlink", refusing(10_000, os.unlink))
    with pytest.raises(StorageError, match="in use"):
        files.remove(path + "/b")


def test_elsewhere_a_refusal_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_module, "WINDOWS", False)
    files, path = RealFiles(), tmp_path.as_posix()
    files.write_bytes(path + "/a", b"x")
    monkeypatch.setattr(os, "replace", refusing(1, os.replace))
    with pytest.raises(StorageError, match="in use"):
        files.rename(path + "/a", path + "/b")


def test_a_sync_that_failed_is_never_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RealFiles().open((tmp_path / "log").as_posix(), create=True)
    file.append(b"x")

    def failing(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(real_module, "fsync_descriptor", failing)
        with pytest.raises(StorageError):
            file.fsync()
    with pytest.raises(StorageError):
        file.fsync()


def test_a_write_that_the_disk_cuts_short_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RealFiles().open((tmp_path / "log").as_posix(), create=True)
    file.append(b"kept")
    write, calls = system_module.pwrite_once, iter(range(10))

    def full(fd: int, data: bytes, pos: int) -> int:
        if next(calls):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, memoryview(data)[:2], pos)

    for module in (system_module, real_module):
        monkeypatch.setattr(module, "pwrite_once", full)
    with pytest.raises(StorageError):
        file.append(b"too much")
    assert (tmp_path / "log").read_bytes() == b"kept"
    assert file.size == 4


def test_a_folder_that_may_not_be_made_is_the_disks_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: str, **options: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", path)

    monkeypatch.setattr(os, "makedirs", forbidden)
    with pytest.raises(StorageError, match="not permitted"):
        RealFiles().make_dir(str(tmp_path / "missing" / "deep"))
