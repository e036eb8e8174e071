"""AlterConfigs (33), versions 0-2: replaces all settings of topics, brokers and groups.

- 0; 1: no change; 2: flexible.

Superseded by IncrementalAlterConfigs. A resource that stands in a request twice is refused; Kafka 4.2 never answers.
"""

from collections.abc import Sequence

from ottla.broker.context import RequestContext
from ottla.controller.alter_configs import Alteration, Altered
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)


async def handle(request: AlterConfigsRequest, context: RequestContext) -> AlterConfigsResponse:
    """Change what can be changed; when the answer leaves it is in force."""
    alterations = [
        Alteration(
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
            replacement=tuple((config.name, config.value) for config in resource.configs),
        )
        for resource in request.resources
    ]
    answers: Sequence[Altered]
    try:
        answers = await context.node.controller.alter_configs(alterations, validate_only=request.validate_only)
    except (ApiError, StorageError) as error:
        failure = error if isinstance(error, ApiError) else ApiError(error.code, str(error))
        answers = [
            Altered(resource_type=one.resource_type, resource_name=one.resource_name, error=failure)
            for one in alterations
        ]
    return AlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error_code=ErrorCode.NONE if answer.error is None else answer.error.code,
                error_message=None if answer.error is None else answer.error.message,
                resource_type=answer.resource_type,
                resource_name=answer.resource_name,
            )
            for answer in answers
        ]
    )
