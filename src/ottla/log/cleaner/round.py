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
from .failures import CleaningAborted

if TYPE_CHECKING:
    from ottla.log.segment import Segment

    from .job import CleanedGroup, CleanJob, CleanStats


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
        end_offset = candidate.dirt.end_offset
        sizes = [summary.size_bytes for summary in candidate.summaries]
        self._sources = {
            segment: size
            for segment, size in zip(candidate.segments, sizes, strict=True)
            if segment.base_offset < end_offset
        }
        """The segments that were not replaced yet, each with the size in bytes that the worker reads of it."""
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
            raise
        finally:
            if running.done() and not running.cancelled():
                running.exception()  # whoever is cancelled does not ask for it
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
        await self._tasks.in_thread(_import_parts)
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

        base_offsets = set(group.source_base_offsets)
        old = [segment for segment in self._sources if segment.base_offset in base_offsets]
        swapping = asyncio.ensure_future(Swap(self._log, group, old, self._is_as_it_was).run())
        try:
            await _to_the_end(swapping)
        finally:
            if not swapping.cancelled() and isinstance(error := swapping.exception(), StorageError):
                self._log.fail(error)
        for segment in old:
            del self._sources[segment]

    def _is_as_it_was(self) -> bool:
        """Tell whether the log is still to be compacted, and nothing of what the worker saw was cut off or replaced.

        Every segment counts, not only those that are to be swapped: a record must not give way to one that is gone.
        """
        log = self._log
        if self.is_aborted or log.is_deleted or log.failure is not None or not log.config.is_compacted:
            return False
        return all(
            log.segments.floor(segment.base_offset) is segment
            and segment is not log.segments.active
            and segment.log.size == size
            for segment, size in self._sources.items()
        )

    def _tidy(self) -> None:
        from .output import remove_cleaned

        with contextlib.suppress(StorageError, OSError):  # start-up removes them as well
            remove_cleaned(self._log.context.files, self._log.directory)


def _import_parts() -> None:
    """Import what only a round needs; the first time that takes longer than the event loop should be held."""
    from . import swap, wire  # noqa: F401 - for the next one who imports them


async def _to_the_end(task: asyncio.Future[Segment]) -> None:
    """Wait for ``task``, also when the waiting is cancelled: then until it is done, and raise afterwards."""
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
