"""Every file and folder name of Kafka's log directory, made and taken apart here and nowhere else.

Source: reference section 4.1 and 4.2 (``LogFileUtils``, ``LocalLog.parseTopicPartitionName`` and
``logDeleteDirName``, ``CleanShutdownFileHandler``, ``PartitionMetadataFile`` upstream).
"""

import re

from ..model.ids import TopicPartition

LOG = ".log"
INDEX = ".index"
TIME_INDEX = ".timeindex"
TXN_INDEX = ".txnindex"
SNAPSHOT = ".snapshot"
"""Producer state; the offset in the name is exclusive."""
DELETED = ".deleted"
"""Ends the name of a file that will be removed after ``file.delete.delay.ms``."""
CLEANED = ".cleaned"
"""Ends the name of a file that the cleaner is still writing."""
SWAP = ".swap"
"""Ends the name of a finished file that is being put in the place of others."""
CORRUPT = ".corrupt"
"""Ends the name of bytes that recovery cut off and kept for a person to look at; Kafka has no such file."""
DELETE_DIR = "-delete"
FUTURE_DIR = "-future"
STRAY_DIR = "-stray"

SEGMENT_SUFFIXES = (LOG, INDEX, TIME_INDEX, TXN_INDEX)
"""What a segment may consist of."""
INDEX_SUFFIXES = (INDEX, TIME_INDEX, TXN_INDEX)

LEADER_EPOCH_CHECKPOINT = "leader-epoch-checkpoint"
PARTITION_METADATA = "partition.metadata"

META_PROPERTIES = "meta.properties"
CLEAN_SHUTDOWN = ".kafka_cleanshutdown"
LOCK = ".lock"
RECOVERY_POINT_CHECKPOINT = "recovery-point-offset-checkpoint"
LOG_START_CHECKPOINT = "log-start-offset-checkpoint"
HIGH_WATERMARK_CHECKPOINT = "replication-offset-checkpoint"
CLEANER_CHECKPOINT = "cleaner-offset-checkpoint"
METADATA_TOPIC_DIR = "__cluster_metadata-0"
"""A KRaft controller's own log: not a partition of ours to load."""

_NAME_BYTES_MAX = 255
_DELETED_OR_FUTURE = re.compile(r"^(\S+)-(\S+)\.(\S+)(-delete|-future|-stray)$")


def join(directory: str, name: str) -> str:
    """Return the path of ``name`` in ``directory``."""
    return f"{directory}/{name}"


def segment_file(base_offset: int, suffix: str) -> str:
    """Return the name of one of a segment's files: twenty digits, so that names sort as offsets do."""
    return f"{base_offset:020d}{suffix}"


def segment_path(directory: str, base_offset: int, suffix: str) -> str:
    """Return the path of one of a segment's files in a partition's folder."""
    return f"{directory}/{base_offset:020d}{suffix}"


def corrupt_name(base_offset: int, position: int) -> str:
    """Return the name for bytes that recovery cut off a segment at ``position``."""
    return f"{base_offset:020d}.{position}{CORRUPT}"


def offset_of(name: str) -> int | None:
    """Return the offset that a segment's or snapshot's file name begins with, or None if it is no such name."""
    digits = name.partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def partition_dir_name(topic_partition: TopicPartition) -> str:
    """Return ``topic-partition``."""
    return f"{topic_partition.topic}-{topic_partition.partition}"


def deleted_dir_name(topic_partition: TopicPartition, unique: str) -> str:
    """Return the name of a partition's folder while it is being deleted.

    ``unique`` is 32 hex digits; the topic is cut so that the whole fits a file system's 255 characters.
    """
    return _unique_dir_name(topic_partition, unique, DELETE_DIR)


def stray_dir_name(topic_partition: TopicPartition, unique: str) -> str:
    """Return the name under which a partition's folder is kept that the cluster does not know."""
    return _unique_dir_name(topic_partition, unique, STRAY_DIR)


def _unique_dir_name(topic_partition: TopicPartition, unique: str, kind: str) -> str:
    suffix = f"-{topic_partition.partition}.{unique}{kind}"
    return topic_partition.topic[: _NAME_BYTES_MAX - len(suffix)] + suffix


def is_deleted_dir(name: str) -> bool:
    """Whether the folder belongs to a partition that was deleted."""
    return name.endswith(DELETE_DIR) and _DELETED_OR_FUTURE.match(name) is not None


def is_future_dir(name: str) -> bool:
    """Whether the folder holds a replica that was on its way to another log directory."""
    return name.endswith(FUTURE_DIR) and _DELETED_OR_FUTURE.match(name) is not None


def is_stray_dir(name: str) -> bool:
    """Whether the folder holds a replica that the cluster did not know at an earlier start."""
    return name.endswith(STRAY_DIR) and _DELETED_OR_FUTURE.match(name) is not None


def parse_partition_dir(name: str) -> TopicPartition | None:
    """Return the partition whose log a folder holds, or None if it is not a live partition's folder.

    Topics may contain dashes: the last one separates.
    """
    topic, dash, digits = name.rpartition("-")
    if not topic or not dash or not digits.isascii() or not digits.isdigit():
        return None
    return TopicPartition(topic, int(digits))
