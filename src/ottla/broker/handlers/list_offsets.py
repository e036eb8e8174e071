"""ListOffsets (2), versions 1-11: where a partition begins, ends, or first has a timestamp.

- 2: isolation level; 4: leader epochs (KIP-320); 6: flexible.
- 7: offset of the largest timestamp (-3, KIP-734); 8: earliest local offset (-4, KIP-405).
- 9: latest tiered offset (-5); 10: timeout for remote lookups; 11: earliest offset not uploaded (-6, KIP-1023).

Nothing is tiered here: the earliest local offset is the earliest, and there is no tiered or pending one (-1). There are
no transactions either, so the last stable offset is the high watermark.
"""

import functools
from collections.abc import Callable

from ottla.broker.context import RequestContext
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from ottla.replica.partition import Partition

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
EARLIEST_LOCAL = -4
LATEST_TIERED = -5
EARLIEST_PENDING_UPLOAD = -6
SINCE_VERSION = {
    LATEST: 1,
    EARLIEST: 1,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}
DEBUGGING_REPLICA = -2
MOST_SEARCHES = 4
LEADER_EPOCH_SINCE_VERSION = 4
Found = tuple[int, int, int]
"""Timestamp, offset, leader epoch; -1 where there is none."""
NOTHING: Found = (-1, -1, -1)


async def handle(request: ListOffsetsRequest, context: RequestContext) -> ListOffsetsResponse:
    """Look every partition up; a search by time may have to wait for the disk."""
    seen: set[tuple[str, int]] = set()
    twice: set[tuple[str, int]] = set()
    for topic in request.topics:
        for asked in topic.partitions:
            key = (topic.name, asked.partition_index)
            (twice if key in seen else seen).add(key)
    topics = []
    for topic in request.topics:
        answers = []
        for asked in topic.partitions:
            answer = ListOffsetsPartitionResponse(partition_index=asked.partition_index)
            answers.append(answer)
            try:
                if (topic.name, asked.partition_index) in twice:
                    raise ApiError(ErrorCode.INVALID_REQUEST)
                found = await _look_up(topic.name, asked, request, context)
            except ApiError as error:
                answer.error_code = error.code
            except StorageError:
                answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
            else:
                answer.timestamp, answer.offset, leader_epoch = found
                if context.api_version >= LEADER_EPOCH_SINCE_VERSION:
                    answer.leader_epoch = leader_epoch
        topics.append(ListOffsetsTopicResponse(name=topic.name, partitions=answers))
    return ListOffsetsResponse(topics=topics)


async def _look_up(
    topic: str, asked: ListOffsetsPartition, request: ListOffsetsRequest, context: RequestContext
) -> Found:
    timestamp = asked.timestamp
    if timestamp < 0 and context.api_version < SINCE_VERSION.get(timestamp, context.api_version + 1):
        raise ApiError(ErrorCode.UNSUPPORTED_VERSION)
    partition = context.node.replicas.partition(topic, asked.partition_index)
    partition.check_leader_epoch(asked.current_leader_epoch)
    log = partition.log
    if timestamp == LATEST:
        end_offset = log.log_end_offset if request.replica_id == DEBUGGING_REPLICA else log.high_watermark
        return -1, end_offset, log.leader_epochs.latest_epoch
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        return -1, log.log_start_offset, log.leader_epochs.epoch_of(log.log_start_offset)
    if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return NOTHING
    if timestamp == MAX_TIMESTAMP:
        search = log.offset_of_max_timestamp
    else:
        search = functools.partial(log.offset_for_timestamp, timestamp)
    return _visible(partition, await _search(partition, search, context))


async def _search(partition: Partition, search: Callable[[], Found | None], context: RequestContext) -> Found | None:
    """Search in a thread, once more when a segment that was looked up is deleted meanwhile."""
    for _ in range(MOST_SEARCHES):
        try:
            return await context.node.tasks.in_thread(search)
        except FileNotFoundError as error:
            missing = error
            if partition.log.is_deleted:
                raise ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) from None
    raise StorageError(str(missing)) from missing


def _visible(partition: Partition, found: Found | None) -> Found:
    """Leave out what cannot be read yet."""
    if found is None or found[1] >= partition.log.high_watermark:
        return NOTHING
    return found
