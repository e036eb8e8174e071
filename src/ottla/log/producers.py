"""What idempotent producers have written to a partition: sequences, duplicates, epochs, snapshots.

``ProducerStateManager``, ``ProducerAppendInfo`` and ``ProducerStateEntry`` upstream; rules in reference
section 7.1, the snapshot's format in section 4.2. Of each producer the last five batches are remembered, so
that one that is sent again is answered instead of written again. A snapshot keeps only the last batch.

Transactions are followed as far as a log needs that Apache Kafka wrote: a transactional batch opens one, a
control batch ends it.
"""

from collections import deque
from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

from ..model.error_codes import ErrorCode
from ..model.errors import ApiError, CorruptData
from ..record.batch import BatchHeader
from ..record.crc import crc32c
from ..record.records import iter_records
from ..runtime.files import Buffer, Files
from . import names

BATCHES_REMEMBERED = 5
NO_SEQUENCE = -1
NO_EPOCH = -1
NO_OFFSET = -1
SNAPSHOT_VERSION = 1
_HEAD = Struct(">hIi")
_CRC_START = 6
_ENTRY = Struct(">qhiqiqiq")
_MARKER_KEY = Struct(">hh")
_MARKER_VALUE = Struct(">hi")


class ProducerBatch(NamedTuple):
    """One batch that a producer wrote; its first offset is ``last_offset - offset_delta``."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_sequence(self) -> int:
        """The sequence of its first record; they wrap around after 2147483647."""
        return (self.last_sequence - self.offset_delta) & 0x7FFFFFFF

    @property
    def first_offset(self) -> int:
        """The offset of its first record."""
        return self.last_offset - self.offset_delta


ProducerState = tuple[int, tuple[ProducerBatch, ...], int, int, int]
"""Epoch, batches, last timestamp, coordinator epoch, first offset of the open transaction."""


class Producer:
    """One producer id. ``batches`` ends with the latest; timestamps in ms."""

    __slots__ = (
        "batches",
        "coordinator_epoch",
        "current_txn_first_offset",
        "epoch",
        "last_timestamp",
        "producer_id",
    )

    def __init__(self, producer_id: int) -> None:
        self.producer_id = producer_id
        self.epoch = NO_EPOCH
        self.batches: deque[ProducerBatch] = deque(maxlen=BATCHES_REMEMBERED)
        self.last_timestamp = -1
        self.coordinator_epoch = -1
        self.current_txn_first_offset = NO_OFFSET

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record it wrote; -1 if none is known."""
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    @property
    def last_offset(self) -> int:
        """The offset of the last record it wrote; -1 if none is known."""
        return self.batches[-1].last_offset if self.batches else NO_OFFSET

    def state(self) -> ProducerState:
        """Return everything there is to know, to compare."""
        transaction = self.current_txn_first_offset
        return self.epoch, tuple(self.batches), self.last_timestamp, self.coordinator_epoch, transaction

    def expired(self, now_ms: int, expiration_ms: int) -> bool:
        """Whether nobody would miss it; one with an open transaction never expires."""
        return self.current_txn_first_offset == NO_OFFSET and now_ms - self.last_timestamp >= expiration_ms


