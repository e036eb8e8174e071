"""All logs of a node: finding, making, deleting them, and looking after them in the background.

``LogManager`` upstream. Each background job is a method that a test may call; :meth:`LogManager.start`
schedules them. A log directory whose disk fails goes offline with all its logs: nothing more is written to
them; what is there can still be read. The others go on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..model.errors import OperatorError, StorageError
from ..model.ids import TopicPartition, Uuid, uuid_to_text
from ..runtime.clock import Clock, Timer
from ..runtime.files import Files
from ..runtime.tasks import Tasks
from . import names
from .checkpoints import OffsetCheckpoint
from .config import NO_LIMIT, LogConfig
from .context import LogContext
from .directory import UNKNOWN_BROKER_EPOCH, LogDirectory, read_or_reset
from .loading import create_log, load_log
from .log import Log

logger = logging.getLogger(__name__)

LOGS_PER_TURN = 100
"""How many logs a job looks at before the event loop gets its turn."""

CLOSERS = 4
"""How many threads close logs at a stop."""

SYNCED_SINGLY = 32
"""Up to how many logs are synced file by file at a stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogManagerConfig:
    """Settings of the node, with Kafka's defaults; named as they are, ``log.`` left out."""

    num_recovery_threads_per_data_dir: int = 2
    retention_check_interval_ms: int = 300_000
    flush_offset_checkpoint_interval_ms: int = 60_000
    flush_start_offset_checkpoint_interval_ms: int = 60_000
    replica_high_watermark_checkpoint_interval_ms: int = 5_000
    producer_id_expiration_ms: int = 86_400_000
    producer_id_expiration_check_interval_ms: int = 600_000
    initial_task_delay_ms: int = 30_000
    tick_ms: int = 1_000


