"""What groups have committed: read it, set it, forget it; all at the group's coordinator."""

from collections.abc import Mapping

from ottla.client.cluster import Cluster, coordinator_moved
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, check
from ottla.client.results import CommittedOffset
from ottla.model.ids import TopicPartition
from ottla.protocol.api_table import ApiKey

from .items import COORDINATOR_AGAIN, by_topic, each, itself, partition_error


async def group_offsets(
    cluster: Cluster, group_id: str, partitions: list[TopicPartition] | None, deadline: Deadline
) -> dict[TopicPartition, CommittedOffset]:
    """The offsets of a group, of all partitions that it has committed or of those given."""

    async def attempt() -> dict[TopicPartition, CommittedOffset]:
        try:
            return await fetch_offsets(cluster, group_id, partitions)
        except BrokerError as error:
            if coordinator_moved(error.code):
                cluster.forget_coordinator(group_id)
            raise

    return await cluster.retry(attempt, deadline)


async def fetch_offsets(
    cluster: Cluster, group_id: str, partitions: list[TopicPartition] | None, *, stable: bool = False
) -> dict[TopicPartition, CommittedOffset]:
    """Ask the coordinator once. ``stable`` refuses offsets that a transaction may still change (KIP-447)."""
    from ottla.protocol.messages import offset_fetch as messages

    topics = None if partitions is None else by_topic(partitions)
    connection = await cluster.coordinator_node(group_id)
    several = connection.version(ApiKey.OFFSET_FETCH) >= 8
    if several:
        wanted = (
            None
            if topics is None
            else [
                messages.OffsetFetchRequestTopics(name=name, partition_indexes=numbers)
                for name, numbers in topics.items()
            ]
        )
        group = messages.OffsetFetchRequestGroup(group_id=group_id, topics=wanted)
        request = messages.OffsetFetchRequest(groups=[group], require_stable=stable)
    else:
        wanted_before = (
            None
            if topics is None
            else [
                messages.OffsetFetchRequestTopic(name=name, partition_indexes=numbers)
                for name, numbers in topics.items()
            ]
        )
        may_be_stable = stable and connection.version(ApiKey.OFFSET_FETCH) >= 7
        request = messages.OffsetFetchRequest(group_id=group_id, topics=wanted_before, require_stable=may_be_stable)
    answer = messages.OffsetFetchResponse
    response = await cluster.ask_coordinator(group_id, ApiKey.OFFSET_FETCH, request, answer)
    found: messages.OffsetFetchResponse | messages.OffsetFetchResponseGroup
    found = response.groups[0] if several else response
    check(found.error_code, subject=f"group {group_id}")
    return {
        (partition := TopicPartition(topic.name, part.partition_index)): CommittedOffset(
            part.committed_offset,
            part.committed_leader_epoch,
            part.metadata or "",
            partition_error(partition, part.error_code),
        )
        for topic in found.topics
        for part in topic.partitions
    }


async def alter_group_offsets(
    cluster: Cluster, group_id: str, offsets: Mapping[TopicPartition, int], metadata: str, deadline: Deadline
) -> dict[TopicPartition, BrokerError | None]:
    """Commit offsets from outside of the group."""

    async def attempt(pending: list[TopicPartition]) -> dict[TopicPartition, BrokerError | None]:
        return await commit_offsets(cluster, group_id, {part: offsets[part] for part in pending}, metadata=metadata)

    return await each(cluster, offsets, attempt, itself, COORDINATOR_AGAIN, deadline)


async def commit_offsets(
    cluster: Cluster,
    group_id: str,
    offsets: Mapping[TopicPartition, int],
    *,
    metadata: str = "",
    generation: int = -1,
    member_id: str = "",
    group_instance_id: str | None = None,
    leader_epochs: Mapping[TopicPartition, int] | None = None,
) -> dict[TopicPartition, BrokerError | None]:
    """Ask the coordinator once, as a member or (generation -1) from outside."""
    from ottla.protocol.messages import offset_commit as messages

    epochs = leader_epochs or {}
    request = messages.OffsetCommitRequest(
        group_id=group_id,
        generation_id_or_member_epoch=generation,
        member_id=member_id,
        group_instance_id=group_instance_id,
        topics=[
            messages.OffsetCommitRequestTopic(
                name=name,
                partitions=[
                    messages.OffsetCommitRequestPartition(
                        partition_index=number,
                        committed_offset=offsets[TopicPartition(name, number)],
                        committed_leader_epoch=epochs.get(TopicPartition(name, number), -1),
                        committed_metadata=metadata,
                    )
                    for number in numbers
                ],
            )
            for name, numbers in by_topic(offsets).items()
        ],
    )
    answer = messages.OffsetCommitResponse
    response = await cluster.ask_coordinator(group_id, ApiKey.OFFSET_COMMIT, request, answer)
    errors = {
        (partition := TopicPartition(topic.name, part.partition_index)): partition_error(partition, part.error_code)
        for topic in response.topics
        for part in topic.partitions
    }
    if any(error is not None and coordinator_moved(error.code) for error in errors.values()):
        cluster.forget_coordinator(group_id)
    return errors


async def delete_group_offsets(
    cluster: Cluster, group_id: str, partitions: list[TopicPartition], deadline: Deadline
) -> dict[TopicPartition, BrokerError | None]:
    """Have the coordinator forget offsets (KIP-496)."""
    from ottla.protocol.messages import offset_delete as messages

    async def attempt(pending: list[TopicPartition]) -> dict[TopicPartition, BrokerError | None]:
        request = messages.OffsetDeleteRequest(
            group_id=group_id,
            topics=[
                messages.OffsetDeleteRequestTopic(
                    name=name,
                    partitions=[messages.OffsetDeleteRequestPartition(partition_index=number) for number in numbers],
                )
                for name, numbers in by_topic(pending).items()
            ],
        )
        answer = messages.OffsetDeleteResponse
        response = await cluster.ask_coordinator(group_id, ApiKey.OFFSET_DELETE, request, answer)
        if coordinator_moved(response.error_code):
            cluster.forget_coordinator(group_id)
        check(response.error_code, subject=f"group {group_id}")
        return {
            (partition := TopicPartition(topic.name, part.partition_index)): partition_error(partition, part.error_code)
            for topic in response.topics
            for part in topic.partitions
        }

    return await each(cluster, partitions, attempt, itself, COORDINATOR_AGAIN, deadline)
