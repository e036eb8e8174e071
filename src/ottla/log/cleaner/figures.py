"""What the cleaner can say of itself, under the names of Kafka's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .job import CleanStats


class CleanerFigures:
    """Gauges of ``kafka.log:type=LogCleaner`` and ``LogCleanerManager``, and totals since the start."""

    __slots__ = (
        "bytes_read",
        "bytes_written",
        "cleaner_recopy_percent",
        "last_run_ms",
        "max_buffer_utilization_percent",
        "max_clean_time_secs",
        "max_compaction_delay_secs",
        "max_dirty_percent",
        "rounds",
        "rounds_aborted",
        "rounds_failed",
    )

    def __init__(self) -> None:
        self.bytes_read = 0
        self.bytes_written = 0
        self.cleaner_recopy_percent = 0
        self.last_run_ms = 0
        """When logs were last looked at, by the wall clock."""
        self.max_buffer_utilization_percent = 0
        self.max_clean_time_secs = 0.0
        self.max_compaction_delay_secs = 0.0
        self.max_dirty_percent = 0
        self.rounds = 0
        self.rounds_aborted = 0
        self.rounds_failed = 0

    def looked(self, now_ms: int) -> None:
        """Logs are being looked at."""
        self.last_run_ms = now_ms
        self.max_dirty_percent = 0
        self.max_compaction_delay_secs = 0.0

    def found(self, ratio: float, delay_ms: int) -> None:
        """A log was found with this ratio of dirty bytes."""
        self.max_dirty_percent = max(self.max_dirty_percent, int(100 * ratio))
        self.max_compaction_delay_secs = max(self.max_compaction_delay_secs, delay_ms / 1000.0)

    def cleaned(self, stats: CleanStats, elapsed_ms: float) -> None:
        """A round has ended well."""
        self.rounds += 1
        self.bytes_read += stats.bytes_read
        self.bytes_written += stats.bytes_written
        self.cleaner_recopy_percent = 100 * stats.bytes_written // max(1, stats.bytes_read)
        self.max_buffer_utilization_percent = int(100 * stats.map_utilization)
        self.max_clean_time_secs = elapsed_ms / 1000.0
