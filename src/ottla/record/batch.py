"""Record batches as bytes: the header view, walking from batch to batch, and what changes in place.

A log, a produce request and a fetch response are all the same thing: record batches, one after the other. A batch of
magic 2 is a header of 61 bytes and then its records, compressed as one block or not at all
(``org.apache.kafka.common.record.DefaultRecordBatch``)::

    0 base offset i64 | 8 length i32 (of what follows) | 12 leader epoch i32 | 16 magic i8 | 17 crc u32
    21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64
    43 producer id i64 | 51 producer epoch i16 | 53 base sequence i32 | 57 count i32 | 61 records

The CRC covers everything from the attributes on; base offset and leader epoch lie before it, so that a leader can
:func:`stamp` them without touching it. Old logs may hold messages of magic 0 and 1, which have another shape behind
byte 16; they get a header view as well (see :class:`BatchHeader`), and :mod:`.legacy` reads what is in them.

**Errors.** Bytes that are no batch raise ``ApiError`` all over this package, with the two codes that Kafka's own
classes have for it: CORRUPT_MESSAGE when the framing or the checksum is wrong (CorruptRecordException), INVALID_RECORD
when the records in a sound frame are (InvalidRecordException). What that means depends on where the bytes came from;
the caller knows (a log turns it into ``CorruptData``).
"""

import zlib
from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from struct import error as StructError  # noqa: N812  (struct's own name for it is too plain to read)

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .crc import Buffer, crc32c

HEADER_SIZE = 61
"""Bytes of a magic-2 batch before its records."""

LOG_OVERHEAD = 12
"""Bytes before, and not counted by, the length field: base offset and length itself."""

MAGIC_OFFSET = 16
ATTRIBUTES_OFFSET = 21
"""Where the bytes begin that the CRC of a magic-2 batch covers."""

CODEC_MASK = 0x07
LOG_APPEND_TIME_BIT = 0x08
TRANSACTIONAL_BIT = 0x10
CONTROL_BIT = 0x20
DELETE_HORIZON_BIT = 0x40

NO_TIMESTAMP = -1
NO_PRODUCER_ID = -1
NO_PRODUCER_EPOCH = -1
NO_SEQUENCE = -1
NO_LEADER_EPOCH = -1
UNKNOWN_COUNT = -1
"""How many records there are is not written in a compressed batch of magic 0 or 1."""

CURRENT_MAGIC = 2

_MAGIC_END = 17
_LEGACY_MIN_LENGTH = 14
_LEGACY_CRC_START = 16

HEADER = Struct(">qiibIhiqqqhii")
_FRAME = Struct(">qi4xb")
_LEGACY = Struct(">qiIbb")
_LONG = Struct(">q")
_INT = Struct(">i")
_UNSIGNED_INT = Struct(">I")
_TIMES = Struct(">qq")


class TimestampType(IntEnum):
    """Whose clock a record's timestamp is from: its creator's, or the leader's when it was appended."""

    CREATE_TIME = 0
    LOG_APPEND_TIME = 1


def corrupt(message: str) -> ApiError:
    """Return the error for a frame or a checksum that is wrong."""
    return ApiError(ErrorCode.CORRUPT_MESSAGE, message)


def invalid(message: str) -> ApiError:
    """Return the error for records that are wrong inside a sound frame."""
    return ApiError(ErrorCode.INVALID_RECORD, message)


