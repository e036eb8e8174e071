"""DescribeTopicPartitions (75), version 0: topics page by page, with what an election would go by (KIP-966).

Topics come in the order of their names. A page ends after ``max.request.partition.size.limit`` partitions, or fewer
if the request says so, and names where the next one begins.
"""

from ottla.broker.authorized_operations import TOPIC_OPERATIONS
from ottla.broker.context import RequestContext
from ottla.controller.topic_names import refusal
from ottla.metadata.image import Image, PartitionImage, TopicImage
from ottla.model.error_codes import ErrorCode
from ottla.protocol.messages.describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponseCursor,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)


def handle(request: DescribeTopicPartitionsRequest, context: RequestContext) -> DescribeTopicPartitionsResponse:
    """Describe the topics that were named, or all, from the cursor on."""
    image, cursor = context.node.image, request.cursor
    asked = {topic.name for topic in request.topics}
    names = sorted(name for name in asked or image.topics if cursor is None or name >= cursor.topic_name)
    if cursor is not None and (cursor.partition_index < 0 or (asked and cursor.topic_name not in asked)):
        return DescribeTopicPartitionsResponse(
            topics=[
                DescribeTopicPartitionsResponseTopic(name=topic.name, error_code=ErrorCode.INVALID_REQUEST)
                for topic in request.topics
            ]
        )
    most = context.node.config.int("max.request.partition.size.limit")
    remaining = max(1, min(most, request.response_partition_limit))
    response = DescribeTopicPartitionsResponse()
    for name in names:
        if remaining == 0:
            response.next_cursor = DescribeTopicPartitionsResponseCursor(topic_name=name, partition_index=0)
            break
        topic = image.topics.get(name)
        if topic is None:
            response.topics.append(_absent(name))
            continue
        start = cursor.partition_index if cursor is not None and cursor.topic_name == name else 0
        end = min(len(topic.partitions), start + remaining)
        response.topics.append(_described(topic, topic.partitions[start:end], image))
        remaining -= max(0, end - start)
        if end < len(topic.partitions):
            response.next_cursor = DescribeTopicPartitionsResponseCursor(topic_name=name, partition_index=end)
            break
    return response


def _absent(name: str) -> DescribeTopicPartitionsResponseTopic:
    valid = refusal(name) is None
    return DescribeTopicPartitionsResponseTopic(
        name=name,
        error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if valid else ErrorCode.INVALID_TOPIC_EXCEPTION,
        topic_authorized_operations=TOPIC_OPERATIONS,
    )


def _described(
    topic: TopicImage, partitions: tuple[PartitionImage, ...], image: Image
) -> DescribeTopicPartitionsResponseTopic:
    alive = {broker.id for broker in image.brokers.values() if not broker.fenced}
    return DescribeTopicPartitionsResponseTopic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.is_internal,
        partitions=[_partition(partition, alive) for partition in partitions],
        topic_authorized_operations=TOPIC_OPERATIONS,
    )


def _partition(partition: PartitionImage, alive: set[int]) -> DescribeTopicPartitionsResponsePartition:
    led = partition.leader in alive
    return DescribeTopicPartitionsResponsePartition(
        error_code=ErrorCode.NONE if led else ErrorCode.LEADER_NOT_AVAILABLE,
        partition_index=partition.index,
        leader_id=partition.leader if led else -1,
        leader_epoch=partition.leader_epoch,
        replica_nodes=list(partition.replicas),
        isr_nodes=list(partition.isr),
        eligible_leader_replicas=list(partition.elr),
        last_known_elr=list(partition.last_known_elr),
        offline_replicas=[replica for replica in partition.replicas if replica not in alive],
    )
