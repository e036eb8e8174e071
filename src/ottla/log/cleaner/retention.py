"""Pass 2's judge: which batches stay, which of their records, and when a tombstone or a marker has had its time.

A record stays if it lies beyond what the map knows, or if it has a key, is that key's last and either has a value or is
a tombstone whose delete horizon is still ahead. A batch stays, empty if need be, if it holds the last sequence of a
producer that is still active or is the last one of the range: otherwise the producer would be taken for unknown, or
the range's end offset would be lost. Aborted data goes at once. (Cleaner.cleanInto, reference section 8.)
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ottla.model.errors import ApiError, CorruptData
from ottla.record.batch import HEADER_SIZE, BatchHeader
from ottla.record.compress import Codec, decompress
from ottla.runtime.files import Buffer

from .offset_map import OffsetMap, Winners
from .rebuild import emptied, rebuild_batch
from .scan import ScannedRecord, scan_records
from .transactions import AbortedTransaction, CleanedTransactions

MAX_OPENED_BYTES = 2**31 - 1
"""A batch's records when decompressed. The leader bounded them when they were produced; Kafka's own logs are not."""


class LastRecord(NamedTuple):
    """Where an active producer stands; ``data_offset`` is None if its last batch was a marker."""

    data_offset: int | None
    epoch: int


class Retention:
    """Judges the batches of a log, given in offset order from its first segment on."""

    def __init__(
        self,
        offsets: OffsetMap,
        *,
        first_dirty_offset: int,
        end_offset: int,
        last_records: Mapping[int, LastRecord],
        transactions: CleanedTransactions,
        delete_retention_ms: int,
        now_ms: int,
    ) -> None:
        self._offsets = offsets
        self._winners = Winners(offsets.offsets())
        self._first_dirty_offset = first_dirty_offset
        self._end_offset = end_offset
        self._last_records = last_records
        self._transactions = transactions
        self.new_horizon_ms = now_ms + delete_retention_ms
        self._now_ms = now_ms
        self.records_kept = 0

    def filter(
        self,
        chunk: bytes,
        pos: int,
        header: BatchHeader,
        keep_entry: Callable[[AbortedTransaction], None] | None = None,
    ) -> Buffer | None:
        """Return what is left of the magic 2 batch at ``pos``: the same bytes, others, or None for nothing."""
        if header.is_control:
            left = self._filter_control(chunk, pos, header, keep_entry)
        else:
            left = self._filter_data(chunk, pos, header)
        if left is None and self._must_stay(header):
            return emptied(header)
        return left

    def keeps(self, offset: int, key: bytes | None, has_value: bool, *, tombstone_expired: bool) -> bool:
        """Tell whether a record that no transaction takes away stays."""
        if offset > self._offsets.latest_offset:
            return True
        if key is None or (tombstone_expired and not has_value):
            return False
        if offset >= self._first_dirty_offset:
            return offset in self._winners
        return offset >= self._offsets.get(key)

    def _filter_control(
        self,
        chunk: bytes,
        pos: int,
        header: BatchHeader,
        keep_entry: Callable[[AbortedTransaction], None] | None,
    ) -> Buffer | None:
        payload, start, end = open_batch(chunk, pos, header)
        records = scan_records(payload, start, end, header.count, header.base_offset)
        needless = self._transactions.on_control_batch(
            header.producer_id, header.last_offset, control_type(records), keep_entry
        )
        horizon_ms = header.delete_horizon_ms
        if not records or (needless and horizon_ms is not None and horizon_ms <= self._now_ms):
            return None
        self.records_kept += len(records)
        if needless and horizon_ms is None:
            return rebuild_batch(header, payload, records, self.new_horizon_ms)
        return memoryview(chunk)[pos : pos + header.size]

    def _filter_data(self, chunk: bytes, pos: int, header: BatchHeader) -> Buffer | None:
        last_offset = header.last_offset
        if self._transactions.on_batch(
            header.producer_id, header.base_offset, last_offset, transactional=header.is_transactional
        ):
            return None
        if header.count == 0:
            return None
        if (
            header.base_offset >= self._first_dirty_offset
            and last_offset <= self._offsets.latest_offset
            and not self._winners.any_between(header.base_offset, last_offset)
        ):
            return None  # the common case, and neither opened nor decompressed
        payload, start, end = open_batch(chunk, pos, header)
        records = scan_records(payload, start, end, header.count, header.base_offset)
        horizon_ms = header.delete_horizon_ms
        expired = horizon_ms is not None and horizon_ms <= self._now_ms
        kept = [
            record
            for record in records
            if self.keeps(record.offset, record.key, record.has_value, tombstone_expired=expired)
        ]
        if not kept:
            return None
        self.records_kept += len(kept)
        if horizon_ms is None and not all(record.has_value for record in kept):
            return rebuild_batch(header, payload, kept, self.new_horizon_ms)
        if len(kept) == len(records):
            return memoryview(chunk)[pos : pos + header.size]
        return rebuild_batch(header, payload, kept, horizon_ms)

    def is_last(self, header: BatchHeader) -> bool:
        """Tell whether the batch is the one that the range ends with."""
        return header.next_offset == self._end_offset

    def _must_stay(self, header: BatchHeader) -> bool:
        if self.is_last(header):
            return True
        if header.producer_id < 0:
            return False
        last = self._last_records.get(header.producer_id)
        if last is None:
            return False
        if last.data_offset is not None:
            return header.last_offset == last.data_offset
        return header.is_control and header.producer_epoch == last.epoch


def open_batch(chunk: bytes, pos: int, header: BatchHeader) -> tuple[bytes, int, int]:
    """Return the bytes that hold a magic 2 batch's records, and where in them the records begin and end."""
    codec = header.codec
    if codec == Codec.NONE:
        return chunk, pos + HEADER_SIZE, pos + header.size
    try:
        with memoryview(chunk) as whole, whole[pos + HEADER_SIZE : pos + header.size] as records:
            payload = decompress(codec, records, MAX_OPENED_BYTES)
    except ApiError as error:
        raise CorruptData(f"the batch at offset {header.base_offset} cannot be opened: {error}") from error
    return payload, 0, len(payload)


def control_type(records: list[ScannedRecord]) -> int | None:
    """Return the type of a control batch's record: 0 abort, 1 commit, others are the metadata log's; None if empty."""
    if not records or records[0].key is None or len(records[0].key) < 4:
        return None if not records else -1
    return int.from_bytes(records[0].key[2:4], "big", signed=True)
