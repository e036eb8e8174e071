"""DescribeLogDirs (35), versions 0-4: what lies in which data folder, and how big it is (KIP-113).

- 0, 1; 2: flexible; 3: error of the whole; 4: size and free space of the file system (KIP-827).

Kafka 4.2 has dropped 0, which kafka-python 2 asks by. A folder that is offline is KAFKA_STORAGE_ERROR without topics.
There are no future replicas, and a leader lags behind nobody: both say so.
"""

from ottla.broker.context import RequestContext
from ottla.log.directory import LogDirectory
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import StorageError
from ottla.protocol.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)


def handle(request: DescribeLogDirsRequest, context: RequestContext) -> DescribeLogDirsResponse:
    """Describe every folder, with the partitions that were named, or all of them."""
    wanted: set[tuple[str, int]] | None = None
    if request.topics is not None:
        wanted = {(topic.topic, index) for topic in request.topics for index in topic.partitions}
    return DescribeLogDirsResponse(
        results=[_describe(directory, wanted, context) for directory in context.node.logs.directories]
    )


def _describe(
    directory: LogDirectory, wanted: set[tuple[str, int]] | None, context: RequestContext
) -> DescribeLogDirsResult:
    result = DescribeLogDirsResult(log_dir=directory.path)
    logs = context.node.logs
    try:
        if directory.failure is not None:
            raise directory.failure
        result.total_bytes = logs.context.files.total_bytes(directory.path)
        result.usable_bytes = logs.context.files.free_bytes(directory.path)
    except StorageError:
        result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        return result
    topics: dict[str, DescribeLogDirsTopic] = {}
    for log in logs.logs_in(directory):
        name, index = log.topic_partition
        if wanted is not None and (name, index) not in wanted:
            continue
        topic = topics.get(name)
        if topic is None:
            topic = topics[name] = DescribeLogDirsTopic(name=name)
        topic.partitions.append(DescribeLogDirsPartition(partition_index=index, partition_size=log.size_bytes))
    result.topics = list(topics.values())
    return result
