"""DeleteRecords (21), versions 0-2: raise a partition's first offset.

- 1: throttled after the answer (KIP-219); 2: flexible.

The offset -1 stands for the high watermark. The answer names the new first offset once segments below it are gone.
"""

from ottla.broker.context import RequestContext
from ottla.log.retention import delete_in_turns
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.delete_records import (
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

NO_OFFSET = -1


async def handle(request: DeleteRecordsRequest, context: RequestContext) -> DeleteRecordsResponse:
    """Delete what lies below the offsets given."""
    topics = []
    for topic in request.topics:
        results = []
        for asked in topic.partitions:
            result = DeleteRecordsPartitionResult(partition_index=asked.partition_index, low_watermark=NO_OFFSET)
            results.append(result)
            try:
                partition = context.node.replicas.partition(topic.name, asked.partition_index)
                if partition.is_internal:
                    raise ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION)
                log = partition.log
                result.low_watermark = log.delete_records(asked.offset)
                await delete_in_turns(log, None)
            except ApiError as error:
                result.error_code = error.code
            except StorageError:
                result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        topics.append(DeleteRecordsTopicResult(name=topic.name, partitions=results))
    return DeleteRecordsResponse(topics=topics)
