"""One partition's log: appended to at its end, read from anywhere, cut at both ends.

``UnifiedLog`` and ``LocalLog`` upstream. Offsets::

    log_start_offset <= high_watermark <= log_end_offset
                        recovery_point <= log_end_offset     (everything below it is on the disk)

:meth:`Log.append` is the hot path: straight down, one system call, nothing that grows with the log. It runs
on the event loop; so does everything that changes which segments there are. Reads may come from any thread. A
disk that refuses a write or an fsync ends all writing (``failure``); what is there can still be read.
"""

import contextlib
import logging
from collections.abc import Iterable

from ..model.error_codes import ErrorCode
from ..model.errors import ApiError, StorageError
from ..model.ids import TopicPartition, Uuid
from ..record.batch import LOG_APPEND_TIME_BIT, BatchHeader, iter_batches, stamp
from ..runtime.files import Buffer
from . import names, stopping, timestamps, truncation
from .append_info import AppendInfo
from .config import LogConfig
from .context import LogContext
from .epochs import LeaderEpochs
from .flushing import Flusher
from .index import WouldBlock
from .producers import Producers
from .reader import LogChanged, Reader, ReadInfo
from .segment import Segment
from .segments import Segments

__all__ = ["SEGMENTS_PER_TURN", "AppendInfo", "Log"]

logger = logging.getLogger(__name__)

NO_TIMESTAMP = -1

CHANGES_DURING_READ = 8
"""How often a read begins anew because the log was cut under it, before it answers with nothing."""

SEGMENTS_PER_TURN = 32
"""How many segments are renamed away before the event loop gets its turn: some milliseconds' work."""


