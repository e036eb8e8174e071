"""Groups: which there are, who is in them, and away with those that are empty."""

import asyncio
from typing import TYPE_CHECKING

from ottla.client.cluster import Cluster, coordinator_moved
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, UnsupportedByBroker, check, error_of
from ottla.client.protocols import CONSUMER_PROTOCOL, decode_assignment, decode_subscription
from ottla.client.results import GroupDescription, GroupMember, ListedGroup
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import MalformedMessage
from ottla.model.ids import TopicPartition
from ottla.protocol.api_table import ApiKey

from .items import COORDINATOR_AGAIN, each, itself

if TYPE_CHECKING:
    from ottla.protocol.messages.consumer_group_describe import Member
    from ottla.protocol.messages.describe_groups import DescribedGroupMember

CLASSIC = "classic"
CONSUMER = "consumer"


async def list_groups(cluster: Cluster, states: list[str], types: list[str], deadline: Deadline) -> list[ListedGroup]:
    """The groups of every broker; each group is at one of them."""

    async def attempt() -> list[ListedGroup]:
        await cluster.refresh(())
        found = await asyncio.gather(*(_list(cluster, node_id, states, types) for node_id in cluster.metadata.brokers))
        return sorted({group for groups in found for group in groups})

    return await cluster.retry(attempt, deadline)


async def _list(cluster: Cluster, node_id: int, states: list[str], types: list[str]) -> list[ListedGroup]:
    from ottla.protocol.messages.list_groups import ListGroupsRequest, ListGroupsResponse

    request = ListGroupsRequest(states_filter=states, types_filter=types)
    response = await cluster.ask(node_id, ApiKey.LIST_GROUPS, request, ListGroupsResponse)
    check(response.error_code, subject=f"groups of broker {node_id}")
    return [
        ListedGroup(group.group_id, group.protocol_type, group.group_state, group.group_type)
        for group in response.groups
    ]


async def describe_groups(cluster: Cluster, group_ids: list[str], deadline: Deadline) -> dict[str, GroupDescription]:
    """Describe groups, each by its coordinator: classic ones, and those of KIP-848."""

    async def attempt(pending: list[str]) -> dict[str, GroupDescription]:
        found = await asyncio.gather(*(_describe(cluster, group_id) for group_id in pending))
        return {group.group_id: group for group in found}

    return await each(cluster, group_ids, attempt, lambda group: group.error, COORDINATOR_AGAIN, deadline)


async def _describe(cluster: Cluster, group_id: str) -> GroupDescription:
    try:
        group = await _describe_consumer(cluster, group_id)
    except UnsupportedByBroker:
        group = None
    if group is None:
        group = await _describe_classic(cluster, group_id)
    if group.error is not None and coordinator_moved(group.error.code):
        cluster.forget_coordinator(group_id)
    return group


async def _describe_classic(cluster: Cluster, group_id: str) -> GroupDescription:
    from ottla.protocol.messages.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse

    request = DescribeGroupsRequest(groups=[group_id])
    response = await cluster.ask_coordinator(group_id, ApiKey.DESCRIBE_GROUPS, request, DescribeGroupsResponse)
    group = response.groups[0]
    coordinator = await cluster.coordinator(group_id)
    return GroupDescription(
        group_id=group.group_id,
        type=CLASSIC,
        protocol_type=group.protocol_type,
        state=group.group_state,
        assignor=group.protocol_data,
        coordinator=cluster.metadata.brokers.get(coordinator),
        members=[_classic_member(member, group.protocol_type) for member in group.members],
        error=error_of(group.error_code, group.error_message, subject=f"group {group_id}"),
    )


def _classic_member(member: "DescribedGroupMember", protocol_type: str) -> GroupMember:
    subscription: list[str] = []
    assignment: list[TopicPartition] | None = None
    if protocol_type == CONSUMER_PROTOCOL:
        try:
            # Both are empty while the group is rebalancing.
            if member.member_metadata:
                subscription = decode_subscription(member.member_metadata).topics
            assignment = decode_assignment(member.member_assignment) if member.member_assignment else []
        except MalformedMessage:
            # What other people's clients put there is their business.
            assignment = None
    return GroupMember(
        member_id=member.member_id,
        group_instance_id=member.group_instance_id,
        client_id=member.client_id,
        host=member.client_host.removeprefix("/"),
        subscription=subscription,
        assignment=assignment,
    )


async def _describe_consumer(cluster: Cluster, group_id: str) -> GroupDescription | None:
    """Describe a group of KIP-848; None if it is not one."""
    from ottla.protocol.messages.consumer_group_describe import (
        ConsumerGroupDescribeRequest,
        ConsumerGroupDescribeResponse,
    )

    request = ConsumerGroupDescribeRequest(group_ids=[group_id])
    answer = ConsumerGroupDescribeResponse
    response = await cluster.ask_coordinator(group_id, ApiKey.CONSUMER_GROUP_DESCRIBE, request, answer)
    group = response.groups[0]
    if group.error_code in (ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.UNSUPPORTED_VERSION):
        return None
    coordinator = await cluster.coordinator(group_id)
    return GroupDescription(
        group_id=group.group_id,
        type=CONSUMER,
        protocol_type=CONSUMER_PROTOCOL,
        state=group.group_state,
        assignor=group.assignor_name,
        coordinator=cluster.metadata.brokers.get(coordinator),
        members=[_consumer_member(member) for member in group.members],
        error=error_of(group.error_code, group.error_message, subject=f"group {group_id}"),
    )


def _consumer_member(member: "Member") -> GroupMember:
    return GroupMember(
        member_id=member.member_id,
        group_instance_id=member.instance_id,
        client_id=member.client_id,
        host=member.client_host.removeprefix("/"),
        subscription=member.subscribed_topic_names,
        assignment=[
            TopicPartition(topic.topic_name, partition)
            for topic in member.assignment.topic_partitions
            for partition in topic.partitions
        ],
    )


async def delete_groups(cluster: Cluster, group_ids: list[str], deadline: Deadline) -> dict[str, BrokerError | None]:
    """Delete groups, each by its coordinator."""
    from ottla.protocol.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse

    async def delete(group_id: str) -> BrokerError | None:
        request = DeleteGroupsRequest(groups_names=[group_id])
        response = await cluster.ask_coordinator(group_id, ApiKey.DELETE_GROUPS, request, DeleteGroupsResponse)
        code = response.results[0].error_code
        if coordinator_moved(code):
            cluster.forget_coordinator(group_id)
        return error_of(code, subject=f"group {group_id}")

    async def attempt(pending: list[str]) -> dict[str, BrokerError | None]:
        errors = await asyncio.gather(*(delete(group_id) for group_id in pending))
        return dict(zip(pending, errors, strict=True))

    return await each(cluster, group_ids, attempt, itself, COORDINATOR_AGAIN, deadline)
