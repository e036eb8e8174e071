"""Runs jobs without a process of their own."""

from collections.abc import Awaitable, Callable

from ottla.model.errors import StorageError
from ottla.runtime.clock import Clock
from ottla.runtime.files import Files

from .failures import DiskFullError, is_disk_full
from .job import CleanedGroup, CleanJob, CleanStats, clean
from .throttle import Throttle


class InlineRunner:
    """Runs jobs in place, on any file system: for tests and simulations."""

    def __init__(self, files: Files, clock: Clock) -> None:
        self._files = files
        self._throttle = Throttle(float("inf"), clock.monotonic_ms, lambda _: None)

    async def run(self, job: CleanJob, on_group: Callable[[CleanedGroup], Awaitable[None]]) -> CleanStats:
        """Do ``job`` here and now, then tell of its segments."""
        try:
            stats = clean(job, self._files, self._throttle, lambda _: None)
        except StorageError as error:
            raise (DiskFullError(str(error)) if is_disk_full(error) else error) from None
        for group in stats.groups:
            await on_group(group)
        return stats

    def limit(self, max_bytes_per_second: float) -> None:
        """Nothing waits here."""

    async def close(self) -> None:
        """Nothing is kept."""
