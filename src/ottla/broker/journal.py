"""The partitions of ``__consumer_offsets`` as the group coordinator sees them: batches of keys and values.

Written with the codec of ``offsets.topic.compression.codec``, unless the topic has one of its own, and read back whole
batches at a time, opened here, so that the coordinator knows nothing of logs
(:class:`ottla.coordinator.group.ports.Journal`).
"""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from ottla.coordinator.group.ports import JournalBatch
from ottla.coordinator.group.records import KeyValue
from ottla.record.batch import BatchHeader, iter_batches, parse_header
from ottla.record.build import build_batch
from ottla.record.compress import Codec
from ottla.record.records import iter_records
from ottla.replica.driver import Replicas
from ottla.runtime.tasks import Tasks

if TYPE_CHECKING:
    from ottla.runtime.settings import BrokerConfig

TOPIC = "__consumer_offsets"
MAX_OPENED_BYTES = 256 << 20
COMMIT_MARKER = 1


class PartitionJournal:
    """Reads and writes ``__consumer_offsets`` through the partitions that this node leads."""

    def __init__(self, replicas: Replicas, tasks: Tasks, config: "BrokerConfig") -> None:
        self._replicas = replicas
        self._tasks = tasks
        self._config = config

    def max_batch_bytes(self, partition: int) -> int:
        """How large a batch may be, in bytes."""
        return self._replicas.partition(TOPIC, partition).rules.max_message_bytes

    def is_empty(self, partition: int) -> bool:
        """Whether there is nothing to load."""
        log = self._replicas.partition(TOPIC, partition).log
        return log.log_start_offset == log.log_end_offset

    async def load(self, partition: int) -> AsyncIterator[JournalBatch]:
        """Read everything from the start, as much in one turn as ``offsets.load.buffer.size`` says."""
        found = self._replicas.partition(TOPIC, partition)
        log = found.log
        offset = log.log_start_offset
        end_offset = log.log_end_offset
        while offset < end_offset:
            read = await self._tasks.in_thread(
                found.read, offset, self._config.int("offsets.load.buffer.size"), min_one_message=True, nowait=False
            )
            if read is None or not read.size_bytes:
                return
            for buffer in read.buffers:
                for position, header in iter_batches(buffer):
                    if header.last_offset >= offset:
                        yield _journal_batch(buffer, position, header)
            offset = read.next_offset

    async def append(self, partition: int, records: Sequence[KeyValue], now_ms: int) -> None:
        """Write one batch and wait until it is as durable as the topic asks for."""
        found = self._replicas.partition(TOPIC, partition)
        rules = found.rules
        codec = rules.compression
        if codec is None:
            codec = Codec(self._config.int("offsets.topic.compression.codec"))
        batch = build_batch(
            [(now_ms, key, value, []) for key, value in records],
            codec=codec,
            level=rules.compression_level,
            base_sequence=0,  # without a producer it means nothing, but it is what stands in Kafka's own logs
        )
        info = found.append_validated(batch, parse_header(batch), now_ms=now_ms)
        if found.log.high_watermark <= info.last_offset:
            await self._replicas.flush_through(found, info.last_offset + 1)


def _journal_batch(buffer: bytes | bytearray | memoryview, position: int, header: BatchHeader) -> JournalBatch:
    records = iter_records(buffer, position, header, max_bytes=MAX_OPENED_BYTES)
    if header.is_control:
        kinds = [int.from_bytes(record.key[2:4], "big") for record in records if record.key is not None]
        return JournalBatch(
            (),
            base_offset=header.base_offset,
            producer_id=header.producer_id,
            commits=bool(kinds) and kinds[0] == COMMIT_MARKER,
        )
    return JournalBatch(
        [(record.key, record.value) for record in records if record.key is not None],
        base_offset=header.base_offset,
        producer_id=header.producer_id if header.is_transactional else -1,
    )
