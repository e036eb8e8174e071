"""Puts a finished segment in the place of those it was made from, so that a crash at any point loses nothing.

The order is Kafka's, and start-up (``LogLoader``) finishes or undoes what a crash interrupted:

1. ``*.cleaned`` is durable, written by the worker. Start-up removes it.
2. It becomes ``*.swap``, and the names are made durable. As long as one file is still ``*.cleaned`` start-up removes
   them all; from then on it puts them in place.
3. The log gets the new segment for the old ones, at once. Whoever is still reading an old one looks again.
4. The old segments become ``*.deleted``, in the order of their offsets: no tombstone goes before its key's values.
5. ``*.swap`` gets its final name, and the names are made durable. The old files are removed after
   ``file.delete.delay.ms``.

Until step 3 it can be called off; from then on it goes through. Steps 3 and 5 run on the event loop, as everything does
that changes where a log's readers look; the rest, and all that waits for the disk, in a thread.
"""

from collections.abc import Callable, Sequence

from ottla.log import names
from ottla.log.log import Log
from ottla.log.segment import Segment
from ottla.model.errors import StorageError
from ottla.runtime.files import Files
from ottla.runtime.tasks import Tasks

from .failures import CleaningAborted
from .job import CleanedGroup


class Swap:
    """One group's way into its log.

    ``old``: the segments that it was made from, in order. ``is_wanted`` is asked whenever something else may have
    happened.
    """

    def __init__(self, log: Log, group: CleanedGroup, old: Sequence[Segment], is_wanted: Callable[[], bool]) -> None:
        self._log = log
        self._files: Files = log.context.files
        self._tasks: Tasks | None = log.context.tasks
        self._group = group
        self._old = old
        self._is_wanted = is_wanted

    async def run(self) -> Segment:
        """Do it, and return the new segment.

        Raises CleaningAborted with the log as it was, StorageError in the middle: the next start finishes it then.
        """
        self._check()
        await self._in_thread(self._announce)
        try:
            self._check()
        except CleaningAborted:
            await self._in_thread(self._withdraw)
            raise
        new = self._publish()
        try:
            await self._in_thread(self._retire)
            if new.suffix == names.SWAP and not self._log.is_deleted:  # else it was deleted, or cut off, already
                new.change_suffix("")
            await self._in_thread(self._sync_names)
        except FileNotFoundError as error:
            if not self._log.is_deleted:
                raise StorageError(f"a file of {self._log.topic_partition} is gone: {error}") from error
        due_ms = self._log.context.clock.now_ms() + self._log.config.file_delete_delay_ms
        for segment in self._old:
            for path in segment.paths():
                self._log.context.trash.add(path, due_ms)
        return new

    def _check(self) -> None:
        if not self._is_wanted():
            raise CleaningAborted

    def _announce(self) -> None:
        """``*.cleaned`` becomes ``*.swap``, durably."""
        for path in self._paths(names.CLEANED):
            if self._files.exists(path):
                self._files.rename(path, path.removesuffix(names.CLEANED) + names.SWAP)
        self._sync_names()

    def _withdraw(self) -> None:
        """Remove what nobody wants any more; with a ``*.cleaned`` there, start-up does so as well."""
        if self._log.is_deleted:
            return  # the whole folder goes
        log_path, *others = self._paths(names.SWAP)
        cleaned_path = log_path.removesuffix(names.SWAP) + names.CLEANED
        self._files.rename(log_path, cleaned_path)
        for path in (*others, cleaned_path):
            self._files.remove(path)

    def _publish(self) -> Segment:
        """Let the log, and whoever reads it from now on, have the new segment."""
        log = self._log
        new = Segment(
            self._files,
            log.directory,
            self._group.base_offset,
            index_interval_bytes=log.config.index_interval_bytes,
            segment_index_bytes=log.config.segment_index_bytes,
            created_ms=log.context.clock.now_ms(),
            suffix=names.SWAP,
        )
        new.is_inactive = True
        log.segments.replace([new], self._old)
        for segment in self._old:
            segment.is_current = False
        log.reader.forget()
        gone = {segment.base_offset for segment in self._old} - {new.base_offset}
        log.producers.snapshots = [offset for offset in log.producers.snapshots if offset not in gone]
        return new

    def _retire(self) -> None:
        """The old segments become ``*.deleted``; their producer snapshots go."""
        for segment in self._old:
            segment.change_suffix(names.DELETED)
            segment.close()
            if segment.base_offset != self._group.base_offset:
                self._files.remove(self._log.producers.snapshot_path(segment.base_offset))

    def _paths(self, suffix: str) -> list[str]:
        base_offset = self._group.base_offset
        return [names.segment_path(self._log.directory, base_offset, kind + suffix) for kind in names.SEGMENT_SUFFIXES]

    def _sync_names(self) -> None:
        self._files.fsync_dir(self._log.directory)

    async def _in_thread(self, function: Callable[[], None]) -> None:
        if self._tasks is None:
            function()
        else:
            await self._tasks.in_thread(function)
