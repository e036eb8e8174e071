"""Opening a partition's folder, as ``LogLoader`` does (reference section 4.2, start-up).

What a clean stop left is taken as it is: the folder is listed once, a few small files are read, and of the
records only what lies behind the last index entry. After anything else, segments from the recovery point on
are recovered.
"""

import logging
from collections.abc import Iterable

from ..model.errors import CorruptData, StorageError
from ..model.ids import ZERO_UUID, TopicPartition, Uuid
from . import names
from .config import LogConfig
from .context import LogContext
from .epochs import LeaderEpochs
from .index import OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES
from .log import Log
from .meta_properties import encode_partition_metadata, read_partition_metadata
from .producers import Producer, Producers
from .recovery import holds_valid_batch, keep_damage, recover_segment, set_aside
from .scan import read, walk
from .segment import Segment
from .segments import Segments

logger = logging.getLogger(__name__)


def create_log(
    context: LogContext, directory: str, topic_partition: TopicPartition, topic_id: Uuid, config: LogConfig
) -> Log:
    """Make the folder and an empty log in it.

    Nothing is synced before the log's first flush. Raises StorageError.
    """
    files = context.files
    files.make_dir(directory)
    files.write_bytes(names.join(directory, names.PARTITION_METADATA), encode_partition_metadata(topic_id))
    segment = Segment.create(
        files,
        directory,
        0,
        index_interval_bytes=config.index_interval_bytes,
        segment_index_bytes=config.segment_index_bytes,
        created_ms=context.clock.now_ms(),
    )
    producers = Producers(files, directory, expiration_ms=context.producer_id_expiration_ms)
    producers.last_snapshot_offset = 0
    return Log(
        context,
        directory,
        topic_partition,
        topic_id,
        config,
        segments=Segments([segment]),
        leader_epochs=LeaderEpochs(files, directory),
        producers=producers,
        log_start_offset=0,
        log_end_offset=0,
        recovery_point=0,
        high_watermark=0,
        is_new=True,
    )


def load_log(
    context: LogContext,
    directory: str,
    topic_partition: TopicPartition,
    config: LogConfig,
    *,
    had_clean_shutdown: bool,
    recovery_point: int = 0,
    log_start_offset: int = 0,
    high_watermark: int = 0,
) -> Log:
    """Open the log in ``directory``; the offsets are the last ones checkpointed. Raises StorageError."""
    loader = _Loader(context, directory, config, had_clean_shutdown, recovery_point, log_start_offset)
    loader.load()
    topic_id = ZERO_UUID
    if names.PARTITION_METADATA in loader.sizes:
        topic_id = read_partition_metadata(context.files, directory) or ZERO_UUID
    return Log(
        context,
        directory,
        topic_partition,
        topic_id,
        config,
        segments=loader.segments,
        leader_epochs=loader.epochs,
        producers=loader.producers,
        log_start_offset=loader.log_start_offset,
        log_end_offset=loader.log_end_offset,
        recovery_point=loader.recovery_point,
        high_watermark=high_watermark,
    )


class _Loader:
    """One folder being opened."""

    def __init__(
        self,
        context: LogContext,
        directory: str,
        config: LogConfig,
        had_clean_shutdown: bool,
        recovery_point: int,
        log_start_offset: int,
    ) -> None:
        self.context = context
        self.files = context.files
        self.directory = directory
        self.config = config
        self.is_clean = had_clean_shutdown
        self.recovery_point = recovery_point
        self.log_start_offset = log_start_offset
        self.log_end_offset = 0
        self.now_ms = context.clock.now_ms()
        self.sizes = self.files.scan_dir(directory)
        self.epochs = LeaderEpochs(self.files, directory)
        self.producers = Producers(self.files, directory, expiration_ms=context.producer_id_expiration_ms)
        self.recovered_producers: tuple[int, list[Producer]] = (-1, [])
        self.segments = Segments([])

    def load(self) -> None:
        """Do all of it, in Kafka's order."""
        if finish_swaps(self.context, self.directory, self.sizes, self.config):
            self.sizes = self.files.scan_dir(self.directory)
        epochs_are_lost = self._load_epochs()
        found, broken = self._find_segments()
        self.producers.snapshots.sort()
        self.segments = Segments(found)
        if self.is_clean:
            recovered: list[Segment] = []
        else:
            recovered = self._recover()
        for segment in broken:
            if segment not in recovered:
                self._rebuild(segment)
        self._find_end()
        if epochs_are_lost:
            self._relearn_epochs()
        self.epochs.truncate_from_end(self.log_end_offset, quietly=self.log_end_offset == 0)
        self.log_start_offset = max(self.log_start_offset, self.segments[0].base_offset)
        self.epochs.truncate_from_start(self.log_start_offset)
        self._load_producers()

    def _segment(self, base_offset: int, sizes: dict[str, int]) -> Segment:
        return Segment(
            self.files,
            self.directory,
            base_offset,
            index_interval_bytes=self.config.index_interval_bytes,
            segment_index_bytes=self.config.segment_index_bytes,
            created_ms=self.now_ms,
            sizes=sizes,
        )

    def _find_segments(self) -> tuple[list[Segment], list[Segment]]:
        """Return the segments, and those of them whose indexes are missing or cannot be right."""
        sizes = self.sizes
        found, broken = [], []
        for name in sorted(sizes):
            base_offset = names.offset_of(name)
            if base_offset is None:
                continue
            if name.endswith(names.LOG):
                segment = self._segment(base_offset, sizes)
                found.append(segment)
                index = sizes.get(names.segment_file(base_offset, names.INDEX))
                time_index = sizes.get(names.segment_file(base_offset, names.TIME_INDEX))
                is_missing = segment.log.size > 0 and (index is None or time_index is None)
                if is_missing or (index or 0) % OFFSET_ENTRY_BYTES or (time_index or 0) % TIME_ENTRY_BYTES:
                    broken.append(segment)
            elif name.endswith(names.SNAPSHOT):
                self.producers.snapshots.append(base_offset)
            elif name.endswith(names.INDEX_SUFFIXES) and names.segment_file(base_offset, names.LOG) not in sizes:
                logger.warning("removing %s/%s: there is no such segment", self.directory, name)
                self.files.remove(names.join(self.directory, name))
        for segment in found[:-1]:
            segment.is_inactive = True
        return found, broken

    def _rebuild(self, segment: Segment) -> None:
        logger.warning("making the indexes of %s anew: they are missing or damaged", segment.log.path)
        following = self.segments.after(segment)
        next_offset, bad_bytes = recover_segment(segment, self.epochs, self._unheard(), following)
        if bad_bytes:
            self._cut(segment, next_offset, bad_bytes, [])

    def _unheard(self) -> Producers:
        """Return somebody to tell of producers who will forget it: the state is loaded at the end."""
        return Producers(self.files, self.directory, expiration_ms=self.context.producer_id_expiration_ms)

    def _recover(self) -> list[Segment]:
        """Recover the segments from the recovery point on; what follows damage does not count any more."""
        unflushed = self.segments.between(self.recovery_point, 2**63)
        if unflushed:
            first_offset = unflushed[0].base_offset
            start = self.producers.load(self.log_start_offset, first_offset, self.now_ms, keep_last=False)
            replay_producers(self.producers, self.segments, start, first_offset)
        for number, segment in enumerate(unflushed):
            following = self.segments.after(segment)
            next_offset, bad_bytes = recover_segment(segment, self.epochs, self.producers, following)
            self.producers.take_snapshot(next_offset)
            if bad_bytes:
                self._cut(segment, next_offset, bad_bytes, unflushed[number + 1 :])
                break
        if unflushed:
            self.recovered_producers = next_offset, list(self.producers.producers.values())
        return unflushed

    def _cut(self, segment: Segment, next_offset: int, bad_bytes: int, later: list[Segment]) -> None:
        position = segment.log.size - bad_bytes
        has_later = any(other.log.size for other in later)
        is_damage = (
            self.is_clean
            or next_offset < self.recovery_point
            or has_later
            or holds_valid_batch(segment.log, position, next_offset)
        )
        kept = []
        if is_damage:
            kept.append(keep_damage(self.files, segment, position))
        segment.log.truncate(position)
        segment.log.fsync()  # the next crash must not bring it back below the recovery point
        for other in later:
            aside = set_aside(self.files, other)
            if aside is not None:
                kept.append(aside)
            self.producers.remove_snapshot(other.base_offset)
        self.segments.remove(later)
        segment.is_inactive = segment is not self.segments.active
        if is_damage:
            logger.error(
                "%s is damaged: the log now ends at offset %d; what was behind is kept in %s",
                segment.log.path,
                next_offset,
                ", ".join(kept),
            )
        else:
            logger.warning("%s had a torn tail of %d bytes: cut off", segment.log.path, bad_bytes)

    def _find_end(self) -> None:
        """Find the log's end, and make sure that there is a segment to write to."""
        if len(self.segments):
            active = self.segments.active
            try:
                end_offset, end = active.read_end()
            except CorruptData as error:
                logger.warning("making indexes anew: %s", error)
                active.rebuild_indexes()
                end_offset, end = active.read_end()
            if end != active.log.size:  # a clean stop leaves no such thing, but whoever copies folders may
                end_offset, bad_bytes = recover_segment(active, self.epochs, self._unheard(), None)
                if bad_bytes:
                    self._cut(active, end_offset, bad_bytes, [])
                self.is_clean = False
            self.log_end_offset = end_offset
            if end_offset >= self.log_start_offset:
                self.recovery_point = end_offset if self.is_clean else min(self.recovery_point, end_offset)
                return
            logger.warning(
                "%s ends at %d, below its start %d: its segments are dropped",
                self.directory,
                end_offset,
                self.log_start_offset,
            )
            for segment in self.segments:
                set_aside(self.files, segment)
            self.epochs.clear()
            self.producers.clear(self.log_start_offset)
        self.log_end_offset = self.log_start_offset
        self.recovery_point = min(self.recovery_point, self.log_end_offset)
        segment = Segment.create(
            self.files,
            self.directory,
            self.log_start_offset,
            index_interval_bytes=self.config.index_interval_bytes,
            segment_index_bytes=self.config.segment_index_bytes,
            created_ms=self.now_ms,
        )
        self.segments.replace([segment], list(self.segments))

    def _load_epochs(self) -> bool:
        """Read the leader epochs; return whether they are lost."""
        if names.LEADER_EPOCH_CHECKPOINT not in self.sizes:
            return False
        try:
            self.epochs.load()
        except CorruptData as error:
            logger.error("learning the leader epochs anew from the records: %s", error)
            return True
        return False

    def _relearn_epochs(self) -> None:
        for segment in self.segments:
            for _, header in walk(segment.log, 0, segment.log.size):
                if header.leader_epoch > self.epochs.latest_epoch:
                    self.epochs.assign(header.leader_epoch, header.base_offset)

    def _load_producers(self) -> None:
        producers = self.producers
        producers.remove_stray_snapshots(self.segments.base_offsets())
        end_offset = self.log_end_offset
        if self.is_clean and not producers.snapshots:
            # nobody ever took one: as Kafka, do not go through the whole log for a state that was not kept
            producers.last_snapshot_offset = end_offset
            return
        start = producers.load(self.log_start_offset, end_offset, self.now_ms)
        if start < end_offset:
            replay_producers(producers, self.segments, start, end_offset, self.segments.base_offsets()[-2:])
            producers.take_snapshot(end_offset)
        recovered_to, recovered = self.recovered_producers
        if recovered_to == end_offset:
            producers.remember(recovered)


