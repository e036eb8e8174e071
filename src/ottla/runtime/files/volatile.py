"""A disk in memory for a node that has none: quick, held once, forgotten with the process.

:class:`~ottla.runtime.files.memory.MemoryFiles` has the names; what is left out here is what only a simulation needs:
no second copy of what was synced, no faults, no counting. A file that is open keeps its content when its name goes, as
a descriptor does, and lets go of it when it is closed: the memory of a removed file is free as soon as nobody has it
open.

A file is one ``bytearray``: it grows in place, and what is read is copied once. Both are single steps to other
threads, so a reader in a thread never meets half of an append.
"""

# ruff: noqa: D102 - the port documents the methods

from .memory import MemoryFiles, Node
from .port import Buffer


class VolatileFile:
    """See :class:`~ottla.runtime.files.port.File`."""

    __slots__ = ("_files", "_node", "path")

    def __init__(self, files: "VolatileFiles", path: str, node: Node | None) -> None:
        self.path = path
        self._files = files
        self._node = node

    def content(self) -> Node:
        """Return what is held while the file is open; FileNotFoundError if it is closed and its name is gone."""
        node = self._node
        if node is None:
            node = self._node = self._files.node(self.path)
        return node

    @property
    def size(self) -> int:
        return len(self.content().data)

    def append(self, *buffers: Buffer) -> None:
        node = self.content()
        for buffer in buffers:
            node.data += buffer
        node.modified_ms = self._files.now_ms()

    def pwrite(self, data: Buffer, pos: int) -> None:
        node = self.content()
        if pos > len(node.data):
            node.data += bytes(pos - len(node.data))
        node.data[pos : pos + len(data)] = data
        node.modified_ms = self._files.now_ms()

    def pread(self, size: int, pos: int) -> bytes:
        return bytes(self.content().data[pos : pos + size])

    def pread_nowait(self, size: int, pos: int) -> Buffer | None:
        return self.content().data[pos : pos + size]

    def truncate(self, size: int) -> None:
        node = self.content()
        del node.data[size:]
        node.data += bytes(size - len(node.data))
        node.modified_ms = self._files.now_ms()

    def fsync(self) -> None:
        """There is nothing that could be lost."""

    def moved(self, path: str) -> None:
        self.path = path

    def close(self) -> None:
        self._node = None


class VolatileFiles(MemoryFiles):
    """See :class:`~ottla.runtime.files.port.Files`."""

    def check(self, action: str, path: str, *, grow: int = 0) -> None:
        """Nothing fails here."""

    def open(self, path: str, *, create: bool = False, size: int | None = None) -> VolatileFile:
        if create:
            return VolatileFile(self, path, self.make(path))
        return VolatileFile(self, path, None if size is not None else self.node(path))

    def fsync_file(self, path: str) -> None:
        """There is nothing that could be lost."""

    def sync_all(self) -> bool:
        return True
