"""Where replicas go (``StripedReplicaPlacer``).

Leaders are dealt round robin over the racks and over the brokers of each rack, so that each broker leads as many
partitions as the next one. The replicas of one partition go to different racks as long as there are any left. A fenced
broker gets replicas only where there are not enough others, and never a leader's place.
"""

from collections.abc import Callable, Iterable
from itertools import count

from ottla.metadata.records import BrokerRecord, PartitionRecord
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

Draw = Callable[[int], int]
"""Draws a whole number from 0 up to, not including, its argument."""


def place(
    brokers: Iterable[BrokerRecord], partition_count: int, replication_factor: int, draw: Draw
) -> list[PartitionRecord]:
    """Return records of new partitions; raise INVALID_REPLICATION_FACTOR if there are not enough brokers."""
    registered = list(brokers)
    assignments = _assign(registered, partition_count, replication_factor, draw)
    active = active_ids(registered)
    made: dict[tuple[int, ...], PartitionRecord] = {}
    for replicas in assignments:
        if replicas not in made:
            made[replicas] = new_partition(replicas, active)
    return [made[replicas] for replicas in assignments]


def active_ids(brokers: Iterable[BrokerRecord]) -> frozenset[int]:
    """Return the brokers that may be in an ISR."""
    return frozenset(one.id for one in brokers if not one.fenced and not one.in_controlled_shutdown)


def new_partition(replicas: tuple[int, ...], active: frozenset[int]) -> PartitionRecord:
    """Return a new partition's record: all active replicas in sync, the first of them its leader."""
    isr = tuple(replica for replica in replicas if replica in active)
    return PartitionRecord(replicas=replicas, isr=isr, leader=isr[0])


def _assign(
    brokers: list[BrokerRecord], partition_count: int, replication_factor: int, draw: Draw
) -> list[tuple[int, ...]]:
    problem = None
    if all(broker.fenced for broker in brokers):
        problem = "All brokers are currently fenced."
    elif replication_factor > len(brokers):
        problem = (
            f"The target replication factor of {replication_factor} cannot be reached"
            f" because only {len(brokers)} broker(s) are registered."
        )
    if problem is not None:
        raise ApiError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"Unable to replicate the partition {replication_factor} time(s): {problem}",
        )
    usable = _striped([broker for broker in brokers if not broker.fenced])
    fenced = _striped([broker for broker in brokers if broker.fenced])
    start = draw(len(usable))
    rounds = count()
    return [_one(usable, fenced, replication_factor, start + next(rounds)) for _ in range(partition_count)]


def _striped(brokers: list[BrokerRecord]) -> list[BrokerRecord]:
    """Order brokers so that neighbours are in different racks as far as possible."""
    racks: dict[str, list[BrokerRecord]] = {}
    for broker in sorted(brokers, key=lambda broker: broker.id):
        racks.setdefault(broker.rack or "", []).append(broker)
    ordered: list[BrokerRecord] = []
    depth = max(map(len, racks.values()), default=0)
    for position in range(depth):
        ordered.extend(racks[name][position] for name in sorted(racks) if position < len(racks[name]))
    return ordered


def _one(usable: list[BrokerRecord], fenced: list[BrokerRecord], replication_factor: int, turn: int) -> tuple[int, ...]:
    size = len(usable)
    leader = usable[turn % size]
    # Every full round shifts the followers by one more place, so that not the same brokers follow the same leader.
    shift = turn // size % max(1, size - 1)
    others = [usable[(turn + 1 + (step + shift) % (size - 1)) % size] for step in range(size - 1)]
    chosen = [leader]
    for fresh_racks_only in (True, False):
        for broker in (*others, *fenced):
            if len(chosen) == replication_factor:
                break
            racks = {one.rack for one in chosen}
            if broker not in chosen and not (fresh_racks_only and broker.rack in racks):
                chosen.append(broker)
    return tuple(broker.id for broker in chosen)
