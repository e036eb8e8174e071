"""The leader of one partition: who may write, what may be read, and who waits for it.

On one node the leader is the whole in-sync set, so the high watermark is the log's end as soon as a batch is as
durable as the topic asks for: at once, or after the flush that ``flush.messages`` demands (reference section 5.3).
What waits for records (:class:`Waiter`) is told synchronously and must not do more than note it.
"""

from typing import Protocol

from ottla.log.config import LogConfig
from ottla.log.log import AppendInfo, Log
from ottla.log.reader import ReadInfo
from ottla.metadata.image import INTERNAL_TOPICS
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.model.ids import TopicPartition, Uuid
from ottla.record.batch import (
    ATTRIBUTES_OFFSET,
    CURRENT_MAGIC,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    MAGIC_OFFSET,
    TRANSACTIONAL_BIT,
    BatchHeader,
    TimestampType,
    stamp_timestamps,
)
from ottla.record.compress import Codec
from ottla.record.validate import AppendRules, Depth, NotOneBatch, Validated, validate
from ottla.replica.figures import TopicFigures

Buffer = bytes | bytearray | memoryview
NO_EPOCH = -1


def is_transactional(records: Buffer) -> bool:
    """Whether the first batch in ``records`` claims to belong to a transaction."""
    return (
        len(records) >= HEADER_SIZE
        and records[MAGIC_OFFSET] == CURRENT_MAGIC
        and records[ATTRIBUTES_OFFSET + 1] & TRANSACTIONAL_BIT != 0
    )


class Waiter(Protocol):
    """Somebody who waits for a partition to have more to read."""

    def readable(self, size_bytes: int) -> None:
        """``size_bytes`` more can be read now."""

    def disturbed(self) -> None:
        """The partition is going away, or its leader changed: look again at once."""


CODECS: dict[str, Codec | None] = {
    "producer": None,
    "uncompressed": Codec.NONE,
    "gzip": Codec.GZIP,
    "snappy": Codec.SNAPPY,
    "lz4": Codec.LZ4,
    "zstd": Codec.ZSTD,
}
TIMESTAMP_TYPES = {"CreateTime": TimestampType.CREATE_TIME, "LogAppendTime": TimestampType.LOG_APPEND_TIME}


def append_rules(config: LogConfig) -> AppendRules:
    """Return what a topic's settings ask of the batches that are appended to it."""
    codec = CODECS[config.compression_type]
    level = (
        {
            Codec.GZIP: config.compression_gzip_level,
            Codec.LZ4: config.compression_lz4_level,
            Codec.ZSTD: config.compression_zstd_level,
        }.get(codec)
        if codec is not None
        else None
    )
    return AppendRules(
        max_message_bytes=config.max_message_bytes,
        timestamp_type=TIMESTAMP_TYPES[config.message_timestamp_type],
        before_max_ms=config.message_timestamp_before_max_ms,
        after_max_ms=config.message_timestamp_after_max_ms,
        compacted="compact" in config.cleanup_policy,
        compression=codec,
        compression_level=level,
        segment_bytes=config.segment_bytes,
    )


