"""Kafka's checkpoint files: small text files with a version, a count, and one entry per line.

Format and failure rules: reference section 4.1 (``CheckpointFile`` upstream). An empty file has no entries,
whatever is wrong otherwise raises CorruptData.
"""

import threading
from collections.abc import Callable, Iterable, Mapping

from ..model.errors import CorruptData
from ..model.ids import TopicPartition
from ..runtime.files import Files

VERSION = 0


def encode(lines: Iterable[str]) -> bytes:
    """Return the file's content for the entries' lines."""
    entries = list(lines)
    return "\n".join([str(VERSION), str(len(entries)), *entries, ""]).encode()


def decode(data: bytes, path: str, columns: int) -> list[list[str]]:
    """Return the entries, each split into ``columns`` words.

    Raise CorruptData if that is not what is in the file.
    """
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError as error:
        raise CorruptData(f"{path} is not UTF-8") from error
    if not lines:
        return []
    try:
        version, count = int(lines[0]), int(lines[1])
    except (ValueError, IndexError) as error:
        raise CorruptData(f"{path} does not begin with a version and a count") from error
    if version != VERSION:
        raise CorruptData(f"{path} has version {version}; {VERSION} is known")
    entries = [line.split() for line in lines[2:] if line.strip()]
    if len(entries) != count:
        raise CorruptData(f"{path} says it has {count} entries and has {len(entries)}")
    for entry in entries:
        if len(entry) != columns:
            raise CorruptData(f"{path} has an entry of {len(entry)} words instead of {columns}: {' '.join(entry)}")
    return entries


class OffsetCheckpoint:
    """One offset for each of many partitions.

    Recovery points, log starts, high watermarks, first dirty offsets. One writes at a time, and what was prepared
    first never overwrites what was prepared later: an offset of a deleted partition must not come back.
    """

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self.path = path
        self.entries: Mapping[TopicPartition, int] = {}
        """What the file says."""
        self._lock = threading.Lock()
        self._prepared: Mapping[TopicPartition, int] = {}
        self._prepared_count = 0
        self._last_written = 0

    def read(self) -> Mapping[TopicPartition, int]:
        """Return what was written last; nothing if there is no file. Raises CorruptData."""
        try:
            data = self._files.read_bytes(self.path)
        except FileNotFoundError:
            return {}
        try:
            self.entries = {
                TopicPartition(topic, int(partition)): int(offset)
                for topic, partition, offset in decode(data, self.path, 3)
            }
        except ValueError as error:
            raise CorruptData(f"{self.path} has an entry that is no number") from error
        return self.entries

    def differs(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Whether :meth:`write` would change anything."""
        return offsets != self.entries

    def write(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Replace the file; return False without touching the disk if it says so already. Blocks."""
        return self.prepare(offsets)()

    def prepare(self, offsets: Mapping[TopicPartition, int]) -> Callable[[], bool]:
        """Return what does the same as :meth:`write`, to be called in a thread."""
        self._prepared = offsets
        self._prepared_count += 1
        number = self._prepared_count

        def write() -> bool:
            with self._lock:
                if number < self._last_written or not self.differs(offsets):
                    return False
                lines = [f"{topic} {partition} {offset}" for (topic, partition), offset in offsets.items()]
                self._files.write_atomic(self.path, encode(lines))
                self.entries = offsets
                self._last_written = number
                return True

        return write

    def mentions(self, topic_partition: TopicPartition) -> bool:
        """Whether the file has an offset for the partition, or is about to."""
        return topic_partition in self.entries or topic_partition in self._prepared
