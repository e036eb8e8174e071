"""The cleaner: looks for the filthiest log, has it compacted, puts the outcome in place, and remembers how far it came.

One task for each of ``log.cleaner.threads``, each with a worker process of its own while there is work. A round takes
the log with the highest ratio of dirty bytes among those that are due, and is followed by the deletion of old segments
of all compacted logs: retention leaves these to the cleaner, so that nothing is deleted under a worker's hands. With
nothing due a task waits for ``log.cleaner.backoff.ms``. (LogCleaner, LogCleanerManager; reference section 8)

A log in which something was wrong is not tried again before the node's next start: it is reported once and counted in
:attr:`Cleaner.uncleanable`. A full disk, and a worker that died once, are no such thing. A log that is truncated,
deleted or no longer compacted while a worker is at it is left as it is.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from ottla.log.directory import LogDirectory
from ottla.log.log import Log
from ottla.log.retention import delete_in_turns
from ottla.model.errors import OttlaError, StorageError
from ottla.runtime.clock import Clock
from ottla.runtime.tasks import Tasks

from .candidates import Candidate, examine, needs_disk
from .config import IDLE_MS, CleanerConfig
from .failures import CleaningAborted, DiskFullError, WorkerError
from .figures import CleanerFigures
from .progress import Progress, log_directory
from .round import Round, Runner

logger = logging.getLogger(__name__)

_LOGS_AT_ONCE = 50
"""Logs looked at before the event loop gets its turn."""

RunnerFactory = Callable[[CleanerConfig], Runner]


def process_runner(config: CleanerConfig) -> Runner:
    """Return what runs jobs in a worker process; nothing is started or imported before the first one."""
    from .process import ProcessRunner

    return ProcessRunner(config.worker_bytes_per_second)


class Cleaner:
    """Compacts the logs that ``logs`` names, from :meth:`start` to :meth:`close`. Everything runs on the event loop.

    ``directories`` are where they lie, and what they left there was read.
    """

    def __init__(
        self,
        *,
        directories: Sequence[LogDirectory],
        clock: Clock,
        tasks: Tasks,
        logs: Callable[[], Iterable[Log]],
        config: CleanerConfig,
        runner: RunnerFactory = process_runner,
    ) -> None:
        self.config = config
        self.figures = CleanerFigures()
        self.uncleanable: set[Log] = set()
        """Logs that are not tried again before the next start."""
        self._warned: set[Log] = set()
        """Logs whose last round came to nothing, but not because of them as far as is known."""
        self._clock = clock
        self._tasks = tasks
        self._logs = logs
        self._make_runner = runner
        self._progress = Progress(directories, logs)
        self._in_progress: dict[Log, Round | None] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._runners: set[Runner] = set()
        self._awake = asyncio.Event()

    # -- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to compact, if ``log.cleaner.enable`` says so."""
        while self.config.enable and len(self._loops) < self.config.threads:
            name = f"log cleaner {len(self._loops)}"
            self._loops.append(self._tasks.spawn(self._run(), name=name))

    async def close(self) -> None:
        """Stop; what is being swapped in is finished first, what is being compacted is dropped."""
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    async def update_config(self, config: CleanerConfig) -> None:
        """Go by other settings: the limit of bytes a second at once, the others from the next round on."""
        self.config = config
        for runner in self._runners:
            runner.limit(config.worker_bytes_per_second)
        extra, self._loops = self._loops[config.threads :], self._loops[: config.threads]
        for loop in extra:
            loop.cancel()
        await asyncio.gather(*extra, return_exceptions=True)
        if self._loops:
            self.start()
        self.wake()

    def wake(self) -> None:
        """Look for work now and not only when ``log.cleaner.backoff.ms`` is over."""
        self._awake.set()

    # -- what happens to logs ----------------------------------------------------------------------------------

    async def abort(self, log: Log) -> None:
        """End the compaction of ``log`` if there is one; once this returns nothing of it goes on."""
        current = self._in_progress.get(log)
        if current is not None:
            await current.abort()

    def log_deleted(self, log: Log) -> None:
        """Forget a log that was deleted; a round that is under way for it comes to nothing."""
        self._end_round(log)
        self._progress.forget(log)
        self.uncleanable.discard(log)
        self._warned.discard(log)

    def log_truncated(self, log: Log, offset: int) -> None:
        """Take note that ``log`` ends at ``offset`` now; a round that is under way for it comes to nothing."""
        self._end_round(log)
        self._progress.lower(log, offset)

    def _end_round(self, log: Log) -> None:
        current = self._in_progress.get(log)
        if current is not None:
            current.abort_nowait()

    def first_dirty_offset(self, log: Log) -> int | None:
        """Return the offset up to which ``log`` was compacted, None if it never was."""
        return self._progress.first_dirty_offset(log)

    # -- the loop ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        runner = self._make_runner(self.config)
        self._runners.add(runner)
        worked_ms = self._clock.monotonic_ms()
        try:
            while True:
                if await self.turn(runner):
                    worked_ms = self._clock.monotonic_ms()
                    continue
                if self._clock.monotonic_ms() - worked_ms >= IDLE_MS:
                    await runner.close()
                await self._pause(self.config.backoff_ms)
        finally:
            self._runners.discard(runner)
            await runner.close()

    async def turn(self, runner: Runner) -> bool:
        """Compact the filthiest log, if one is due, and delete old segments; return whether one was compacted."""
        candidate = await self._filthiest()
        cleaned = candidate is not None and await self._clean(candidate, runner)
        await self._delete_old_segments()
        return cleaned

    async def _pause(self, duration_ms: int) -> None:
        timer = self._clock.call_later(duration_ms, self._awake.set)
        try:
            await self._awake.wait()
        finally:
            timer.cancel()
        self._awake.clear()

    async def _filthiest(self) -> Candidate | None:
        """Return the dirtiest of the logs that are due, marked as in progress, None if none is."""
        best: Candidate | None = None
        now_ms = self._clock.now_ms()
        self.figures.looked(now_ms)
        for number, log in enumerate(list(self._logs())):
            if number % _LOGS_AT_ONCE == _LOGS_AT_ONCE - 1:
                await asyncio.sleep(0)
            if not self._may_clean(log):
                continue
            candidate = await self._examine(log, now_ms)
            if candidate is None or candidate.dirt.total_bytes == 0:
                continue
            self.figures.found(candidate.dirt.ratio, candidate.delay_ms)
            if candidate.is_due and (best is None or candidate.dirt.ratio > best.dirt.ratio):
                best = candidate
        if best is None or not self._may_clean(best.log):  # another task may have been quicker
            return None
        self._in_progress[best.log] = None
        return best

    def _may_clean(self, log: Log) -> bool:
        return (
            log.config.is_compacted
            and not log.is_deleted
            and log.failure is None
            and log not in self._in_progress
            and log not in self.uncleanable
        )

    async def _examine(self, log: Log, now_ms: int) -> Candidate | None:
        try:
            checkpoint = self._progress.first_dirty_offset(log)
            if needs_disk(log):
                candidate = await self._tasks.in_thread(examine, log, checkpoint, now_ms)
            else:
                candidate = examine(log, checkpoint, now_ms)
        except (OttlaError, OSError) as error:
            self._give_up(log, error)
            return None
        if candidate.dirty.checkpoint_invalid:
            if not log.config.is_deleted:
                logger.warning("%s was compacted up to %s, which it does not hold: beginning anew", log, checkpoint)
            self._progress.set(log, candidate.dirty.first_dirty_offset)
        return candidate

    # -- one round ---------------------------------------------------------------------------------------------

    async def _clean(self, candidate: Candidate, runner: Runner) -> bool:
        """Compact a log; return whether that came to an end."""
        log = candidate.log
        started_ms = self._clock.monotonic_ms()
        current = self._in_progress[log] = Round(candidate, self.config, runner, self._tasks)
        try:
            stats = await current.run()
            self._progress.set(log, stats.end_offset)
            await self._save(log_directory(log))
        except CleaningAborted:
            self.figures.rounds_aborted += 1
        except DiskFullError as error:
            self.figures.rounds_failed += 1
            self._warn_once(log, error)
        except WorkerError as error:
            self.figures.rounds_failed += 1
            if log in self._warned:
                self._give_up(log, error)
            self._warn_once(log, error)
        except Exception as error:  # Kafka's cleaner gives up a log whatever was wrong, and so the others go on
            if not log.is_deleted:
                self.figures.rounds_failed += 1
                self._give_up(log, error)
        else:
            self._warned.discard(log)
            self.figures.cleaned(stats, self._clock.monotonic_ms() - started_ms)
            logger.info(
                "compacted %s from %d to %d: %d bytes became %d",
                log.topic_partition,
                candidate.dirty.first_dirty_offset,
                stats.end_offset,
                stats.bytes_read,
                stats.bytes_written,
            )
            return True
        finally:
            del self._in_progress[log]
        return False

    def _warn_once(self, log: Log, error: Exception) -> None:
        if log not in self._warned:
            self._warned.add(log)
            logger.warning("%s was not compacted, another attempt follows: %s", log.topic_partition, error)

    def _give_up(self, log: Log, error: Exception) -> None:
        if log not in self.uncleanable:
            self.uncleanable.add(log)
            trace = None if isinstance(error, (OttlaError, OSError)) else error
            what = "%s is not compacted any more until the next start: %s"
            logger.error(what, log.topic_partition, error, exc_info=trace)

    async def _save(self, directory: str) -> None:
        await self._tasks.in_thread(self._progress.prepare(directory))

    async def _delete_old_segments(self) -> None:
        """Retention for compacted logs, and what lies below a log's start (``LogCleaner.cleanFilthiestLog``)."""
        now_ms = self._clock.now_ms()
        for number, log in enumerate(list(self._logs())):
            if number % _LOGS_AT_ONCE == _LOGS_AT_ONCE - 1:
                await asyncio.sleep(0)
            below_start = log.log_start_offset > log.segments[0].base_offset
            if (below_start or log.config.is_deleted) and self._may_clean(log):
                try:
                    await delete_in_turns(log, now_ms)
                except StorageError as error:
                    self._give_up(log, error)
