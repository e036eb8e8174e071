"""FindCoordinator (10), versions 0-6: which node coordinates a group.

- 0: groups only; 1: the kind of coordinator, and throttle time (KIP-98); 3: flexible; 4: several keys (KIP-699).
- 5: a transaction may be aborted (KIP-890), which is not said here; 6: share groups (KIP-932).

The first request for a group creates ``__consumer_offsets``. Kafka answers COORDINATOR_NOT_AVAILABLE meanwhile; here
the answer waits for the topic and is the coordinator. Transactions and share groups are not served: INVALID_REQUEST.
"""

from ottla.broker.context import RequestContext
from ottla.controller.create_topics import NewTopic
from ottla.coordinator.group.placement import partition_of
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse

OFFSETS_TOPIC = "__consumer_offsets"
SEVERAL_FROM_VERSION = 4
GROUP_KEY_TYPE = 0
NOBODY = (-1, "", -1)
MESSAGES = {
    ErrorCode.NONE: "NONE",
    ErrorCode.COORDINATOR_NOT_AVAILABLE: "The coordinator is not available.",
    ErrorCode.INVALID_REQUEST: "Only groups have a coordinator here: transactions and share groups are not served.",
}


async def handle(request: FindCoordinatorRequest, context: RequestContext) -> FindCoordinatorResponse:
    """Find the coordinator of each key."""
    several = context.api_version >= SEVERAL_FROM_VERSION
    found = [
        await _find(key, request.key_type, context) for key in (request.coordinator_keys if several else [request.key])
    ]
    if several:
        return FindCoordinatorResponse(coordinators=found)
    one = found[0]
    return FindCoordinatorResponse(
        error_code=one.error_code,
        error_message=MESSAGES[ErrorCode(one.error_code)],
        node_id=one.node_id,
        host=one.host,
        port=one.port,
    )


async def _find(key: str, key_type: int, context: RequestContext) -> Coordinator:
    error, (node_id, host, port) = ErrorCode.INVALID_REQUEST, NOBODY
    if key_type == GROUP_KEY_TYPE:
        if OFFSETS_TOPIC not in context.node.image.topics:
            await _create_offsets_topic(context)
        error, (node_id, host, port) = _leader(key, context)
    return Coordinator(
        key=key,
        node_id=node_id,
        host=host,
        port=port,
        error_code=error,
        error_message=MESSAGES[error] if error is ErrorCode.INVALID_REQUEST else "",
    )


def _leader(group_id: str, context: RequestContext) -> tuple[ErrorCode, tuple[int, str, int]]:
    node = context.node
    topic = node.image.topics.get(OFFSETS_TOPIC)
    if topic is None or not topic.partitions:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE, NOBODY
    leader = topic.partitions[partition_of(group_id, len(topic.partitions))].leader
    if leader == node.node_id:
        return ErrorCode.NONE, (leader, *context.advertised_endpoint())
    broker = node.image.brokers.get(leader)
    endpoint = None if broker is None or broker.fenced else broker.endpoint(context.listener)
    if endpoint is None:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE, NOBODY
    return ErrorCode.NONE, (leader, endpoint.host, endpoint.port)


async def _create_offsets_topic(context: RequestContext) -> None:
    """Create the topic as the settings say, on as many brokers as there are.

    Whether it worked, or somebody else was quicker, shows in the image.
    """
    node = context.node
    config = node.config
    brokers = sum(not broker.fenced for broker in node.image.brokers.values())
    await node.controller.create_topics(
        [
            NewTopic(
                name=OFFSETS_TOPIC,
                partition_count=config.int("offsets.topic.num.partitions"),
                replication_factor=max(1, min(config.int("offsets.topic.replication.factor"), brokers)),
                configs=(
                    ("cleanup.policy", "compact"),
                    ("compression.type", "producer"),
                    ("segment.bytes", str(config.int("offsets.topic.segment.bytes"))),
                ),
            )
        ]
    )
