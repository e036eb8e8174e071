"""May this be appended? The rules for what a producer sends to one partition.

The rules and their order are those of Kafka 4.2: ``ProduceRequest.validateRecords``, then
``UnifiedLog.analyzeAndValidateRecords``, then ``LogValidator``, then the two size limits again if the batch had to be
written anew; tests hold the outcome against these classes. Kafka always walks through all the records. Here the
caller says how deep to look (:class:`Depth`); all the records are walked through

- where a rule needs them: a compacted topic asks for keys, a lower bound for timestamps asks for every timestamp, a
  header that claims a timestamp out of bounds asks for the culprits, another codec asks for everything;
- where the header and the first record contradict each other.

What a look at the lengths does not see, in a batch whose CRC is right and whose writer lies: fields that do not fit
into their record, offset deltas that are not 0, 1, 2 (a walk through the records would write such a batch anew), and a
largest timestamp that is not the largest.

Errors are ``ApiError`` with Kafka's code; :class:`RecordsRejected` names the records too. Where Kafka stumbles and
says UNKNOWN_SERVER_ERROR (an unknown codec, bytes that do not decompress) the answer here is INVALID_RECORD, and
CORRUPT_MESSAGE for a batch that is shorter than its header.
"""

from enum import IntEnum
from struct import Struct

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from .batch import (
    ATTRIBUTES_OFFSET,
    CODEC_MASK,
    CONTROL_BIT,
    CURRENT_MAGIC,
    HEADER,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    NO_PRODUCER_ID,
    NO_TIMESTAMP,
    BatchHeader,
    TimestampType,
    corrupt,
    invalid,
    parse_header,
    stamp_timestamps,
    whole_batch_size,
)
from .build import build_batch
from .compress import Codec
from .crc import Buffer, crc32c
from .records import iter_records, record_bytes
from .walk import walk, walk_lengths

NO_LIMIT_MS = 2**63 - 1
"""The default of ``message.timestamp.before.max.ms``: every timestamp of the past is welcome."""

DEFAULT_AFTER_MAX_MS = 3_600_000
DEFAULT_MAX_MESSAGE_BYTES = 1_048_588
DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024

LENGTHS_AT_ONCE = 16_000
FIELDS_AT_ONCE = 2_000
COMPRESSED_AT_ONCE_BYTES = 16 * 1024
DECOMPRESSED_AT_ONCE_BYTES = 2 * 1024 * 1024
"""How many records are walked by their lengths or field by field, how many bytes are compressed, and how many may come
out of a compressed batch, where nobody may be kept waiting: each takes a few milliseconds. Not less, because a thread
pays for its fresh memory: the usual batch of a megabyte costs there twice as much."""

SMALLEST_RECORD_BYTES = 7
"""Length, attributes, two deltas, two lengths, and the headers count: a byte each."""

_ZSTD_SINCE_PRODUCE_VERSION = 7
_ZSTD = int(Codec.ZSTD)
_SHOWN_ERRORS = 3
_SIX_BYTES = Struct(">6B")
"""A record's length (up to three of them), attributes and, one byte each, its deltas."""

_EXPANSION: dict[int, int] = {Codec.GZIP: 1032, Codec.SNAPPY: 64, Codec.LZ4: 256}
"""Into how many bytes one byte can decompress at most; zstd knows no bound."""


class Depth(IntEnum):
    """How much of a batch is looked at when no rule asks for more."""

    HEADER = 0
    """The header, and the first record of an uncompressed batch."""
    LENGTHS = 1
    """Also the length of each record: are there as many as the header says? A compressed batch is opened for it."""
    RECORDS = 2
    """Every field of every record; what Kafka does."""


class AppendRules:
    """What a partition asks of a batch: the topic's settings, resolved.

    ``before_max_ms`` and ``after_max_ms`` are ``message.timestamp.before.max.ms`` and ``.after.max.ms``;
    ``compression`` is None for ``compression.type=producer``. ``max_decompressed_bytes`` is a limit of our own.
    Treat it as frozen.
    """

    __slots__ = (
        "after_max_ms",
        "before_max_ms",
        "compacted",
        "compression",
        "compression_level",
        "max_decompressed_bytes",
        "max_message_bytes",
        "segment_bytes",
        "timestamp_type",
    )

    def __init__(
        self,
        *,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        timestamp_type: TimestampType = TimestampType.CREATE_TIME,
        before_max_ms: int = NO_LIMIT_MS,
        after_max_ms: int = DEFAULT_AFTER_MAX_MS,
        compacted: bool = False,
        compression: Codec | None = None,
        compression_level: int | None = None,
        segment_bytes: int = 2**31 - 1,
        max_decompressed_bytes: int = DEFAULT_MAX_DECOMPRESSED_BYTES,
    ) -> None:
        self.max_message_bytes = max_message_bytes
        self.timestamp_type = timestamp_type
        self.before_max_ms = before_max_ms
        self.after_max_ms = after_max_ms
        self.compacted = compacted
        self.compression = compression
        self.compression_level = compression_level
        self.segment_bytes = segment_bytes
        self.max_decompressed_bytes = max_decompressed_bytes