class LogManager:
    """The logs in ``dirs``.

    ``fresh_uuid`` makes ids for new clusters and folders; ``random_below(n)`` returns a whole number in [0,
    n). ``on_directory_failure`` is told once of each directory that goes offline, with the logs in it.
    """

    def __init__(
        self,
        *,
        files: Files,
        clock: Clock,
        tasks: Tasks,
        dirs: Sequence[str],
        default_config: LogConfig,
        fresh_uuid: Callable[[], Uuid],
        random_below: Callable[[int], int] = lambda bound: 0,
        config: LogManagerConfig | None = None,
        on_directory_failure: Callable[[LogDirectory, list[Log]], None] = lambda directory, logs: None,
    ) -> None:
        self.config = config or LogManagerConfig()
        self.default_config = default_config
        self.directories = [LogDirectory(files, path) for path in dirs]
        self.logs: dict[TopicPartition, Log] = {}
        self.on_directory_failure = on_directory_failure
        self.cleans_compacted = False
        """Whether a cleaner looks after compacted logs, their retention included."""
        self.cluster_id = ""
        self.broker_epoch = UNKNOWN_BROKER_EPOCH
        self.damaged: dict[TopicPartition, StorageError] = {}
        """Logs that could not be opened, and why; they are left alone."""
        self._files = files
        self._clock = clock
        self._tasks = tasks
        self._fresh_uuid = fresh_uuid
        self._timers: set[Timer] = set()
        self._is_closing = False
        self._directory_of: dict[TopicPartition, LogDirectory] = {}
        self.context = LogContext(
            files=files,
            clock=clock,
            tasks=tasks,
            random_below=random_below,
            producer_id_expiration_ms=self.config.producer_id_expiration_ms,
            on_failure=self._log_failed,
        )

    def __iter__(self) -> Iterator[Log]:
        return iter(list(self.logs.values()))

    def __len__(self) -> int:
        return len(self.logs)

    # -- start -------------------------------------------------------------------------------------------------------

    def open(self, *, node_id: int, cluster_id: str | None = None) -> None:
        """Lock the folders and make sure that they are this node's; blocks, before anything else.

        Without ``cluster_id`` it is what the folders say, or a new one. Raises OperatorError with nothing
        touched.
        """
        try:
            for directory in self.directories:
                directory.open()
            told = [one.properties.cluster_id for one in self.directories if one.properties is not None]
            known = next((one for one in told if one), None)
            self.cluster_id = cluster_id or known or uuid_to_text(self._fresh_uuid())
            for directory in self.directories:
                directory.identify(self.cluster_id, node_id, self._fresh_uuid, now_ms=self._clock.now_ms())
        except BaseException:
            self.release()
            raise

    def load(self) -> None:
        """Open every log in every folder; blocks. Raises OperatorError if a partition is in two of them."""
        for directory in self.directories:
            try:
                directory.begin()
                self._load_directory(directory)
            except StorageError as error:
                self._take_offline(directory, error)

    def _load_directory(self, directory: LogDirectory) -> None:
        found: list[tuple[TopicPartition, str]] = []
        for name in self._files.list_dirs(directory.path):
            path = names.join(directory.path, name)
            if names.is_deleted_dir(name):
                self.context.trash.add(path, self._clock.now_ms(), is_dir=True)
                continue
            topic_partition = names.parse_partition_dir(name)
            if topic_partition is None or name == names.METADATA_TOPIC_DIR:
                continue
            if topic_partition in self._directory_of:
                other = self._directory_of[topic_partition].path
                raise OperatorError(
                    f"{topic_partition} is in {directory.path} and in {other}; move one of the two folders away"
                )
            self._directory_of[topic_partition] = directory
            found.append((topic_partition, path))
        recovery_points = read_or_reset(directory.recovery_points, logger.warning)
        log_starts = read_or_reset(directory.log_starts, logger.warning)
        high_watermarks = read_or_reset(directory.high_watermarks, logger.warning)
        read_or_reset(directory.first_dirty_offsets, logger.warning)

        def load(entry: tuple[TopicPartition, str]) -> None:
            topic_partition, path = entry
            try:
                self.logs[topic_partition] = load_log(
                    self.context,
                    path,
                    topic_partition,
                    self.default_config,
                    had_clean_shutdown=directory.had_clean_shutdown,
                    recovery_point=recovery_points.get(topic_partition, 0),
                    log_start_offset=log_starts.get(topic_partition, 0),
                    high_watermark=high_watermarks.get(topic_partition, 0),
                )
            except (StorageError, OSError) as error:
                logger.error("cannot open the log %s: %s", path, error)
                self.damaged[topic_partition] = error if isinstance(error, StorageError) else StorageError(str(error))

        threads = self.config.num_recovery_threads_per_data_dir
        if directory.had_clean_shutdown or threads < 2 or len(found) < 2:
            for entry in found:
                load(entry)
        else:
            with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="recovery") as executor:
                list(executor.map(load, found))

    # -- logs --------------------------------------------------------------------------------------------------------

    def get(self, topic_partition: TopicPartition) -> Log | None:
        """Return the log, or None if there is none."""
        return self.logs.get(topic_partition)

    def directory_of(self, topic_partition: TopicPartition) -> LogDirectory:
        """Return the folder that a log lies in; KeyError if there is no such log."""
        return self._directory_of[topic_partition]

    def create(self, topic_partition: TopicPartition, topic_id: Uuid, config: LogConfig) -> Log:
        """Make an empty log in the online folder that has the fewest; StorageError if none is online."""
        if topic_partition in self.damaged:
            raise self.damaged[topic_partition]
        assert topic_partition not in self.logs
        directory = self._emptiest()
        self._forget_offsets(directory, topic_partition)
        path = names.join(directory.path, names.partition_dir_name(topic_partition))
        try:
            if self._files.exists(path):
                self._rename_away(topic_partition, path, directory, names.stray_dir_name)
            log = create_log(self.context, path, topic_partition, topic_id, config)
        except StorageError as error:
            self._take_offline(directory, error)
            raise
        self.logs[topic_partition] = log
        self._directory_of[topic_partition] = directory
        return log

    def _emptiest(self) -> LogDirectory:
        online = [directory for directory in self.directories if directory.failure is None]
        if not online:
            raise StorageError("every log directory is offline")
        if len(online) == 1:
            return online[0]
        counts = dict.fromkeys(online, 0)
        for directory in self._directory_of.values():
            if directory in counts:
                counts[directory] += 1
        return min(online, key=lambda directory: counts[directory])

    def _forget_offsets(self, directory: LogDirectory, topic_partition: TopicPartition) -> None:
        """Rewrite checkpoints that still speak of an earlier partition of the same name.

        Blocks, and is rare.
        """
        if directory.recovery_points.mentions(topic_partition):
            directory.recovery_points.write(self._offsets(directory, lambda log: log.recovery_point))
        if directory.log_starts.mentions(topic_partition):
            directory.log_starts.write(self._log_starts(directory))
        if directory.high_watermarks.mentions(topic_partition):
            directory.high_watermarks.write(self._offsets(directory, lambda log: log.high_watermark))
        if directory.first_dirty_offsets.mentions(topic_partition):
            # As far as the file says others were compacted: what it does not know yet is compacted once more at worst.
            others = directory.first_dirty_offsets.entries.items()
            directory.first_dirty_offsets.write({key: offset for key, offset in others if key in self.logs})

    async def delete(self, topic_partition: TopicPartition) -> None:
        """Forget a log at once.

        Its name is free; the files go after ``file.delete.delay.ms``, in a thread. The folder of a log that could not
        be opened is kept under another name, for a person to look at.
        """
        log = self.logs.get(topic_partition)
        if log is None and self.damaged.pop(topic_partition, None) is not None:
            directory = self._directory_of.pop(topic_partition)
            path = names.join(directory.path, names.partition_dir_name(topic_partition))
            with contextlib.suppress(FileNotFoundError):
                kept = self._rename_away(topic_partition, path, directory, names.stray_dir_name)
                logger.warning("%s could not be opened and is deleted now: it is kept as %s", path, kept)
        if log is not None:
            path = self._take_out(log, names.deleted_dir_name)
            self.context.trash.add(path, self._clock.now_ms() + log.config.file_delete_delay_ms, is_dir=True)

    def set_aside(self, topic_partition: TopicPartition) -> None:
        """Take out a log that the cluster does not know, as Kafka does with strays; its folder is kept, renamed."""
        log = self.logs[topic_partition]
        path = self._take_out(log, names.stray_dir_name)
        logger.warning("%s is of a topic that is not there any more: it is kept as %s", log, path)

    def _take_out(self, log: Log, name_of: Callable[[TopicPartition, str], str]) -> str:
        """Forget a log, rename its folder, and return the folder's new path."""
        topic_partition = log.topic_partition
        del self.logs[topic_partition]
        directory = self._directory_of.pop(topic_partition)
        log.is_deleted = True
        self.context.dirty.discard(log)
        try:
            log.moved(self._rename_away(topic_partition, log.directory, directory, name_of))
        except FileNotFoundError:
            logger.warning("the folder of %s was gone already", topic_partition)
        except StorageError as error:
            self._take_offline(directory, error)
            raise
        for segment in log.segments:
            segment.close()
        return log.directory

    def _rename_away(
        self,
        topic_partition: TopicPartition,
        path: str,
        directory: LogDirectory,
        name_of: Callable[[TopicPartition, str], str],
    ) -> str:
        target = names.join(directory.path, name_of(topic_partition, self._fresh_uuid().hex()))
        self._files.rename(path, target)
        return target

    # -- failing -----------------------------------------------------------------------------------------------------

    def _log_failed(self, log: Log, error: StorageError) -> None:
        if self.logs.get(log.topic_partition) is log:  # not deleted, and another one of its name made since
            self._take_offline(self._directory_of[log.topic_partition], error)

    def _take_offline(self, directory: LogDirectory, error: StorageError) -> None:
        if directory.failure is not None:
            return
        directory.failure = error
        logger.error("log directory %s is offline: %s", directory.path, error)
        logs = self.logs_in(directory)
        for log in logs:
            if log.failure is None:
                log.failure = error
        self.on_directory_failure(directory, logs)

    def logs_in(self, directory: LogDirectory) -> list[Log]:
        """Return the logs that lie in a folder."""
        return [log for key, log in self.logs.items() if self._directory_of[key] is directory]

    # -- jobs --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Do the background jobs from now on, each again after its interval."""
        config = self.config
        first_ms = config.initial_task_delay_ms
        self._every(config.tick_ms, self.tick, config.tick_ms)
        self._every(config.retention_check_interval_ms, self.delete_old_segments, first_ms)
        self._every(config.flush_offset_checkpoint_interval_ms, self.checkpoint_recovery_points, first_ms)
        self._every(config.flush_start_offset_checkpoint_interval_ms, self.checkpoint_log_starts, first_ms)
        high_watermarks_ms = config.replica_high_watermark_checkpoint_interval_ms
        self._every(high_watermarks_ms, self.checkpoint_high_watermarks, high_watermarks_ms)
        expiration_ms = config.producer_id_expiration_check_interval_ms
        self._every(expiration_ms, self.expire_producers, expiration_ms)

    def _every(self, interval_ms: int, job: Callable[[], Awaitable[None]], delay_ms: int) -> None:
        if self._is_closing:
            return
        timer: Timer

        async def run() -> None:
            try:
                await job()
            finally:
                self._every(interval_ms, job, interval_ms)

        def fire() -> None:
            self._timers.discard(timer)
            self._tasks.spawn(run(), name=f"log manager: {job.__name__}")

        timer = self._clock.call_later(delay_ms, fire)
        self._timers.add(timer)

    async def tick(self) -> None:
        """Write index entries and epochs that are only in memory, flush by ``flush.ms``, empty the trash."""
        now_ms = self._clock.now_ms()
        dirty = list(self.context.dirty)
        self.context.dirty.clear()
        for number, log in enumerate(dirty):
            if number % LOGS_PER_TURN == LOGS_PER_TURN - 1:
                await asyncio.sleep(0)
            log.tick()
            if log.failure is not None or log.is_deleted:
                continue
            if log.leader_epochs.is_dirty(log.log_end_offset):
                await self._write_epochs(log)
            if log.flush_ms_due(now_ms):
                log.request_flush(log.log_end_offset)
            elif log.recovery_point < log.log_end_offset and log.config.flush_ms < NO_LIMIT:
                self.context.dirty.add(log)
        due = self.context.trash.take_due(now_ms)
        if due:
            await self._tasks.in_thread(self.context.trash.remove, due)

    async def _write_epochs(self, log: Log) -> None:
        try:
            if not log.leader_epochs.write_first():
                await self._tasks.in_thread(log.leader_epochs.write)
        except StorageError as error:
            log.fail(error)
        except FileNotFoundError:
            if not log.is_deleted:
                raise

    async def delete_old_segments(self) -> None:
        """Delete the segments that retention no longer asks for.

        Compacted logs are the cleaner's, if there is one.
        """
        from .retention import deletable_segments, delete_in_turns

        now_ms = self._clock.now_ms()
        logs = [log for log in self if not (log.config.is_compacted and self.cleans_compacted)]
        for start in range(0, len(logs), LOGS_PER_TURN):
            turn = [log for log in logs[start : start + LOGS_PER_TURN] if log.failure is None and not log.is_deleted]
            try:  # what has to be read from the disk is read in a thread; then the loop finds it in memory
                due = await self._tasks.in_thread(
                    lambda some: [log for log in some if deletable_segments(log, now_ms)], turn
                )
            except (StorageError, FileNotFoundError) as error:
                logger.warning("retention of some logs is put off: %s", error)
                continue
            for log in due:
                try:
                    count = await delete_in_turns(log, now_ms)
                except StorageError:
                    continue  # the log has failed, and said so
                logger.info("%s: retention deleted %d segments", log.topic_partition, count)

    async def expire_producers(self) -> None:
        """Forget producers that were silent for ``producer.id.expiration.ms``."""
        now_ms = self._clock.now_ms()
        for number, log in enumerate(self):
            if len(log.producers):
                log.expire_producers(now_ms)
            if number % LOGS_PER_TURN == LOGS_PER_TURN - 1:
                await asyncio.sleep(0)

    async def checkpoint_recovery_points(self) -> None:
        """Write down from where on each log would have to be recovered."""
        for directory in self.directories:
            offsets = self._offsets(directory, lambda log: log.recovery_point)
            await self._checkpoint(directory, directory.recovery_points, offsets)

    async def checkpoint_log_starts(self) -> None:
        """Write down where logs start that DeleteRecords has cut within a segment."""
        for directory in self.directories:
            await self._checkpoint(directory, directory.log_starts, self._log_starts(directory))

    async def checkpoint_high_watermarks(self) -> None:
        """Write down the high watermarks."""
        for directory in self.directories:
            offsets = self._offsets(directory, lambda log: log.high_watermark)
            await self._checkpoint(directory, directory.high_watermarks, offsets)

    def _offsets(self, directory: LogDirectory, offset_of: Callable[[Log], int]) -> dict[TopicPartition, int]:
        where = self._directory_of
        return {key: offset_of(log) for key, log in self.logs.items() if where[key] is directory}

    def _log_starts(self, directory: LogDirectory) -> dict[TopicPartition, int]:
        return {
            log.topic_partition: log.log_start_offset
            for log in self.logs_in(directory)
            if log.log_start_offset > log.segments[0].base_offset
        }

    async def _checkpoint(
        self, directory: LogDirectory, checkpoint: OffsetCheckpoint, offsets: dict[TopicPartition, int]
    ) -> None:
        if directory.failure is not None or not checkpoint.differs(offsets):
            return
        try:
            await self._tasks.in_thread(checkpoint.prepare(offsets))
        except StorageError as error:
            self._take_offline(directory, error)

    # -- stop --------------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Flush every log, write the checkpoints and the marker of a clean stop, let go of the folders."""
        self._is_closing = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for directory in self.directories:
            if directory.failure is None:
                await self._close_directory(directory)
        self.release()

    async def _close_directory(self, directory: LogDirectory) -> None:
        logs = self.logs_in(directory)
        written = [log for log in logs if log.needs_close]
        failed = await self._in_parts(written, Log.finish)
        # bringing it all to the disk at once is many times as fast as file by file, but does not say what went wrong
        is_synced = len(written) > SYNCED_SINGLY and await self._tasks.in_thread(self._files.sync_all)
        failed += await self._in_parts(logs, lambda log: log.close(after_sync=is_synced))
        for checkpoint, offsets in (
            (directory.recovery_points, self._offsets(directory, lambda log: log.recovery_point)),
            (directory.log_starts, self._log_starts(directory)),
            (directory.high_watermarks, self._offsets(directory, lambda log: log.high_watermark)),
        ):
            await self._checkpoint(directory, checkpoint, offsets)
        if failed or directory.failure is not None or directory.properties is None:
            logger.error("%s was not stopped cleanly: %s", directory.path, failed or directory.failure)
            return
        try:
            await self._tasks.in_thread(directory.end, self.broker_epoch)
        except StorageError as error:
            self._take_offline(directory, error)

    async def _in_parts(self, logs: Sequence[Log], action: Callable[[Log], None]) -> list[StorageError]:
        parts = [part for part in (logs[number::CLOSERS] for number in range(CLOSERS)) if part]
        outcomes = await asyncio.gather(*(self._tasks.in_thread(_for_each, part, action) for part in parts))
        return [error for outcome in outcomes for error in outcome]

    def release(self) -> None:
        """Give the folders back to whoever comes next."""
        for directory in self.directories:
            directory.release()


def _for_each(logs: Sequence[Log], action: Callable[[Log], None]) -> list[StorageError]:
    failed = []
    for log in logs:
        try:
            action(log)
        except StorageError as error:
            failed.append(error)
        except FileNotFoundError as error:
            failed.append(StorageError(str(error)))
    return failed
