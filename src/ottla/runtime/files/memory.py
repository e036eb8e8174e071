"""A disk in memory that forgets, when a test pulls the plug, what nobody fsynced.

:meth:`MemoryFiles.crash` brings every file back to its last fsync, plus as much of what was appended since as
the test wants to have survived (a torn tail). Names (created, renamed, removed) are durable at once, as a
journaling file system orders them; the content is not, so a rename without fsync shows as an empty or old
file. Faults are put in by hand: :meth:`~MemoryFiles.fail` makes the next calls of a kind fail,
``capacity_bytes`` makes the disk full.

Every call finds its file by name, so code that renames a file without :meth:`MemoryFile.moved` fails here at
once, and not only when the descriptor pool happens to have closed it.
"""

# ruff: noqa: D102 - the port documents the methods

import errno
import os
from collections.abc import Callable

from ...model.errors import StorageError
from .port import Buffer, CrashKeep, File


class Node:
    """The content of one file, and what of it a crash would leave."""

    __slots__ = ("__weakref__", "clean_from", "data", "durable", "modified_ms")

    def __init__(self, modified_ms: int) -> None:
        self.data = bytearray()
        self.durable = bytearray()
        self.clean_from = 0  # below this both are equal
        self.modified_ms = modified_ms

    def changed(self, pos: int) -> None:
        """Take note that bytes from ``pos`` on were written or cut off."""
        self.clean_from = min(self.clean_from, pos)

    def fsync(self) -> None:
        """Make everything durable."""
        self.durable[self.clean_from :] = self.data[self.clean_from :]
        self.clean_from = len(self.data)

    def crash(self, keep: int) -> None:
        """Forget what was not synced, but for ``keep`` bytes of what was appended."""
        if self.clean_from == len(self.durable) <= len(self.data):  # nothing but appended to
            del self.data[len(self.durable) + keep :]
        else:
            self.data = bytearray(self.durable)
        self.durable = bytearray(self.data)
        self.clean_from = len(self.data)


class _Dir(dict[str, "Node | _Dir"]):
    """Names to files and folders."""


class MemoryFile:
    """A file of :class:`MemoryFiles`; see :class:`~ottla.runtime.files.port.File`."""

    def __init__(self, files: "MemoryFiles", path: str) -> None:
        self._files = files
        self.path = path
        self._failed: StorageError | None = None

    @property
    def size(self) -> int:
        return len(self._files.node(self.path).data)

    def append(self, *buffers: Buffer) -> None:
        data = b"".join(buffers)
        node = self._files.node(self.path)
        self._files.check("write", self.path, grow=len(data))
        node.changed(len(node.data))
        node.data += data
        node.modified_ms = self._files.now_ms()

    def pwrite(self, data: Buffer, pos: int) -> None:
        node = self._files.node(self.path)
        self._files.check("write", self.path, grow=pos + len(data) - len(node.data))
        node.changed(min(pos, len(node.data)))
        if pos > len(node.data):
            node.data += bytes(pos - len(node.data))
        node.data[pos : pos + len(data)] = data
        node.modified_ms = self._files.now_ms()

    def pread(self, size: int, pos: int) -> bytes:
        self._files.check("read", self.path)
        return bytes(self._files.node(self.path).data[pos : pos + size])

    def pread_nowait(self, size: int, pos: int) -> Buffer | None:
        if self._files.cold(self.path):
            return None
        return self.pread(size, pos)

    def truncate(self, size: int) -> None:
        self._files.check("truncate", self.path)
        node = self._files.node(self.path)
        node.changed(min(size, len(node.data)))
        del node.data[size:]
        node.data += bytes(size - len(node.data))
        node.modified_ms = self._files.now_ms()

    def fsync(self) -> None:
        if self._failed is not None:
            raise self._failed
        try:
            self._files.check("fsync", self.path)
        except StorageError as error:
            self._failed = error
            raise
        self._files.node(self.path).fsync()

    def moved(self, path: str) -> None:
        self.path = path

    def close(self) -> None:
        """Nothing to give back."""


