"""DeleteTopics (20), versions 0-6: deletes topics with all they hold.

- 0: by name; 1: throttle time; 3: TOPIC_DELETION_DISABLED is known; 4: flexible; 5: reasons (KIP-599).
- 6: by name or by id (KIP-516).

Kafka 4.2 has dropped 0; kafka-go up to 0.4.47 knows nothing newer. When the answer leaves, the name is free and a new
topic of that name is empty; Kafka gets there later.
"""

from collections.abc import Sequence

from ottla.broker.context import RequestContext
from ottla.controller.delete_topics import DeletedTopic, TopicReference
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.delete_topics import DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse

BY_ID_FROM = 6
KNOWS_DISABLED_FROM = 3


async def handle(request: DeleteTopicsRequest, context: RequestContext) -> DeleteTopicsResponse:
    """Delete what can be deleted."""
    if context.api_version >= BY_ID_FROM:
        references = [TopicReference(name=topic.name, id=topic.topic_id) for topic in request.topics]
    else:
        references = [TopicReference(name=name) for name in request.topic_names]
    answers: Sequence[DeletedTopic]
    try:
        _check_enabled(context)
        answers = await context.node.controller.delete_topics(references)
    except (ApiError, StorageError) as error:
        failure = error if isinstance(error, ApiError) else ApiError(error.code, str(error))
        answers = [DeletedTopic(name=one.name, id=one.id, error=failure) for one in references]
    return DeleteTopicsResponse(
        responses=[
            DeletableTopicResult(
                name=answer.name,
                topic_id=answer.id,
                error_code=ErrorCode.NONE if answer.error is None else answer.error.code,
                error_message=None if answer.error is None else answer.error.message,
            )
            for answer in answers
        ]
    )


def _check_enabled(context: RequestContext) -> None:
    if not context.node.config.bool("delete.topic.enable"):
        known = context.api_version >= KNOWS_DISABLED_FROM
        code = ErrorCode.TOPIC_DELETION_DISABLED if known else ErrorCode.INVALID_REQUEST
        raise ApiError(code, "Topic deletion is disabled.")
