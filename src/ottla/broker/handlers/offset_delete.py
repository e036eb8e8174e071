"""OffsetDelete (47), version 0: forget how far a group has come in some partitions (KIP-496).

Topics that the group subscribes to are refused with GROUP_SUBSCRIBED_TO_TOPIC.
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import DeleteOffsetsResult
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)


def handle(request: OffsetDeleteRequest, context: RequestContext) -> Deferred:
    """Delete what belongs to partitions that exist."""
    image = context.node.image
    deferred = context.defer()
    known = [
        (
            topic.name,
            [
                partition.partition_index
                for partition in topic.partitions
                if image.partition(topic.name, partition.partition_index) is not None
            ],
        )
        for topic in request.topics
    ]
    context.node.groups.delete_offsets(
        request.group_id,
        [(name, indexes) for name, indexes in known if indexes],
        lambda result: deferred.complete(_response(request, dict(known), result)),
    )
    return deferred


def _response(
    request: OffsetDeleteRequest, known: dict[str, list[int]], result: DeleteOffsetsResult
) -> OffsetDeleteResponse:
    if result.error is not ErrorCode.NONE:
        return OffsetDeleteResponse(error_code=result.error)
    return OffsetDeleteResponse(
        topics=[
            OffsetDeleteResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetDeleteResponsePartition(
                        partition_index=partition.partition_index,
                        error_code=_error(topic.name, partition.partition_index, known, result),
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
            if topic.partitions
        ]
    )


def _error(topic: str, partition: int, known: dict[str, list[int]], result: DeleteOffsetsResult) -> ErrorCode:
    if partition not in known[topic]:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if topic in result.subscribed else ErrorCode.NONE
