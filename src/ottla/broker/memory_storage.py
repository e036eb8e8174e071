"""A node without a disk: logs and metadata in this process's memory, compaction in line.

Nothing is written anywhere. The storage may outlive a node and be given to the next, which then finds everything as
the first one left it, as after a restart of a process.
"""

from ottla.log.cleaner.config import CleanerConfig
from ottla.log.cleaner.inline import InlineRunner
from ottla.metastore.memory import MemoryMetastore
from ottla.runtime.clock import Clock, SystemClock
from ottla.runtime.files import Files
from ottla.runtime.files.volatile import VolatileFiles
from ottla.runtime.settings import BrokerConfig
from ottla.runtime.tasks import Tasks


class MemoryStorage:
    """See :class:`~ottla.broker.storage.Storage`. ``files`` replaces the disk in memory by another."""

    def __init__(self, *, clock: Clock | None = None, files: Files | None = None) -> None:
        self._clock = clock or SystemClock()
        self.files: Files = files or VolatileFiles(now_ms=self._clock.now_ms)
        self._metastore = MemoryMetastore(clock=self._clock)

    def open_metastore(self, config: BrokerConfig, *, tasks: Tasks, clock: Clock) -> MemoryMetastore:
        """Return a store that holds what the last one held."""
        self._metastore = self._metastore.reopened()
        return self._metastore

    def cleaner_runner(self, config: CleanerConfig) -> InlineRunner:
        """Return what runs jobs in place: no other process can see these files."""
        return InlineRunner(self.files, self._clock)

    def place(self, config: BrokerConfig) -> str:
        """Say that there is no folder."""
        return "memory"

    def promise(self, config: BrokerConfig) -> str:
        """Say that nothing survives the process."""
        return "memory (nothing is on disk: everything is gone when the process ends)"

    def close(self) -> None:
        """Keep everything."""
        self.files.close()
