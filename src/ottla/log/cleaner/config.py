"""The broker's settings of compaction (reference section 3.2; ``CleanerConfig`` upstream)."""

from collections.abc import Mapping
from dataclasses import dataclass

IDLE_MS = 60_000
"""How long a worker process waits for work before it is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanerConfig:
    """Typed settings with Kafka's defaults; all but ``enable`` may change while the node runs. Sizes in bytes."""

    enable: bool = True
    threads: int = 1
    dedupe_buffer_size: int = 134_217_728
    io_buffer_size: int = 524_288
    io_buffer_load_factor: float = 0.9
    io_max_bytes_per_second: float = 1.7976931348623157e308
    backoff_ms: int = 15_000

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> "CleanerConfig":
        """Take what concerns compaction from typed values by Kafka's names (``log.cleaner.*``)."""
        values: dict[str, object] = {}
        for name in cls.__slots__:
            value = settings.get("log.cleaner." + name.replace("_", "."))
            if value is not None:
                values[name] = value
        return cls(**values)  # type: ignore[arg-type]  # typed by the settings' table, which a mapping cannot say

    @property
    def map_bytes(self) -> int:
        """Memory for one worker's map of keys; never more than 2 GiB (Kafka's limit)."""
        return min(self.dedupe_buffer_size // self.threads, 2**31 - 1)

    @property
    def buffer_bytes(self) -> int:
        """Size of one worker's read buffer; the write buffer has as much."""
        return max(1, self.io_buffer_size // self.threads // 2)

    @property
    def worker_bytes_per_second(self) -> float:
        """What one worker may read and write."""
        return self.io_max_bytes_per_second / self.threads
