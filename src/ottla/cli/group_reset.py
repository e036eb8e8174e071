"""``ottla group reset-offsets``: find where a group would go on, show it, ask, and set it."""

import sys
import time
from collections.abc import Mapping
from typing import NamedTuple, TextIO

from ottla.client import Client, TopicPartition
from ottla.client.admin.admin import EARLIEST, LATEST
from ottla.client.results import ListedOffset, raise_errors
from ottla.model.errors import OperatorError

from .confirm import confirmed
from .connecting import report, run
from .exits import DONE, FAILED, complain, say
from .options import Target
from .output import terminal
from .output.json_text import show_json
from .output.table import Cell, Column, show_table
from .output.terminal import is_terminal
from .output.times import parse_time


class Reset(NamedTuple):
    """Which offsets, and where to; to the earliest if nothing else is said."""

    group: str
    topics: tuple[str, ...]
    to_latest: bool
    to_offset: int | None
    to_datetime: str | None
    shift_by: int | None


class Move(NamedTuple):
    """One partition's part of the plan; ``current`` is None where nothing was committed."""

    partition: TopicPartition
    current: int | None
    new: int

    @property
    def change(self) -> str | None:
        """How many records on or back."""
        return None if self.current is None else f"{self.new - self.current:+d}"


def run_reset(target: Target, reset: Reset, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show the plan, ask, do it; return the exit code.

    Nobody is asked within a loop: it would take Ctrl-C for itself.
    """
    time_ms = _time_ms(reset.to_datetime)
    plan: list[Move] = []

    async def find(client: Client) -> int:
        found = await _plan(client, reset, time_ms)
        plan.extend(found or ())
        return FAILED if found is None else DONE

    async def apply(client: Client) -> int:
        errors = await client.admin.alter_group_offsets(reset.group, {move.partition: move.new for move in plan})
        return report({str(partition): error for partition, error in errors.items()})

    if run(target, find, waiting_for=f"planning the reset of {reset.group}") != DONE:
        return FAILED
    if not as_json:
        _show(plan)
    if dry_run or not plan:
        return _end(plan, done=False, as_json=as_json)
    if as_json and not yes and is_terminal(sys.stdin):
        _show(plan, sys.stderr)  # whoever is asked sees what for, and stdout stays JSON
    if not confirmed(f"Set {_offsets_text(plan)} of group {reset.group}?", yes=yes):
        return FAILED
    if run(target, apply, waiting_for=f"resetting {reset.group}") != DONE:
        return FAILED
    return _end(plan, done=True, as_json=as_json)


def _offsets_text(plan: list[Move]) -> str:
    return f"{len(plan)} {'offset' if len(plan) == 1 else 'offsets'}"


def _time_ms(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text, time.time_ns() // 1_000_000)
    except ValueError as error:
        raise OperatorError(f"--to-datetime: {error}") from error


def _end(plan: list[Move], *, done: bool, as_json: bool) -> int:
    if as_json:
        show_json(
            {
                "done": done,
                "offsets": [
                    {
                        "topic": move.partition.topic,
                        "partition": move.partition.partition,
                        "current_offset": move.current,
                        "new_offset": move.new,
                    }
                    for move in plan
                ],
            }
        )
    elif done:
        say(f"set {_offsets_text(plan)}")
    else:
        sys.stderr.write("nothing was changed\n")
    return DONE


def _show(plan: list[Move], stream: TextIO | None = None) -> None:
    columns = [
        Column("TOPIC"),
        Column("PARTITION", right=True),
        Column("NOW", right=True),
        Column("THEN", right=True),
        Column("CHANGE", right=True),
    ]
    rows = [
        (
            move.partition.topic,
            move.partition.partition,
            move.current,
            Cell(move.new, terminal.CYAN),
            Cell(move.change, terminal.YELLOW),
        )
        for move in plan
    ]
    show_table(columns, rows, empty="the group has committed no offsets; name what to set with --topic", stream=stream)
    sys.stdout.flush()


async def _plan(client: Client, reset: Reset, time_ms: int | None) -> list[Move] | None:
    """Return where each partition would go; None, said why, if the group cannot be changed now."""
    described = (await client.admin.describe_groups([reset.group]))[reset.group]
    if described.members:
        complain(f"group {reset.group} has {len(described.members)} members and is {described.state}: stop them first")
        return None
    committed = {
        partition: found.offset
        for partition, found in (await client.admin.group_offsets(reset.group)).items()
        if found.error is None and found.offset >= 0
    }
    partitions = await _partitions(client, reset.topics) if reset.topics else sorted(committed)
    if not partitions:
        return []
    starts = await _offsets(client, partitions, EARLIEST)
    ends = await _offsets(client, partitions, LATEST)
    by_time = {} if time_ms is None else await _offsets(client, partitions, time_ms)
    plan = []
    for partition in partitions:
        current = committed.get(partition)
        wanted = _wanted(reset, partition, current, starts, ends, by_time)
        plan.append(Move(partition, current, min(max(wanted, starts[partition]), ends[partition])))
    return plan


def _wanted(
    reset: Reset,
    partition: TopicPartition,
    current: int | None,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    by_time: Mapping[TopicPartition, int],
) -> int:
    if reset.to_latest:
        return ends[partition]
    if reset.to_offset is not None:
        return reset.to_offset
    if reset.to_datetime is not None:
        found = by_time[partition]
        return found if found >= 0 else ends[partition]  # no record is that young
    if reset.shift_by is not None:
        if current is None:
            raise OperatorError(f"--shift-by: the group has no offset for {partition} to shift")
        return current + reset.shift_by
    return starts[partition]


async def _offsets(client: Client, partitions: list[TopicPartition], time_ms: int) -> dict[TopicPartition, int]:
    found: dict[TopicPartition, ListedOffset] = await client.admin.list_offsets(dict.fromkeys(partitions, time_ms))
    raise_errors(one.error for one in found.values())
    return {partition: one.offset for partition, one in found.items()}


async def _partitions(client: Client, texts: tuple[str, ...]) -> list[TopicPartition]:
    """Return the partitions that ``topic`` or ``topic:0,2`` name; OperatorError or BrokerError for others."""
    wanted: dict[str, set[int] | None] = {}
    for text in texts:
        topic, colon, numbers = text.partition(":")
        if not colon:
            wanted[topic] = None
            continue
        try:
            some = {int(number) for number in numbers.split(",")}
        except ValueError:
            raise OperatorError(f"--topic {text!r} is not of the form TOPIC or TOPIC:0,1,2") from None
        already = wanted.setdefault(topic, set())
        if already is not None:
            already |= some
    described = await client.admin.describe_topics(wanted)
    raise_errors(one.error for one in described.values())
    partitions = []
    for topic, numbers_wanted in wanted.items():
        there = {one.partition for one in described[topic].partitions}
        if numbers_wanted is not None and not numbers_wanted <= there:
            missing = ", ".join(map(str, sorted(numbers_wanted - there)))
            raise OperatorError(f"topic {topic} has no partition {missing}; it has {len(there)}")
        partitions += [TopicPartition(topic, number) for number in sorted(numbers_wanted or there)]
    return partitions
