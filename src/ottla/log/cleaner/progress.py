"""How far each log is compacted: ``cleaner-offset-checkpoint`` in every log directory.

An entry is the first dirty offset of a partition. The files are read at the node's start with those of the other
checkpoints, and written after each round, without the partitions that are gone. A partition that was deleted and made
again under the same name starts anew: the log manager takes what is left of an earlier log out of the file before it
makes one, since a kill may have come before the next round, and entries remember the topic's id for as long as the
process lives.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ottla.log.checkpoints import OffsetCheckpoint
from ottla.log.directory import LogDirectory
from ottla.log.log import Log
from ottla.model.ids import TopicPartition, Uuid


class _Directory:
    """What is known of one log directory."""

    __slots__ = ("checkpoint", "offsets")

    def __init__(self, checkpoint: OffsetCheckpoint, topic_ids: Mapping[TopicPartition, Uuid]) -> None:
        self.checkpoint = checkpoint
        self.offsets = {key: (offset, topic_ids[key]) for key, offset in checkpoint.entries.items() if key in topic_ids}


class Progress:
    """First dirty offsets of all logs. ``logs`` names those that exist, ``directories`` where they lie."""

    def __init__(self, directories: Sequence[LogDirectory], logs: Callable[[], Iterable[Log]]) -> None:
        self._logs = logs
        topic_ids = {log.topic_partition: log.topic_id for log in logs()}
        self._directories = {one.path: _Directory(one.first_dirty_offsets, topic_ids) for one in directories}

    def first_dirty_offset(self, log: Log) -> int | None:
        """Return the checkpoint of ``log``, None if it was never compacted."""
        offset, topic_id = self._directories[log_directory(log)].offsets.get(log.topic_partition, (None, None))
        return offset if topic_id == log.topic_id else None

    def set(self, log: Log, first_dirty_offset: int) -> None:
        """Remember a new first dirty offset; what :meth:`prepare` returns makes it durable."""
        directory = self._directories[log_directory(log)]
        directory.offsets[log.topic_partition] = (first_dirty_offset, log.topic_id)

    def forget(self, log: Log) -> None:
        """Forget a log that is being deleted."""
        self._directories[log_directory(log)].offsets.pop(log.topic_partition, None)

    def lower(self, log: Log, offset: int) -> None:
        """Say that ``log`` was truncated to ``offset``: what comes behind it now is dirty."""
        if (self.first_dirty_offset(log) or 0) > offset:
            self.set(log, offset)

    def content(self, directory: str) -> dict[TopicPartition, int]:
        """Return what is to be written for a directory: its partitions that exist."""
        present = {log.topic_partition for log in self._logs() if log_directory(log) == directory}
        offsets = self._directories[directory].offsets
        return {key: offset for key, (offset, _) in offsets.items() if key in present}

    def prepare(self, directory: str) -> Callable[[], bool]:
        """Return what writes a directory's checkpoint, to be called in a thread; it may raise StorageError."""
        return self._directories[directory].checkpoint.prepare(self.content(directory))


def log_directory(log: Log) -> str:
    """Return the log directory that a partition's folder lies in."""
    return log.directory.rpartition("/")[0]
