"""What has to be asked of the operating system: the process and the disks. Asked in a thread: it may take long."""

import os
import sys
import time
from contextlib import suppress
from typing import NamedTuple

from ottla.model.errors import StorageError
from ottla.runtime.files import Files

PROC = "/proc/self/"


class Outside(NamedTuple):
    """The answers; None where the system does not say."""

    cpu_seconds: float
    resident_bytes: int | None
    virtual_bytes: int | None
    open_files: int | None
    max_files: int | None
    threads: int | None
    start_seconds: float | None
    disks: list[tuple[str, int, int]]
    """Folder, free bytes and size of its file system; those that cannot be asked are left out."""


def ask(files: Files, folders: list[str]) -> Outside:
    """Ask; blocks."""
    times = os.times()
    resident = virtual = threads = open_files = start_seconds = None
    if sys.platform == "linux":
        with suppress(OSError, ValueError, IndexError):
            with open(PROC + "stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - not worth the import
                # Behind the name, which may hold anything, the fields from the third on.
                fields = stat.read().rpartition(")")[2].split()
            threads, virtual = int(fields[17]), int(fields[20])
            resident = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
            start_seconds = booted + int(fields[19]) / os.sysconf("SC_CLK_TCK")
            open_files = len(os.listdir(PROC + "fd")) - 1  # noqa: PTH208 - one of them is this folder's
    disks = []
    for folder in folders:
        with suppress(StorageError, OSError):
            disks.append((folder, files.free_bytes(folder), files.total_bytes(folder)))
    return Outside(
        cpu_seconds=times.user + times.system,
        resident_bytes=resident,
        virtual_bytes=virtual,
        open_files=open_files,
        max_files=_max_files(),
        threads=threads,
        start_seconds=start_seconds,
        disks=disks,
    )


def _max_files() -> int | None:
    limit = None
    if sys.platform != "win32":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit
