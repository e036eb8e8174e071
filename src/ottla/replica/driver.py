"""The partitions that this node leads, found by topic name or id, kept in step with the cluster's image.

``apply`` is awaited by the controller's driver before a new image is shown to anybody: a topic appears in Metadata
only once all its logs are there, so that no client meets a leader that does not know of its partition.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from ottla.log.config import LogConfig
from ottla.log.log import Log
from ottla.log.manager import LogManager
from ottla.metadata.image import Changes, Image, TopicImage
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.model.ids import ZERO_UUID, TopicPartition, Uuid
from ottla.record.validate import Depth
from ottla.replica.figures import AllTopicFigures, TopicFigures
from ottla.replica.partition import Partition

logger = logging.getLogger(__name__)

LOGS_PER_TURN = 16
MAX_TOPIC_FIGURES = 1000


class Replicas:
    """All partitions of one node."""

    def __init__(
        self,
        *,
        node_id: int,
        logs: LogManager,
        log_config: Callable[[str], LogConfig],
        depth: Callable[[], Depth],
        max_topic_figures: int = MAX_TOPIC_FIGURES,
    ) -> None:
        self.figures = AllTopicFigures(max_topic_figures)
        self._node_id = node_id
        self._logs = logs
        self._log_config = log_config
        self._depth = depth
        self._by_topic: dict[str | Uuid, dict[int, Partition]] = {}
        """The same partitions under their topic's name and under its id."""
        self._names: set[str] = set()
        self._offline: set[tuple[str | Uuid, int]] = set()

    def partition(self, topic: str | Uuid, index: int) -> Partition:
        """Return a partition that this node leads, of a topic by name or id.

        Raises ApiError UNKNOWN_TOPIC_OR_PARTITION, or UNKNOWN_TOPIC_ID when there is no topic of that id; StorageError
        when the log could not be opened.
        """
        try:
            return self._by_topic[topic][index]
        except KeyError:
            if (topic, index) in self._offline:
                raise StorageError(f"the log of partition {index} could not be opened") from None
            is_unknown_id = isinstance(topic, bytes) and topic not in self._by_topic
            code = ErrorCode.UNKNOWN_TOPIC_ID if is_unknown_id else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            raise ApiError(code) from None

    def figures_of(self, topic: str | Uuid) -> TopicFigures:
        """Return what is counted of a topic by name or id; of one that is not here, what is counted of all such."""
        for partition in self._by_topic.get(topic, {}).values():
            return partition.figures
        return self.figures.other

    def all(self) -> Iterable[Partition]:
        """Return every partition."""
        return [partition for name in self._names for partition in self._by_topic[name].values()]

    @property
    def offline_count(self) -> int:
        """How many partitions have no log because it could not be opened."""
        return len(self._offline) // 2  # by the topic's name and by its id

    def __len__(self) -> int:
        return sum(len(self._by_topic[name]) for name in self._names)

    async def flush_through(self, partition: Partition, end_offset: int) -> None:
        """Wait until everything below ``end_offset`` is on the disk, then let that be read, and no more than that:
        what came meanwhile waits for the next flush.
        """
        log = partition.log
        before = log.high_watermark
        await log.flush_through(end_offset)
        durable_offset = min(max(end_offset, log.recovery_point), log.log_end_offset)
        if log.high_watermark < durable_offset:
            partition.advance_high_watermark(max(1, durable_offset - before), durable_offset)

    # -- following the image --------------------------------------------------------------------------------------

    def load(self, image: Image) -> None:
        """Take up the logs that are there at start-up; make those that a crash left unmade.

        A log that a crash left over of a deleted topic is set aside. With no topics at all the metadata is more
        likely to be lost than the logs: they are left alone. As long as a log directory is offline no log is made
        for a partition that has none: its records are likely to lie there.
        """
        may_make = all(directory.failure is None for directory in self._logs.directories)
        known = {
            TopicPartition(topic.name, index): (topic.id, ZERO_UUID)
            for topic in image.topics.values()
            for index in self._own(topic)
        }
        strays = [log.topic_partition for log in self._logs if log.topic_id not in known.get(log.topic_partition, ())]
        if strays and not image.topics:
            logger.error("the metadata knows no topics, the folders hold %d logs: they are left alone", len(strays))
        else:
            for topic_partition in strays:
                self._set_aside(topic_partition)
        for topic in image.topics.values():
            for index in self._own(topic):
                self._open(topic, index, may_make=may_make)

    async def apply(self, old: Image, new: Image, changes: Changes) -> None:
        """Drop the logs of deleted topics and make those of new partitions, a few in each turn of the loop."""
        differing = list(changes.topics(old, new))
        for before, after in differing:
            if before is not None and after is None:
                await self._drop(before)
        made = 0
        for _, after in differing:
            if after is None:
                continue
            known = self._by_topic.get(after.name, {})
            for index in self._own(after):
                if index not in known and (after.id, index) not in self._offline:
                    self._open(after, index)
                    made += 1
                    if made % LOGS_PER_TURN == 0:
                        await asyncio.sleep(0)

    def update_config(self, topic: str) -> None:
        """Apply a topic's changed settings to its logs."""
        partitions = self._by_topic.get(topic)
        if partitions:
            config = self._log_config(topic)
            for partition in partitions.values():
                partition.update_config(config, self._depth())

    def update_all_configs(self) -> None:
        """Apply changed settings of the broker, which are the defaults of every topic's."""
        for topic in self._names:
            self.update_config(topic)

    def log_directory_failed(self, logs: Iterable[Log]) -> None:
        """Take the partitions of a failed log directory out of service for writing; reading goes on."""
        for log in logs:
            partition = self._by_topic.get(log.topic_partition.topic, {}).get(log.topic_partition.partition)
            if partition is not None:
                partition.close()

    def close(self) -> None:
        """Send everybody away who waits at a partition."""
        for partition in self.all():
            partition.close()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _own(self, topic: TopicImage) -> list[int]:
        return [partition.index for partition in topic.partitions if self._node_id in partition.replicas]

    def _open(self, topic: TopicImage, index: int, *, may_make: bool = True) -> None:
        topic_partition = TopicPartition(topic.name, index)
        try:
            log = self._logs.get(topic_partition)
            if log is not None and log.topic_id not in (topic.id, ZERO_UUID):
                self._logs.set_aside(topic_partition)
                log = None
            if log is None:
                if not may_make:
                    raise StorageError("a log directory is offline")
                log = self._logs.create(topic_partition, topic.id, self._log_config(topic.name))
        except (StorageError, FileNotFoundError) as error:
            logger.error("%s has no log: %s", topic_partition, error)
            self._offline |= {(topic.name, index), (topic.id, index)}
            return
        partition = Partition(
            topic_partition=topic_partition,
            topic_id=topic.id,
            log=log,
            leader_epoch=topic.partitions[index].leader_epoch,
            depth=self._depth(),
            figures=self.figures.of(topic.name),
        )
        log.leader_epochs.assign(partition.leader_epoch, log.log_end_offset)
        if topic.partitions[index].isr == (self._node_id,):
            # Alone in sync, the leader has everything that was ever committed, whatever the checkpoint remembers
            # (reference section 5.3).
            log.high_watermark = log.log_end_offset
        partitions = self._by_topic.get(topic.id)
        if partitions is None:
            partitions = self._by_topic[topic.id] = self._by_topic[topic.name] = {}
            self._names.add(topic.name)
        partitions[index] = partition

    async def _drop(self, topic: TopicImage) -> None:
        partitions = self._by_topic.pop(topic.id, {})
        if self._by_topic.get(topic.name) is partitions:
            del self._by_topic[topic.name]
            self._names.discard(topic.name)
            self.figures.forget(topic.name)
        for index in range(len(topic.partitions)):
            self._offline -= {(topic.name, index), (topic.id, index)}
        for partition in partitions.values():
            partition.close()
            try:
                await self._logs.delete(partition.topic_partition)
            except StorageError as error:  # its directory is offline now; the topic's other partitions go on
                logger.error("the log of %s was not removed: %s", partition.topic_partition, error)

    def _set_aside(self, topic_partition: TopicPartition) -> None:
        try:
            self._logs.set_aside(topic_partition)
        except StorageError as error:
            logger.error("the log of %s could not be set aside: %s", topic_partition, error)
