"""Bringing a log to the disk: group commit, and what one flush has to do.

A flush is gathered on the event loop and done in a thread. One at a time for each log: whoever comes while one is
under way is served by the next, together with everybody else who came meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..model.errors import StorageError
from ..runtime.files import Files
from . import names
from .epochs import LeaderEpochs
from .segment import Segment

if TYPE_CHECKING:
    from .log import Log


class FlushWork:
    """Bring a log's bytes in ``[start_offset, end_offset)`` to the disk, and first what they need to be found
    again.

    Names of new files (and the partition's own folder), its metadata, epochs and snapshots come before the
    records: a recovery point must never promise what a start cannot find.
    """

    __slots__ = (
        "active",
        "directory",
        "end_offset",
        "epochs",
        "files",
        "has_new_names",
        "segments",
        "snapshots",
        "start_offset",
    )

    def __init__(
        self,
        *,
        files: Files,
        directory: str,
        start_offset: int,
        end_offset: int,
        segments: Sequence[Segment],
        active: Segment,
        epochs: LeaderEpochs,
        snapshots: Sequence[str],
        has_new_names: bool,
    ) -> None:
        self.files = files
        self.directory = directory
        self.start_offset = start_offset
        self.end_offset = end_offset
        self.segments = segments
        self.active = active
        self.epochs = epochs
        self.snapshots = snapshots
        self.has_new_names = has_new_names

    def run_after_sync(self) -> None:
        """Do what is left after a sync of everything: hear of errors with the records. Blocks; raises StorageError."""
        for segment in self.segments:
            segment.log.fsync()

    def run(self) -> None:
        """Do it; blocks. Raises StorageError."""
        self.epochs.write()
        for snapshot in self.snapshots:
            self.files.fsync_file(snapshot)
        if self.has_new_names:
            self.files.fsync_file(names.join(self.directory, names.PARTITION_METADATA))
            self.files.fsync_file(self.epochs.path)
            self.files.fsync_dir(self.directory)
            self.files.fsync_dir(self.directory.rpartition("/")[0] or ".")
        for segment in self.segments:
            segment.fsync(indexes=segment is not self.active or segment.is_inactive)


class Flusher:
    """The flushing side of one log; keeps what is new since the last flush and has to go with the next."""

    __slots__ = ("_flushing", "_log", "has_new_names", "last_flush_ms", "snapshots")

    def __init__(self, log: Log, *, has_new_names: bool) -> None:
        self._log = log
        self._flushing: asyncio.Future[None] | None = None
        self.last_flush_ms = log.context.clock.now_ms()
        self.has_new_names = has_new_names
        self.snapshots: list[int] = []

    async def flush_through(self, offset: int) -> None:
        """Return once everything below ``offset`` is on the disk; raises StorageError if that cannot be."""
        log = self._log
        while log.recovery_point < min(offset, log.log_end_offset) and not log.is_deleted:
            if log.failure is not None:
                raise log.failure
            flushing = self._flushing
            if flushing is None:
                flushing = self._flushing = asyncio.ensure_future(self._flush_once())
            await asyncio.shield(flushing)  # one waiter who gives up does not stop the others'

    async def _flush_once(self) -> None:
        log = self._log
        work = self._gather(log.log_end_offset)
        generation = log.reader.generation
        started_ms = log.context.clock.monotonic_ms()
        try:
            if log.context.tasks is None:
                work.run()
            else:
                await log.context.tasks.in_thread(work.run)
        except StorageError as error:
            log.fail(error)
        except FileNotFoundError as error:
            if not log.is_deleted and log.reader.generation == generation:
                log.fail(StorageError(f"a file of {log.topic_partition} is gone: {error}"))
        else:
            log.context.flush_seconds.observe((log.context.clock.monotonic_ms() - started_ms) / 1000)
            self._flushed(work, generation)
        finally:
            self._flushing = None

    def flush(self, up_to_offset: int, *, after_sync: bool = False) -> None:
        """Flush here and now, blocking; raises StorageError. ``after_sync``: the whole disk was synced just now."""
        log = self._log
        if log.failure is not None:
            raise log.failure
        work = self._gather(min(up_to_offset, log.log_end_offset))
        try:
            if after_sync:
                work.run_after_sync()
            else:
                work.run()
        except StorageError as error:
            log.fail(error)
            raise
        self._flushed(work, log.reader.generation)

    def request(self, up_to_offset: int) -> None:
        """Flush in the background, if there is one: a rolled segment goes to the disk now, not with the next crash."""
        tasks = self._log.context.tasks
        if tasks is not None and self._log.recovery_point < up_to_offset:
            tasks.spawn(self._flush_quietly(up_to_offset), name=f"flush {self._log.topic_partition}")

    async def _flush_quietly(self, up_to_offset: int) -> None:
        with contextlib.suppress(StorageError):  # the log has failed and said so
            await self.flush_through(up_to_offset)

    def _gather(self, end_offset: int) -> FlushWork:
        log = self._log
        snapshots, self.snapshots = self.snapshots, []
        has_new_names, self.has_new_names = self.has_new_names, False
        return FlushWork(
            files=log.context.files,
            directory=log.directory,
            start_offset=log.recovery_point,
            end_offset=end_offset,
            segments=log.segments.between(log.recovery_point, max(end_offset, log.recovery_point + 1)),
            active=log.segments.active,
            epochs=log.leader_epochs,
            snapshots=[log.producers.snapshot_path(offset) for offset in snapshots],
            has_new_names=has_new_names,
        )

    def _flushed(self, work: FlushWork, generation: int) -> None:
        log = self._log
        self.last_flush_ms = log.context.clock.now_ms()
        if log.reader.generation == generation:
            log.recovery_point = max(log.recovery_point, work.end_offset)
