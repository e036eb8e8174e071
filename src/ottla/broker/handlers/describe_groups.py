"""DescribeGroups (15), versions 0-6: state, protocol and members of classic groups.

- 1: throttle time; 3: authorized operations (KIP-430); 4: static members (KIP-345); 5: flexible.
- 6: GROUP_ID_NOT_FOUND for a group that does not exist (KIP-1043); before, it is dead and there is no error.
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import GroupDescription
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)

UNKNOWN_GROUP_FROM_VERSION = 6
ALL_GROUP_OPERATIONS = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11
"""Read, delete, describe, describe configs, alter configs: what there is to do with a group, by the bits of KIP-430."""
NOT_ASKED = -(1 << 31)


def handle(request: DescribeGroupsRequest, context: RequestContext) -> Deferred:
    """Describe each group, in the order asked for."""
    operations = ALL_GROUP_OPERATIONS if request.include_authorized_operations else NOT_ASKED
    version = context.api_version
    deferred = context.defer()
    context.node.groups.describe_groups(
        request.groups,
        lambda described: deferred.complete(
            DescribeGroupsResponse(groups=[_group(group, version, operations) for group in described])
        ),
    )
    return deferred


def _group(group: GroupDescription, version: int, operations: int) -> DescribedGroup:
    unknown = group.error is ErrorCode.GROUP_ID_NOT_FOUND
    answer = DescribedGroup(
        error_code=group.error,
        group_id=group.group_id,
        group_state=group.state,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol,
    )
    if unknown and version < UNKNOWN_GROUP_FROM_VERSION:
        answer.error_code = ErrorCode.NONE
    elif unknown:
        answer.error_message = f"Group {group.group_id} not found."
    if answer.error_code == ErrorCode.NONE:
        answer.authorized_operations = operations
    answer.members = [
        DescribedGroupMember(
            member_id=member.member_id,
            group_instance_id=member.instance_id,
            client_id=member.client_id,
            client_host=member.client_host,
            member_metadata=member.metadata,
            member_assignment=member.assignment,
        )
        for member in group.members
    ]
    return answer
