"""OffsetForLeaderEpoch (23), versions 2-4: where a leader epoch ends, for clients that look for truncation (KIP-320).

- 2: the client's current leader epoch; 3: replica id; 4: flexible.
"""

from ottla.broker.context import RequestContext
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)


def handle(request: OffsetForLeaderEpochRequest, context: RequestContext) -> OffsetForLeaderEpochResponse:
    """Answer from each partition's leader epochs."""
    topics = []
    for topic in request.topics:
        results = []
        for asked in topic.partitions:
            result = EpochEndOffset(partition=asked.partition, leader_epoch=-1, end_offset=-1)
            results.append(result)
            try:
                partition = context.node.replicas.partition(topic.topic, asked.partition)
                partition.check_leader_epoch(asked.current_leader_epoch)
                log = partition.log
                found = log.leader_epochs.end_offset_for(asked.leader_epoch, log.log_end_offset)
                result.leader_epoch, result.end_offset = found
            except ApiError as error:
                result.error_code = error.code
            except StorageError:
                result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        topics.append(OffsetForLeaderTopicResult(topic=topic.topic, partitions=results))
    return OffsetForLeaderEpochResponse(topics=topics)