class Partition:
    """The leader's side of one partition."""

    __slots__ = (
        "_waiters",
        "depth",
        "figures",
        "is_internal",
        "leader_epoch",
        "log",
        "rules",
        "topic_id",
        "topic_partition",
    )

    def __init__(
        self,
        *,
        topic_partition: TopicPartition,
        topic_id: Uuid,
        log: Log,
        leader_epoch: int,
        depth: Depth,
        figures: TopicFigures | None = None,
    ) -> None:
        self.figures = TopicFigures() if figures is None else figures
        self.topic_partition = topic_partition
        self.is_internal = topic_partition.topic in INTERNAL_TOPICS
        self.topic_id = topic_id
        self.log = log
        self.leader_epoch = leader_epoch
        self.depth = depth
        self.rules = append_rules(log.config)
        self._waiters: set[Waiter] = set()

    # -- epochs ---------------------------------------------------------------------------------------------------

    def check_leader_epoch(self, requested: int) -> None:
        """Refuse a client that knows an older or newer leader than us (KIP-320, reference section 5.1).

        Raises ApiError FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH; -1 asks for no check.
        """
        if requested in (NO_EPOCH, self.leader_epoch):
            return
        if requested < self.leader_epoch:
            raise ApiError(ErrorCode.FENCED_LEADER_EPOCH)
        raise ApiError(ErrorCode.UNKNOWN_LEADER_EPOCH)

    # -- writing --------------------------------------------------------------------------------------------------

    def append(self, records: Buffer, *, produce_version: int, now_ms: int) -> AppendInfo:
        """Check what a client sent, and append it.

        ``records`` is written to (offset and leader epoch are stamped in place) and may be reused afterwards. Raises
        ApiError with Kafka's code, StorageError, or TakesLong if they are to be checked by :meth:`validate`, in a
        thread, and appended by :meth:`append_checked`.
        """
        validated = self.validate(records, produce_version=produce_version, now_ms=now_ms, at_once=True)
        return self.append_validated(validated.batch, validated.header, now_ms=now_ms)

    def validate(self, records: Buffer, *, produce_version: int, now_ms: int, at_once: bool = False) -> Validated:
        """Check what a client sent; any thread may. Raises as :meth:`append` does, TakesLong only if ``at_once``."""
        try:
            validated = validate(records, self.rules, now_ms, produce_version, depth=self.depth, at_once=at_once)
        except NotOneBatch:
            raise
        except ApiError:
            if is_transactional(records):
                # Kafka asks who may write in a transaction before it looks at what is written.
                raise ApiError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) from None
            raise
        if validated.header.attributes & TRANSACTIONAL_BIT:
            # Kafka's answer to a transactional batch without a transactional id.
            raise ApiError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        return validated

    def append_checked(self, validated: Validated, *, now_ms: int) -> AppendInfo:
        """Append what :meth:`validate` has checked some time ago: if it bears our time, that is the time of now.

        Others may have appended meanwhile, and what follows them must not be older. (In Kafka both happen under the
        lock of the log: ``UnifiedLog.append``.)
        """
        header = validated.header
        if header.attributes & LOG_APPEND_TIME_BIT and header.max_timestamp != now_ms:
            stamp_timestamps(validated.batch, 0, header, TimestampType.LOG_APPEND_TIME, now_ms)
        return self.append_validated(validated.batch, header, now_ms=now_ms)

    def append_validated(self, batch: bytearray | memoryview, header: BatchHeader, *, now_ms: int) -> AppendInfo:
        """Append one batch that was made or checked by us."""
        log = self.log
        info = log.append(batch, header, leader_epoch=self.leader_epoch, now_ms=now_ms)
        figures = self.figures
        figures.batches_in += 1
        figures.bytes_in += header.size
        figures.messages_in += header.last_offset_delta + 1
        if not info.duplicate and not log.flush_due:
            self.advance_high_watermark(header.size)
        return info

    def advance_high_watermark(self, size_bytes: int, offset: int | None = None) -> None:
        """Let everything below ``offset`` be read (default: all that is in the log), and tell who waits for it."""
        log = self.log
        log.high_watermark = log.log_end_offset if offset is None else offset
        if self._waiters:
            for waiter in tuple(self._waiters):
                waiter.readable(size_bytes)

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, offset: int, max_bytes: int, *, min_one_message: bool, nowait: bool) -> ReadInfo | None:
        """Return whole batches from the one that holds ``offset`` up to the high watermark.

        With ``nowait`` None is returned if the disk would have to be waited for; without it this may be called in a
        thread. Raises ApiError OFFSET_OUT_OF_RANGE, CorruptData, StorageError.
        """
        log = self.log
        read = log.read_nowait if nowait else log.read
        return read(
            offset, max_bytes, up_to_offset=log.high_watermark, min_one_message=min_one_message, verify_crc=True
        )

    # -- waiting --------------------------------------------------------------------------------------------------

    def add_waiter(self, waiter: Waiter) -> None:
        """Tell ``waiter`` of everything that can be read from now on."""
        self._waiters.add(waiter)

    def remove_waiter(self, waiter: Waiter) -> None:
        """Tell ``waiter`` no more."""
        self._waiters.discard(waiter)

    def close(self) -> None:
        """Send everybody who waits away: the partition is deleted or its log directory gone."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            waiter.disturbed()

    def update_config(self, config: LogConfig, depth: Depth) -> None:
        """Apply the topic's changed settings to what is appended from now on."""
        self.log.update_config(config)
        self.rules = append_rules(config)
        self.depth = depth