class RecordError:
    """One record that is wrong: its index in the batch and why; a ``BatchIndexAndErrorMessage`` of the response."""

    __slots__ = ("batch_index", "message")

    def __init__(self, batch_index: int, message: str) -> None:
        self.batch_index = batch_index
        self.message = message


class RecordsRejected(ApiError):
    """A batch refused for some of its records; code INVALID_RECORD or INVALID_TIMESTAMP.

    Of all refusals of a batch this is the only one whose message Kafka puts into the response.
    """

    def __init__(self, code: ErrorCode, message: str, record_errors: list[RecordError]) -> None:
        super().__init__(code, message)
        self.record_errors = record_errors


class NotOneBatch(ApiError):
    """What came for a partition is not one batch of magic 2: INVALID_RECORD before its log is asked."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_RECORD, message)


class TakesLong(Exception):
    """There is too much to look at for a caller that can't wait."""


class Validated:
    """A batch that may be appended: its bytes, which can be written to, and its header.

    ``batch`` is the caller's object, or a part of it, or, if ``records_changed``, a new one with a batch that had to
    be written anew (or copied, because the caller's cannot be written to). Its timestamps are final; base offset and
    leader epoch are for the log to stamp.
    """

    __slots__ = ("batch", "header", "records_changed")

    def __init__(self, batch: bytearray | memoryview, header: BatchHeader, records_changed: bool) -> None:
        self.batch = batch
        self.header = header
        self.records_changed = records_changed


def validate(
    batch: Buffer,
    rules: AppendRules,
    now_ms: int,
    produce_version: int,
    *,
    depth: Depth = Depth.LENGTHS,
    at_once: bool = False,
) -> Validated:
    """Check the records that a client sent for one partition, and return the one batch in them ready to append.

    Raises ``ApiError``. The batch may be changed in place (timestamp type, largest timestamp, CRC). With ``at_once``
    TakesLong is raised, before anything was changed, if it would keep an event loop waiting for more than some
    milliseconds; the same call without it belongs in a thread then.
    """
    header = _check_request(batch, produce_version)
    size = header.size
    if header.base_offset != 0:
        raise invalid(f"the base offset of a batch must be 0, and is {header.base_offset}")
    if size > rules.max_message_bytes:
        raise _too_large(size, rules)
    if crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:size]) != header.crc:
        raise corrupt("the CRC of a batch is wrong")
    _check_batch(header, rules)

    if len(batch) != size:
        batch = memoryview(batch)[:size]  # Kafka drops a partial batch behind the first as well
    fields = depth == Depth.RECORDS or needs_records(header, rules, now_ms) or not _first_record_fits(batch, header)
    max_bytes = rules.max_decompressed_bytes
    if at_once and (fields or depth == Depth.LENGTHS):
        _check_patience(header, rules, fields)
        max_bytes = min(max_bytes, DECOMPRESSED_AT_ONCE_BYTES)
    if fields:
        validated = _look_inside(batch, _records(batch, header, rules, max_bytes), header, rules, now_ms)
    else:
        if depth == Depth.LENGTHS and (header.count > 1 or header.attributes & CODEC_MASK):
            if header.attributes & CODEC_MASK:
                walk_lengths(_records(batch, header, rules, max_bytes), header.count)
            else:
                walk_lengths(memoryview(batch)[HEADER_SIZE:], header.count)
        validated = _validated(batch, header)
        _set_timestamps(validated, rules, now_ms, header.max_timestamp)
    if validated.header.size > rules.segment_bytes:
        raise ApiError(ErrorCode.RECORD_LIST_TOO_LARGE, f"a batch of {size} bytes in segments of {rules.segment_bytes}")
    return validated


def needs_records(header: BatchHeader, rules: AppendRules, now_ms: int) -> bool:
    """Return whether a rule asks for the records of a batch with this header."""
    if rules.compacted or header.attributes & LOG_APPEND_TIME_BIT:
        return True
    if rules.compression is not None and rules.compression != header.attributes & CODEC_MASK:
        return True
    if rules.timestamp_type == TimestampType.LOG_APPEND_TIME:
        return False
    return (
        rules.before_max_ms < now_ms
        or header.max_timestamp - now_ms > rules.after_max_ms
        or not NO_TIMESTAMP <= header.base_timestamp <= header.max_timestamp
    )


