"""What an administrator asks of groups: list, describe, delete groups and offsets."""

from collections.abc import Collection, Mapping, Sequence

from ottla.model.error_codes import ErrorCode

from .classic import ClassicGroup, GroupState
from .decision import CancelTimer, Decision, Effect, Reply, TimerKey, TimerKind, refuse
from .member import Token
from .offsets import Offsets
from .records import GroupDeleted, OffsetDeleted, Record
from .requests import (
    DeleteGroupResult,
    DeleteOffsetsResult,
    DescribedMember,
    GroupDescription,
    GroupListing,
)

CLASSIC_TYPE = "classic"


def list_groups(
    groups: Mapping[str, ClassicGroup], states: Collection[str], types: Collection[str]
) -> tuple[GroupListing, ...]:
    """Return the groups whose state and type are among those asked for, whatever the case of the letters.

    Nothing asked for means all.
    """
    if types and CLASSIC_TYPE not in {name.lower() for name in types}:
        return ()
    wanted = {name.lower() for name in states}
    return tuple(
        GroupListing(group_id=group.group_id, protocol_type=group.protocol_type or "", state=group.state.value)
        for group in groups.values()
        if not wanted or group.state.value.lower() in wanted
    )


def describe_group(groups: Mapping[str, ClassicGroup], group_id: str) -> GroupDescription:
    """Describe a group; one that does not exist is dead and GROUP_ID_NOT_FOUND."""
    group = groups.get(group_id)
    if group is None:
        return GroupDescription(group_id=group_id, state=GroupState.DEAD.value, error=ErrorCode.GROUP_ID_NOT_FOUND)
    is_stable = group.state is GroupState.STABLE
    return GroupDescription(
        group_id=group_id,
        state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol=(group.protocol or "") if is_stable else "",
        members=tuple(
            DescribedMember(
                member_id=member.member_id,
                instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                metadata=member.metadata(group.protocol) if is_stable else b"",
                assignment=member.assignment,
            )
            for member in group.members.values()
        ),
    )


def decide_delete_group(groups: Mapping[str, ClassicGroup], offsets: Offsets, group_id: str, token: Token) -> Decision:
    """Decide on the deletion of a group and its offsets; it must be empty."""
    group = groups.get(group_id)
    if group is None or group.state is GroupState.DEAD:
        return refuse(token, DeleteGroupResult(error=ErrorCode.GROUP_ID_NOT_FOUND))
    if group.state is not GroupState.EMPTY:
        return refuse(token, DeleteGroupResult(error=ErrorCode.NON_EMPTY_GROUP))
    records: list[Record] = [
        OffsetDeleted(group_id=group_id, topic=topic, partition=partition)
        for topic, partitions in offsets.of_group(group_id).items()
        for partition in partitions
    ]
    records += [
        OffsetDeleted(group_id=group_id, topic=topic, partition=partition)
        for topic, partition in sorted(offsets.pending_of(group_id))
        if offsets.get(group_id, topic, partition) is None
    ]
    records.append(GroupDeleted(group_id=group_id))
    effects: list[Effect] = [
        CancelTimer(key=TimerKey(TimerKind.SESSION, group_id, member_id)) for member_id in sorted(group.pending_join)
    ]
    effects.append(Reply(token=token, result=DeleteGroupResult()))
    return Decision(records=tuple(records), effects=tuple(effects))


def decide_delete_offsets(
    groups: Mapping[str, ClassicGroup],
    offsets: Offsets,
    group_id: str,
    topics: Sequence[tuple[str, Sequence[int]]],
    token: Token,
) -> Decision:
    """Decide on an OffsetDelete: topics that the group subscribes to are refused, the others go (KIP-496)."""
    group = groups.get(group_id)
    if group is None or group.state is GroupState.DEAD:
        return refuse(token, DeleteOffsetsResult(error=ErrorCode.GROUP_ID_NOT_FOUND))
    if group.state is not GroupState.EMPTY and not group.uses_consumer_protocol:
        return refuse(token, DeleteOffsetsResult(error=ErrorCode.NON_EMPTY_GROUP))
    subscribed = frozenset(topic for topic, _ in topics if group.is_subscribed(topic))
    pending = offsets.pending_of(group_id)
    records = tuple(
        OffsetDeleted(group_id=group_id, topic=topic, partition=partition)
        for topic, partitions in topics
        if topic not in subscribed
        for partition in dict.fromkeys(partitions)
        if (topic, partition) in pending or offsets.get(group_id, topic, partition) is not None
    )
    return Decision(records=records, effects=(Reply(token=token, result=DeleteOffsetsResult(subscribed=subscribed)),))
