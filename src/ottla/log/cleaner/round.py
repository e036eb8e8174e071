"""One round of compaction of one log, from its job to the last swap, which can be ended at any moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from ottla.log.log import Log
from ottla.model.errors import OttlaError, StorageError
from ottla.runtime.tasks import Tasks

from .candidates import Candidate, job_for
from .config import CleanerConfig

if TYPE_CHECKING:
    from .job import CleanedGroup, CleanJob, CleanStats


class CleaningAborted(Exception):  # noqa: N818 - not an error: the log changed under the cleaner
    """The log was truncated, deleted, or is no longer to be compacted."""


class WorkerError(OttlaError):
    """A worker ended, or failed in a way that says nothing about the disk."""


class DiskFullError(StorageError):
    """There is no room for the new segment; the log is as it was."""


class Runner(Protocol):
    """Does jobs, one at a time."""

    async def run(self, job: CleanJob, on_group: Callable[[CleanedGroup], Awaitable[None]]) -> CleanStats:
        """Do ``job``, telling of each finished segment; errors as :func:`ottla.log.cleaner.job.clean`, and WorkerError.

        When this is cancelled, nothing writes or reads for the job any more once it returns.
        """

    def limit(self, max_bytes_per_second: float) -> None:
        """Change how fast the job in hand, and the next ones, may read and write."""

    async def close(self) -> None:
        """Give back everything that running jobs needs; the next job takes it anew."""


class Round:
    """Compacts the log of ``candidate``. :meth:`run` is called once."""

    def __init__(self, candidate: Candidate, config: CleanerConfig, runner: Runner, tasks: Tasks) -> None:
        self.is_aborted = False
        self._candidate = candidate
        self._log: Log = candidate.log
        self._config = config
        self._runner = runner
        self._tasks = tasks
        self._running: asyncio.Task[CleanStats] | None = None

    async def run(self) -> CleanStats:
        """Do it, and return the figures.

        Raises CleaningAborted, or what was wrong with the log, the disk or the worker. However it ends, nothing goes on
        then and nothing half done is left behind.
        """
        running = self._running = asyncio.ensure_future(self._run())
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()
            raise
        finally:
            await self._tasks.in_thread(self._tidy)
        if running.cancelled() or self.is_aborted:
            raise CleaningAborted
        return running.result()

    async def abort(self) -> None:
        """End the round, and return when nothing of it goes on."""
        self.abort_nowait()
        if self._running is not None:
            await asyncio.wait([self._running])

    def abort_nowait(self) -> None:
        """Make sure that nothing of the round is swapped in any more, unless that is under way."""
        self.is_aborted = True
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> CleanStats:
        # What is compacted is on the disk first: then no flush meets segments on their way out.
        await self._log.flush_through(self._candidate.dirt.end_offset)
        job = job_for(self._candidate, self._config, self._log.context.clock.now_ms())
        try:
            return await self._runner.run(job, self._swap)
        except (OttlaError, OSError) as error:
            if self._is_as_it_was():
                raise
            raise CleaningAborted from error

    async def _swap(self, group: CleanedGroup) -> None:
        from .swap import Swap

        sources = set(group.source_base_offsets)
        old = {
            segment: summary.size_bytes
            for segment, summary in zip(self._candidate.segments, self._candidate.summaries, strict=True)
            if segment.base_offset in sources
        }
        swapping = asyncio.ensure_future(Swap(self._log, group, old, self._is_wanted).run())
        try:
            await asyncio.shield(swapping)
        except asyncio.CancelledError:
            with contextlib.suppress(CleaningAborted):
                await swapping
            raise
        except StorageError as error:
            self._log.fail(error)
            raise

    def _is_wanted(self) -> bool:
        log = self._log
        return log.config.is_compacted and not (self.is_aborted or log.is_deleted or log.failure is not None)

    def _is_as_it_was(self) -> bool:
        """Whether the log still ends where it did or later, and is still to be compacted."""
        return self._is_wanted() and self._log.log_end_offset >= self._candidate.dirt.end_offset

    def _tidy(self) -> None:
        from .output import remove_cleaned

        with contextlib.suppress(StorageError, OSError):  # start-up removes them as well
            remove_cleaned(self._log.context.files, self._log.directory)
