"""A log manager and a cleaner in memory, with jobs run in place and time under control."""

from collections.abc import Callable, Sequence
from typing import Any

from ottla.log.cleaner.config import CleanerConfig
from ottla.log.cleaner.inline import InlineRunner
from ottla.log.cleaner.manager import Cleaner
from ottla.log.cleaner.round import Runner
from ottla.log.config import LogConfig
from ottla.log.log import Log
from ottla.log.manager import LogManager
from ottla.model.ids import TopicPartition
from ottla.record.batch import parse_header
from ottla.record.build import build_batch
from ottla.runtime.clock import ManualClock
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.tasks import Tasks

DIRECTORY = "/data"
COMPACTED = LogConfig(
    cleanup_policy=frozenset({"compact"}), min_cleanable_dirty_ratio=0.1, segment_bytes=300, index_interval_bytes=100
)


class CleanerNode:
    """What of a node compaction needs. ``runner`` makes what runs jobs, in place unless given."""

    def __init__(
        self,
        files: MemoryFiles | None = None,
        *,
        config: CleanerConfig | None = None,
        runner: Callable[["CleanerNode"], Runner] | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.files = files if files is not None else MemoryFiles(now_ms=self.clock.now_ms)
        self.tasks = Tasks(threads=1)
        self.uuids = 0
        self._runner = runner
        self.logs = LogManager(
            files=self.files,
            clock=self.clock,
            tasks=self.tasks,
            dirs=[DIRECTORY],
            default_config=COMPACTED,
            fresh_uuid=self._fresh_uuid,
        )
        self.logs.open(node_id=1)
        self.logs.load()
        self.logs.cleans_compacted = True
        self.cleaner = Cleaner(
            directories=self.logs.directories,
            clock=self.clock,
            tasks=self.tasks,
            logs=lambda: self.logs,
            config=config or CleanerConfig(dedupe_buffer_size=1 << 20),
            runner=lambda _: self.runner(),
        )

    def runner(self) -> Runner:
        """Return what runs jobs."""
        return self._runner(self) if self._runner is not None else InlineRunner(self.files, self.clock)

    def _fresh_uuid(self) -> bytes:
        self.uuids += 1
        return self.uuids.to_bytes(16, "big")

    def log(self, topic: str = "topic", **changes: Any) -> Log:
        """Make a log."""
        from dataclasses import replace

        topic_partition = TopicPartition(topic, 0)
        return self.logs.create(topic_partition, self._fresh_uuid(), replace(COMPACTED, **changes))

    def append(self, log: Log, *entries: tuple[bytes | None, bytes | None], **fields: Any) -> None:
        """Append a batch, and let the high watermark follow."""
        records = [(self.clock.now_ms(), key, value, ()) for key, value in entries]
        one = build_batch(records, **fields)
        log.append(one, parse_header(one), leader_epoch=0, now_ms=self.clock.now_ms())
        log.high_watermark = log.log_end_offset

    def fill(self, log: Log, keys: Sequence[bytes], rounds: int = 20) -> dict[bytes, bytes]:
        """Write each key ``rounds`` times; return the last value of each."""
        last = {}
        for number in range(rounds):
            for key in keys:
                last[key] = b"value %d" % number
                self.append(log, (key, last[key]))
        return last

    async def compact(self) -> int:
        """Let the cleaner do all that is due; return how many rounds that were."""
        runner = self.runner()
        rounds = 0
        while await self.cleaner.turn(runner):
            rounds += 1
        return rounds

    async def close(self) -> None:
        """Stop."""
        await self.cleaner.close()
        await self.tasks.close()


def contents(log: Log) -> list[tuple[int, bytes | None, bytes | None]]:
    """Return offset, key and value of all that a reader finds."""
    from ottla.record.batch import iter_batches
    from ottla.record.records import iter_records

    found = []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        info = log.read(offset, 1 << 20)
        if not info.size_bytes:
            break
        for buffer in info.buffers:
            for pos, header in iter_batches(buffer):
                found += [
                    (record.offset, record.key, record.value)
                    for record in iter_records(buffer, pos, header, max_bytes=1 << 20)
                ]
        assert info.next_offset > offset
        offset = info.next_offset
    return found
