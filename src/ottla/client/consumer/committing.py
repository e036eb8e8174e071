"""What a group has committed: said by one of its members, or by a reader that only keeps its offsets there."""

from collections.abc import Mapping

from ottla.client.admin.group_offsets import commit_offsets, fetch_offsets
from ottla.client.admin.items import COORDINATOR_AGAIN, each, itself
from ottla.client.cluster import Cluster, coordinator_moved
from ottla.client.errors import BrokerError
from ottla.client.results import raise_errors
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition

from .membership import NO_GENERATION, Membership


async def commit(
    cluster: Cluster, group_id: str, membership: Membership | None, offsets: Mapping[TopicPartition, int]
) -> None:
    """Commit offsets, as the member that we are if we are one; raise the first error that does not pass."""
    if membership is not None and membership.generation < 0:
        # Without a generation the coordinator would take it for a commit from outside.
        raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, subject=f"group {group_id}")
    generation = NO_GENERATION if membership is None else membership.generation

    async def attempt(pending: list[TopicPartition]) -> dict[TopicPartition, BrokerError | None]:
        return await commit_offsets(
            cluster,
            group_id,
            {part: offsets[part] for part in pending},
            generation=generation,
            member_id="" if membership is None else membership.member_id,
            group_instance_id=None if membership is None else membership.group_instance_id,
        )

    errors = await each(cluster, offsets, attempt, itself, COORDINATOR_AGAIN, cluster.deadline(None))
    if membership is not None:
        for code in {error.code for error in errors.values() if error is not None}:
            membership.answered(code, generation)
    raise_errors(errors.values())


async def committed(
    cluster: Cluster, group_id: str, partitions: list[TopicPartition], *, stable: bool
) -> dict[TopicPartition, int | None]:
    """Return what is committed, None where nothing is; ``stable`` waits for transactions that may still change it."""

    async def attempt() -> dict[TopicPartition, int | None]:
        try:
            found = await fetch_offsets(cluster, group_id, partitions, stable=stable)
            raise_errors(entry.error for entry in found.values())
        except BrokerError as error:
            if coordinator_moved(error.code):
                cluster.forget_coordinator(group_id)
            raise
        return {part: None if entry.offset < 0 else entry.offset for part, entry in found.items()}

    return await cluster.retry(attempt, cluster.deadline(None))
