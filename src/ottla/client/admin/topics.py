"""Topics: create, delete, grow, list, describe."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, ClientError, error_of
from ottla.client.metadata import NOBODY, PartitionMetadata, TopicMetadata
from ottla.client.results import CreatedTopic, NewTopic, PartitionDescription, TopicDescription
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import ZERO_UUID, TopicPartition, uuid_to_text
from ottla.protocol.api_table import ApiKey

from .items import CONTROLLER_AGAIN, each, itself

if TYPE_CHECKING:
    from ottla.protocol.messages import create_topics as messages

VISIBLE_WITHIN_MS = 5000
"""How long a call that created a topic waits for the brokers to know it."""


async def create_topics(
    cluster: Cluster, topics: Sequence[NewTopic], validate_only: bool, deadline: Deadline
) -> dict[str, CreatedTopic]:
    """Create topics, and wait a moment until the brokers show them with leaders."""
    by_name = {topic.name: topic for topic in topics}

    async def attempt(names: list[str]) -> dict[str, CreatedTopic]:
        return await _create(cluster, [by_name[name] for name in names], validate_only, deadline)

    results = await each(cluster, by_name, attempt, lambda topic: topic.error, CONTROLLER_AGAIN, deadline)
    if not validate_only:
        await _until_visible(cluster, [name for name, topic in results.items() if topic.error is None], deadline)
    return results


async def _create(
    cluster: Cluster, topics: list[NewTopic], validate_only: bool, deadline: Deadline
) -> dict[str, CreatedTopic]:
    from ottla.protocol.messages import create_topics as messages

    request = messages.CreateTopicsRequest(
        topics=[
            messages.CreatableTopic(
                name=topic.name,
                num_partitions=-1 if topic.assignments else topic.partitions,
                replication_factor=-1 if topic.assignments else topic.replication_factor,
                assignments=[
                    messages.CreatableReplicaAssignment(partition_index=partition, broker_ids=list(brokers))
                    for partition, brokers in topic.assignments.items()
                ],
                configs=[
                    messages.CreatableTopicConfig(name=name, value=value) for name, value in topic.configs.items()
                ],
            )
            for topic in topics
        ],
        timeout_ms=deadline.left_ms,
        validate_only=validate_only,
    )
    answer = messages.CreateTopicsResponse
    response = await cluster.ask(await cluster.controller(), ApiKey.CREATE_TOPICS, request, answer)
    results = {topic.name: _created(topic) for topic in response.topics}
    _forget_wrong_controller(cluster, [topic.error for topic in results.values()])
    return results


def _created(topic: "messages.CreatableTopicResult") -> CreatedTopic:
    return CreatedTopic(
        name=topic.name,
        topic_id=_topic_id(topic.topic_id),
        partitions=topic.num_partitions,
        replication_factor=topic.replication_factor,
        configs={config.name: config.value for config in topic.configs or ()},
        error=error_of(topic.error_code, topic.error_message, subject=f"topic {topic.name}"),
    )


async def _until_visible(cluster: Cluster, names: list[str], deadline: Deadline) -> None:
    """Wait until every broker's answer would show the topics; that it does not is no failure of theirs."""
    shorter = cluster.deadline(min(VISIBLE_WITHIN_MS, deadline.left_ms))
    for name in names:
        cluster.forget_topic(name)

    async def attempt() -> None:
        for name, topic in (await cluster.refresh(names)).items():
            if not topic.complete:
                raise BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, subject=f"topic {name}")

    try:
        if names:
            await cluster.retry(attempt, shorter)
    except ClientError:
        return


async def delete_topics(cluster: Cluster, names: list[str], deadline: Deadline) -> dict[str, BrokerError | None]:
    """Delete topics by name."""
    from ottla.protocol.messages import delete_topics as messages

    async def attempt(pending: list[str]) -> dict[str, BrokerError | None]:
        # Versions before 6 have the one list, later ones the other; each is left out where it does not belong.
        node_id = await cluster.controller()
        connection = await cluster.node(node_id)
        if connection.version(ApiKey.DELETE_TOPICS) >= 6:
            request = messages.DeleteTopicsRequest(
                topics=[messages.DeleteTopicState(name=name) for name in pending], timeout_ms=deadline.left_ms
            )
        else:
            request = messages.DeleteTopicsRequest(topic_names=pending, timeout_ms=deadline.left_ms)
        response = await cluster.ask(node_id, ApiKey.DELETE_TOPICS, request, messages.DeleteTopicsResponse)
        errors = {
            topic.name: error_of(topic.error_code, topic.error_message, subject=f"topic {topic.name}")
            for topic in response.responses
            if topic.name is not None
        }
        _forget_wrong_controller(cluster, list(errors.values()))
        return errors

    results = await each(cluster, names, attempt, itself, CONTROLLER_AGAIN, deadline)
    for name in names:
        cluster.forget_topic(name)
    return results