def replay_producers(
    producers: Producers,
    segments: Segments,
    start_offset: int,
    end_offset: int,
    snapshots_at: Iterable[int] = (),
) -> None:
    """Take up what producers wrote in ``[start_offset, end_offset)``, which is whole batches.

    A snapshot is taken before each segment whose base offset is in ``snapshots_at``.
    """
    for segment in segments.between(start_offset, end_offset):
        if segment.base_offset in snapshots_at:
            producers.take_snapshot(segment.base_offset)
        start = segment.position_of(start_offset) if start_offset > segment.base_offset else 0
        for position, header in walk(segment.log, start, segment.log.size):
            if header.base_offset >= end_offset:
                return
            if header.producer_id >= 0:
                batch = read(segment.log, header.size, position, False) if header.is_control else b""
                producers.replay(header, batch, 0)


def finish_swaps(context: LogContext, directory: str, sizes: dict[str, int], config: LogConfig) -> bool:
    """Finish or undo what the cleaner was doing when the node stopped; return whether files changed.

    ``*.deleted`` and ``*.cleaned`` go. A ``*.swap`` takes the place of the segments that it was made from,
    unless a ``*.cleaned`` with an offset at or below its own says that not all of them had been finished.
    """
    files = context.files
    temporary = [name for name in sizes if name.endswith((names.DELETED, names.CLEANED, names.SWAP))]
    if not temporary:
        return False
    for name in temporary:
        if name.endswith(names.DELETED):
            files.remove(names.join(directory, name))
    cleaned = [name for name in temporary if name.endswith(names.CLEANED)]
    swaps = [name for name in temporary if name.endswith(names.SWAP)]
    lowest_cleaned = min(_offsets(cleaned), default=2**63)
    for name in [name for name in swaps if (names.offset_of(name) or 0) >= lowest_cleaned] + cleaned:
        files.remove(names.join(directory, name))
    swaps = [name for name in swaps if (names.offset_of(name) or 0) < lowest_cleaned]
    _swap_in(context, directory, sizes, config, swaps)
    return True


def _swap_in(context: LogContext, directory: str, sizes: dict[str, int], config: LogConfig, swaps: list[str]) -> None:
    files = context.files
    low, high = 2**63, -1
    for name in swaps:
        base_offset = names.offset_of(name)
        if base_offset is None or not name.endswith(names.LOG + names.SWAP):
            continue
        segment = Segment(
            files,
            directory,
            base_offset,
            index_interval_bytes=config.index_interval_bytes,
            segment_index_bytes=config.segment_index_bytes,
            created_ms=0,
            sizes=sizes,
            suffix=names.SWAP,
        )
        low, high = min(low, base_offset), max(high, _end_of(segment))
        segment.close()
    for name in sizes:
        offset = names.offset_of(name)
        if offset is None or name.endswith((names.SWAP, names.DELETED, names.CLEANED, names.CORRUPT)):
            continue
        if low <= offset < high:
            logger.info("removing %s/%s: it was cleaned before the node stopped", directory, name)
            files.remove(names.join(directory, name))
    for name in swaps:
        files.rename(names.join(directory, name), names.join(directory, name.removesuffix(names.SWAP)))


def _end_of(segment: Segment) -> int:
    try:
        return segment.read_end()[0]
    except (CorruptData, StorageError):
        end_offset = segment.base_offset
        for _, header in walk(segment.log, 0, segment.log.size):
            end_offset = header.next_offset
        return end_offset


def _offsets(file_names: Iterable[str]) -> list[int]:
    return [offset for offset in map(names.offset_of, file_names) if offset is not None]
