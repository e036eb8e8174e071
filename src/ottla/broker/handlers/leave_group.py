"""LeaveGroup (13), versions 0-5: one member goes, or several.

- 1: throttle time; 3: several members, by member id or by instance id (KIP-345); 4: flexible; 5: a reason (KIP-800).
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import LeaveResult, LeavingMember
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberResponse

SEVERAL_FROM_VERSION = 3


def handle(request: LeaveGroupRequest, context: RequestContext) -> Deferred:
    """Have the members leave."""
    version = context.api_version
    if version < SEVERAL_FROM_VERSION:
        leaving = [LeavingMember(member_id=request.member_id)]
    else:
        leaving = [
            LeavingMember(member_id=member.member_id, instance_id=member.group_instance_id)
            for member in request.members
        ]
    deferred = context.defer()
    context.node.groups.leave(request.group_id, leaving, lambda result: deferred.complete(response_of(result, version)))
    return deferred


def response_of(result: LeaveResult, version: int) -> LeaveGroupResponse:
    """Return the message that says ``result``; before version 3 the one member's error is that of the whole."""
    if version < SEVERAL_FROM_VERSION:
        errors = [result.error, *(error for _, error in result.members)]
        return LeaveGroupResponse(error_code=next((error for error in errors if error), ErrorCode.NONE))
    return LeaveGroupResponse(
        error_code=result.error,
        members=[
            MemberResponse(member_id=member.member_id, group_instance_id=member.instance_id, error_code=error)
            for member, error in result.members
        ],
    )
