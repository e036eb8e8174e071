"""The operating system's files behind a bounded pool of descriptors.

A :class:`RealFile` is a name that opens itself when it is used. The pool closes the one that was not used
lately when too many are open ("second chance": a flag set at each use, cleared when the hand passes),
preferring files that have nothing unsynced, because Linux reports a failed write-back to the descriptors that
were open at the time.

Each file has a lock that is held only for short calls (a write into the page cache, a read that does not
wait); calls that wait for the disk work on a duplicate of the descriptor, so they neither hold up the event
loop nor see their descriptor closed under them.
"""

# ruff: noqa: D102, PTH102, PTH103, PTH105, PTH108, PTH110, PTH116, PTH208 - the port documents the methods;
# pathlib costs many times as much per call, and five thousand partitions start through here

import contextlib
import errno
import os
import shutil
import threading
from collections import deque

from ...model.errors import StorageError
from .port import Buffer, File
from .read_buffers import ReadBuffers
from .system import (
    NOWAIT,
    OPEN_FLAGS,
    WINDOWS,
    RealLock,
    fsync_descriptor,
    patiently,
    pread_all,
    pwrite_all,
    pwrite_once,
)

_VECTORS_MAX = 1024
_LOOKED_AT = 32


def _storage_error(action: str, path: str, error: OSError) -> StorageError:
    return StorageError(f"cannot {action} {path}: {error.strerror or error}")