def _check_patience(header: BatchHeader, rules: AppendRules, fields: bool) -> None:
    compresses = rules.compression not in (None, header.attributes & CODEC_MASK)
    most = FIELDS_AT_ONCE if fields else LENGTHS_AT_ONCE
    if header.count > most or (compresses and header.size > COMPRESSED_AT_ONCE_BYTES):
        raise TakesLong


def _records(batch: Buffer, header: BatchHeader, rules: AppendRules, max_bytes: int) -> bytes:
    """Return the records, decompressed; more than ``max_bytes`` take long, unless the rules allow no more."""
    try:
        return record_bytes(batch, 0, header, max_bytes)
    except ApiError as error:
        if error.code is ErrorCode.MESSAGE_TOO_LARGE and max_bytes < rules.max_decompressed_bytes:
            raise TakesLong from None
        raise


def _check_request(batch: Buffer, produce_version: int) -> BatchHeader:
    """Return the header of the first batch if the request holds exactly one, of a kind that its version may hold."""
    end = len(batch)
    if end >= HEADER_SIZE:
        header = BatchHeader(*HEADER.unpack_from(batch))
        if header.size != end or header.magic != CURRENT_MAGIC:
            header = _check_frames(batch, end)
    else:
        header = _check_frames(batch, end)
    if header.attributes & CODEC_MASK == _ZSTD and produce_version < _ZSTD_SINCE_PRODUCE_VERSION:
        raise ApiError(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"zstd in a produce request of version {produce_version}"
        )
    if header.size != end and whole_batch_size(batch, header.size, end) > 0:
        raise NotOneBatch("a produce request must hold exactly one record batch for each partition")
    return header


def _check_frames(batch: Buffer, end: int) -> BatchHeader:
    """Return the header of the first batch in bytes that are not just one batch of magic 2."""
    size = whole_batch_size(batch, 0, end)
    if size == 0:
        raise NotOneBatch("a produce request must hold a record batch for each partition")
    if batch[16] != CURRENT_MAGIC:
        raise NotOneBatch(f"a produce request must hold batches of magic 2, not {batch[16]}")
    if size < HEADER_SIZE:
        raise corrupt(f"a batch of {size} bytes; the least is {HEADER_SIZE}")
    return parse_header(batch)


def _check_batch(header: BatchHeader, rules: AppendRules) -> None:
    """Refuse a header that contradicts itself or claims what a client may not; LogValidator.validateBatch."""
    count = header.count
    if count <= 0 or header.last_offset_delta + 1 != count:
        raise invalid(f"a batch of {count} records with a last offset delta of {header.last_offset_delta}")
    if header.attributes & CONTROL_BIT:
        raise invalid("clients may not write control batches")
    if header.producer_id > NO_PRODUCER_ID and header.base_sequence < 0:
        raise invalid(f"sequence {header.base_sequence} from producer {header.producer_id}")
    room = header.size - HEADER_SIZE
    codec = header.attributes & CODEC_MASK
    if codec:
        if codec > Codec.ZSTD:
            raise invalid(f"there is no codec {codec}")
        room = min(room * _EXPANSION.get(codec, rules.max_decompressed_bytes), rules.max_decompressed_bytes)
    if count * SMALLEST_RECORD_BYTES > room:
        raise invalid(f"a batch of {count} records in {header.size} bytes")


def _first_record_fits(batch: Buffer, header: BatchHeader) -> bool:
    """Return whether the first record agrees with the header; False also if only a walk can tell.

    It does if it leaves room for the others, its offset delta is 0, and so is its timestamp delta, as every client
    writes it; then the largest timestamp cannot be less than the base, and is the base if there is only one record.
    """
    if header.attributes & CODEC_MASK:
        return True
    first: int
    length: int
    first, second, third, fourth, fifth, sixth = _SIX_BYTES.unpack_from(batch, HEADER_SIZE)
    if first < 0x80:
        length, timestamp_delta, offset_delta = first, third, fourth
        room = header.size - HEADER_SIZE - 1
    elif second < 0x80:
        length, timestamp_delta, offset_delta = first & 0x7F | second << 7, fourth, fifth
        room = header.size - HEADER_SIZE - 2
    elif third < 0x80:
        length, timestamp_delta, offset_delta = first & 0x7F | (second & 0x7F) << 7 | third << 14, fifth, sixth
        room = header.size - HEADER_SIZE - 3
    else:
        return False
    if timestamp_delta or offset_delta or length & 1:
        return False
    if header.count == 1:
        return length >> 1 == room and header.max_timestamp == header.base_timestamp
    return length >> 1 <= room - (header.count - 1) * SMALLEST_RECORD_BYTES