class Log:
    """The log of one partition in ``directory``."""

    __slots__ = (
        "config",
        "context",
        "directory",
        "failure",
        "flusher",
        "high_watermark",
        "is_deleted",
        "is_watched",
        "leader_epochs",
        "log_end_offset",
        "log_start_offset",
        "producers",
        "reader",
        "recovery_point",
        "segments",
        "topic_id",
        "topic_partition",
    )

    def __init__(
        self,
        context: LogContext,
        directory: str,
        topic_partition: TopicPartition,
        topic_id: Uuid,
        config: LogConfig,
        *,
        segments: Segments,
        leader_epochs: LeaderEpochs,
        producers: Producers,
        log_start_offset: int,
        log_end_offset: int,
        recovery_point: int,
        high_watermark: int,
        is_new: bool = False,
    ) -> None:
        """Put together what :func:`ottla.log.loading.load_log` has found; nothing is read or written here."""
        self.context = context
        self.directory = directory
        self.topic_partition = topic_partition
        self.topic_id = topic_id
        self.config = config
        self.segments = segments
        self.leader_epochs = leader_epochs
        self.producers = producers
        self.log_start_offset = log_start_offset
        self.log_end_offset = log_end_offset
        self.recovery_point = recovery_point
        self.high_watermark = min(max(high_watermark, log_start_offset), log_end_offset)
        self.failure: StorageError | None = None
        self.is_deleted = False
        self.reader = Reader(segments)
        self.flusher = Flusher(self, has_new_names=is_new)
        self.is_watched = False
        leader_epochs.on_change = self.watch
        if leader_epochs.is_dirty(log_end_offset):
            self.watch()

    def __repr__(self) -> str:
        return f"<Log {self.topic_partition} [{self.log_start_offset}, {self.log_end_offset})>"

    # -- appending ---------------------------------------------------------------------------------------------------

    def append(
        self, batch: bytearray | memoryview, header: BatchHeader, *, leader_epoch: int, now_ms: int
    ) -> AppendInfo:
        """Append one validated batch as the leader: it gets its offset and ``leader_epoch``, in place.

        ``header`` is the batch's as the producer sent it. Raises ApiError for sequences and epochs that
        cannot be (OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE), StorageError if
        the disk refuses: nothing of the batch is in the log then, and nothing more can be written.
        """
        base_offset = self.log_end_offset
        last_offset = base_offset + header.last_offset_delta
        max_timestamp = header.max_timestamp
        segment = self._segment_for(header.size, base_offset, last_offset, max_timestamp, leader_epoch, now_ms)
        has_producer = header.producer_id >= 0
        if has_producer:
            earlier = self.producers.check(header)
            if earlier is not None:
                return AppendInfo(
                    earlier.first_offset, earlier.last_offset, earlier.timestamp, self.log_start_offset, True
                )
        stamp(batch, 0, base_offset, leader_epoch)
        self._write(segment, batch, header.size, last_offset, max_timestamp)
        if has_producer:
            self.producers.add(header, base_offset)
        append_time = max_timestamp if header.attributes & LOG_APPEND_TIME_BIT else NO_TIMESTAMP
        return AppendInfo(base_offset, last_offset, append_time, self.log_start_offset, False)

    def append_as_follower(self, batches: Buffer, *, now_ms: int) -> AppendInfo:
        """Append batches as the leader wrote them; they go on where the log ends, gaps of compaction apart.

        CRCs must have been checked. Raises ApiError if a batch begins before the log's end, StorageError.
        """
        first_offset = self.log_end_offset
        for position, header in iter_batches(batches):
            if header.base_offset < self.log_end_offset:
                raise ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, f"offset {header.base_offset} is in the log already")
            if position == 0:
                first_offset = header.base_offset
            size, last_offset, max_timestamp = header.size, header.last_offset, header.max_timestamp
            segment = self._segment_for(
                size, header.base_offset, last_offset, max_timestamp, header.leader_epoch, now_ms
            )
            self._write(segment, memoryview(batches)[position : position + size], size, last_offset, max_timestamp)
            self.producers.replay(header, batches, position)
        return AppendInfo(first_offset, self.log_end_offset - 1, NO_TIMESTAMP, self.log_start_offset, False)

    def _segment_for(
        self, size: int, base_offset: int, last_offset: int, max_timestamp: int, leader_epoch: int, now_ms: int
    ) -> Segment:
        """Return the segment that a batch goes to, and remember who wrote it: as in Kafka, before it is checked."""
        if self.failure is not None:
            raise self.failure
        if leader_epoch != self.leader_epochs.latest_epoch and leader_epoch >= 0:
            self.leader_epochs.assign(leader_epoch, base_offset)
        config = self.config
        segment = self.segments.active
        try:
            if segment.must_roll(size, last_offset, max_timestamp, now_ms, config.segment_bytes, config.segment_ms):
                return self._roll_or_fail(base_offset, now_ms)
        except FileNotFoundError as error:
            raise self._missing(error) from error
        return segment

    def _write(self, segment: Segment, batch: Buffer, size: int, last_offset: int, max_timestamp: int) -> None:
        assert len(batch) == size, "exactly one batch"
        try:
            segment.append(batch, size, last_offset, max_timestamp)
        except StorageError as error:
            self.fail(error)
            raise
        except FileNotFoundError as error:
            raise self._missing(error) from error
        self.log_end_offset = last_offset + 1
        if not self.is_watched:
            self.watch()

    def _missing(self, error: FileNotFoundError) -> StorageError:
        """Somebody removed a file of ours under a node that runs: as in Kafka, its disk cannot be trusted."""
        failure = StorageError(f"a file of {self.topic_partition} is gone: {error}")
        self.fail(failure)
        return failure

    def watch(self) -> None:
        """Have the manager's next tick look after the log."""
        self.is_watched = True
        self.context.dirty.add(self)

    def fail(self, error: StorageError) -> None:
        """End all writing: the disk can no longer be trusted with it."""
        if self.failure is None:
            self.failure = error
            logger.error("%s can no longer be written to: %s", self.topic_partition, error)
            self.context.on_failure(self, error)

    # -- rolling -----------------------------------------------------------------------------------------------------

    def roll(self) -> None:
        """Begin a new segment at the log's end, unless the last one is empty."""
        if self.failure is not None:
            raise self.failure
        self._roll_or_fail(self.log_end_offset, self.context.clock.now_ms())

    def _roll_or_fail(self, base_offset: int, now_ms: int) -> Segment:
        try:
            return self._roll(base_offset, now_ms)
        except StorageError as error:
            self.fail(error)
            raise

    def _roll(self, base_offset: int, now_ms: int) -> Segment:
        old = self.segments.active
        if old.log.size == 0:
            if old.base_offset == base_offset:
                return old
            self.remove_segments([old], now_ms)
        else:
            old.become_inactive()
        if self.producers.take_snapshot(base_offset):
            self.flusher.snapshots.append(base_offset)
        segment = self.new_segment(base_offset, now_ms)
        self.segments.add(segment)
        self.request_flush(base_offset)
        return segment

    def new_segment(self, base_offset: int, now_ms: int) -> Segment:
        """Make the files of a segment; it is not in the log yet."""
        config = self.config
        self.flusher.has_new_names = True
        jitter_ms = 0
        if config.segment_jitter_ms:
            jitter_ms = self.context.random_below(max(1, min(config.segment_jitter_ms, config.segment_ms)))
        segment = Segment.create(
            self.context.files,
            self.directory,
            base_offset,
            index_interval_bytes=config.index_interval_bytes,
            segment_index_bytes=config.segment_index_bytes,
            created_ms=now_ms,
            jitter_ms=jitter_ms,
        )
        if config.preallocate:
            self.context.files.preallocate(segment.log, config.segment_bytes)
        return segment

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(
        self,
        offset: int,
        max_bytes: int,
        *,
        up_to_offset: int | None = None,
        min_one_message: bool = True,
        verify_crc: bool = False,
    ) -> ReadInfo:
        """Return whole batches from the one that holds ``offset``, all below ``up_to_offset`` (default: the end).

        At most ``max_bytes``, or one batch that is larger if ``min_one_message``. May wait for the disk; from
        any thread. Raises ApiError OFFSET_OUT_OF_RANGE, CorruptData, StorageError.
        """
        for _ in range(CHANGES_DURING_READ):
            generation = self.reader.generation
            bound = self._check_range(offset, up_to_offset)
            if offset >= bound:
                break
            with contextlib.suppress(LogChanged):
                return self.reader.read(
                    offset,
                    max_bytes,
                    up_to_offset=bound,
                    min_one_message=min_one_message,
                    nowait=False,
                    verify_crc=verify_crc,
                    to_end=False,
                    generation=generation,
                )
        return ReadInfo([], 0, offset, offset)

    def read_nowait(
        self,
        offset: int,
        max_bytes: int,
        *,
        up_to_offset: int | None = None,
        min_one_message: bool = True,
        verify_crc: bool = False,
    ) -> ReadInfo | None:
        """As :meth:`read`, on the event loop; None if the disk would have to be waited for."""
        bound = self._check_range(offset, up_to_offset)
        if offset >= bound:
            return ReadInfo([], 0, offset, offset)
        try:
            return self.reader.read(
                offset,
                max_bytes,
                up_to_offset=bound,
                min_one_message=min_one_message,
                nowait=True,
                verify_crc=verify_crc,
                to_end=bound == self.log_end_offset,
                generation=self.reader.generation,
            )
        except WouldBlock:
            return None

    def _check_range(self, offset: int, up_to_offset: int | None) -> int:
        end = self.log_end_offset
        if offset > end or offset < self.log_start_offset:
            where = f"[{self.log_start_offset}, {end}] of {self.topic_partition}"
            raise ApiError(ErrorCode.OFFSET_OUT_OF_RANGE, f"offset {offset} is not in {where}")
        return end if up_to_offset is None or up_to_offset > end else up_to_offset

    def offset_for_timestamp(self, timestamp: int) -> tuple[int, int, int] | None:
        """Return timestamp, offset and leader epoch of the first record with at least ``timestamp`` (ms).

        None if there is none. May wait for the disk, opens a batch; from any thread. Raises CorruptData, StorageError.
        """
        return timestamps.offset_for_timestamp(self, timestamp)

    def offset_of_max_timestamp(self) -> tuple[int, int, int] | None:
        """Return timestamp, offset and leader epoch of the first record that has the largest timestamp (KIP-734)."""
        return timestamps.offset_of_max_timestamp(self)

    @property
    def size_bytes(self) -> int:
        """Bytes of all batches."""
        return sum(segment.log.size for segment in self.segments)

    # -- flushing ----------------------------------------------------------------------------------------------------

    @property
    def flush_due(self) -> bool:
        """Whether ``flush.messages`` asks for a flush before what was appended may be acknowledged."""
        return self.log_end_offset - self.recovery_point >= self.config.flush_messages

    def flush_ms_due(self, now_ms: int) -> bool:
        """Whether ``flush.ms`` asks for a flush."""
        is_behind = self.recovery_point < self.log_end_offset
        return is_behind and now_ms - self.flusher.last_flush_ms >= self.config.flush_ms

    async def flush_through(self, offset: int) -> None:
        """Return once everything below ``offset`` is on the disk; raises StorageError if that cannot be.

        One fsync, in a thread, serves everybody who waits for it (group commit).
        """
        await self.flusher.flush_through(offset)

    def flush(self, up_to_offset: int | None = None) -> None:
        """Flush here and now, blocking; raises StorageError."""
        self.flusher.flush(self.log_end_offset if up_to_offset is None else up_to_offset)

    def request_flush(self, up_to_offset: int) -> None:
        """Flush in the background, if there is one."""
        self.flusher.request(up_to_offset)

    def tick(self) -> None:
        """Write index entries that are only in memory; the manager calls this about once a second."""
        self.is_watched = False
        if self.failure is None and not self.is_deleted:
            try:
                self.segments.active.flush_indexes()
            except StorageError as error:
                self.fail(error)

    # -- the log's start ---------------------------------------------------------------------------------------------

    def delete_records(self, before_offset: int) -> int:
        """Raise the log's start to ``before_offset`` (-1: the high watermark); return the new start.

        The first segments below it are removed here, more than a few by :func:`ottla.log.retention.delete_in_turns`.

        Raises ApiError OFFSET_OUT_OF_RANGE above the high watermark, POLICY_VIOLATION if the topic is only
        compacted.
        """
        if self.config.is_compacted and not self.config.is_deleted:
            raise ApiError(ErrorCode.POLICY_VIOLATION, "records of a compacted topic are not deleted by offset")
        target = self.high_watermark if before_offset == -1 else before_offset
        if target > self.high_watermark or target < 0:
            raise ApiError(ErrorCode.OFFSET_OUT_OF_RANGE, f"{before_offset} is above the high watermark")
        if self.failure is not None:
            raise self.failure
        self.raise_log_start_offset(target)
        self.delete_old_segments(None, at_most=SEGMENTS_PER_TURN)
        return self.log_start_offset

    def raise_log_start_offset(self, offset: int) -> None:
        """Forget what lies below ``offset``, which is at most the high watermark."""
        if offset > self.log_start_offset:
            self.log_start_offset = offset
            self.leader_epochs.truncate_from_start(offset)
            self.watch()

    def delete_old_segments(self, now_ms: int | None, *, at_most: int | None = None) -> int:
        """Delete what retention no longer asks for, the oldest ``at_most``; return how many segments that were.

        Without a time only what lies below the log's start, whatever the topic's retention: its time comes by itself.
        """
        from .retention import deletable_segments

        doomed = deletable_segments(self, now_ms, at_most)
        now_ms = self.context.clock.now_ms() if now_ms is None else now_ms
        if doomed and self.failure is None:
            try:
                if len(doomed) == len(self.segments):
                    self._roll(self.log_end_offset, now_ms)
                self.remove_segments(doomed, now_ms)
            except StorageError as error:
                self.fail(error)
                raise
            self.raise_log_start_offset(self.segments[0].base_offset)
        return len(doomed)

    def remove_segments(self, segments: Iterable[Segment], now_ms: int) -> None:
        """Take segments out of the log and have their files removed."""
        doomed = list(segments)
        self.segments.remove(doomed)
        self.reader.forget()
        for segment in doomed:
            segment.is_current = False
            self.producers.remove_snapshot(segment.base_offset)
            self.discard(segment, now_ms)

    def discard(self, segment: Segment, now_ms: int) -> None:
        """Rename a segment's files to ``*.deleted`` and have them removed after ``file.delete.delay.ms``."""
        segment.change_suffix(names.DELETED)
        segment.close()
        for path in segment.paths():
            self.context.trash.add(path, now_ms + self.config.file_delete_delay_ms)

    # -- the log's end -----------------------------------------------------------------------------------------------

    def truncate_to(self, offset: int) -> None:
        """Cut everything at and above ``offset`` (a follower that diverged; reference section 5.6)."""
        truncation.truncate_to(self, offset)

    def truncate_fully_and_start_at(self, offset: int) -> None:
        """Drop everything; the next batch gets ``offset``."""
        truncation.truncate_fully_and_start_at(self, offset)

    # -- the rest ----------------------------------------------------------------------------------------------------

    def update_config(self, config: LogConfig) -> None:
        """Go by other settings from now on; index settings count from the next segment on."""
        self.config = config

    def expire_producers(self, now_ms: int) -> int:
        """Forget the producers that were silent for too long; return how many."""
        return self.producers.expire(now_ms)

    def moved(self, directory: str) -> None:
        """Follow the partition's folder to another name."""
        self.directory = directory
        self.leader_epochs.directory = directory
        self.producers.directory = directory
        for segment in self.segments:
            segment.moved(directory)

    @property
    def needs_close(self) -> bool:
        """Whether a stop has anything to write."""
        return stopping.needs_close(self)

    def finish(self) -> None:
        """Write what is only in memory, as Kafka leaves a log at a stop; not synced. Raises StorageError."""
        stopping.finish(self)

    def close(self, *, after_sync: bool = False) -> None:
        """Write and sync everything, so that the next start finds nothing to recover.

        Blocks, from any thread. With ``after_sync`` :meth:`finish` was called and the whole disk synced. Raises
        StorageError.
        """
        stopping.close(self, after_sync=after_sync)
