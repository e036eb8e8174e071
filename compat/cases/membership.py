"""Members of a group and what the broker says of them."""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from compat.case import Context
from compat.cases.data import Read, numbers, parsed
from compat.driver import Driver
from tests.harness.waiting import eventually

PARTITIONS = 4
SETTLE_S = 40

Place = tuple[str, int]


def decoded(assignment: bytes) -> set[Place]:
    """The partitions in a ConsumerProtocolAssignment."""
    if not assignment:
        return set()
    found = set()
    (count,) = struct.unpack_from(">i", assignment, 2)
    position = 6
    for _ in range(count):
        (length,) = struct.unpack_from(">h", assignment, position)
        topic = assignment[position + 2 : position + 2 + length].decode()
        position += 2 + length
        (size,) = struct.unpack_from(">i", assignment, position)
        found |= {(topic, index) for index in struct.unpack_from(f">{size}i", assignment, position + 4)}
        position += 4 + 4 * size
    return found


class Member:
    """A driver that is in a group."""

    def __init__(self, driver: Driver, group: str, topic: str, **options: Any) -> None:
        self.driver = driver
        self.group = group
        self.options = options
        self.taken: list[Read] = []
        driver.call("join", group=group, topics=[topic], timeout_s=30, **options)

    def poll(self, *, wait_ms: int = 200) -> list[Read]:
        """What came; also kept in ``taken``."""
        found = parsed(self.driver.call("poll", wait_ms=wait_ms, max=500)["records"])
        self.taken += found
        return found

    def partitions(self) -> set[Place]:
        """What the client believes it has."""
        return {(topic, index) for topic, index in self.driver.call("assignment")["partitions"]}

    def rebalances(self) -> int | None:
        """How many assignments it got, if it tells."""
        found: int | None = self.driver.call("assignment").get("rebalances")
        return found

    def commit(self) -> dict[int, int]:
        """Commit what was taken; next offsets by partition."""
        return {index: offset for _, index, offset in self.driver.call("commit")["offsets"]}

    def leave(self) -> None:
        """Close the member in good order and its process."""
        self.driver.call("leave", timeout_s=30)
        self.driver.close()


def join(context: Context, group: str, topic: str, **options: Any) -> Member:
    """A new member in a process of its own."""
    return Member(context.new_driver(), group, topic, **{"session_timeout_ms": 10_000, **options})


def shares(context: Context, group: str) -> tuple[str, dict[str, set[Place]]]:
    """State of a group and who has what by member id, as the broker tells it."""
    found = context.reference.group(group)
    return found["group_state"], {
        each["member_id"]: decoded(bytes(each["member_assignment"])) for each in found["members"]
    }


class Shares(NamedTuple):
    """Who has what: as the broker tells it, and as the members believe."""

    state: str
    told: list[set[Place]]
    believed: list[set[Place]]

    def __repr__(self) -> str:
        """The partition numbers alone."""
        told, believed = ([sorted(index for _, index in each) for each in side] for side in (self.told, self.believed))
        return f"{self.state}, assigned {told}, the members have {believed}"


def settled(
    context: Context,
    group: str,
    topic: str,
    members: Sequence[Member],
    *,
    partitions: int = PARTITIONS,
    timeout_s: float = SETTLE_S,
) -> list[set[Place]]:
    """Wait until the members share all partitions, each having its own, in the broker's eyes and in theirs."""
    everything = {(topic, index) for index in range(partitions)}

    def probe() -> Shares:
        state, told = shares(context, group)
        return Shares(state, list(told.values()), [member.partitions() for member in members])

    def good(found: Shares) -> bool:
        whole = set().union(*found.told) == everything and sum(map(len, found.told)) == partitions
        same = sorted(map(sorted, found.told)) == sorted(map(sorted, found.believed))
        return found.state == "Stable" and len(found.told) == len(members) and all(found.told) and whole and same

    what = f"{len(members)} members share {partitions} partitions"
    return eventually(probe, what, accept=good, timeout_s=timeout_s, interval_s=0.1).believed


def collect(members: Sequence[Member], wanted: Sequence[int], *, timeout_s: float = 40) -> None:
    """Poll until every wanted number was seen by somebody."""

    def missing() -> set[int]:
        for member in members:
            member.poll()
        return set(wanted) - {number for member in members for number in numbers(member.taken)}

    eventually(
        missing,
        f"records {wanted[0]} to {wanted[-1]}",
        accept=lambda missing: not missing,
        timeout_s=timeout_s,
        interval_s=0.05,
    )


def empty(context: Context, group: str) -> None:
    """Wait until nobody is in the group."""
    eventually(
        lambda: shares(context, group), "all have left", accept=lambda found: found == ("Empty", {}), interval_s=0.1
    )
