"""What all logs of a node share: the disk, the clock, threads, and where to send what is to be done later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..model.errors import StorageError
from ..runtime.clock import Clock
from ..runtime.files import Files
from ..runtime.histogram import Histogram
from ..runtime.tasks import Tasks
from .trash import Trash

if TYPE_CHECKING:
    from .log import Log


def ignore_failure(log: Log, error: StorageError) -> None:
    """Tell nobody: for a log without a manager."""


class LogContext:
    """Arguments of every log.

    ``random_below(n)`` returns a whole number in [0, n). Without ``tasks`` nothing happens in the background:
    a log is then flushed by whoever calls :meth:`~ottla.log.log.Log.flush`.
    """

    __slots__ = (
        "clock",
        "dirty",
        "files",
        "flush_seconds",
        "on_failure",
        "producer_id_expiration_ms",
        "random_below",
        "tasks",
        "trash",
    )

    def __init__(
        self,
        *,
        files: Files,
        clock: Clock,
        tasks: Tasks | None = None,
        random_below: Callable[[int], int] = lambda bound: 0,
        producer_id_expiration_ms: int = 86_400_000,
        on_failure: Callable[[Log, StorageError], None] = ignore_failure,
    ) -> None:
        self.files = files
        self.clock = clock
        self.tasks = tasks
        self.random_below = random_below
        self.producer_id_expiration_ms = producer_id_expiration_ms
        self.on_failure = on_failure
        self.trash = Trash(files)
        self.flush_seconds = Histogram()
        """How long flushes of single logs took; those of a clean stop are not among them."""
        self.dirty: set[Log] = set()
        """Logs that were written to since the last tick looked after them."""
