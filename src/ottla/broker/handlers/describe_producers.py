"""DescribeProducers (61), version 0: who wrote to a partition with a producer id, up to which sequence (KIP-664)."""

from ottla.broker.context import RequestContext
from ottla.controller.topic_names import validate_topic_name
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)

MESSAGES = {ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: "This node has no such topic or partition."}


def handle(request: DescribeProducersRequest, context: RequestContext) -> DescribeProducersResponse:
    """List the active producers of each partition."""
    return DescribeProducersResponse(
        topics=[
            TopicResponse(
                name=topic.name, partitions=[_describe(topic.name, index, context) for index in topic.partition_indexes]
            )
            for topic in request.topics
        ]
    )


def _describe(topic: str, index: int, context: RequestContext) -> PartitionResponse:
    response = PartitionResponse(partition_index=index)
    try:
        validate_topic_name(topic)
        partition = context.node.replicas.partition(topic, index)
    except ApiError as error:
        response.error_code = error.code
        response.error_message = error.message or MESSAGES.get(error.code)
    except StorageError:
        response.error_code = ErrorCode.KAFKA_STORAGE_ERROR
    else:
        response.active_producers = [
            ProducerState(
                producer_id=producer.producer_id,
                producer_epoch=producer.epoch,
                last_sequence=producer.last_sequence,
                last_timestamp=producer.last_timestamp,
                coordinator_epoch=producer.coordinator_epoch,
                current_txn_start_offset=producer.current_txn_first_offset,
            )
            for producer in partition.log.producers.producers.values()
        ]
    return response
