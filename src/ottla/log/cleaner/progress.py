"""How far each log is compacted: ``cleaner-offset-checkpoint`` in every log directory.

An entry is the first dirty offset of a partition. The files are read once, when a directory is first asked about, and
written after each round, without the partitions that are gone. A partition that was deleted and made again under the
same name starts anew: entries remember the topic's id for as long as the process lives.
"""

import logging
from collections.abc import Callable, Iterable

from ottla.log import names
from ottla.log.checkpoints import OffsetCheckpoint
from ottla.log.log import Log
from ottla.model.errors import CorruptData
from ottla.model.ids import TopicPartition, Uuid
from ottla.runtime.files import Files

logger = logging.getLogger(__name__)


class _Directory:
    """What is known of one log directory."""

    __slots__ = ("checkpoint", "offsets")

    def __init__(self, files: Files, path: str) -> None:
        self.checkpoint = OffsetCheckpoint(files, names.join(path, names.CLEANER_CHECKPOINT))
        self.offsets: dict[TopicPartition, tuple[int, Uuid | None]] = {}
        try:
            self.offsets = {key: (offset, None) for key, offset in self.checkpoint.read().items()}
        except CorruptData as error:
            # Nothing is lost by it: compaction begins at the start again.
            logger.warning("%s; its logs count as never compacted", error)


class Progress:
    """First dirty offsets of all logs. ``logs`` names those that exist."""

    def __init__(self, files: Files, logs: Callable[[], Iterable[Log]]) -> None:
        self._files = files
        self._logs = logs
        self._directories: dict[str, _Directory] = {}

    def load(self, log_directory: str) -> None:
        """Read a directory's checkpoint unless that was done before; blocks."""
        if log_directory not in self._directories:
            self._directories[log_directory] = _Directory(self._files, log_directory)

    def is_loaded(self, log_directory: str) -> bool:
        """Whether :meth:`first_dirty_offset` can be answered."""
        return log_directory in self._directories

    def first_dirty_offset(self, log: Log) -> int | None:
        """Return the checkpoint of ``log``, None if it was never compacted."""
        offset, topic_id = self._directories[log_directory(log)].offsets.get(log.topic_partition, (None, None))
        return offset if topic_id is None or topic_id == log.topic_id else None

    def set(self, log: Log, first_dirty_offset: int) -> None:
        """Remember a new first dirty offset; :meth:`write` makes it durable."""
        directory = self._directories[log_directory(log)]
        directory.offsets[log.topic_partition] = (first_dirty_offset, log.topic_id)

    def forget(self, log: Log) -> None:
        """Forget a log that is being deleted."""
        directory = self._directories.get(log_directory(log))
        if directory is not None:
            directory.offsets.pop(log.topic_partition, None)

    def lower(self, log: Log, offset: int) -> None:
        """Say that ``log`` was truncated to ``offset``: what comes behind it now is dirty."""
        directory = self._directories.get(log_directory(log))
        if directory is not None and (self.first_dirty_offset(log) or 0) > offset:
            self.set(log, offset)

    def content(self, directory: str) -> dict[TopicPartition, int]:
        """Return what is to be written for a directory: its partitions that exist."""
        present = {log.topic_partition for log in self._logs() if log_directory(log) == directory}
        offsets = self._directories[directory].offsets
        return {key: offset for key, (offset, _) in offsets.items() if key in present}

    def write(self, directory: str, content: dict[TopicPartition, int]) -> None:
        """Write a directory's checkpoint; blocks. Raises StorageError."""
        self._directories[directory].checkpoint.write(content)


def log_directory(log: Log) -> str:
    """Return the log directory that a partition's folder lies in."""
    return log.directory.rpartition("/")[0]
