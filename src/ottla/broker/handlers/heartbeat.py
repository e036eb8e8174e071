"""Heartbeat (12), versions 0-4: a member is alive, and asks whether it is to join again.

- 1: throttle time; 3: static members (KIP-345); 4: flexible.
"""

from ottla.broker.context import RequestContext
from ottla.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse


def handle(request: HeartbeatRequest, context: RequestContext) -> HeartbeatResponse:
    """Answer at once."""
    return HeartbeatResponse(
        error_code=context.node.groups.heartbeat(
            request.group_id, request.generation_id, request.member_id, request.group_instance_id
        )
    )
