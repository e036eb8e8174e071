"""What the rest of Ottla may ask of a disk.

Paths are plain ``str`` with ``/`` between the parts. A missing file raises FileNotFoundError; everything else
that the disk refuses raises :class:`~ottla.model.errors.StorageError`. All calls may block except those named
``*_nowait``, and all may be made from any thread; writes to one file must come from one thread at a time.
"""

from collections.abc import Callable
from typing import Protocol

Buffer = bytes | bytearray | memoryview


class Lock(Protocol):
    """A held lock on a file; the operating system drops it when the process ends."""

    def release(self) -> None:
        """Let others have it; harmless the second time."""


class File(Protocol):
    """One file; its descriptor comes and goes with the pool."""

    path: str

    @property
    def size(self) -> int:
        """Bytes, always current: only this object writes the file."""

    def append(self, *buffers: Buffer) -> None:
        """Write at the end, all of it in one system call.

        After an error nothing of it remains and StorageError rises.
        """

    def pwrite(self, data: Buffer, pos: int) -> None:
        """Write ``data`` at ``pos``; the file grows if it must."""

    def pread(self, size: int, pos: int) -> bytes:
        """Return up to ``size`` bytes from ``pos``; fewer only at the end of the file."""

    def pread_nowait(self, size: int, pos: int) -> Buffer | None:
        """As :meth:`pread`, or None if the bytes are not in memory: the disk would have to be waited for."""

    def truncate(self, size: int) -> None:
        """Cut the file to ``size`` bytes."""

    def fsync(self) -> None:
        """Wait until every byte written so far is on the disk.

        After one failure every later call fails as well: the kernel may have dropped the pages that it could
        not write, and a second fsync that succeeds says nothing about them.
        """

    def moved(self, path: str) -> None:
        """Say that the file now has another name, because it or a folder above it was renamed."""

    def close(self) -> None:
        """Give the descriptor back; the object stays usable and opens it again when needed."""


class Files(Protocol):
    """A file system."""

    def open(self, path: str, *, create: bool = False, size: int | None = None) -> File:
        """Return the file.

        With ``size`` (bytes, known from :meth:`scan_dir`) the disk is not touched before the first use.
        """

    def create(self, path: str) -> None:
        """Make an empty file unless there is one, without keeping it open."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of that name."""

    def size(self, path: str) -> int:
        """Size in bytes."""

    def modified_ms(self, path: str) -> int:
        """When the file was last written, in milliseconds since the epoch."""

    def set_modified_ms(self, path: str, modified_ms: int) -> None:
        """Set what :meth:`modified_ms` returns."""

    def list_dir(self, path: str) -> list[str]:
        """Names in a folder, in no order."""

    def list_dirs(self, path: str) -> list[str]:
        """Names of the folders in a folder."""

    def scan_dir(self, path: str) -> dict[str, int]:
        """Names of the plain files in a folder, each with its size in bytes."""

    def make_dir(self, path: str) -> None:
        """Make a folder and those above it; one that exists is fine."""

    def rename(self, source: str, target: str) -> None:
        """Rename a file or a folder, replacing a file of that name."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""

    def remove_tree(self, path: str) -> None:
        """Remove a folder with all that is in it; one that is not there is fine."""

    def fsync_dir(self, path: str) -> None:
        """Make the names in a folder durable."""

    def read_bytes(self, path: str) -> bytes:
        """The whole content of a file."""

    def write_bytes(self, path: str, data: Buffer) -> None:
        """Replace a file's content in place, not synced."""

    def write_atomic(self, path: str, data: Buffer) -> None:
        """Replace a file so that a crash leaves the old or the new content whole.

        Write beside, fsync, rename, fsync.
        """

    def release_memory(self) -> None:
        """Give back memory for reading that was not used since this was called last."""

    def fsync_file(self, path: str) -> None:
        """Wait until a closed file's content is on the disk; one that is not there is fine."""

    def sync_all(self) -> bool:
        """Have everything that was written brought to the disk at once, where the system can; whether it could.

        Errors are not reported: fsync what must not be lost afterwards; it has little left to do.
        """

    def lock(self, path: str) -> Lock:
        """Take the lock file at ``path``, making it if needed; BlockingIOError if another holds it."""

    def free_bytes(self, path: str) -> int:
        """Bytes that can still be written to the file system that holds ``path``."""

    def total_bytes(self, path: str) -> int:
        """Size of the file system that holds ``path``."""

    def preallocate(self, file: File, size: int) -> None:
        """Reserve ``size`` bytes for a file without changing its size, where the system can.

        Else do nothing.
        """

    def close(self) -> None:
        """Close every descriptor."""


CrashKeep = Callable[[str, int], int]
"""Given a path and the bytes appended since its last fsync: how many of them a crash leaves."""