class BatchHeader:
    """The header of one batch; a copy of its fields, not tied to the bytes they came from.

    ``size`` is the whole batch with its first 12 bytes. A message of magic 0 or 1 appears as a batch with what it
    lacks filled in: no producer, leader epoch -1, timestamps -1 (magic 0) or its own (magic 1). A compressed one has
    the offset of its *last* message for ``base_offset``, because that is what is written there, and ``count`` -1.
    """

    __slots__ = (
        "attributes",
        "base_offset",
        "base_sequence",
        "base_timestamp",
        "count",
        "crc",
        "last_offset_delta",
        "leader_epoch",
        "magic",
        "max_timestamp",
        "producer_epoch",
        "producer_id",
        "size",
    )

    def __init__(
        self,
        base_offset: int,
        length: int,
        leader_epoch: int,
        magic: int,
        crc: int,
        attributes: int,
        last_offset_delta: int,
        base_timestamp: int,
        max_timestamp: int,
        producer_id: int,
        producer_epoch: int,
        base_sequence: int,
        count: int,
    ) -> None:
        self.base_offset = base_offset
        self.size = length + LOG_OVERHEAD
        self.leader_epoch = leader_epoch
        self.magic = magic
        self.crc = crc
        self.attributes = attributes
        self.last_offset_delta = last_offset_delta
        self.base_timestamp = base_timestamp
        self.max_timestamp = max_timestamp
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.base_sequence = base_sequence
        self.count = count

    @property
    def codec(self) -> int:
        """The number of the codec, 0 (none) to 4; what a peer sends may be up to 7."""
        return self.attributes & CODEC_MASK

    @property
    def is_transactional(self) -> bool:
        """Whether the batch belongs to a transaction."""
        return self.attributes & TRANSACTIONAL_BIT != 0

    @property
    def is_control(self) -> bool:
        """Whether the batch holds a marker for the log's readers instead of data."""
        return self.attributes & CONTROL_BIT != 0

    @property
    def timestamp_type(self) -> TimestampType:
        """Whose clock the timestamps are from."""
        if self.attributes & LOG_APPEND_TIME_BIT:
            return TimestampType.LOG_APPEND_TIME
        return TimestampType.CREATE_TIME

    @property
    def has_producer(self) -> bool:
        """Whether an idempotent or transactional producer wrote it."""
        return self.producer_id > NO_PRODUCER_ID

    @property
    def last_offset(self) -> int:
        """The offset of the last record, or the one it had before compaction took it."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """The offset behind the batch."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence number of the last record; after 2147483647 comes 0."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) & 0x7FFFFFFF

    @property
    def delete_horizon_ms(self) -> int | None:
        """From when on the cleaner may drop the batch's tombstones, if a cleaner has set it."""
        if self.attributes & DELETE_HORIZON_BIT and self.magic >= CURRENT_MAGIC:
            return self.base_timestamp
        return None


def parse_header(buf: Buffer, pos: int = 0) -> BatchHeader:
    """Return the view of the batch at ``pos``, of which at least the header must be there.

    Raises ``ApiError(CORRUPT_MESSAGE)`` if it is not, if the magic is unknown, or if the length is too small for it.
    """
    try:
        header = BatchHeader(*HEADER.unpack_from(buf, pos))
    except StructError:
        return _parse_unusual(buf, pos)
    if header.magic != CURRENT_MAGIC or header.size < HEADER_SIZE:
        return _parse_unusual(buf, pos)
    return header


def _parse_unusual(buf: Buffer, pos: int) -> BatchHeader:
    try:
        _, length, magic = _FRAME.unpack_from(buf, pos)
        if magic not in (0, 1):
            raise corrupt(f"a batch of magic {magic} and {length} bytes")
        offset, length, crc, magic, attributes = _LEGACY.unpack_from(buf, pos)
        smallest = _LEGACY_MIN_LENGTH + (8 if magic else 0)
        if length < smallest:
            raise corrupt(f"a message of magic {magic} with {length} bytes; the least is {smallest}")
        timestamp: int = _LONG.unpack_from(buf, pos + 18)[0] if magic else NO_TIMESTAMP
    except StructError:
        raise corrupt("the header of a batch is cut off") from None
    count = UNKNOWN_COUNT if attributes & CODEC_MASK else 1
    return BatchHeader(
        offset,
        length,
        NO_LEADER_EPOCH,
        magic,
        crc,
        attributes & (CODEC_MASK | (LOG_APPEND_TIME_BIT if magic else 0)),
        0,
        timestamp,
        timestamp,
        NO_PRODUCER_ID,
        NO_PRODUCER_EPOCH,
        NO_SEQUENCE,
        count,
    )


