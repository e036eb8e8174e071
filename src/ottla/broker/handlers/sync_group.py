"""SyncGroup (14), versions 0-5: hand in the assignment (the leader) and get one's part of it, once it is in the log.

- 1: throttle time; 3: static members (KIP-345); 4: flexible; 5: protocol type and name are checked (KIP-559).
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import SyncRequest, SyncResult
from ottla.protocol.messages.sync_group import SyncGroupRequest, SyncGroupResponse


def handle(request: SyncGroupRequest, context: RequestContext) -> Deferred:
    """Park the request with the coordinator."""
    deferred = context.defer()
    context.node.groups.sync(
        SyncRequest(
            group_id=request.group_id,
            generation_id=request.generation_id,
            member_id=request.member_id,
            instance_id=request.group_instance_id,
            protocol_type=request.protocol_type,
            protocol=request.protocol_name,
            assignments=[(part.member_id, part.assignment) for part in request.assignments],
        ),
        lambda result: deferred.complete(response_of(result)),
    )
    return deferred


def response_of(result: SyncResult) -> SyncGroupResponse:
    """Return the message that says ``result``."""
    return SyncGroupResponse(
        error_code=result.error,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol,
        assignment=result.assignment,
    )
