"""CreatePartitions (37), versions 0-3: gives topics more partitions (KIP-195).

- 0; 1: no change; 2: flexible; 3: quota error (KIP-599).

More than 10,000 new partitions in one request are refused with POLICY_VIOLATION and the reason; Kafka fails with
UNKNOWN_SERVER_ERROR and none.
"""

from collections.abc import Sequence

from ottla.broker.context import RequestContext
from ottla.controller.create_partitions import MorePartitions, PartitionsCreated
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)


async def handle(request: CreatePartitionsRequest, context: RequestContext) -> CreatePartitionsResponse:
    """Create what can be created; the answer comes when the new partitions can be produced to."""
    try:
        answers: Sequence[PartitionsCreated] = await context.node.controller.create_partitions(
            [_more_partitions(topic) for topic in request.topics], validate_only=request.validate_only
        )
    except (ApiError, StorageError) as error:
        failure = error if isinstance(error, ApiError) else ApiError(error.code, str(error))
        answers = [PartitionsCreated(name=topic.name, error=failure) for topic in request.topics]
    return CreatePartitionsResponse(
        results=[
            CreatePartitionsTopicResult(
                name=answer.name,
                error_code=ErrorCode.NONE if answer.error is None else answer.error.code,
                error_message=None if answer.error is None else answer.error.message,
            )
            for answer in answers
        ]
    )


def _more_partitions(topic: CreatePartitionsTopic) -> MorePartitions:
    assignments = topic.assignments
    return MorePartitions(
        name=topic.name,
        count=topic.count,
        assignments=None if assignments is None else tuple(tuple(one.broker_ids) for one in assignments),
    )
