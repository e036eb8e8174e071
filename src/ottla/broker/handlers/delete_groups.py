"""DeleteGroups (42), versions 0-2: forget empty groups and all they have committed (KIP-229).

- 1: throttle time (KIP-219); 2: flexible.
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse


def handle(request: DeleteGroupsRequest, context: RequestContext) -> Deferred:
    """Delete each group that is empty; one that is named twice is one."""
    deferred = context.defer()
    context.node.groups.delete_groups(
        list(dict.fromkeys(request.groups_names)), lambda results: deferred.complete(_response(results))
    )
    return deferred


def _response(results: list[tuple[str, ErrorCode]]) -> DeleteGroupsResponse:
    return DeleteGroupsResponse(
        results=[DeletableGroupResult(group_id=group_id, error_code=error) for group_id, error in results]
    )
