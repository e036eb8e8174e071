"""What the commands of ``ottla group`` do, except for resetting offsets."""

from typing import Any, NamedTuple

from ottla.client import Client, TopicPartition
from ottla.client.admin.admin import LATEST
from ottla.client.results import CommittedOffset, GroupDescription, GroupMember, ListedOffset
from ottla.model.error_codes import ErrorCode

from .confirm import confirmed
from .connecting import report, run
from .exits import DONE, FAILED, complain, say
from .options import Target
from .output import terminal
from .output.json_text import show_json
from .output.table import Cell, Column, show_fields, show_table

_STATE_STYLES = {"Stable": terminal.GREEN, "Empty": terminal.DIM, "Dead": terminal.RED}


def _state(state: str) -> Cell:
    return Cell(state or None, _STATE_STYLES.get(state, terminal.YELLOW))


def list_groups(target: Target, states: tuple[str, ...], *, as_json: bool) -> int:
    """List the groups; return the exit code."""

    async def work(client: Client) -> int:
        groups = await client.admin.list_groups(states=states)
        if as_json:
            show_json([one._asdict() for one in groups])
            return DONE
        columns = [Column("GROUP"), Column("STATE"), Column("TYPE"), Column("PROTOCOL")]
        rows = [(one.group_id, _state(one.state), one.type or None, one.protocol_type or None) for one in groups]
        show_table(columns, rows, empty="no groups" if not states else f"no groups in state {', '.join(states)}")
        return DONE

    return run(target, work, waiting_for="listing groups")


class Place(NamedTuple):
    """How far a group is in a partition, and who reads it. None: not committed, not known, nobody."""

    partition: TopicPartition
    committed: int | None
    end: int | None
    member: GroupMember | None

    @property
    def lag(self) -> int | None:
        """Records that the group has still to read."""
        if self.committed is None or self.end is None:
            return None
        return max(self.end - self.committed, 0)


def describe_groups(target: Target, names: tuple[str, ...], *, as_json: bool) -> int:
    """Describe groups; return the exit code, 1 if one of them does not exist."""

    async def work(client: Client) -> int:
        code = DONE
        documents = []
        number = 0
        for name, found in (await client.admin.describe_groups(dict.fromkeys(names))).items():
            offsets = await client.admin.group_offsets(name) if found.error is None else {}
            missing = _missing(found, offsets)
            if missing is not None:
                complain(missing)
                code = FAILED
                continue
            places = await _places(client, found, offsets)
            if as_json:
                documents.append(_document(found, places))
                continue
            if number:
                say("")
            number += 1
            _show(found, places)
        if as_json:
            show_json(documents)
        return code

    return run(target, work, waiting_for=f"describing {', '.join(names)}")


def _missing(found: GroupDescription, offsets: dict[TopicPartition, CommittedOffset]) -> str | None:
    """Say why there is nothing to describe, None if there is something."""
    if found.error is not None and found.error.code != ErrorCode.GROUP_ID_NOT_FOUND:
        return str(found.error)
    if found.error is not None or (found.state == "Dead" and not offsets):
        return f"there is no group {found.group_id}"
    return None


async def _places(
    client: Client, found: GroupDescription, offsets: dict[TopicPartition, CommittedOffset]
) -> list[Place]:
    readers = {partition: member for member in found.members for partition in member.assignment or ()}
    partitions = sorted({*readers, *offsets})
    ends: dict[TopicPartition, ListedOffset] = {}
    if partitions:
        ends = await client.admin.list_offsets(dict.fromkeys(partitions, LATEST))
    places = []
    for partition in partitions:
        committed = offsets.get(partition)
        end = ends.get(partition)
        places.append(
            Place(
                partition,
                None if committed is None or committed.error is not None or committed.offset < 0 else committed.offset,
                None if end is None or end.error is not None else end.offset,
                readers.get(partition),
            )
        )
    return places


def _total_lag(places: list[Place]) -> int:
    return sum(place.lag or 0 for place in places)


def _document(found: GroupDescription, places: list[Place]) -> dict[str, Any]:
    coordinator = found.coordinator
    return {
        "group_id": found.group_id,
        "type": found.type,
        "protocol_type": found.protocol_type,
        "state": found.state,
        "assignor": found.assignor or None,
        "coordinator": None if coordinator is None else coordinator._asdict(),
        "lag": _total_lag(places),
        "members": [
            {
                "member_id": member.member_id,
                "group_instance_id": member.group_instance_id,
                "client_id": member.client_id,
                "host": member.host,
                "subscription": member.subscription,
                "assignment": (
                    None if member.assignment is None else [partition._asdict() for partition in member.assignment]
                ),
            }
            for member in found.members
        ],
        "partitions": [
            {
                "topic": place.partition.topic,
                "partition": place.partition.partition,
                "committed_offset": place.committed,
                "end_offset": place.end,
                "lag": place.lag,
                "member_id": None if place.member is None else place.member.member_id,
            }
            for place in places
        ],
    }


def _show(found: GroupDescription, places: list[Place]) -> None:
    show_fields(
        [
            ("group", Cell(found.group_id, terminal.CYAN)),
            ("state", _state(found.state)),
            ("type", found.type or None),
            ("assignor", found.assignor or None),
            ("coordinator", found.coordinator),
            ("members", len(found.members)),
            ("lag", _total_lag(places)),
        ]
    )
    if found.members:
        say("")
        columns = [Column("MEMBER"), Column("CLIENT"), Column("HOST"), Column("INSTANCE"), Column("READS")]
        show_table(columns, [_member_row(member) for member in found.members])
    if places:
        say("")
        columns = [
            Column("TOPIC"),
            Column("PARTITION", right=True),
            Column("COMMITTED", right=True),
            Column("END", right=True),
            Column("LAG", right=True),
            Column("CLIENT"),
            Column("HOST"),
        ]
        show_table(columns, [_place_row(place) for place in places])


def _member_row(member: GroupMember) -> list[object]:
    return [
        member.member_id,
        member.client_id,
        member.host.lstrip("/"),
        member.group_instance_id,
        _partitions_text(member.assignment),
    ]


def _partitions_text(partitions: list[TopicPartition] | None) -> str | None:
    """Return ``orders:0,1 customers:3``."""
    if not partitions:
        return None
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(partition)
    return " ".join(f"{topic}:{','.join(map(str, numbers))}" for topic, numbers in by_topic.items())


def _place_row(place: Place) -> list[object]:
    lag = place.lag
    member = place.member
    return [
        place.partition.topic,
        place.partition.partition,
        place.committed,
        place.end,
        Cell(lag, terminal.YELLOW) if lag else lag,
        None if member is None else member.client_id,
        None if member is None else member.host.lstrip("/"),
    ]


def delete_groups(target: Target, names: tuple[str, ...], *, yes: bool) -> int:
    """Delete groups after asking; return the exit code."""
    wanted = list(dict.fromkeys(names))
    what = f"group {wanted[0]}" if len(wanted) == 1 else f"{len(wanted)} groups ({', '.join(wanted)})"
    if not confirmed(f"Delete {what} with the offsets committed?", yes=yes):
        return FAILED

    async def work(client: Client) -> int:
        errors = await client.admin.delete_groups(wanted)
        for name, error in errors.items():
            if error is None:
                say(f"deleted group {name}")
        return report(errors)

    return run(target, work, waiting_for=f"deleting {what}")
