"""ListGroups (16), versions 0-5: the groups that this node coordinates.

- 1: throttle time; 3: flexible; 4: by state (KIP-518); 5: by type (KIP-848).
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import ListResult
from ottla.protocol.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse


def handle(request: ListGroupsRequest, context: RequestContext) -> Deferred:
    """List the groups in the states and of the types asked for, all if none are."""
    deferred = context.defer()
    context.node.groups.list_groups(
        request.states_filter, request.types_filter, lambda result: deferred.complete(_response(result))
    )
    return deferred


def _response(result: ListResult) -> ListGroupsResponse:
    return ListGroupsResponse(
        error_code=result.error,
        groups=[
            ListedGroup(
                group_id=group.group_id,
                protocol_type=group.protocol_type,
                group_state=group.state,
                group_type=group.group_type,
            )
            for group in result.groups
        ],
    )
