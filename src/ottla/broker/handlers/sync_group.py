"""SyncGroup (14), versions 0-5: hand in the assignment (the leader) and get one's part of it, once it is in the log.

- 1: throttle time; 3: static members (KIP-345); 4: flexible; 5: protocol type and name are checked (KIP-559).
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import SyncRequest, SyncResult
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.sync_group import SyncGroupRequest, SyncGroupResponse

PROTOCOL_MANDATORY_FROM_VERSION = 5


def handle(request: SyncGroupRequest, context: RequestContext) -> SyncGroupResponse | Deferred:
    """Park the request with the coordinator."""
    if context.api_version >= PROTOCOL_MANDATORY_FROM_VERSION and (
        request.protocol_type is None or request.protocol_name is None
    ):
        return SyncGroupResponse(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    deferred = context.defer(waits=True)
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
