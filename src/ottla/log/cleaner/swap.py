"""Puts a finished segment in the place of those it was made from, so that a crash at any point loses nothing.

The order is Kafka's, and start-up (``LogLoader``) finishes or undoes what a crash interrupted:

1. ``*.cleaned`` is durable, written by the worker. Start-up removes it.
2. It becomes ``*.swap``, and the names are made durable. As long as one file is still ``*.cleaned`` start-up removes
   them all; from then on it puts them in place.
3. The old segments become ``*.deleted``. Readers who have them go on reading them.
4. ``*.swap`` gets its final name, and the log gets the new segment for the old ones, at once.
5. The names are made durable; the old files are removed after ``file.delete.delay.ms``.

Steps 3 and 4 run on the event loop, like everything that changes a log's segments, a few segments at a time.
"""

import asyncio
from collections.abc import Callable, Sequence

from ottla.log import names
from ottla.log.log import Log
from ottla.log.segment import Segment
from ottla.runtime.files import Files
from ottla.runtime.tasks import Tasks

from .job import CleanedGroup
from .round import CleaningAborted

_AT_ONCE = 16
"""Segments renamed before the event loop gets its turn: about a millisecond."""


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
            for number, segment in enumerate(self._old, 1):
                segment.change_suffix(names.DELETED)
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
                    self._check()
        except CleaningAborted:
            self._undo()
            raise
        new = self._put_in_place()
        await self._in_thread(self._sync_names)
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

    def _put_in_place(self) -> Segment:
        log = self._log
        for path in self._paths(names.SWAP):
            if self._files.exists(path):
                self._files.rename(path, path.removesuffix(names.SWAP))
        new = Segment(
            self._files,
            log.directory,
            self._group.base_offset,
            index_interval_bytes=log.config.index_interval_bytes,
            segment_index_bytes=log.config.segment_index_bytes,
            created_ms=log.context.clock.now_ms(),
        )
        new.is_inactive = True
        new.close()
        log.replace_segments([new], self._old, log.context.clock.now_ms())
        for segment in self._old:
            if segment.base_offset != new.base_offset:
                log.producers.remove_snapshot(segment.base_offset)
        return new

    def _undo(self) -> None:
        """Bring the log back to where it was.

        A crash before the old segments have their names again completes the swap at the next start; a crash after
        that finds a ``*.cleaned`` file and so removes the ``*.swap`` ones.
        """
        if self._log.is_deleted:
            return  # the whole folder goes
        for segment in self._old:
            if self._log.segments.floor(segment.base_offset) is segment:
                segment.change_suffix("")
        self._sync_names()
        log_path, *others = self._paths(names.SWAP)
        cleaned_path = log_path.removesuffix(names.SWAP) + names.CLEANED
        self._files.rename(log_path, cleaned_path)
        for path in others:
            self._files.remove(path)
        self._files.remove(cleaned_path)

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
