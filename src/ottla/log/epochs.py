"""Which leader epoch wrote which offsets of a partition (``LeaderEpochFileCache``, reference section 5.1).

Entries are (epoch, start offset), both strictly increasing. They stand in ``leader-epoch-checkpoint``. A change is
written by the next tick or flush: what is lost until then lies above the recovery point, where recovery learns the
epochs from the batches. An epoch that has written nothing yet is not worth a file: the next start would drop it.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable

from ..model.errors import CorruptData
from ..runtime.files import Files
from . import names
from .checkpoints import decode, encode

NO_EPOCH = -1
NO_OFFSET = -1

EpochEntry = tuple[int, int]
"""Epoch and the offset of the first batch that it wrote, or would have written."""


class LeaderEpochs:
    """The epochs of one partition. ``on_change`` is told when there is something to write."""

    __slots__ = (
        "_files",
        "_has_changed",
        "_writing",
        "_written",
        "directory",
        "entries",
        "latest_epoch",
        "on_change",
    )

    def __init__(self, files: Files, directory: str, *, on_change: Callable[[], None] = lambda: None) -> None:
        self._files = files
        self.directory = directory
        self.entries: list[EpochEntry] = []
        self.latest_epoch = NO_EPOCH
        self.on_change = on_change
        self._has_changed = False
        self._writing = threading.Lock()
        self._written: list[EpochEntry] | None = None  # what the file says, if there is one

    @property
    def path(self) -> str:
        """The checkpoint file."""
        return names.join(self.directory, names.LEADER_EPOCH_CHECKPOINT)

    def is_dirty(self, log_end_offset: int) -> bool:
        """Whether there is something to write; an epoch that has not written anything yet need not be."""
        if not self._has_changed:
            return False
        written = self._written or []
        return written not in (self.entries, [entry for entry in self.entries if entry[1] < log_end_offset])

    def load(self) -> None:
        """Read the file; raises CorruptData."""
        try:
            data = self._files.read_bytes(self.path)
        except FileNotFoundError:
            return
        self._written = []
        try:
            entries = [(int(epoch), int(offset)) for epoch, offset in decode(data, self.path, 2)]
        except ValueError as error:
            raise CorruptData(f"{self.path} has an entry that is no number") from error
        self.entries = []
        for epoch, offset in entries:
            self._put(epoch, offset)
        self._written = self.entries
        self._changed(quietly=True)

    def assign(self, epoch: int, start_offset: int) -> None:
        """Say that ``epoch`` writes from ``start_offset`` on.

        Nothing happens if it is the latest epoch and began no later. Entries that contradict the new one go.
        """
        assert epoch >= 0
        assert start_offset >= 0
        if self._put(epoch, start_offset):
            self._changed()

    def _put(self, epoch: int, start_offset: int) -> bool:
        entries = self.entries
        if entries and epoch == entries[-1][0] and start_offset >= entries[-1][1]:
            return False
        keep = len(entries)
        while keep and (entries[keep - 1][0] >= epoch or entries[keep - 1][1] >= start_offset):
            keep -= 1
        self.entries = [*entries[:keep], (epoch, start_offset)]
        return True

    def _changed(self, *, quietly: bool = False) -> None:
        self.latest_epoch = self.entries[-1][0] if self.entries else NO_EPOCH
        if not quietly:
            self._has_changed = True
            self.on_change()

    def end_offset_for(self, epoch: int, log_end_offset: int) -> EpochEntry:
        """Return the greatest known epoch that is at most ``epoch``, and where it ends.

        ``(-1, -1)`` if unknown.
        """
        entries = self.entries
        if epoch == NO_EPOCH or not entries:
            return NO_EPOCH, NO_OFFSET
        if epoch == entries[-1][0]:
            return epoch, log_end_offset
        higher = bisect_right(entries, epoch, key=lambda entry: entry[0])
        if higher == len(entries):
            return NO_EPOCH, NO_OFFSET
        if higher == 0:
            return epoch, entries[0][1]
        return entries[higher - 1][0], entries[higher][1]

    def epoch_of(self, offset: int) -> int:
        """Return the epoch that wrote ``offset``, or -1 if that is not known."""
        index = bisect_right(self.entries, offset, key=lambda entry: entry[1]) - 1
        return self.entries[index][0] if index >= 0 else NO_EPOCH

    def truncate_from_end(self, end_offset: int, *, quietly: bool = False) -> None:
        """Drop the epochs that begin at or after ``end_offset``.

        ``quietly`` does not have it written: the next start would do the same.
        """
        if self.entries and self.entries[-1][1] >= end_offset:
            self.entries = [entry for entry in self.entries if entry[1] < end_offset]
            self._changed(quietly=quietly)

    def truncate_from_start(self, start_offset: int) -> None:
        """Drop what lies below ``start_offset``; the epoch that wrote it now begins there."""
        below = bisect_right(self.entries, start_offset, key=lambda entry: entry[1])
        if below > 1 or (below == 1 and self.entries[0][1] < start_offset):
            self.entries = [(self.entries[below - 1][0], start_offset), *self.entries[below:]]
            self._changed()

    def clear(self) -> None:
        """Forget every epoch."""
        if self.entries:
            self.entries = []
            self._changed()

    def encode(self) -> bytes:
        """Return the file's content."""
        return _encode(self.entries)

    def write(self) -> None:
        """Write what has changed, synced; blocks, from any thread."""
        with self._writing:  # a flush and a tick may both come to it
            entries = self.entries
            if self._has_changed and entries != self._written:
                self._files.write_atomic(self.path, _encode(entries))
                self._written = entries

    def write_first(self) -> bool:
        """Write a file that is not there yet, unsynced: there is nothing that it could destroy. False if it is."""
        if self._written is not None or not self._writing.acquire(blocking=False):
            return False
        try:
            entries = self.entries
            self._files.write_bytes(self.path, _encode(entries))
            self._written = entries
        finally:
            self._writing.release()
        return True


def _encode(entries: Iterable[EpochEntry]) -> bytes:
    return encode([f"{epoch} {offset}" for epoch, offset in entries])
