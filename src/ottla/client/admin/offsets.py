"""Offsets of partitions, which their leaders know: find them, and delete the records before them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError
from ottla.client.results import DeletedRecords, ListedOffset
from ottla.model.ids import TopicPartition
from ottla.protocol.api_table import ApiKey

from .items import LEADER_AGAIN, by_leader, by_topic, each, partition_error

R = TypeVar("R")
NO_OFFSET = -1


async def list_offsets(
    cluster: Cluster, timestamps_ms: Mapping[TopicPartition, int], read_committed: bool, deadline: Deadline
) -> dict[TopicPartition, ListedOffset]:
    """Find offsets by time, or the ends."""
    from ottla.protocol.messages import list_offsets as messages

    async def ask(node_id: int, partitions: list[TopicPartition]) -> dict[TopicPartition, ListedOffset]:
        topics = [
            messages.ListOffsetsTopic(
                name=topic,
                partitions=[
                    messages.ListOffsetsPartition(
                        partition_index=number, timestamp=timestamps_ms[TopicPartition(topic, number)]
                    )
                    for number in numbers
                ],
            )
            for topic, numbers in by_topic(partitions).items()
        ]
        request = messages.ListOffsetsRequest(replica_id=-1, isolation_level=int(read_committed), topics=topics)
        response = await cluster.ask(node_id, ApiKey.LIST_OFFSETS, request, messages.ListOffsetsResponse)
        return {
            (partition := TopicPartition(topic.name, part.partition_index)): ListedOffset(
                part.offset, part.timestamp, part.leader_epoch, partition_error(partition, part.error_code)
            )
            for topic in response.topics
            for part in topic.partitions
        }

    return await _of_leaders(
        cluster, timestamps_ms, ask, lambda error: ListedOffset(NO_OFFSET, -1, -1, error), lambda r: r.error, deadline
    )


async def delete_records(
    cluster: Cluster, before: Mapping[TopicPartition, int], deadline: Deadline
) -> dict[TopicPartition, DeletedRecords]:
    """Move the partitions' first offsets forward."""
    from ottla.protocol.messages import delete_records as messages

    async def ask(node_id: int, partitions: list[TopicPartition]) -> dict[TopicPartition, DeletedRecords]:
        topics = [
            messages.DeleteRecordsTopic(
                name=topic,
                partitions=[
                    messages.DeleteRecordsPartition(
                        partition_index=number, offset=before[TopicPartition(topic, number)]
                    )
                    for number in numbers
                ],
            )
            for topic, numbers in by_topic(partitions).items()
        ]
        request = messages.DeleteRecordsRequest(topics=topics, timeout_ms=deadline.left_ms)
        response = await cluster.ask(node_id, ApiKey.DELETE_RECORDS, request, messages.DeleteRecordsResponse)
        return {
            (partition := TopicPartition(topic.name, part.partition_index)): DeletedRecords(
                part.low_watermark, partition_error(partition, part.error_code)
            )
            for topic in response.topics
            for part in topic.partitions
        }

    return await _of_leaders(
        cluster, before, ask, lambda error: DeletedRecords(NO_OFFSET, error), lambda r: r.error, deadline
    )


async def _of_leaders(
    cluster: Cluster,
    partitions: Mapping[TopicPartition, int],
    ask: Callable[[int, list[TopicPartition]], Awaitable[dict[TopicPartition, R]]],
    failed: Callable[[BrokerError], R],
    error: Callable[[R], BrokerError | None],
    deadline: Deadline,
) -> dict[TopicPartition, R]:
    """Ask the leaders of partitions, all at once, and again where leaders have moved."""

    async def attempt(pending: list[TopicPartition]) -> dict[TopicPartition, R]:
        leaders, errors = await by_leader(cluster, pending)
        results = {partition: failed(found) for partition, found in errors.items()}
        calls = (ask(node_id, mine) for node_id, mine in leaders.items())
        try:
            for answer in await asyncio.gather(*calls):
                results.update(answer)
        except BaseException:
            _forget(cluster, pending)
            raise
        _forget(cluster, [part for part in pending if (found := error(results[part])) and found.code in LEADER_AGAIN])
        return results

    return await each(cluster, partitions, attempt, error, LEADER_AGAIN, deadline)


def _forget(cluster: Cluster, partitions: list[TopicPartition]) -> None:
    for name in {partition.topic for partition in partitions}:
        cluster.forget_topic(name)
