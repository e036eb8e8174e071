"""From the bytes of a fetch to records: whole batches, checked, decompressed, without what a reader must not see."""

from collections.abc import Iterator, Sequence
from itertools import islice
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from ottla.client.errors import InvalidResponse
from ottla.model.errors import ApiError
from ottla.model.ids import TopicPartition
from ottla.protocol.message import Buffer
from ottla.record.batch import BatchHeader, crc_ok, iter_batches
from ottla.record.records import Header, iter_records

if TYPE_CHECKING:
    from ottla.protocol.messages.fetch import AbortedTransaction

MAX_BATCH_BYTES = 1 << 29
"""What a batch may become when decompressed; a hostile one of a megabyte could become a terabyte."""

_control_type = Struct(">hh")
_ABORT = 0


class ConsumedRecord(NamedTuple):
    """A record as it was read. ``timestamp_type`` is 0 for the producer's clock, 1 for the broker's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


class Chunk:
    """What one fetch brought of one partition; :meth:`read` takes records from it, those of the rest later."""

    __slots__ = (
        "_batches",
        "_broken",
        "_check_crc",
        "_data",
        "_records",
        "next_offset",
        "partition",
        "position",
        "size_bytes",
    )

    def __init__(
        self,
        partition: TopicPartition,
        data: Buffer,
        position: int,
        aborted: "list[AbortedTransaction]",
        check_crc: bool,
    ) -> None:
        self.partition = partition
        self.position = position
        """The next offset that somebody wants; earlier ones in the first batch are passed over."""
        self.size_bytes = len(data)
        self._data = data
        self._check_crc = check_crc
        self._broken: InvalidResponse | None = None
        try:
            self._batches = list(iter_batches(data))
        except ApiError as error:
            raise _corrupt(partition, position, error) from error
        self.next_offset = self._batches[-1][1].next_offset if self._batches else position
        """Where the next fetch goes on."""
        self._records = self._iterate(_visible(self._batches, data, aborted))

    @property
    def is_empty(self) -> bool:
        """Whether not a single whole batch has come."""
        return not self._batches

    def read(self, max_records: int) -> list[ConsumedRecord]:
        """Return the next records, fewer than asked for only at the end.

        Raises InvalidResponse at a batch that is broken, once those before it are read, and whenever it is tried again.
        """
        records: list[ConsumedRecord] = []
        if self._broken is None:
            try:
                # What came before an error is in the list all the same.
                records.extend(islice(self._records, max_records))
            except InvalidResponse as error:
                self._broken = error
        if records:
            self.position = records[-1].offset + 1
        elif self._broken is not None:
            raise self._broken
        if len(records) < max_records and self._broken is None:
            self.position = self.next_offset
        return records

    @property
    def is_read(self) -> bool:
        """Whether there is nothing more in it."""
        return self.position >= self.next_offset

    def _iterate(self, batches: Iterator[tuple[int, BatchHeader]]) -> Iterator[ConsumedRecord]:
        topic, partition = self.partition
        first = self.position
        data = self._data
        for pos, header in batches:
            if self._check_crc and not crc_ok(data, pos, header.size):
                raise _corrupt(self.partition, header.base_offset, "its checksum is wrong")
            kind = int(header.timestamp_type)
            try:
                for record in iter_records(data, pos, header, max_bytes=MAX_BATCH_BYTES):
                    if record.offset >= first:
                        yield ConsumedRecord(
                            topic,
                            partition,
                            record.offset,
                            record.timestamp,
                            kind,
                            record.key,
                            record.value,
                            record.headers,
                        )
            except ApiError as error:
                raise _corrupt(self.partition, header.base_offset, error) from error


def _visible(
    batches: list[tuple[int, BatchHeader]], data: Buffer, aborted: "list[AbortedTransaction]"
) -> Iterator[tuple[int, BatchHeader]]:
    """Leave out control batches, and the batches of aborted transactions (which only read_committed is told of)."""
    waiting = sorted(aborted, key=lambda transaction: transaction.first_offset, reverse=True)
    hidden: set[int] = set()
    for pos, header in batches:
        while waiting and waiting[-1].first_offset <= header.last_offset:
            hidden.add(waiting.pop().producer_id)
        if header.is_control:
            if header.producer_id in hidden and _is_abort(data, pos, header):
                hidden.discard(header.producer_id)
        elif not (header.is_transactional and header.producer_id in hidden):
            yield pos, header


def _is_abort(data: Buffer, pos: int, header: BatchHeader) -> bool:
    for record in iter_records(data, pos, header, max_bytes=MAX_BATCH_BYTES):
        if record.key is not None and len(record.key) >= _control_type.size:
            return bool(_control_type.unpack_from(record.key)[1] == _ABORT)
    return False


def _corrupt(partition: TopicPartition, offset: int, why: object) -> InvalidResponse:
    return InvalidResponse(
        f"partition {partition.partition} of topic {partition.topic}: the batch at offset {offset} is corrupt: {why}"
    )
