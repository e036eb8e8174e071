"""Metadata (3), versions 0-13: which brokers there are, and who leads which partition.

- 0: an empty list stands for all topics; 1: null does, empty is none; controller id, racks, internal topics.
- 2: cluster id (KIP-78); 3: throttle time; 4: auto-creation on demand; 5: offline replicas (KIP-112).
- 7: leader epochs (KIP-320); 8: authorized operations (KIP-430); 9: flexible.
- 10: topic ids (KIP-516); 11: no operations on the cluster (KIP-700); 12: by topic id; 13: error (KIP-1102).

A topic is shown once it can be produced to, an auto-created one in the answer to the request that made it; Kafka
answers UNKNOWN_TOPIC_OR_PARTITION until it is ready. If it cannot be made, the answer has the reason's code. A topic
with neither name nor id is INVALID_REQUEST; Kafka fails with UNKNOWN_SERVER_ERROR.
"""

from ottla.broker.authorized_operations import CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS
from ottla.broker.context import RequestContext
from ottla.broker.internal_topics import OFFSETS_TOPIC, offsets_topic
from ottla.controller.create_topics import NewTopic
from ottla.controller.topic_names import refusal
from ottla.metadata.image import INTERNAL_TOPICS, Image, TopicImage
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.model.ids import ZERO_UUID
from ottla.protocol.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from ottla.runtime.tasks import in_turns

BY_ID_FROM = 12
LAST_WITH_CLUSTER_OPERATIONS = 10


async def handle(request: MetadataRequest, context: RequestContext) -> MetadataResponse:
    """Answer for all topics or for those that were named."""
    asked = request.topics
    if asked is None or (not asked and context.api_version == 0):
        every = context.node.image.topics.values()
        return _response(request, context, [_topic(topic, context) async for topic in in_turns(every)])
    malformed = with_id = False
    names: dict[str, None] = {}
    async for topic in in_turns(asked):
        malformed = malformed or _is_malformed(topic, context.api_version)
        with_id = with_id or topic.topic_id != ZERO_UUID
        names[topic.name or ""] = None
    if malformed:
        return MetadataResponse(
            topics=[
                MetadataResponseTopic(
                    name=topic.name or "", topic_id=topic.topic_id, error_code=ErrorCode.INVALID_REQUEST
                )
                async for topic in in_turns(asked)
            ]
        )
    topics = await (_by_id(asked, context) if with_id else _by_name(names, request, context))
    return _response(request, context, topics)


def _is_malformed(topic: MetadataRequestTopic, version: int) -> bool:
    if version < BY_ID_FROM:
        return topic.name is None or topic.topic_id != ZERO_UUID
    return topic.name is None and topic.topic_id == ZERO_UUID


async def _by_id(asked: list[MetadataRequestTopic] | tuple[()], context: RequestContext) -> list[MetadataResponseTopic]:
    """Answer for those that were named by id; names beside ids are ignored."""
    by_id = context.node.image.topics_by_id
    topics = []
    wanted = dict.fromkeys([topic.topic_id async for topic in in_turns(asked) if topic.topic_id != ZERO_UUID])
    async for topic_id in in_turns(wanted):
        topic = by_id.get(topic_id)
        if topic is None:
            topics.append(MetadataResponseTopic(name=None, topic_id=topic_id, error_code=ErrorCode.UNKNOWN_TOPIC_ID))
        else:
            topics.append(_topic(topic, context))
    return topics


async def _by_name(
    names: dict[str, None], request: MetadataRequest, context: RequestContext
) -> list[MetadataResponseTopic]:
    image = context.node.image
    errors = {name: _absence(name) async for name in in_turns(names) if name not in image.topics}
    if errors and request.allow_auto_topic_creation and context.node.config.bool("auto.create.topics.enable"):
        errors.update(await _create(list(errors), context))
        image = context.node.image
    return [
        _topic(image.topics[name], context)
        if name in image.topics
        else MetadataResponseTopic(name=name, error_code=errors[name], is_internal=name in INTERNAL_TOPICS)
        async for name in in_turns(names)
    ]


def _absence(name: str) -> ErrorCode:
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if refusal(name) is None else ErrorCode.INVALID_TOPIC_EXCEPTION


async def _create(names: list[str], context: RequestContext) -> dict[str, ErrorCode]:
    """Create what can be created; return why the others were not."""
    node = context.node
    wanted = [
        offsets_topic(node.config, node.image) if name == OFFSETS_TOPIC else NewTopic(name=name)
        for name in names
        if refusal(name) is None and (name == OFFSETS_TOPIC or name not in INTERNAL_TOPICS)
    ]
    if not wanted:
        return {}
    try:
        created = await node.controller.create_topics(wanted)
    except (ApiError, StorageError) as error:
        return dict.fromkeys((topic.name for topic in wanted), ErrorCode(error.code))
    return {topic.name: topic.error.code for topic in created if topic.error is not None}


def _response(
    request: MetadataRequest, context: RequestContext, topics: list[MetadataResponseTopic]
) -> MetadataResponse:
    image = context.node.image
    cluster_operations = NOT_ASKED
    if request.include_cluster_authorized_operations and context.api_version <= LAST_WITH_CLUSTER_OPERATIONS:
        cluster_operations = CLUSTER_OPERATIONS
    if request.include_topic_authorized_operations:
        for topic in topics:
            if topic.name is not None:
                topic.topic_authorized_operations = TOPIC_OPERATIONS
    return MetadataResponse(
        brokers=_brokers(image, context),
        cluster_id=image.cluster_id,
        controller_id=image.controller_id,
        topics=topics,
        cluster_authorized_operations=cluster_operations,
    )


def _brokers(image: Image, context: RequestContext) -> list[MetadataResponseBroker]:
    found = []
    for broker in image.brokers.values():
        endpoint = broker.endpoint(context.listener)
        if endpoint is None or broker.fenced:
            continue
        own = broker.id == context.node.node_id
        host, port = context.advertised_endpoint() if own else (endpoint.host, endpoint.port)
        found.append(MetadataResponseBroker(node_id=broker.id, host=host, port=port, rack=broker.rack))
    return found


def _topic(topic: TopicImage, context: RequestContext) -> MetadataResponseTopic:
    alive = {broker.id for broker in context.node.image.brokers.values() if not broker.fenced}
    partitions = []
    for partition in topic.partitions:
        record = partition.record
        led = record.leader in alive
        partitions.append(
            MetadataResponsePartition(
                error_code=ErrorCode.NONE if led else ErrorCode.LEADER_NOT_AVAILABLE,
                partition_index=partition.index,
                leader_id=record.leader if led else -1,
                leader_epoch=record.leader_epoch,
                replica_nodes=list(record.replicas),
                isr_nodes=list(record.isr),
                offline_replicas=[replica for replica in record.replicas if replica not in alive],
            )
        )
    return MetadataResponseTopic(
        name=topic.name, topic_id=topic.id, is_internal=topic.is_internal, partitions=partitions
    )