async def create_partitions(
    cluster: Cluster, totals: Mapping[str, int], validate_only: bool, deadline: Deadline
) -> dict[str, BrokerError | None]:
    """Raise numbers of partitions."""
    from ottla.protocol.messages import create_partitions as messages

    async def attempt(names: list[str]) -> dict[str, BrokerError | None]:
        request = messages.CreatePartitionsRequest(
            topics=[messages.CreatePartitionsTopic(name=name, count=totals[name], assignments=None) for name in names],
            timeout_ms=deadline.left_ms,
            validate_only=validate_only,
        )
        answer = messages.CreatePartitionsResponse
        response = await cluster.ask(await cluster.controller(), ApiKey.CREATE_PARTITIONS, request, answer)
        errors = {
            topic.name: error_of(topic.error_code, topic.error_message, subject=f"topic {topic.name}")
            for topic in response.results
        }
        _forget_wrong_controller(cluster, list(errors.values()))
        return errors

    results = await each(cluster, totals, attempt, itself, CONTROLLER_AGAIN, deadline)
    for name in totals:
        cluster.forget_topic(name)
    return results


async def list_topics(cluster: Cluster, internal: bool, deadline: Deadline) -> list[TopicDescription]:
    """All topics, by name."""
    topics = await cluster.retry(lambda: cluster.refresh(None), deadline)
    return [_described(topics[name]) for name in sorted(topics) if internal or not topics[name].internal]


async def describe_topics(
    cluster: Cluster, names: list[str], offsets: bool, deadline: Deadline
) -> dict[str, TopicDescription]:
    """Topics by name, with their first and last offsets if wanted."""
    topics = await cluster.retry(lambda: cluster.refresh(names), deadline) if names else {}
    described = {name: _described(topics[name]) for name in names if name in topics}
    if offsets:
        described = await _with_offsets(cluster, described, deadline)
    return described


async def _with_offsets(
    cluster: Cluster, topics: dict[str, TopicDescription], deadline: Deadline
) -> dict[str, TopicDescription]:
    from .admin import EARLIEST, LATEST
    from .offsets import list_offsets

    led = [
        TopicPartition(name, part.partition)
        for name, topic in topics.items()
        for part in topic.partitions
        if part.leader is not None
    ]
    earliest = await list_offsets(cluster, dict.fromkeys(led, EARLIEST), False, deadline)
    latest = await list_offsets(cluster, dict.fromkeys(led, LATEST), False, deadline)

    def filled(name: str, part: PartitionDescription) -> PartitionDescription:
        first, last = (found.get(TopicPartition(name, part.partition)) for found in (earliest, latest))
        if first is None or last is None:
            return part
        return part._replace(
            earliest_offset=None if first.error else first.offset,
            latest_offset=None if last.error else last.offset,
            error=part.error or first.error or last.error,
        )

    return {
        name: topic._replace(partitions=[filled(name, part) for part in topic.partitions])
        for name, topic in topics.items()
    }


def _described(topic: TopicMetadata) -> TopicDescription:
    return TopicDescription(
        name=topic.name,
        topic_id=_topic_id(topic.topic_id),
        internal=topic.internal,
        partitions=[_partition(topic.name, part) for part in topic.partitions.values()],
        error=error_of(topic.error_code, subject=f"topic {topic.name}"),
    )


def _partition(topic: str, part: PartitionMetadata) -> PartitionDescription:
    return PartitionDescription(
        partition=part.partition,
        leader=None if part.leader == NOBODY else part.leader,
        leader_epoch=part.leader_epoch,
        replicas=part.replicas,
        isr=part.isr,
        offline_replicas=part.offline_replicas,
        error=error_of(part.error_code, subject=f"partition {part.partition} of topic {topic}"),
    )


def _topic_id(uuid: bytes) -> str:
    return "" if uuid == ZERO_UUID else uuid_to_text(uuid)


def _forget_wrong_controller(cluster: Cluster, errors: "list[BrokerError | None]") -> None:
    if any(error is not None and error.code == ErrorCode.NOT_CONTROLLER for error in errors):
        cluster.forget_controller()
