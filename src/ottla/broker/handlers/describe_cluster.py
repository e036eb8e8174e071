"""DescribeCluster (60), versions 0-2: the cluster's id, controller and brokers (KIP-700).

- 0; 1: kind of endpoint (KIP-919); 2: fenced brokers on demand (KIP-1073).
"""

from ottla.broker.authorized_operations import CLUSTER_OPERATIONS, NOT_ASKED
from ottla.broker.context import RequestContext
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

BROKERS = 1
CONTROLLERS = 2


def handle(request: DescribeClusterRequest, context: RequestContext) -> DescribeClusterResponse:
    """Describe the cluster to one who asks a broker for brokers."""
    if request.endpoint_type == CONTROLLERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            error_message="The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type"
            " CONTROLLER",
        )
    if request.endpoint_type != BROKERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message=f"Unsupported endpoint type {request.endpoint_type}",
        )
    image = context.node.image
    return DescribeClusterResponse(
        cluster_id=image.cluster_id,
        controller_id=image.controller_id,
        brokers=_brokers(context, fenced_too=request.include_fenced_brokers),
        cluster_authorized_operations=(
            CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else NOT_ASKED
        ),
    )


def _brokers(context: RequestContext, *, fenced_too: bool) -> list[DescribeClusterBroker]:
    found = []
    for broker in context.node.image.brokers.values():
        endpoint = broker.endpoint(context.listener)
        if endpoint is None or (broker.fenced and not fenced_too):
            continue
        own = broker.id == context.node.node_id
        host, port = context.advertised_endpoint() if own else (endpoint.host, endpoint.port)
        found.append(
            DescribeClusterBroker(broker_id=broker.id, host=host, port=port, rack=broker.rack, is_fenced=broker.fenced)
        )
    return found
