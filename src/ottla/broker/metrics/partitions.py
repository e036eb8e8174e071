"""Partitions and their logs (Kafka's ``ReplicaManager`` and ``Log``), log directories, flushes and the cleaner."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ottla.broker.metrics.outside import Outside
from ottla.broker.metrics.samples import OTHER, Collected, bounded, labelled, single
from ottla.log.log import Log
from ottla.runtime.metrics import Kind, Metric
from ottla.runtime.metrics_text import Sample, histogram_samples, labels_text

if TYPE_CHECKING:
    from ottla.broker.node import Node

REPLICAS = "kafka.server:type=ReplicaManager,name="
LOG = "kafka.log:type=Log,name="
CLEANER = "kafka.log:type=LogCleaner,name="
CLEANERS = "kafka.log:type=LogCleanerManager,name="
LABELS = ("topic", "partition")


def _gauge(name: str, help: str, kafka: str = "", labels: tuple[str, ...] = ()) -> Metric:
    return Metric(name, Kind.GAUGE, help, labels, kafka)


def _counter(name: str, help: str, kafka: str = "") -> Metric:
    return Metric(name, Kind.COUNTER, help, (), kafka)


TOPICS = _gauge("ottla_topics", "Topics.", "kafka.controller:type=KafkaController,name=GlobalTopicCount")
PARTITIONS = _gauge("ottla_partitions", "Partitions on this node.", REPLICAS + "PartitionCount")
LEADERS = _gauge("ottla_partitions_led", "Partitions that this node leads.", REPLICAS + "LeaderCount")
OFFLINE = _gauge("ottla_partitions_offline", "Partitions whose log cannot be opened.", REPLICAS + "OfflineReplicaCount")
UNWRITABLE = _gauge(
    "ottla_partitions_unwritable", "Partitions whose log can be read but not written to: their folder failed."
)
UNDER_REPLICATED = _gauge(
    "ottla_partitions_under_replicated",
    "Partitions with fewer replicas in sync than there are. Always 0 on a single node.",
    REPLICAS + "UnderReplicatedPartitions",
)
UNDER_MIN_ISR = _gauge(
    "ottla_partitions_under_min_isr",
    "Partitions with fewer replicas in sync than min.insync.replicas asks for. Always 0 on a single node.",
    REPLICAS + "UnderMinIsrPartitionCount",
)
START_OFFSET = _gauge("ottla_partition_log_start_offset", "First offset in the log.", LOG + "LogStartOffset", LABELS)
END_OFFSET = _gauge("ottla_partition_log_end_offset", "Offset of the next record.", LOG + "LogEndOffset", LABELS)
SIZE = _gauge("ottla_partition_log_size_bytes", "Bytes of all batches in the log.", LOG + "Size", LABELS)
SEGMENTS = _gauge("ottla_partition_log_segments", "Segments of the log.", LOG + "NumLogSegments", LABELS)
UNFLUSHED = _gauge(
    "ottla_log_unflushed_records",
    "Records of all logs that were not flushed to the disk: what a power cut could take, unless the operating system "
    "has written it by itself.",
)
PRODUCERS = _gauge("ottla_producer_ids", "Producers that logs remember.", REPLICAS + "ProducerIdCount")
FLUSHES = Metric(
    "ottla_log_flush_seconds",
    Kind.HISTOGRAM,
    "Time that flushes of one log to the disk took.",
    (),
    "kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs",
)
DIR = "kafka.log:type=LogManager,name="
DIR_OFFLINE = _gauge(
    "ottla_log_directory_offline",
    "1 if the disk of a log directory has failed.",
    DIR + "LogDirectoryOffline",
    ("directory",),
)
DIR_FREE = _gauge(
    "ottla_log_directory_free_bytes",
    "Free bytes of the file system of a log directory.",
    "kafka-log-dirs.sh",
    ("directory",),
)
DIR_TOTAL = _gauge("ottla_log_directory_total_bytes", "Size of that file system.", "kafka-log-dirs.sh", ("directory",))
DIR_LOGS = _gauge("ottla_log_directory_logs", "Logs in a log directory.", "", ("directory",))

BY_PARTITION: tuple[tuple[Metric, Callable[[Log], int]], ...] = (
    (END_OFFSET, lambda log: log.log_end_offset),
    (START_OFFSET, lambda log: log.log_start_offset),
    (SIZE, lambda log: log.size_bytes),
    (SEGMENTS, lambda log: len(log.segments)),
)

ROUNDS = _counter("ottla_cleaner_rounds_total", "Compactions of a log that came to an end.")
ROUNDS_FAILED = _counter("ottla_cleaner_rounds_failed_total", "Compactions that failed.")
ROUNDS_ABORTED = _counter("ottla_cleaner_rounds_aborted_total", "Compactions that were broken off for another change.")
CLEANER_READ = _counter("ottla_cleaner_read_bytes_total", "Bytes that compaction has read.")
CLEANER_WRITTEN = _counter("ottla_cleaner_written_bytes_total", "Bytes that compaction has kept.")
RECOPY = _gauge("ottla_cleaner_recopy_ratio", "Share that the last round kept.", CLEANER + "cleaner-recopy-percent")
BUFFER = _gauge(
    "ottla_cleaner_buffer_utilization_ratio",
    "Share of the dedupe buffer that the last round used.",
    CLEANER + "max-buffer-utilization-percent",
)
ROUND_SECONDS = _gauge("ottla_cleaner_round_seconds", "Time of the last round.", CLEANER + "max-clean-time-secs")
DIRTY = _gauge(
    "ottla_cleaner_max_dirty_ratio", "Highest share of dirty bytes of a log.", CLEANERS + "max-dirty-percent"
)
DELAY = _gauge(
    "ottla_cleaner_max_compaction_delay_seconds",
    "Longest time that a log is overdue by max.compaction.lag.ms.",
    CLEANER + "max-compaction-delay-secs",
)
UNCLEANABLE = _gauge(
    "ottla_cleaner_uncleanable_partitions",
    "Logs that are not compacted any more because something is wrong with them; the log says what.",
    CLEANERS + "uncleanable-partitions-count",
)

METRICS = (
    TOPICS,
    PARTITIONS,
    LEADERS,
    OFFLINE,
    UNWRITABLE,
    UNDER_REPLICATED,
    UNDER_MIN_ISR,
    *(metric for metric, _ in BY_PARTITION),
    UNFLUSHED,
    PRODUCERS,
    FLUSHES,
    DIR_OFFLINE,
    DIR_FREE,
    DIR_TOTAL,
    DIR_LOGS,
    ROUNDS,
    ROUNDS_FAILED,
    ROUNDS_ABORTED,
    CLEANER_READ,
    CLEANER_WRITTEN,
    RECOPY,
    BUFFER,
    ROUND_SECONDS,
    DIRTY,
    DELAY,
    UNCLEANABLE,
)


def collect(node: "Node", outside: Outside) -> Collected:
    """Yield what is told of partitions, their logs and the folders that these lie in."""
    replicas, logs = node.replicas, node.logs
    partition_count = len(replicas)
    yield TOPICS, single(len(node.image.topics))
    yield PARTITIONS, single(partition_count + replicas.offline_count)
    yield LEADERS, single(partition_count)
    yield OFFLINE, single(replicas.offline_count)
    yield UNWRITABLE, single(sum(log.failure is not None for log in logs))
    yield UNDER_REPLICATED, single(0)
    yield UNDER_MIN_ISR, single(0)
    rows: list[tuple[str, Log]] = []
    limit = node.config.int("ottla.metrics.max.series")
    other = labels_text(LABELS, (OTHER, ""))
    for number, (metric, value_of) in enumerate(BY_PARTITION):
        found = _labelled_logs(node, rows) if number == 0 else iter(rows)
        yield metric, bounded(((labels, value_of(log)) for labels, log in found), limit, other)
    yield UNFLUSHED, _sum(rows, lambda log: max(0, log.log_end_offset - log.recovery_point))
    yield PRODUCERS, _sum(rows, lambda log: len(log.producers))
    flushes = logs.context.flush_seconds
    yield FLUSHES, histogram_samples("", flushes.bounds, flushes.counts, flushes.sum)
    yield DIR_OFFLINE, labelled(DIR_OFFLINE, ((one.path, int(one.failure is not None)) for one in logs.directories))
    yield DIR_FREE, labelled(DIR_FREE, ((path, free) for path, free, _ in outside.disks))
    yield DIR_TOTAL, labelled(DIR_TOTAL, ((path, total) for path, _, total in outside.disks))
    yield DIR_LOGS, labelled(DIR_LOGS, ((one.path, len(logs.logs_in(one))) for one in logs.directories))
    yield from _cleaner(node)


def _labelled_logs(node: "Node", rows: list[tuple[str, Log]]) -> Iterator[tuple[str, Log]]:
    """Yield every log with its labels, and keep them in ``rows``: to make the labels is what takes longest."""
    for log in node.logs:
        row = labels_text(LABELS, log.topic_partition), log
        rows.append(row)
        yield row


def _sum(rows: list[tuple[str, Log]], value_of: Callable[[Log], int]) -> Iterator[Sample | None]:
    total = 0
    for _, log in rows:
        total += value_of(log)
        yield None
    yield "", "", total


def _cleaner(node: "Node") -> Collected:
    figures = node.cleaner.figures
    yield ROUNDS, single(figures.rounds)
    yield ROUNDS_FAILED, single(figures.rounds_failed)
    yield ROUNDS_ABORTED, single(figures.rounds_aborted)
    yield CLEANER_READ, single(figures.bytes_read)
    yield CLEANER_WRITTEN, single(figures.bytes_written)
    yield RECOPY, single(figures.cleaner_recopy_percent / 100)
    yield BUFFER, single(figures.max_buffer_utilization_percent / 100)
    yield ROUND_SECONDS, single(figures.max_clean_time_secs)
    yield DIRTY, single(figures.max_dirty_percent / 100)
    yield DELAY, single(figures.max_compaction_delay_secs)
    yield UNCLEANABLE, single(len(node.cleaner.uncleanable))
