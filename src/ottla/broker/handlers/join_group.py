"""JoinGroup (11), versions 0-9: become a member of a group's next generation; answered when the rebalance says so.

- 1: rebalance timeout of its own (KIP-62; before, the session timeout serves as both); 2: throttle time.
- 4: MEMBER_ID_REQUIRED (KIP-394); 5: static members (KIP-345); 6: flexible; 7: protocol type in the answer (KIP-559).
- 8: a reason (KIP-800), for the log; 9: a static leader may skip the assignment (KIP-814).

Of a protocol name that is given twice the first counts, where Kafka would count both and then agree with nobody.
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.coordinator.group.requests import JoinRequest, JoinResult
from ottla.protocol.messages.join_group import JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember

KNOWN_MEMBER_ID_FROM_VERSION = 4
NULLABLE_PROTOCOL_FROM_VERSION = 7
SKIP_ASSIGNMENT_FROM_VERSION = 9


def handle(request: JoinGroupRequest, context: RequestContext) -> Deferred:
    """Park the request with the coordinator."""
    version = context.api_version
    protocols: dict[str, bytes] = {}
    for protocol in request.protocols:
        protocols.setdefault(protocol.name, protocol.metadata)
    groups = context.node.groups
    deferred = context.defer(waits=True)
    groups.join(
        JoinRequest(
            group_id=request.group_id,
            member_id=request.member_id,
            instance_id=request.group_instance_id,
            protocol_type=request.protocol_type,
            protocols=tuple(protocols.items()),
            session_timeout_ms=request.session_timeout_ms,
            rebalance_timeout_ms=request.session_timeout_ms if version == 0 else request.rebalance_timeout_ms,
            client_id=context.client_id or "",
            client_host=context.client_host,
            fresh_id=groups.fresh_id(),
            requires_known_member_id=version >= KNOWN_MEMBER_ID_FROM_VERSION,
            supports_skipping_assignment=version >= SKIP_ASSIGNMENT_FROM_VERSION,
        ),
        lambda result: deferred.complete(response_of(result, version)),
    )
    return deferred


def response_of(result: JoinResult, version: int) -> JoinGroupResponse:
    """Return the message that says ``result``."""
    protocol = result.protocol
    if protocol is None and version < NULLABLE_PROTOCOL_FROM_VERSION:
        protocol = ""
    return JoinGroupResponse(
        error_code=result.error,
        generation_id=result.generation_id,
        protocol_type=result.protocol_type,
        protocol_name=protocol,
        leader=result.leader,
        skip_assignment=result.skip_assignment,
        member_id=result.member_id,
        members=[
            JoinGroupResponseMember(
                member_id=member.member_id, group_instance_id=member.instance_id, metadata=member.metadata
            )
            for member in result.members
        ],
    )
