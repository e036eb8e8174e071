"""Where a node keeps what it must not forget: the disk port, the metastore on it, and how its logs are compacted.

:class:`DiskStorage` is what a node lives on unless it is told otherwise. Its counterpart without a disk is
:class:`~ottla.broker.memory_storage.MemoryStorage`, in a module of its own because few nodes need it.
"""

from typing import TYPE_CHECKING, Protocol

from ottla.broker.limits import flush_policy
from ottla.log.cleaner.config import CleanerConfig
from ottla.log.cleaner.manager import process_runner
from ottla.log.cleaner.round import Runner
from ottla.metastore.embedded import EmbeddedMetastore
from ottla.metastore.interface import Metastore
from ottla.runtime.clock import Clock
from ottla.runtime.files import Files, RealFiles
from ottla.runtime.settings import BrokerConfig
from ottla.runtime.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable


class Storage(Protocol):
    """What a node is given to live on. One node at a time has it."""

    @property
    def files(self) -> Files:
        """The disk of the logs."""

    def open_metastore(self, config: BrokerConfig, *, tasks: Tasks, clock: Clock) -> Metastore:
        """Open the store of the metadata; OperatorError if that cannot be done."""

    def cleaner_runner(self, config: CleanerConfig) -> Runner:
        """Return what runs the compaction of this storage's logs."""

    def place(self, config: BrokerConfig) -> str:
        """Say where the data is, for the ``ready`` line."""

    def promise(self, config: BrokerConfig) -> str:
        """Say in a few words what an acknowledgement means, for the ``ready`` line."""

    def close(self) -> None:
        """Give back what was opened; it is opened again when it is needed."""


class DiskStorage:
    """The machine's own disk: SQLite for the metadata, a process of its own for compaction unless told otherwise."""

    def __init__(
        self, *, files: Files | None = None, runner: "Callable[[CleanerConfig], Runner]" = process_runner
    ) -> None:
        self.files: Files = files or RealFiles()
        self._runner = runner

    def open_metastore(self, config: BrokerConfig, *, tasks: Tasks, clock: Clock) -> Metastore:
        """Open ``metadata.db``."""
        return EmbeddedMetastore.open(config.metadata_dir, tasks=tasks, clock=clock)

    def cleaner_runner(self, config: CleanerConfig) -> Runner:
        """Return what runs jobs, in a worker process unless told otherwise."""
        return self._runner(config)

    def place(self, config: BrokerConfig) -> str:
        """Name the folders."""
        return ",".join(config.log_dirs)

    def promise(self, config: BrokerConfig) -> str:
        """Name the flush policy."""
        return flush_policy(config)

    def close(self) -> None:
        """Close every file."""
        self.files.close()