def _look_inside(batch: Buffer, records: bytes, header: BatchHeader, rules: AppendRules, now_ms: int) -> Validated:
    seen = walk(records, header.count)
    if header.attributes & LOG_APPEND_TIME_BIT:
        lowest = highest = header.max_timestamp
    else:
        lowest = header.base_timestamp + seen.min_timestamp_delta
        highest = header.base_timestamp + seen.max_timestamp_delta
    if (
        (rules.compacted and seen.has_null_key)
        or header.attributes & LOG_APPEND_TIME_BIT
        or (
            rules.timestamp_type == TimestampType.CREATE_TIME
            and (highest - now_ms > rules.after_max_ms or now_ms - lowest > rules.before_max_ms)
        )
    ):
        _refuse_records(batch, header, rules, now_ms)
    codec = header.codec
    target = codec if rules.compression is None else rules.compression
    if codec != target or not seen.offsets_in_order:
        return _rewrite(batch, header, rules, now_ms, target)
    validated = _validated(batch, header)
    _set_timestamps(validated, rules, now_ms, max(highest, NO_TIMESTAMP))
    return validated


def _refuse_records(batch: Buffer, header: BatchHeader, rules: AppendRules, now_ms: int) -> None:
    """Raise RecordsRejected if any record breaks a rule; LogValidator.validateRecord and processRecordErrors."""
    errors: list[RecordError] = []
    bad_timestamp = False
    records = iter_records(batch, 0, header, max_bytes=rules.max_decompressed_bytes)
    for index, record in enumerate(records):
        if rules.compacted and record.key is None:
            errors.append(RecordError(index, "A compacted topic accepts no record without a key."))
        elif rules.timestamp_type == TimestampType.CREATE_TIME and record.timestamp != NO_TIMESTAMP:
            age_ms = now_ms - record.timestamp
            if age_ms > rules.before_max_ms or -age_ms > rules.after_max_ms:
                bad_timestamp = True
                first, last = now_ms - rules.before_max_ms, now_ms + rules.after_max_ms
                errors.append(RecordError(index, f"Timestamp {record.timestamp} is not within [{first}, {last}]."))
        elif header.attributes & LOG_APPEND_TIME_BIT:
            bad_timestamp = True
            errors.append(RecordError(index, "A producer may not set the timestamp type to log append time."))
    if not errors:
        return
    if bad_timestamp:
        raise RecordsRejected(
            ErrorCode.INVALID_TIMESTAMP, "One or more records were refused for their timestamps.", errors
        )
    shown = " ".join(f"{error.batch_index}: {error.message}" for error in errors[:_SHOWN_ERRORS])
    raise RecordsRejected(ErrorCode.INVALID_RECORD, f"{len(errors)} records were refused. {shown}", errors)


def _rewrite(batch: Buffer, header: BatchHeader, rules: AppendRules, now_ms: int, target: int) -> Validated:
    """Build the batch again, in the codec that the topic wants and with the offsets that the records should have."""
    records = iter_records(batch, 0, header, max_bytes=rules.max_decompressed_bytes)
    rebuilt = build_batch(
        ((record.timestamp, record.key, record.value, record.headers) for record in records),
        codec=target,
        level=rules.compression_level if rules.compression == target else None,
        timestamp_type=rules.timestamp_type,
        log_append_time_ms=now_ms,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        leader_epoch=header.leader_epoch,
        transactional=header.is_transactional,
    )
    if len(rebuilt) > rules.max_message_bytes:
        raise _too_large(len(rebuilt), rules)
    return Validated(rebuilt, parse_header(rebuilt), True)


def _validated(batch: Buffer, header: BatchHeader) -> Validated:
    if isinstance(batch, bytearray) or (isinstance(batch, memoryview) and not batch.readonly):
        return Validated(batch, header, False)
    return Validated(bytearray(batch), header, True)


def _set_timestamps(validated: Validated, rules: AppendRules, now_ms: int, max_timestamp: int) -> None:
    header = validated.header
    timestamp_type = rules.timestamp_type
    if timestamp_type == TimestampType.LOG_APPEND_TIME:
        max_timestamp = now_ms
    elif max_timestamp == header.max_timestamp and not header.attributes & LOG_APPEND_TIME_BIT:
        return
    stamp_timestamps(validated.batch, 0, header, timestamp_type, max_timestamp)


def _too_large(size_bytes: int, rules: AppendRules) -> ApiError:
    return ApiError(
        ErrorCode.MESSAGE_TOO_LARGE, f"a batch of {size_bytes} bytes; the limit is {rules.max_message_bytes}"
    )