def iter_batches(buf: Buffer, pos: int = 0) -> Iterator[tuple[int, BatchHeader]]:
    """Yield position and header of each whole batch from ``pos`` on, and stop before one that is cut off.

    Raises ``ApiError(CORRUPT_MESSAGE)`` at a length or magic that no batch has. No CRC is checked.
    """
    end = len(buf)
    while (size := whole_batch_size(buf, pos, end)) > 0:
        yield pos, parse_header(buf, pos)
        pos += size


def whole_batch_size(buf: Buffer, pos: int, end: int) -> int:
    """Return the size of the batch at ``pos``, or 0 if it is not whole before ``end``.

    Raises ``ApiError(CORRUPT_MESSAGE)`` at a length or magic that no batch has; when exactly follows Kafka's
    ByteBufferLogInputStream.
    """
    if end - pos < LOG_OVERHEAD:
        return 0
    length: int = _INT.unpack_from(buf, pos + 8)[0]
    if length < _LEGACY_MIN_LENGTH:
        raise corrupt(f"a batch of {length} bytes; the least is {_LEGACY_MIN_LENGTH}")
    if end - pos < _MAGIC_END:
        return 0
    if (magic := buf[pos + 16]) > CURRENT_MAGIC:
        raise corrupt(f"a batch of magic {magic}")
    size = length + LOG_OVERHEAD
    return size if size <= end - pos else 0


def stamp(buf: bytearray | memoryview, pos: int, base_offset: int, leader_epoch: int) -> None:
    """Write the offset and leader epoch that the leader gives to the batch at ``pos``; the CRC stays right."""
    _LONG.pack_into(buf, pos, base_offset)
    _INT.pack_into(buf, pos + 12, leader_epoch)


def stamp_timestamps(
    buf: bytearray | memoryview, pos: int, header: BatchHeader, timestamp_type: TimestampType, max_timestamp: int
) -> None:
    """Set whose clock the timestamps are from and the largest of them, in the bytes and in ``header``; mend the CRC.

    With LOG_APPEND_TIME readers take ``max_timestamp`` for the timestamp of every record, which is why this is all
    that a leader has to change. Attribute bits that have no meaning are cleared, as Kafka does.
    """
    known = CODEC_MASK | TRANSACTIONAL_BIT | CONTROL_BIT | DELETE_HORIZON_BIT
    header.attributes = header.attributes & known | (LOG_APPEND_TIME_BIT if timestamp_type else 0)
    header.max_timestamp = max_timestamp
    buf[pos + 21] = 0
    buf[pos + 22] = header.attributes
    _LONG.pack_into(buf, pos + 35, max_timestamp)
    header.crc = crc32c(memoryview(buf)[pos + ATTRIBUTES_OFFSET : pos + header.size])
    _UNSIGNED_INT.pack_into(buf, pos + 17, header.crc)


def crc_ok(buf: Buffer, pos: int, size: int) -> bool:
    """Return whether the ``size`` bytes at ``pos``, one whole batch or legacy message, have the CRC they claim."""
    stored: int
    if buf[pos + 16] == CURRENT_MAGIC:
        if size < HEADER_SIZE:
            return False
        (stored,) = _UNSIGNED_INT.unpack_from(buf, pos + 17)
        return crc32c(memoryview(buf)[pos + ATTRIBUTES_OFFSET : pos + size]) == stored
    (stored,) = _UNSIGNED_INT.unpack_from(buf, pos + LOG_OVERHEAD)
    return zlib.crc32(memoryview(buf)[pos + _LEGACY_CRC_START : pos + size]) == stored
