"""The broker's side of a worker: a process that is started at first need and ended when it has nothing to do.

A plain subprocess and not ``multiprocessing``: nothing is forked from a process with threads, nothing of the broker's
main module is imported again, and it is the same on every system. What runs jobs is an argument of the cleaner
(:class:`.round.Runner`), so tests and simulations run them in place (:class:`.inline.InlineRunner`).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import ottla
from ottla.model.errors import CorruptData, StorageError

from .failures import DISK_FULL, DiskFullError, WorkerError

if TYPE_CHECKING:
    from .job import CleanedGroup, CleanJob, CleanStats

OnGroup = Callable[["CleanedGroup"], Awaitable[None]]

_LINE_LIMIT_BYTES = 64 << 20
_ROOT = str(Path(ottla.__file__).resolve().parent.parent)


class ProcessRunner:
    """Runs jobs in one worker process."""

    def __init__(self, max_bytes_per_second: float) -> None:
        self._max_bytes_per_second = max_bytes_per_second
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id while there is one."""
        return None if self._process is None else self._process.pid

    async def run(self, job: CleanJob, on_group: OnGroup) -> CleanStats:
        """Do ``job`` in the worker process, started for it if need be."""
        from . import wire

        process = await self.start()
        try:
            assert process.stdin is not None
            process.stdin.write(wire.encode("job", wire.job_content(job)))
            await process.stdin.drain()
            return await self._follow(process, on_group)
        except BaseException as error:
            await self._kill()
            if isinstance(error, ConnectionError):
                raise WorkerError("the compaction worker went away") from error
            raise

    def limit(self, max_bytes_per_second: float) -> None:
        """Tell the worker of a new limit."""
        from . import wire

        self._max_bytes_per_second = max_bytes_per_second
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(wire.encode("rate", max_bytes_per_second))

    async def close(self) -> None:
        """End the worker, if there is one."""
        await self._kill()

    async def _follow(self, process: asyncio.subprocess.Process, on_group: OnGroup) -> CleanStats:
        from . import wire

        assert process.stdout is not None
        while (line := await process.stdout.readline()).endswith(b"\n"):
            kind, content = wire.decode(line)
            if kind == "group":
                await on_group(wire.group_from(content))
            elif kind == "done":
                return wire.stats_from(content)
            else:
                raise _failure(*content)
        raise WorkerError("the compaction worker ended in the middle of a job")

    async def start(self) -> asyncio.subprocess.Process:
        """Return the worker's process, started if there is none; :meth:`run` does this by itself."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._kill()
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (_ROOT, environment.get("PYTHONPATH"))))
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NEW_PROCESS_GROUP
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"{__package__}.worker",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                limit=_LINE_LIMIT_BYTES,
                creationflags=flags,
            )
        except OSError as error:
            raise WorkerError(f"the compaction worker cannot be started: {error}") from error
        self.limit(self._max_bytes_per_second)
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def _failure(kind: str, message: str) -> Exception:
    if kind == CorruptData.__name__:
        return CorruptData(message)
    if kind == DISK_FULL:
        return DiskFullError(message)
    if kind in (StorageError.__name__, OSError.__name__):
        return StorageError(message)
    if kind == FileNotFoundError.__name__:
        return FileNotFoundError(message)
    return WorkerError(f"{kind}: {message}")
