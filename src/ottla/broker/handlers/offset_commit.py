"""OffsetCommit (8), versions 1-10: remember how far a group has come; answered once it is in the log.

- 1: the commit's time comes with each partition (-1: now); 2-4: a retention time for all; 3: throttle time.
- 5: retention is the broker's business (KIP-211); 6: leader epochs (KIP-320); 7: static members (KIP-345); 8: flexible.
- 9: GROUP_ID_NOT_FOUND where it was ILLEGAL_GENERATION (KIP-848); 10: topics by id (KIP-848).

Version 1 is served though Kafka 4 does not: librdkafka up to 1.2 and Sarama up to 1.40 send it without asking.
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import CommitRequest, CommitResult, OffsetToCommit
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)

UNKNOWN_GROUP_FROM_VERSION = 9
TOPIC_IDS_FROM_VERSION = 10


def handle(request: OffsetCommitRequest, context: RequestContext) -> OffsetCommitResponse | Deferred:
    """Commit what belongs to partitions that exist."""
    by_id = context.api_version >= TOPIC_IDS_FROM_VERSION
    response = OffsetCommitResponse()
    offsets: list[OffsetToCommit] = []
    answers: list[OffsetCommitResponsePartition] = []
    image = context.node.image
    for asked in request.topics:
        topic = image.topics_by_id.get(asked.topic_id) if by_id else image.topics.get(asked.name)
        unknown = ErrorCode.UNKNOWN_TOPIC_ID if by_id and topic is None else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        partition_count = 0 if topic is None else len(topic.partitions)
        partitions: list[OffsetCommitResponsePartition] = []
        for place in asked.partitions:
            index = place.partition_index
            answer = OffsetCommitResponsePartition(partition_index=index)
            partitions.append(answer)
            if topic is None or not 0 <= index < partition_count:
                answer.error_code = unknown
                continue
            answers.append(answer)
            offsets.append(
                OffsetToCommit(
                    topic.name,
                    index,
                    place.committed_offset,
                    leader_epoch=place.committed_leader_epoch,
                    metadata=place.committed_metadata,
                    commit_timestamp_ms=place.commit_timestamp,
                    topic_id=asked.topic_id,
                )
            )
        response.topics.append(
            OffsetCommitResponseTopic(name=asked.name, topic_id=asked.topic_id, partitions=partitions)
        )
    if request.topics and not offsets:
        return response
    deferred = context.defer(pipelines=True)

    def complete(result: CommitResult) -> None:
        if result.error is not ErrorCode.NONE:
            for answer in answers:
                answer.error_code = result.error
        elif result.too_large:
            for offset, answer in zip(offsets, answers, strict=True):
                if (offset.topic, offset.partition) in result.too_large:
                    answer.error_code = ErrorCode.OFFSET_METADATA_TOO_LARGE
        deferred.complete(response)

    context.node.groups.commit_offsets(
        CommitRequest(
            group_id=request.group_id,
            generation_id=request.generation_id_or_member_epoch,
            member_id=request.member_id,
            instance_id=request.group_instance_id,
            retention_ms=request.retention_time_ms,
            offsets=offsets,
            unknown_group_error=(
                ErrorCode.GROUP_ID_NOT_FOUND
                if context.api_version >= UNKNOWN_GROUP_FROM_VERSION
                else ErrorCode.ILLEGAL_GENERATION
            ),
        ),
        complete,
    )
    return deferred
