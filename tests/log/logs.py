"""Makes logs on a simulated disk for the tests of :mod:`ottla.log`."""

from dataclasses import replace

from ottla.log.config import LogConfig
from ottla.log.context import LogContext
from ottla.log.loading import create_log, load_log
from ottla.log.log import AppendInfo, Log
from ottla.model.ids import TopicPartition
from ottla.record.batch import BatchHeader, iter_batches, parse_header
from ottla.record.build import build_batch
from ottla.record.records import iter_records
from ottla.runtime.clock import ManualClock
from ottla.runtime.files import Files
from ottla.runtime.files.memory import MemoryFiles

PARTITION = TopicPartition("orders", 3)
DIRECTORY = "/data/orders-3"
TOPIC_ID = bytes(range(16))
NOW_MS = 1_700_000_000_000
SMALL = LogConfig(segment_bytes=1000, index_interval_bytes=100, segment_index_bytes=160)
"""Segments of a few batches, with several index entries each."""


class Bench:
    """One log on one disk, closed or crashed and opened again at will."""

    def __init__(self, config: LogConfig = SMALL, files: Files | None = None, directory: str = DIRECTORY) -> None:
        self.memory = MemoryFiles()
        self.files: Files = files if files is not None else self.memory
        self.clock = ManualClock(NOW_MS)
        self.memory.now_ms = self.clock.now_ms
        self.config = config
        self.directory = directory
        self.files.make_dir(directory.rpartition("/")[0])
        self.context = LogContext(files=self.files, clock=self.clock)
        self.log: Log = create_log(self.context, self.directory, PARTITION, TOPIC_ID, config)

    def configure(self, **values: object) -> None:
        """Change settings of the topic."""
        self.config = replace(self.config, **values)  # type: ignore[arg-type]  # a test's shorthand
        self.log.update_config(self.config)

    def append(self, count: int = 1, **options: int) -> AppendInfo:
        """Append one batch of ``count`` records; see :func:`make_batch`."""
        options.setdefault("timestamp", self.clock.now_ms())
        epoch = options.pop("leader_epoch", 0)
        batch, header = make_batch(count, **options)
        return self.log.append(batch, header, leader_epoch=epoch, now_ms=self.clock.now_ms())

    def commit(self) -> None:
        """Let everything be read and deleted."""
        self.log.high_watermark = self.log.log_end_offset

    def open(self, *, clean: bool, recovery_point: int | None = None, log_start_offset: int | None = None) -> Log:
        """Open the folder as at a start of the node."""
        old = self.log
        self.context = LogContext(files=self.files, clock=self.clock)
        self.log = load_log(
            self.context,
            self.directory,
            PARTITION,
            self.config,
            had_clean_shutdown=clean,
            recovery_point=old.recovery_point if recovery_point is None else recovery_point,
            log_start_offset=old.log_start_offset if log_start_offset is None else log_start_offset,
            high_watermark=old.high_watermark,
        )
        return self.log

    def restart(self) -> Log:
        """Stop cleanly and start."""
        self.log.close()
        return self.open(clean=True)

    def crash(self, **options: int) -> Log:
        """Cut the power and start."""
        self.memory.crash()
        return self.open(clean=False, **options)

    def path(self, name: str) -> str:
        """Return the path of a file in the partition's folder."""
        return f"{self.directory}/{name}"

    def names(self, suffix: str) -> list[str]:
        """Return the partition's files whose names end with ``suffix``."""
        return sorted(name for name in self.files.scan_dir(self.directory) if name.endswith(suffix))


def make_batch(
    count: int = 1,
    *,
    timestamp: int = NOW_MS,
    size: int = 40,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    mark: int = 0,
    step_ms: int = 0,
    codec: int = 0,
) -> tuple[bytearray, BatchHeader]:
    """Return a batch of ``count`` records with ``size`` bytes each, as a producer would send it."""
    records = [
        (timestamp + number * step_ms, b"key", b"%d/%d " % (mark, number) + bytes(max(0, size - 10)), ())
        for number in range(count)
    ]
    batch = build_batch(
        records,
        codec=codec,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        leader_epoch=-1,
    )
    return batch, parse_header(batch)


def read_all(log: Log, start: int | None = None, max_bytes: int = 1 << 20) -> list[tuple[int, bytes]]:
    """Return offset and value of every record from ``start`` on, through as many fetches as it takes."""
    offset = log.log_start_offset if start is None else start
    found: list[tuple[int, bytes]] = []
    while True:
        info = log.read(offset, max_bytes, verify_crc=True)
        if not info.size_bytes:
            assert offset >= log.log_end_offset or not found or info.next_offset == offset
            return found
        assert info.size_bytes == sum(map(len, info.buffers))
        for buffer in info.buffers:
            end = 0
            for position, header in iter_batches(buffer):
                end = position + header.size
                for record in iter_records(buffer, position, header, max_bytes=1 << 20):
                    if record.offset >= offset:
                        assert record.value is not None
                        found.append((record.offset, record.value))
                next_offset = header.next_offset
            assert end == len(buffer), "whole batches"
        assert info.next_offset == next_offset
        assert next_offset > offset
        offset = next_offset
