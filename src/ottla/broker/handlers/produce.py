"""Produce (0), versions 3-13: append one batch to each of some partitions.

- 3-4: batches of magic 2 only; 5: log start offset in the answer; 7: zstd (KIP-110).
- 8: errors of single records (KIP-467); 9: flexible; 10: the leader in the answer (KIP-951).
- 11-12: transactions version 2, not served; 13: topics by id (KIP-516).

Versions 0-2 are advertised and refused, as Kafka does, because old librdkafka looks there for compression.
This is the hot path: what a batch costs is written straight down, and everything happens before the handler returns,
because the records lie in the connection's receive buffer. Only batches whose records take long to look at are copied,
and looked at in a thread; those behind them for the same partition wait as well, and so does the connection's next
request: a producer's batches stay in order. The copies count for ``queued.max.request.bytes``.
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.broker.fetch_sessions import TopicKey
from ottla.log.append_info import AppendInfo
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, PeerError, StorageError
from ottla.protocol.messages.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from ottla.record.validate import NotOneBatch, RecordsRejected, TakesLong
from ottla.replica.partition import Partition

TOPIC_IDS_FROM_VERSION = 13
NO_ACK = 0
ADMIN_CLIENT_ID = "__admin_client"
"""Who calls itself so may write to internal topics, as with Kafka."""
REQUIRED_ACKS = (-1, 0, 1)
WITHOUT_LOG_START = frozenset(
    {
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)
"""Refusals of a batch that do not tell the log start offset (``ReplicaManager.appendRecordsToLeader``)."""
EMPTY = b""
TOO_LARGE = frozenset({ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.RECORD_LIST_TOO_LARGE})
Unflushed = tuple[Partition, PartitionProduceResponse, int]
Unchecked = tuple[TopicKey, PartitionProduceResponse, bytearray]


class RefusedWithoutAckError(PeerError):
    """A produce with acks=0 failed: the only way to say so is to close the connection."""


def handle(request: ProduceRequest, context: RequestContext) -> ProduceResponse | Deferred | None:
    """Append, and answer once the records are as durable as their topics ask for."""
    node = context.node
    version = context.api_version
    now_ms = node.clock.now_ms()
    replicas = node.replicas
    refused = _refuse_request(request)
    unflushed: list[Unflushed] = []
    unchecked: list[Unchecked] = []
    unchecked_partitions: set[tuple[TopicKey, int]] = set()
    topics = []
    for topic in request.topic_data:
        name = topic.topic_id if version >= TOPIC_IDS_FROM_VERSION else topic.name
        answers = []
        for data in topic.partition_data:
            answer = PartitionProduceResponse(index=data.index, base_offset=-1)
            answers.append(answer)
            partition = None
            try:
                if refused is not None:
                    raise refused
                partition = replicas.partition(name, data.index)
                if partition.is_internal and context.client_id != ADMIN_CLIENT_ID:
                    raise ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, "clients may not write to internal topics")
                records = data.records
                if records is None:
                    raise ApiError(ErrorCode.INVALID_RECORD, "the partition has no records")
                if unchecked and (name, data.index) in unchecked_partitions:
                    raise TakesLong
                info = partition.append(records, produce_version=version, now_ms=now_ms)
            except ApiError as error:
                _refuse(answer, error, partition, request)
                _count_refusal(answer, partition, len(data.records or EMPTY), context)
            except StorageError:
                answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
                _count_refusal(answer, partition, len(data.records or EMPTY), context)
            except TakesLong:
                unchecked.append((name, answer, bytearray(data.records or EMPTY)))
                unchecked_partitions.add((name, data.index))
            else:
                _tell(answer, info)
                if partition.log.high_watermark <= info.last_offset:
                    unflushed.append((partition, answer, info.last_offset + 1))
        if answers:
            topics.append(TopicProduceResponse(name=topic.name, topic_id=topic.topic_id, partition_responses=answers))
    response = ProduceResponse(responses=topics)
    if unchecked:
        deferred = context.defer()
        size_bytes = sum(len(records) for _, _, records in unchecked)
        node.large_buffers.hold(size_bytes)
        work = _check_and_append(unchecked, size_bytes, unflushed, request, response, context, deferred)
        context.spawn(work, deferred, name="produce check")
        return deferred
    if unflushed:
        deferred = context.defer(pipelines=True)
        context.spawn(_flush(unflushed, request.acks, response, context, deferred), deferred, name="produce flush")
        return deferred
    if request.acks == NO_ACK:
        _raise_first_error(response)
        return None
    return response


def _tell(answer: PartitionProduceResponse, info: AppendInfo) -> None:
    answer.base_offset = info.base_offset
    answer.log_append_time_ms = info.log_append_time_ms
    answer.log_start_offset = info.log_start_offset


def _refuse_request(request: ProduceRequest) -> ApiError | None:
    return ApiError(ErrorCode.INVALID_REQUIRED_ACKS) if request.acks not in REQUIRED_ACKS else None


def _refuse(
    answer: PartitionProduceResponse, error: ApiError, partition: Partition | None, request: ProduceRequest
) -> None:
    """Say what is wrong; Kafka explains only some of its refusals."""
    answer.error_code = error.code
    answer.error_message = error.message
    if error.code is ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED and request.transactional_id is not None:
        answer.error_code = ErrorCode.INVALID_TXN_STATE
        answer.error_message = "this node does not serve transactions"
    elif partition is not None and error.code not in WITHOUT_LOG_START and not isinstance(error, NotOneBatch):
        answer.log_start_offset = partition.log.log_start_offset
    if isinstance(error, RecordsRejected):
        answer.record_errors = [
            BatchIndexAndErrorMessage(batch_index=wrong.batch_index, batch_index_error_message=wrong.message)
            for wrong in error.record_errors
        ]


def _count_refusal(
    answer: PartitionProduceResponse, partition: Partition | None, size_bytes: int, context: RequestContext
) -> None:
    context.count_error(answer.error_code)
    if partition is not None:
        partition.figures.refused(answer.error_code, size_bytes if answer.error_code in TOO_LARGE else 0)


def _raise_first_error(response: ProduceResponse) -> None:
    for topic in response.responses:
        for answer in topic.partition_responses:
            if answer.error_code:
                name = ErrorCode(answer.error_code).name
                raise RefusedWithoutAckError(f"produce with acks=0 to {topic.name}-{answer.index} failed: {name}")


async def _check_and_append(
    unchecked: list[Unchecked],
    size_bytes: int,
    unflushed: list[Unflushed],
    request: ProduceRequest,
    response: ProduceResponse,
    context: RequestContext,
    deferred: Deferred,
) -> None:
    """Do for batches that take long what ``handle`` does for the others."""
    try:
        for name, answer, records in unchecked:
            await _check_and_append_one(name, answer, records, unflushed, request, context)
    finally:
        unchecked.clear()
        context.node.large_buffers.let_go(size_bytes)
    await _flush(unflushed, request.acks, response, context, deferred)


async def _check_and_append_one(
    name: TopicKey,
    answer: PartitionProduceResponse,
    records: bytearray,
    unflushed: list[Unflushed],
    request: ProduceRequest,
    context: RequestContext,
) -> None:
    node = context.node
    clock = node.clock
    partition = None
    try:
        partition = node.replicas.partition(name, answer.index)
        validated = await node.tasks.compute(
            partition.validate, records, produce_version=context.api_version, now_ms=clock.now_ms()
        )
        if node.replicas.partition(name, answer.index) is not partition:
            # The topic was deleted meanwhile, and another one of its name asks for other things.
            raise ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if node.is_drained:
            raise ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)  # nobody waits any more, and logs are being closed
        info = partition.append_checked(validated, now_ms=clock.now_ms())
    except ApiError as error:
        _refuse(answer, error, partition, request)
        _count_refusal(answer, partition, len(records), context)
    except StorageError:
        answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        _count_refusal(answer, partition, len(records), context)
    else:
        _tell(answer, info)
        if partition.log.high_watermark <= info.last_offset:
            unflushed.append((partition, answer, info.last_offset + 1))


async def _flush(
    unflushed: list[Unflushed],
    acks: int,
    response: ProduceResponse,
    context: RequestContext,
    deferred: Deferred,
) -> None:
    """Wait for the flush that ``flush.messages`` demands, which serves everybody who waits for it (group commit)."""
    replicas = context.node.replicas
    for partition, answer, end_offset in unflushed:
        try:
            await replicas.flush_through(partition, end_offset)
        except StorageError:
            answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
            answer.base_offset = -1
            context.count_error(answer.error_code)
    if acks == NO_ACK:
        _raise_first_error(response)
        deferred.complete(None)
    else:
        deferred.complete(response)