class MemoryLock:
    """A lock of :class:`MemoryFiles`."""

    def __init__(self, held: set[str], path: str) -> None:
        self._held = held
        self._path = path
        held.add(path)

    def release(self) -> None:
        """Let others have it."""
        self._held.discard(self._path)


class _Fault:
    __slots__ = ("action", "error", "left", "match")

    def __init__(self, action: str, match: str, error: int, times: int) -> None:
        self.action = action
        self.match = match
        self.error = error
        self.left = times


class MemoryFiles:
    """The simulated twin of :class:`~ottla.runtime.files.real.RealFiles`."""

    def __init__(self, *, now_ms: Callable[[], int] = lambda: 0, capacity_bytes: int | None = None) -> None:
        self._root = _Dir()
        self._faults: list[_Fault] = []
        self._locks: set[str] = set()
        self.now_ms = now_ms
        self.capacity_bytes = capacity_bytes
        self.cold: Callable[[str], bool] = lambda path: False
        """Says of which files a read would have to wait for the disk."""
        self.calls: dict[str, int] = {}
        """How often each kind of call was made."""

    # -- faults ------------------------------------------------------------------------------------------------------

    def fail(self, action: str, *, match: str = "", error: int = errno.EIO, times: int = 1) -> None:
        """Make the next ``times`` calls fail whose kind is ``action`` and whose path contains ``match``.

        Kinds: open, read, write, truncate, fsync, rename, remove, make_dir.
        """
        self._faults.append(_Fault(action, match, error, times))

    def heal(self) -> None:
        """Forget every fault."""
        self._faults.clear()

    def crash(self, keep: CrashKeep = lambda path, unsynced: 0) -> None:
        """Cut the power: only what was fsynced stays, and of the tail appended since, what ``keep`` says."""
        self._locks.clear()
        for path, node in self._walk(self._root, ""):
            node.crash(keep(path, max(0, len(node.data) - len(node.durable))))

    def check(self, action: str, path: str, *, grow: int = 0) -> None:
        """Count a call and raise what it was told to raise."""
        self.calls[action] = self.calls.get(action, 0) + 1
        for fault in self._faults:
            if fault.action == action and fault.match in path and fault.left > 0:
                fault.left -= 1
                self._raise(action, path, fault.error)
        if grow > 0 and self.capacity_bytes is not None and self.used_bytes() + grow > self.capacity_bytes:
            self._raise(action, path, errno.ENOSPC)

    def _raise(self, action: str, path: str, error: int) -> None:
        raise StorageError(f"cannot {action} {path}: {os.strerror(error)}") from OSError(error, os.strerror(error))

    def used_bytes(self) -> int:
        """Bytes in all files."""
        return sum(len(node.data) for _, node in self._walk(self._root, ""))

    def _walk(self, directory: _Dir, path: str) -> list[tuple[str, Node]]:
        found: list[tuple[str, Node]] = []
        for name, node in list(directory.items()):  # other threads may make and remove files
            if isinstance(node, _Dir):
                found += self._walk(node, f"{path}/{name}")
            else:
                found.append((f"{path}/{name}", node))
        return found

    # -- names -------------------------------------------------------------------------------------------------------

    def _find(self, path: str) -> "Node | _Dir | None":
        here: Node | _Dir = self._root
        for part in path.split("/"):
            if part in ("", "."):
                continue
            if not isinstance(here, _Dir) or part not in here:
                return None
            here = here[part]
        return here

    def _parent(self, path: str) -> tuple[_Dir, str]:
        parent, _, name = path.rstrip("/").rpartition("/")
        directory = self._find(parent)
        if not isinstance(directory, _Dir):
            raise FileNotFoundError(errno.ENOENT, "no such folder", parent)
        return directory, name

    def node(self, path: str) -> Node:
        """Return the content at ``path``; FileNotFoundError if there is no such file."""
        node = self._find(path)
        if not isinstance(node, Node):
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return node

    def _directory(self, path: str) -> _Dir:
        node = self._find(path)
        if not isinstance(node, _Dir):
            raise FileNotFoundError(errno.ENOENT, "no such folder", path)
        return node

    def make(self, path: str) -> Node:
        """Return the content at ``path``, of a new and empty file if there is none."""
        directory, name = self._parent(path)
        node = directory.get(name)
        if node is None:
            node = directory[name] = Node(self.now_ms())
        assert isinstance(node, Node), path
        return node

    # -- the port ----------------------------------------------------------------------------------------------------

    def open(self, path: str, *, create: bool = False, size: int | None = None) -> File:
        self.check("open", path)
        if create:
            self.make(path)
        elif size is None:
            self.node(path)
        return MemoryFile(self, path)

    def create(self, path: str) -> None:
        self.check("open", path)
        self.make(path)

    def exists(self, path: str) -> bool:
        return self._find(path) is not None

    def size(self, path: str) -> int:
        return len(self.node(path).data)

    def modified_ms(self, path: str) -> int:
        return self.node(path).modified_ms

    def set_modified_ms(self, path: str, modified_ms: int) -> None:
        self.node(path).modified_ms = modified_ms

    def list_dir(self, path: str) -> list[str]:
        return list(self._directory(path))

    def list_dirs(self, path: str) -> list[str]:
        return [name for name, node in list(self._directory(path).items()) if isinstance(node, _Dir)]

    def scan_dir(self, path: str) -> dict[str, int]:
        entries = list(self._directory(path).items())
        return {name: len(node.data) for name, node in entries if isinstance(node, Node)}

    def make_dir(self, path: str) -> None:
        self.check("make_dir", path)
        here = self._root
        for part in path.split("/"):
            if part in ("", "."):
                continue
            below = here.setdefault(part, _Dir())
            assert isinstance(below, _Dir), path
            here = below

    def rename(self, source: str, target: str) -> None:
        self.check("rename", source)
        directory, name = self._parent(source)
        if name not in directory:
            raise FileNotFoundError(errno.ENOENT, "no such file", source)
        target_directory, target_name = self._parent(target)
        node = directory.pop(name)
        target_directory[target_name] = node

    def remove(self, path: str) -> None:
        self.check("remove", path)
        node = self._find(path)
        if isinstance(node, Node):
            directory, name = self._parent(path)
            del directory[name]

    def remove_tree(self, path: str) -> None:
        self.check("remove", path)
        if self._find(path) is not None:
            directory, name = self._parent(path)
            del directory[name]

    def fsync_dir(self, path: str) -> None:
        self.check("fsync_dir", path)
        self._directory(path)

    def read_bytes(self, path: str) -> bytes:
        self.check("read", path)
        return bytes(self.node(path).data)

    def write_bytes(self, path: str, data: Buffer) -> None:
        self.check("write", path, grow=len(data))
        node = self.make(path)
        node.changed(0)
        node.data = bytearray(data)
        node.modified_ms = self.now_ms()

    def write_atomic(self, path: str, data: Buffer) -> None:
        self.write_bytes(path + ".tmp", data)
        self.fsync_file(path + ".tmp")
        self.rename(path + ".tmp", path)

    def release_memory(self) -> None:
        pass

    def fsync_file(self, path: str) -> None:
        self.check("fsync", path)
        node = self._find(path)
        if isinstance(node, Node):
            node.fsync()

    def sync_all(self) -> bool:
        for _, node in self._walk(self._root, ""):
            node.fsync()
        return True

    def lock(self, path: str) -> MemoryLock:
        if path in self._locks:
            raise BlockingIOError(errno.EAGAIN, "locked", path)
        self.make(path)
        return MemoryLock(self._locks, path)

    def free_bytes(self, path: str) -> int:
        return self.total_bytes(path) - self.used_bytes()

    def total_bytes(self, path: str) -> int:
        return self.capacity_bytes if self.capacity_bytes is not None else 1 << 40

    def preallocate(self, file: File, size: int) -> None:
        """Blocks are free here."""

    def close(self) -> None:
        """Nothing to give back."""
