"""The brokers: who they are, what lies on their disks, and the producers that their partitions remember."""

import asyncio

from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import UnsupportedByBroker, check, error_of
from ottla.client.metadata import NOBODY
from ottla.client.results import (
    ActiveProducer,
    Broker,
    ClusterDescription,
    LogDir,
    LogDirReplica,
    PartitionProducers,
)
from ottla.model.ids import TopicPartition
from ottla.protocol.api_table import ApiKey

from .items import LEADER_AGAIN, by_leader, by_topic, each, partition_error


async def describe_cluster(cluster: Cluster, deadline: Deadline) -> ClusterDescription:
    """Id, controller and brokers, from DescribeCluster (KIP-700) or, of brokers before 2.8, from Metadata."""

    async def attempt() -> ClusterDescription:
        try:
            return await _describe(cluster)
        except UnsupportedByBroker:
            await cluster.refresh(())
            known = cluster.metadata
            brokers = [known.brokers[node_id] for node_id in sorted(known.brokers)]
            return ClusterDescription(
                known.cluster_id, None if known.controller == NOBODY else known.controller, brokers
            )

    return await cluster.retry(attempt, deadline)


async def _describe(cluster: Cluster) -> ClusterDescription:
    from ottla.protocol.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse

    request = DescribeClusterRequest()
    response = await cluster.ask(NOBODY, ApiKey.DESCRIBE_CLUSTER, request, DescribeClusterResponse)
    check(response.error_code, response.error_message)
    brokers = [Broker(broker.broker_id, broker.host, broker.port, broker.rack) for broker in response.brokers]
    controller = None if response.controller_id == NOBODY else response.controller_id
    return ClusterDescription(response.cluster_id, controller, sorted(brokers))


async def describe_log_dirs(cluster: Cluster, brokers: list[int] | None, deadline: Deadline) -> list[LogDir]:
    """The log directories of brokers, asked at the same time."""

    async def attempt() -> list[LogDir]:
        nodes = brokers
        if nodes is None:
            await cluster.refresh(())
            nodes = sorted(cluster.metadata.brokers)
        found = await asyncio.gather(*(_log_dirs(cluster, node_id) for node_id in nodes))
        return [log_dir for log_dirs in found for log_dir in log_dirs]

    return await cluster.retry(attempt, deadline)


async def _log_dirs(cluster: Cluster, node_id: int) -> list[LogDir]:
    from ottla.protocol.messages.describe_log_dirs import DescribeLogDirsRequest, DescribeLogDirsResponse

    request = DescribeLogDirsRequest(topics=None)
    response = await cluster.ask(node_id, ApiKey.DESCRIBE_LOG_DIRS, request, DescribeLogDirsResponse)
    check(response.error_code, subject=f"broker {node_id}")
    return [
        LogDir(
            broker=node_id,
            path=result.log_dir,
            total_bytes=result.total_bytes,
            usable_bytes=result.usable_bytes,
            replicas=[
                LogDirReplica(
                    topic.name, part.partition_index, part.partition_size, part.offset_lag, part.is_future_key
                )
                for topic in result.topics
                for part in topic.partitions
            ],
            error=error_of(result.error_code, subject=f"log directory {result.log_dir} of broker {node_id}"),
        )
        for result in response.results
    ]


async def describe_producers(
    cluster: Cluster, partitions: list[TopicPartition], deadline: Deadline
) -> dict[TopicPartition, PartitionProducers]:
    """The producers of partitions, as their leaders remember them (KIP-664)."""

    async def attempt(pending: list[TopicPartition]) -> dict[TopicPartition, PartitionProducers]:
        leaders, errors = await by_leader(cluster, pending)
        results = {partition: PartitionProducers([], error) for partition, error in errors.items()}
        for node_id, mine in leaders.items():
            results.update(await _producers(cluster, node_id, mine))
        for partition, found in results.items():
            if found.error is not None and found.error.code in LEADER_AGAIN:
                cluster.forget_topic(partition.topic)
        return results

    return await each(cluster, partitions, attempt, lambda found: found.error, LEADER_AGAIN, deadline)


async def _producers(
    cluster: Cluster, node_id: int, partitions: list[TopicPartition]
) -> dict[TopicPartition, PartitionProducers]:
    from ottla.protocol.messages import describe_producers as messages

    topics = [
        messages.TopicRequest(name=name, partition_indexes=numbers) for name, numbers in by_topic(partitions).items()
    ]
    request = messages.DescribeProducersRequest(topics=topics)
    answer = messages.DescribeProducersResponse
    response = await cluster.ask(node_id, ApiKey.DESCRIBE_PRODUCERS, request, answer)
    return {
        (partition := TopicPartition(topic.name, part.partition_index)): PartitionProducers(
            [
                ActiveProducer(
                    producer.producer_id,
                    producer.producer_epoch,
                    producer.last_sequence,
                    producer.last_timestamp,
                    producer.coordinator_epoch,
                    producer.current_txn_start_offset,
                )
                for producer in part.active_producers
            ],
            partition_error(partition, part.error_code, part.error_message),
        )
        for topic in response.topics
        for part in topic.partitions
    }