class Producers:
    """All producers of one partition, and the snapshots of them in its folder."""

    __slots__ = ("_files", "directory", "expiration_ms", "last_snapshot_offset", "producers", "snapshots")

    def __init__(self, files: Files, directory: str, *, expiration_ms: int) -> None:
        self._files = files
        self.directory = directory
        self.expiration_ms = expiration_ms
        self.producers: dict[int, Producer] = {}
        self.snapshots: list[int] = []
        """Offsets of the snapshot files, ascending."""
        self.last_snapshot_offset = -1

    def __len__(self) -> int:
        return len(self.producers)

    def state(self) -> dict[int, ProducerState]:
        """Return everything that is known, to compare."""
        return {producer_id: producer.state() for producer_id, producer in self.producers.items()}

    # -- appending ---------------------------------------------------------------------------------------------------

    def check(self, header: BatchHeader) -> ProducerBatch | None:
        """Check a client's batch before it is written; return the batch that it repeats, if it does.

        Raises ApiError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE.
        """
        producer = self.producers.get(header.producer_id)
        if producer is None:
            return None  # everything it wrote is gone: any sequence will do
        epoch, first_sequence = header.producer_epoch, header.base_sequence
        if producer.epoch == epoch:
            last_sequence = header.last_sequence
            for batch in producer.batches:
                if batch.last_sequence == last_sequence and batch.first_sequence == first_sequence:
                    return batch
        elif epoch < producer.epoch:
            raise ApiError(
                ErrorCode.INVALID_PRODUCER_EPOCH,
                f"producer {header.producer_id} has epoch {producer.epoch} by now; the batch says {epoch}",
            )
        self._check_sequence(producer, epoch, first_sequence)
        if producer.current_txn_first_offset != NO_OFFSET and not header.is_transactional:
            raise ApiError(ErrorCode.INVALID_TXN_STATE, f"producer {header.producer_id} has an open transaction")
        return None

    def _check_sequence(self, producer: Producer, epoch: int, first_sequence: int) -> None:
        if epoch != producer.epoch:
            expected = 0 if producer.epoch != NO_EPOCH else first_sequence
        elif not producer.batches and producer.epoch == NO_EPOCH:
            expected = first_sequence
        else:
            expected = (producer.last_sequence + 1) & 0x7FFFFFFF
        if first_sequence != expected:
            raise ApiError(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"producer {producer.producer_id} epoch {epoch} sent sequence {first_sequence}, not {expected}",
            )

    def add(self, header: BatchHeader, base_offset: int) -> None:
        """Remember a data batch that was written at ``base_offset``."""
        producer = self.producers.get(header.producer_id)
        if producer is None:
            producer = self.producers[header.producer_id] = Producer(header.producer_id)
        if producer.epoch != header.producer_epoch:
            producer.batches.clear()
            producer.epoch = header.producer_epoch
        delta = header.last_offset_delta
        producer.batches.append(ProducerBatch(header.last_sequence, base_offset + delta, delta, header.max_timestamp))
        producer.last_timestamp = header.max_timestamp
        if header.is_transactional and producer.current_txn_first_offset == NO_OFFSET:
            producer.current_txn_first_offset = base_offset

    def replay(self, header: BatchHeader, buf: Buffer, pos: int) -> None:
        """Take up a batch that is in the log already: nothing is checked."""
        if header.producer_id < 0:
            return
        if header.is_control:
            self._end_transaction(header, buf, pos)
        else:
            self.add(header, header.base_offset)

    def _end_transaction(self, header: BatchHeader, buf: Buffer, pos: int) -> None:
        for record in iter_records(buf, pos, header, max_bytes=1024):
            if record.key is None or len(record.key) < _MARKER_KEY.size or _MARKER_KEY.unpack_from(record.key)[1] > 1:
                return
            producer = self.producers.get(header.producer_id)
            if producer is None:
                producer = self.producers[header.producer_id] = Producer(header.producer_id)
            if producer.epoch != header.producer_epoch:
                producer.batches.clear()
                producer.epoch = header.producer_epoch
            producer.current_txn_first_offset = NO_OFFSET
            producer.last_timestamp = record.timestamp
            if record.value is not None and len(record.value) >= _MARKER_VALUE.size:
                producer.coordinator_epoch = _MARKER_VALUE.unpack_from(record.value)[1]
            return  # a control batch that compaction has emptied ends nothing any more

    def expire(self, now_ms: int) -> int:
        """Forget the producers that were silent for ``producer.id.expiration.ms``.

        Return how many those were.
        """
        expired = [key for key, value in self.producers.items() if value.expired(now_ms, self.expiration_ms)]
        for producer_id in expired:
            del self.producers[producer_id]
        return len(expired)

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def encode(self) -> bytes:
        """Return a snapshot's content."""
        body = bytearray(_HEAD.pack(SNAPSHOT_VERSION, 0, len(self.producers)))
        for _, producer in sorted(self.producers.items()):  # as a HashMap of few ids has them
            last = producer.batches[-1] if producer.batches else ProducerBatch(NO_SEQUENCE, NO_OFFSET, 0, -1)
            body += _ENTRY.pack(
                producer.producer_id,
                producer.epoch,
                last.last_sequence,
                last.last_offset,
                last.offset_delta,
                producer.last_timestamp,
                producer.coordinator_epoch,
                producer.current_txn_first_offset,
            )
        crc = crc32c(memoryview(body)[_CRC_START:])
        _HEAD.pack_into(body, 0, SNAPSHOT_VERSION, crc, len(self.producers))
        return bytes(body)

    def take_snapshot(self, end_offset: int) -> bool:
        """Write the state as of ``end_offset``, exclusive, unless there is one; not synced."""
        if end_offset <= self.last_snapshot_offset:
            return False
        self._files.write_bytes(self.snapshot_path(end_offset), self.encode())
        if end_offset not in self.snapshots:
            self.snapshots = sorted([*self.snapshots, end_offset])
        self.last_snapshot_offset = end_offset
        return True

    def snapshot_path(self, end_offset: int) -> str:
        """Return the path of the snapshot as of ``end_offset``."""
        return names.segment_path(self.directory, end_offset, names.SNAPSHOT)

    def load(self, log_start_offset: int, log_end_offset: int, now_ms: int, *, keep_last: bool = True) -> int:
        """Replace the state by the latest snapshot's in range; return from which offset on to replay the log.

        Snapshots out of range (above the end, or at or below the start) are removed, and those that are damaged. With
        ``keep_last`` one at the end stays even if the log is empty: Kafka drops it, and forgets the producers.
        """
        self.producers = {}
        is_empty = log_start_offset == log_end_offset
        lowest = log_start_offset if keep_last and is_empty else log_start_offset + 1
        for offset in [at for at in self.snapshots if at > log_end_offset or at < lowest]:
            self.remove_snapshot(offset)
        while self.snapshots:
            offset = self.snapshots[-1]
            try:
                loaded = decode_snapshot(self._files.read_bytes(self.snapshot_path(offset)))
            except (CorruptData, FileNotFoundError):
                self.remove_snapshot(offset)
                continue
            expiration_ms = self.expiration_ms
            self.producers = {
                producer.producer_id: producer for producer in loaded if not producer.expired(now_ms, expiration_ms)
            }
            self.last_snapshot_offset = offset
            return offset
        self.last_snapshot_offset = log_start_offset
        return log_start_offset

    def remember(self, producers: Iterable[Producer]) -> None:
        """Take back the batches that recovery met: a snapshot told the last one only.

        Kafka forgets them. Of several batches that were under way when the node was killed it then refuses all but the
        last as out of order when they come again, and the client writes them twice, under a new epoch.
        """
        for known in producers:
            producer = self.producers.get(known.producer_id)
            if producer is not None and list(producer.batches)[-1:] == list(known.batches)[-1:]:
                producer.batches = known.batches

    def clear(self, offset: int) -> None:
        """Forget everything, snapshots included: the log starts anew at ``offset``."""
        self.producers = {}
        for at in self.snapshots:
            self._files.remove(self.snapshot_path(at))
        self.snapshots = []
        self.last_snapshot_offset = offset

    def remove_snapshot(self, offset: int) -> None:
        """Remove a snapshot, because its segment went or it is damaged."""
        if offset in self.snapshots:
            self.snapshots = [at for at in self.snapshots if at != offset]
            self._files.remove(self.snapshot_path(offset))

    def remove_stray_snapshots(self, base_offsets: Iterable[int]) -> None:
        """Remove the snapshots that belong to no segment, except one above all of them.

        A clean stop wrote that.
        """
        bases = set(base_offsets)
        strays = [offset for offset in self.snapshots if offset not in bases]
        if strays and (not bases or strays[-1] > max(bases)):
            strays.pop()
        for offset in strays:
            self.remove_snapshot(offset)


def decode_snapshot(data: bytes) -> list[Producer]:
    """Return the producers in a snapshot; raises CorruptData."""
    if len(data) < _HEAD.size:
        raise CorruptData(f"a producer snapshot of {len(data)} bytes")
    version, crc, count = _HEAD.unpack_from(data)
    if version != SNAPSHOT_VERSION:
        raise CorruptData(f"a producer snapshot of version {version}")
    if crc32c(memoryview(data)[_CRC_START:]) != crc:
        raise CorruptData("a producer snapshot with a wrong CRC")
    if len(data) != _HEAD.size + count * _ENTRY.size:
        raise CorruptData(f"a producer snapshot of {len(data)} bytes with {count} entries")
    producers = []
    for row in _ENTRY.iter_unpack(memoryview(data)[_HEAD.size :]):
        producer_id, epoch, sequence, offset, delta, timestamp, coordinator_epoch, txn_first_offset = row
        producer = Producer(producer_id)
        producer.epoch = epoch
        if offset >= 0:
            producer.batches.append(ProducerBatch(sequence, offset, delta, timestamp))
        producer.last_timestamp = timestamp
        producer.coordinator_epoch = coordinator_epoch
        producer.current_txn_first_offset = txn_first_offset
        producers.append(producer)
    return producers