class _Pool:
    """At most ``max_open`` open files."""

    def __init__(self, max_open: int, fsyncs: bool) -> None:
        self.max_open = max_open
        self.fsyncs = fsyncs
        self.read_buffers = ReadBuffers()
        self._open: deque[RealFile] = deque()
        self._lock = threading.Lock()

    def admit(self, file: "RealFile") -> None:
        """Count a file that was just opened and close others if there are too many now."""
        with self._lock:
            self._open.append(file)
            while len(self._open) > self.max_open and self._evict():
                pass

    def shrink(self) -> None:
        """Close what can be closed: the process is out of descriptors."""
        with self._lock:
            for _ in range(max(8, len(self._open) // 8)):
                if not self._evict():
                    break

    def _evict(self) -> bool:
        """Close one file that was not used lately; look at a bounded number of them. False if all are in use."""
        files = self._open
        for attempt in range(min(_LOOKED_AT, len(files))):
            file = files.popleft()
            if not file.is_open:
                return True
            patience = attempt < _LOOKED_AT // 2
            if patience and (file.used or file.unsynced):
                file.used = False
            elif file.close_nowait():
                return True
            files.append(file)
        return False

    def close_all(self) -> None:
        """Close every file."""
        for file in self._take_all():
            file.close()

    def close_under(self, path: str) -> None:
        """Close what lies at or below ``path``: Windows renames and removes only what nobody has open."""
        for file in self._take_all():
            if file.path == path or file.path.startswith(path + "/"):
                file.close()
            elif file.is_open:
                self.admit(file)

    def _take_all(self) -> "list[RealFile]":
        # emptied under the lock, closed outside of it: a file that is opening holds its own lock and wants
        # ours
        with self._lock:
            files = list(self._open)
            self._open.clear()
        return files

    def __len__(self) -> int:
        return sum(file.is_open for file in self._open)


class RealFile:
    """One file of the operating system; see :class:`~ottla.runtime.files.port.File`."""

    __slots__ = ("_failed", "_fd", "_lock", "_nowait", "_pool", "path", "size", "unsynced", "used")

    def __init__(self, pool: _Pool, path: str, size: int | None, create: bool) -> None:
        self.path = path
        self.size = 0
        self.used = True
        self.unsynced = False
        self._pool = pool
        self._fd = -1
        self._lock = threading.Lock()
        self._nowait = NOWAIT
        self._failed: StorageError | None = None
        if size is not None:
            self.size = size
        else:
            with self._lock:
                self.size = os.fstat(self._reopen(create)).st_size

    @property
    def is_open(self) -> bool:
        """Whether it holds a descriptor now."""
        return self._fd >= 0

    def _reopen(self, create: bool = False) -> int:
        flags = os.O_RDWR | OPEN_FLAGS | (os.O_CREAT if create else 0)
        for attempt in range(3):
            try:
                fd = os.open(self.path, flags, 0o644)
                break
            except FileNotFoundError:
                raise
            except OSError as error:
                if attempt == 2:
                    raise _storage_error("open", self.path, error) from error
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._pool.shrink()
                elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
                    flags = os.O_RDONLY | OPEN_FLAGS
                else:
                    raise _storage_error("open", self.path, error) from error
        self._fd = fd
        self._pool.admit(self)
        return fd

    def append(self, *buffers: Buffer) -> None:
        with self._lock:
            fd = self._fd if self._fd >= 0 else self._reopen()
            self.used = self.unsynced = True
            start = self.size
            try:
                if len(buffers) == 1:
                    data = buffers[0]
                    size = len(data)
                    written = pwrite_once(fd, data, start)
                    if written != size:
                        pwrite_all(fd, memoryview(data)[written:], start + written)
                else:
                    size = _append_vector(fd, buffers, start)
            except OSError as error:
                self._cut_back(fd, start)
                raise _storage_error("write", self.path, error) from error
            self.size = start + size

    def _cut_back(self, fd: int, size: int) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, size)

    def pwrite(self, data: Buffer, pos: int) -> None:
        with self._lock:
            fd = self._fd if self._fd >= 0 else self._reopen()
            self.used = self.unsynced = True
            try:
                pwrite_all(fd, data, pos)
            except OSError as error:
                raise _storage_error("write", self.path, error) from error
            self.size = max(self.size, pos + len(data))

    def _duplicate(self) -> int:
        with self._lock:
            fd = self._fd if self._fd >= 0 else self._reopen()
            self.used = True
            try:
                return os.dup(fd)
            except OSError as error:
                raise _storage_error("open", self.path, error) from error

    def pread(self, size: int, pos: int) -> bytes:
        fd = self._duplicate()
        try:
            return pread_all(fd, size, pos)
        except OSError as error:
            raise _storage_error("read", self.path, error) from error
        finally:
            os.close(fd)

    def pread_nowait(self, size: int, pos: int) -> Buffer | None:
        if not self._nowait or not hasattr(os, "preadv"):
            return self.pread(size, pos)
        with self._lock:
            fd = self._fd if self._fd >= 0 else self._reopen()
            self.used = True
            size = min(size, self.size - pos)
            if size <= 0:
                return b""
            data = self._pool.read_buffers.take(size)
            try:
                got = os.preadv(fd, [data], pos, self._nowait)
            except BlockingIOError:
                return None
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise _storage_error("read", self.path, error) from error
                self._nowait = 0
                got = -1
        if got < 0:
            return self.pread(size, pos)
        return data if got == size else None

    def truncate(self, size: int) -> None:
        with self._lock:
            fd = self._fd if self._fd >= 0 else self._reopen()
            try:
                os.ftruncate(fd, size)
            except OSError as error:
                raise _storage_error("truncate", self.path, error) from error
            self.size = size
            self.unsynced = True

    def fsync(self) -> None:
        if self._failed is not None:
            raise self._failed
        self.unsynced = False
        if not self._pool.fsyncs:
            return
        fd = self._duplicate()
        try:
            fsync_descriptor(fd)
        except OSError as error:
            self._failed = _storage_error("fsync", self.path, error)
            raise self._failed from error
        finally:
            os.close(fd)

    def moved(self, path: str) -> None:
        self.path = path

    def close_nowait(self) -> bool:
        """Close unless the file is in use this moment; return whether it is closed."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._close()
        finally:
            self._lock.release()
        return True

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def reserve(self, size: int) -> None:
        """Reserve disk blocks behind the end of the file, where Linux can."""
        if not hasattr(os, "posix_fallocate") or size <= self.size:
            return
        with self._lock:
            fd = self._fd if self._fd >= 0 else self._reopen()
            try:
                os.posix_fallocate(fd, 0, size)
                os.ftruncate(fd, self.size)
            except OSError as error:
                raise _storage_error("reserve room for", self.path, error) from error


def _append_vector(fd: int, buffers: tuple[Buffer, ...], start: int) -> int:
    total = sum(map(len, buffers))
    if hasattr(os, "pwritev") and len(buffers) <= _VECTORS_MAX:
        written = os.pwritev(fd, buffers, start)
        if written == total:
            return total
    else:
        written = 0
    pwrite_all(fd, memoryview(b"".join(buffers))[written:], start + written)
    return total


class RealFiles:
    """The operating system's file system; see :class:`~ottla.runtime.files.port.Files`.

    Without ``fsyncs`` nothing waits for the disk: for files that are thrown away afterwards.
    """

    def __init__(self, *, max_open: int = 512, fsyncs: bool = True) -> None:
        self._pool = _Pool(max_open, fsyncs)
        self._fsyncs = fsyncs

    @property
    def open_count(self) -> int:
        """How many descriptors the pool holds now."""
        return len(self._pool)

    def open(self, path: str, *, create: bool = False, size: int | None = None) -> RealFile:
        return RealFile(self._pool, path, size, create)

    def create(self, path: str) -> None:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | OPEN_FLAGS, 0o644))
        except OSError as error:
            raise _storage_error("create", path, error) from error

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def size(self, path: str) -> int:
        return os.stat(path).st_size

    def modified_ms(self, path: str) -> int:
        return os.stat(path).st_mtime_ns // 1_000_000

    def set_modified_ms(self, path: str, modified_ms: int) -> None:
        os.utime(path, ns=(modified_ms * 1_000_000, modified_ms * 1_000_000))

    def list_dir(self, path: str) -> list[str]:
        return os.listdir(path)

    def list_dirs(self, path: str) -> list[str]:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir()]

    def scan_dir(self, path: str) -> dict[str, int]:
        with os.scandir(path) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}

    def make_dir(self, path: str) -> None:
        try:
            try:
                os.mkdir(path)
            except FileNotFoundError:
                os.makedirs(path, exist_ok=True)
        except FileExistsError:
            pass
        except OSError as error:
            raise _storage_error("make the folder", path, error) from error

    def rename(self, source: str, target: str) -> None:
        if WINDOWS:
            self._pool.close_under(source)
            self._pool.close_under(target)
        try:
            patiently(lambda: os.replace(source, target))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _storage_error("rename", source, error) from error

    def remove(self, path: str) -> None:
        if WINDOWS:
            self._pool.close_under(path)
        try:
            patiently(lambda: os.unlink(path))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _storage_error("remove", path, error) from error

    def remove_tree(self, path: str) -> None:
        if WINDOWS:
            self._pool.close_under(path)
        try:
            patiently(lambda: shutil.rmtree(path))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _storage_error("remove", path, error) from error

    def fsync_dir(self, path: str) -> None:
        if WINDOWS or not self._fsyncs:  # names are durable there with the file's own flush; no folder can be opened
            return
        try:
            fd = os.open(path, os.O_RDONLY | OPEN_FLAGS)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _storage_error("open", path, error) from error
        try:
            os.fsync(fd)
        except OSError as error:
            raise _storage_error("fsync", path, error) from error
        finally:
            os.close(fd)

    def read_bytes(self, path: str) -> bytes:
        try:
            fd = os.open(path, os.O_RDONLY | OPEN_FLAGS)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _storage_error("open", path, error) from error
        try:
            parts = []
            while part := os.read(fd, 65536):
                parts.append(part)
                if len(part) < 65536:
                    break
            return b"".join(parts)
        except OSError as error:
            raise _storage_error("read", path, error) from error
        finally:
            os.close(fd)

    def write_bytes(self, path: str, data: Buffer) -> None:
        self._write(path, data, sync=False)

    def _write(self, path: str, data: Buffer, *, sync: bool) -> None:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | OPEN_FLAGS, 0o644)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
                if sync and self._fsyncs:
                    fsync_descriptor(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise _storage_error("write", path, error) from error

    def write_atomic(self, path: str, data: Buffer) -> None:
        self._write(path + ".tmp", data, sync=True)
        self.rename(path + ".tmp", path)
        self.fsync_dir(path.rpartition("/")[0] or ".")

    def release_memory(self) -> None:
        self._pool.read_buffers.release_unused()

    def fsync_file(self, path: str) -> None:
        if not self._fsyncs:
            return
        try:
            fd = os.open(path, os.O_RDWR | OPEN_FLAGS)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _storage_error("open", path, error) from error
        try:
            fsync_descriptor(fd)
        except OSError as error:
            raise _storage_error("fsync", path, error) from error
        finally:
            os.close(fd)

    def sync_all(self) -> bool:
        if not self._fsyncs:
            return True
        if not hasattr(os, "sync"):
            return False
        os.sync()
        return True

    def lock(self, path: str) -> RealLock:
        try:
            return RealLock(path)
        except (BlockingIOError, FileNotFoundError):
            raise
        except OSError as error:
            raise _storage_error("lock", path, error) from error

    def free_bytes(self, path: str) -> int:
        return shutil.disk_usage(path).free

    def total_bytes(self, path: str) -> int:
        return shutil.disk_usage(path).total

    def preallocate(self, file: File, size: int) -> None:
        if isinstance(file, RealFile):
            file.reserve(size)

    def close(self) -> None:
        self._pool.close_all()
