"""The few system calls that differ between systems: positioned reads and writes, fsync, file locks."""

import errno
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import ClassVar

from .port import Buffer

WINDOWS = sys.platform == "win32"
OPEN_FLAGS: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NOWAIT: int = getattr(os, "RWF_NOWAIT", 0) if hasattr(os, "preadv") else 0
"""Flag of a read that would rather fail than wait for the disk (Linux 4.14); 0 where there is none."""

_PATIENCE = 50
_PAUSE_S = 0.01
_seek_lock = threading.Lock()


def _seek_read(fd: int, size: int, pos: int) -> bytes:
    with _seek_lock:  # descriptors share their position with their duplicates
        os.lseek(fd, pos, os.SEEK_SET)
        return os.read(fd, size)


def _seek_write(fd: int, data: Buffer, pos: int) -> int:
    with _seek_lock:
        os.lseek(fd, pos, os.SEEK_SET)
        return os.write(fd, data)


pread_once = os.pread if hasattr(os, "pread") else _seek_read
"""``(fd, size, pos) -> bytes``; Windows has no pread: there it is a seek and a read."""

pwrite_once = os.pwrite if hasattr(os, "pwrite") else _seek_write
"""``(fd, data, pos) -> bytes written``."""


def pread_all(fd: int, size: int, pos: int) -> bytes:
    """Read until ``size`` bytes are there or the file ends."""
    data = pread_once(fd, size, pos)
    if len(data) == size or not data:
        return data
    parts = [data]
    have = len(data)
    while have < size and (part := pread_once(fd, size - have, pos + have)):
        parts.append(part)
        have += len(part)
    return b"".join(parts)


def pwrite_all(fd: int, data: Buffer, pos: int) -> None:
    """Write all of ``data``; a disk that takes nothing more is full."""
    view = memoryview(data)
    while view:
        written = pwrite_once(fd, view, pos)
        if written == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        pos += written
        view = view[written:]


def fsync_descriptor(fd: int) -> None:
    """Wait for the disk itself; on macOS only F_FULLFSYNC goes further than the drive's cache."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY):
                raise
            os.fsync(fd)  # network and foreign file systems know no more than this
    elif hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def patiently(action: Callable[[], None]) -> None:
    """Rename or remove what somebody may have open for a moment, which Windows refuses meanwhile.

    A reading thread of ours, or a virus scanner: neither takes long.
    """
    for _ in range(_PATIENCE if WINDOWS else 0):
        try:
            return action()
        except PermissionError:
            time.sleep(_PAUSE_S)
    return action()


def lock_descriptor(fd: int) -> None:
    """Take the lock on a whole file or raise OSError.

    A POSIX record lock is what Java's FileChannel takes, so Apache Kafka respects ours and we respect its.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class RealLock:
    """A held lock file.

    A POSIX lock does not exclude a second taker in one process, so the held paths are remembered here too.
    """

    _held: ClassVar[set[str]] = set()

    def __init__(self, path: str) -> None:
        self._fd = -1
        self._path = os.path.realpath(path)
        if self._path in self._held:
            raise BlockingIOError(errno.EAGAIN, "locked by this process", path)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | OPEN_FLAGS, 0o644)
        try:
            lock_descriptor(fd)
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise BlockingIOError(errno.EAGAIN, "locked by another process", path) from error
            raise
        self._fd = fd
        self._held.add(self._path)

    def release(self) -> None:
        """Let others have it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._held.discard(self._path)
            os.close(fd)
