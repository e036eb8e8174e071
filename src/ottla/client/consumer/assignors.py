"""Who reads which partitions: the assignors of a classic group, run by the member that is its leader.

- ``range``: topic by topic, neighbouring partitions to each member; the first members get one more.
- ``roundrobin``: all partitions in order, one to each member in turn.
- ``cooperative-sticky``: as even as the subscriptions allow, with as little moved as that takes; a partition that has
  to move is given to nobody until its owner has let go of it, so that nobody else stops reading (KIP-429).

All are functions of what the members said and the numbers of partitions, and give the same whoever computes them.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ottla.client.protocols import Subscription
from ottla.model.ids import TopicPartition


class Member(NamedTuple):
    """A member of the group, as its leader sees it."""

    member_id: str
    group_instance_id: str | None
    subscription: Subscription


Assignment = dict[str, list[TopicPartition]]
"""Partitions by member id; every member has an entry."""

Assignor = Callable[[list[Member], Mapping[str, int]], Assignment]
"""Takes the members and the number of partitions of each topic that exists."""


def range_assignor(members: list[Member], partitions: Mapping[str, int]) -> Assignment:
    """Assign as Kafka's RangeAssignor does (without racks)."""
    assignment: Assignment = {member.member_id: [] for member in members}
    for topic in sorted(partitions):
        takers = [member for member in _in_order(members) if topic in member.subscription.topics]
        if not takers:
            continue
        each, more = divmod(partitions[topic], len(takers))
        start = 0
        for position, member in enumerate(takers):
            end = start + each + (position < more)
            assignment[member.member_id] += [TopicPartition(topic, number) for number in range(start, end)]
            start = end
    return assignment


def roundrobin_assignor(members: list[Member], partitions: Mapping[str, int]) -> Assignment:
    """Assign as Kafka's RoundRobinAssignor does."""
    assignment: Assignment = {member.member_id: [] for member in members}
    order = _in_order(members)
    turn = 0
    for topic in sorted(partitions):
        if not any(topic in member.subscription.topics for member in order):
            continue
        for number in range(partitions[topic]):
            while topic not in order[turn % len(order)].subscription.topics:
                turn += 1
            assignment[order[turn % len(order)].member_id].append(TopicPartition(topic, number))
            turn += 1
    return assignment


def cooperative_sticky_assignor(members: list[Member], partitions: Mapping[str, int]) -> Assignment:
    """Assign evenly and stickily, and leave out what its owner has still to let go of."""
    owners = _owners(members, partitions)
    assignment = sticky(members, partitions, owners)
    return {
        member_id: [part for part in given if owners.get(part, member_id) == member_id]
        for member_id, given in assignment.items()
    }


def sticky(members: list[Member], partitions: Mapping[str, int], owners: Mapping[TopicPartition, str]) -> Assignment:
    """Assign evenly, moving no partition from its owner that need not move."""
    wants = {member.member_id: frozenset(member.subscription.topics) for member in members}
    given: dict[str, list[TopicPartition]] = {member.member_id: [] for member in sorted(members)}
    free: list[TopicPartition] = []
    for topic in sorted(partitions):
        for number in range(partitions[topic]):
            part = TopicPartition(topic, number)
            owner = owners.get(part)
            if owner is not None:
                given[owner].append(part)
            else:
                free.append(part)
    takers = {topic: [member for member in given if topic in wants[member]] for topic in partitions}
    # Those that few may read go first, or their readers are full by then.
    for part in sorted(free, key=lambda part: (len(takers[part.topic]), part)):
        if takers[part.topic]:
            least = min(takers[part.topic], key=lambda member: len(given[member]))
            given[least].append(part)
    _even_out(given, takers)
    return {member: sorted(given[member]) for member in given}


def _even_out(given: dict[str, list[TopicPartition]], takers: Mapping[str, list[str]]) -> None:
    """Move partitions from fuller members to emptier ones until no move makes it more even."""
    moved = True
    while moved:
        moved = False
        fewest = min(len(share) for share in given.values())
        for member in sorted(given, key=lambda member: -len(given[member])):
            if len(given[member]) - fewest < 2:
                break
            for part in reversed(given[member].copy()):
                least = min(takers[part.topic], key=lambda other: len(given[other]))
                if len(given[member]) - len(given[least]) >= 2:
                    given[member].remove(part)
                    given[least].append(part)
                    moved = True


def _owners(members: list[Member], partitions: Mapping[str, int]) -> dict[TopicPartition, str]:
    """Say who has what already: who claims it for the latest generation, nobody if two do."""
    owners: dict[TopicPartition, str] = {}
    generations: dict[TopicPartition, int] = {}
    disputed: set[TopicPartition] = set()
    for member in members:
        subscription = member.subscription
        for part in subscription.owned:
            known = part.partition < partitions.get(part.topic, 0) and part.topic in subscription.topics
            newest = generations.get(part, -2)
            if not known or subscription.generation < newest:
                continue
            if subscription.generation == newest:
                disputed.add(part)
                continue
            disputed.discard(part)
            owners[part] = member.member_id
            generations[part] = subscription.generation
    for part in disputed:
        del owners[part]
    return owners


def _in_order(members: list[Member]) -> list[Member]:
    """Sort as Kafka does: static members first, by their instance ids, then by member id."""
    return sorted(members, key=lambda m: (m.group_instance_id is None, m.group_instance_id or m.member_id, m.member_id))


COOPERATIVE: Final = "cooperative-sticky"

ASSIGNORS: Final[dict[str, Assignor]] = {
    "range": range_assignor,
    "roundrobin": roundrobin_assignor,
    COOPERATIVE: cooperative_sticky_assignor,
}
"""By the names that members send; ``partition.assignment.strategy`` may also name Kafka's classes."""

_CLASSES: Final = {
    "org.apache.kafka.clients.consumer.RangeAssignor": "range",
    "org.apache.kafka.clients.consumer.RoundRobinAssignor": "roundrobin",
    "org.apache.kafka.clients.consumer.CooperativeStickyAssignor": COOPERATIVE,
}


def strategies(text: str) -> list[str]:
    """Return the assignors that ``partition.assignment.strategy`` names, first choice first; ValueError if unknown."""
    names = [_CLASSES.get(name.strip(), name.strip()) for name in text.split(",") if name.strip()]
    for name in names:
        if name not in ASSIGNORS:
            raise ValueError(f"there is no assignor {name!r}; there are {', '.join(ASSIGNORS)}")
    if not names:
        raise ValueError(f"no assignor is named; there are {', '.join(ASSIGNORS)}")
    return list(dict.fromkeys(names))
