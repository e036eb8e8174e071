"""Where to begin to read: ``--from`` in its forms, and what it means for each partition."""

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ottla.client import Client, TopicPartition
from ottla.client.admin.admin import EARLIEST, LATEST
from ottla.client.results import raise_errors
from ottla.model.errors import OperatorError

from .output.times import parse_time

if TYPE_CHECKING:
    from ottla.client.consumer import Start

_NUMBER = re.compile(r"-?\d{1,18}")


class Beginning(NamedTuple):
    """One of: an end of the log (``"beginning"``, ``"end"``), an offset, so many records before the end, a time."""

    edge: str | None = None
    offset: int | None = None
    last: int | None = None
    time_ms: int | None = None

    def for_group(self) -> "Start":
        """Return it as a consumer takes it for a group that has no offsets; OperatorError for "the last N"."""
        if self.edge is not None:
            return "beginning" if self.edge == "beginning" else "end"
        if self.offset is not None:
            return self.offset
        if self.time_ms is not None:
            return datetime.fromtimestamp(self.time_ms / 1000, UTC)
        raise OperatorError("--from -N (the last N records) cannot be used with --group")


def parse_start(text: str) -> Beginning:
    """Return what ``--from`` says; OperatorError for what it cannot say."""
    if text in ("beginning", "end"):
        return Beginning(edge=text)
    if _NUMBER.fullmatch(text):
        number = int(text)
        return Beginning(offset=number) if number >= 0 and text[0] != "-" else Beginning(last=-number)
    try:
        return Beginning(time_ms=parse_time(text, time.time_ns() // 1_000_000))
    except ValueError as error:
        raise OperatorError(f"--from: neither beginning, end nor an offset, and {error}") from error


class Span(NamedTuple):
    """What is to be read of a partition: from the first offset to before the second."""

    start: int
    end: int


async def find_partitions(client: Client, topic: str, wanted: tuple[int, ...]) -> list[TopicPartition]:
    """Return the partitions of a topic, all or the wanted ones; OperatorError if it has not got one of them."""
    described = (await client.admin.describe_topics([topic]))[topic]
    raise_errors([described.error])
    there = [one.partition for one in described.partitions]
    missing = sorted(set(wanted) - set(there))
    if missing:
        raise OperatorError(f"topic {topic} has no partition {missing[0]}; it has {len(there)}, the first is 0")
    return [TopicPartition(topic, number) for number in sorted((wanted and set(wanted)) or there)]


async def find_ends(
    client: Client, partitions: list[TopicPartition], *, read_committed: bool
) -> dict[TopicPartition, int]:
    """Return where each partition ends now."""
    return await _offsets(client, partitions, LATEST, read_committed=read_committed)


async def find_spans(
    client: Client, partitions: list[TopicPartition], beginning: Beginning, *, read_committed: bool
) -> dict[TopicPartition, Span]:
    """Return from where to where each partition is to be read; an offset that is not there becomes its nearest end."""
    ends = await find_ends(client, partitions, read_committed=read_committed)
    if beginning.edge == "end":
        return {partition: Span(end, end) for partition, end in ends.items()}
    firsts = await _offsets(client, partitions, EARLIEST)
    starts = firsts
    if beginning.offset is not None:
        starts = dict.fromkeys(partitions, beginning.offset)
    elif beginning.last is not None:
        starts = {partition: end - beginning.last for partition, end in ends.items()}
    elif beginning.time_ms is not None:
        found = await _offsets(client, partitions, beginning.time_ms)
        starts = {partition: offset if offset >= 0 else ends[partition] for partition, offset in found.items()}
    return {
        partition: Span(min(max(starts[partition], firsts[partition]), max(end, firsts[partition])), end)
        for partition, end in ends.items()
    }


async def _offsets(
    client: Client, partitions: list[TopicPartition], time_ms: int, *, read_committed: bool = False
) -> dict[TopicPartition, int]:
    found = await client.admin.list_offsets(dict.fromkeys(partitions, time_ms), read_committed=read_committed)
    raise_errors(one.error for one in found.values())
    return {partition: one.offset for partition, one in found.items()}
