"""Calls about several things at once: whose turn it is, what may be tried again, and which broker to ask."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import TypeVar

from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, TimedOut, error_of
from ottla.client.metadata import NOBODY
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition

K = TypeVar("K")
R = TypeVar("R")

CONTROLLER_AGAIN = frozenset({ErrorCode.NOT_CONTROLLER, ErrorCode.THROTTLING_QUOTA_EXCEEDED})
"""What passes when the right controller is asked, or a little later."""

LEADER_AGAIN = frozenset(
    {
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.LEADER_NOT_AVAILABLE,
        ErrorCode.REPLICA_NOT_AVAILABLE,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        ErrorCode.OFFSET_NOT_AVAILABLE,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)
"""What passes when the partition's leader is known again."""

COORDINATOR_AGAIN = frozenset(
    {
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""What passes when the group's coordinator is found, or has loaded."""


async def each(
    cluster: Cluster,
    items: Collection[K],
    attempt: Callable[[list[K]], Awaitable[dict[K, R]]],
    error: Callable[[R], BrokerError | None],
    again: frozenset[ErrorCode],
    deadline: Deadline,
) -> dict[K, R]:
    """Attempt all items, and those that failed with a code of ``again`` once more, until the time is over.

    What then still fails is returned as it is; TimedOut if there are items that nothing is known of.
    """
    results: dict[K, R] = {}
    pending = list(dict.fromkeys(items))
    backoff = cluster.backoff()
    while pending:
        try:
            results.update(await cluster.retry(partial(attempt, pending), deadline))
        except TimedOut:
            if all(item in results for item in pending):
                break
            raise
        pending = [item for item in pending if (found := error(results[item])) and found.code in again]
        pause_s = backoff.next_s()
        if not pending or pause_s >= deadline.left_s:
            break
        await asyncio.sleep(pause_s)
    return {item: results[item] for item in items}


def itself(error: BrokerError | None) -> BrokerError | None:
    """For results that are nothing but an error."""
    return error


async def by_leader(
    cluster: Cluster, partitions: Iterable[TopicPartition]
) -> tuple[dict[int, list[TopicPartition]], dict[TopicPartition, BrokerError]]:
    """Sort partitions by the brokers that lead them; those without a leader come back with an error."""
    wanted = list(partitions)
    missing = {part.topic for part in wanted} - {
        name for name, topic in cluster.metadata.topics.items() if topic.complete
    }
    if missing:
        await cluster.refresh(sorted(missing))
    leaders: dict[int, list[TopicPartition]] = {}
    errors: dict[TopicPartition, BrokerError] = {}
    for part in wanted:
        topic = cluster.metadata.topics.get(part.topic)
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if topic is None else topic.error_code
        if topic is not None and not code:
            leader = topic.leader(part.partition)
            if leader != NOBODY:
                leaders.setdefault(leader, []).append(part)
                continue
            known = part.partition in topic.partitions
            code = ErrorCode.LEADER_NOT_AVAILABLE if known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        errors[part] = BrokerError(code, subject=subject_of(part))
    return leaders, errors


def subject_of(partition: TopicPartition) -> str:
    """Return what an error calls a partition."""
    return f"partition {partition.partition} of topic {partition.topic}"


def partition_error(partition: TopicPartition, code: int, message: str | None = None) -> BrokerError | None:
    """Return the error of a partition's code, None for 0."""
    return error_of(code, message, subject=subject_of(partition))


def by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    """Return the partitions' numbers by topic."""
    topics: dict[str, list[int]] = {}
    for topic, partition in partitions:
        topics.setdefault(topic, []).append(partition)
    return topics
