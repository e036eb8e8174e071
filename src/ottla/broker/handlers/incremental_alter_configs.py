"""IncrementalAlterConfigs (44), versions 0-1: sets, removes, appends and subtracts settings one by one (KIP-339).

- 0; 1: flexible.

Log levels (BROKER_LOGGER, KIP-412) are changed here too: on the node that is asked, until it stops. An operation that
is not known is INVALID_REQUEST with the reason; Kafka fails with UNKNOWN_SERVER_ERROR and none.
"""

from ottla.broker.context import RequestContext
from ottla.controller.alter_configs import Alteration, Altered, ConfigChange
from ottla.metadata.keys import ConfigResourceType
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.incremental_alter_configs import (
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from ottla.runtime.logging_setup import alter_loggers


async def handle(request: IncrementalAlterConfigsRequest, context: RequestContext) -> IncrementalAlterConfigsResponse:
    """Change what can be changed; when the answer leaves it is in force."""
    alterations = [_alteration(resource) for resource in request.resources]
    named = [(one.resource_type, one.resource_name) for one in alterations]
    stored: list[Alteration] = []
    answers: dict[tuple[int, str], ApiError | None] = {}
    for alteration, resource in zip(alterations, named, strict=True):
        if alteration.resource_type != ConfigResourceType.BROKER_LOGGER or named.count(resource) > 1:
            stored.append(alteration)
            continue
        try:
            _change_levels(alteration, context, validate_only=request.validate_only)
            answers[resource] = None
        except ApiError as error:
            answers[resource] = error
    for answer in await _alter(stored, context, validate_only=request.validate_only):
        answers[answer.resource_type, answer.resource_name] = answer.error
    return IncrementalAlterConfigsResponse(responses=[_response(*one, answers[one]) for one in named])


async def _alter(stored: list[Alteration], context: RequestContext, *, validate_only: bool) -> tuple[Altered, ...]:
    try:
        return await context.node.controller.alter_configs(stored, validate_only=validate_only)
    except (ApiError, StorageError) as error:
        failure = error if isinstance(error, ApiError) else ApiError(error.code, str(error))
        return tuple(
            Altered(resource_type=one.resource_type, resource_name=one.resource_name, error=failure) for one in stored
        )


def _alteration(resource: AlterConfigsResource) -> Alteration:
    return Alteration(
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
        changes=tuple(
            ConfigChange(name=config.name, operation=config.config_operation, value=config.value)
            for config in resource.configs
        ),
    )


def _change_levels(alteration: Alteration, context: RequestContext, *, validate_only: bool) -> None:
    node_id = context.node.node_id
    if alteration.resource_name != str(node_id):
        raise ApiError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected node id. Expected {node_id}, but received {alteration.resource_name}",
        )
    steps = [(change.name, change.operation, change.value) for change in alteration.changes]
    alter_loggers(steps, validate_only=validate_only)


def _response(resource_type: int, resource_name: str, error: ApiError | None) -> AlterConfigsResourceResponse:
    return AlterConfigsResourceResponse(
        error_code=ErrorCode.NONE if error is None else error.code,
        error_message=None if error is None else error.message,
        resource_type=resource_type,
        resource_name=resource_name,
    )
