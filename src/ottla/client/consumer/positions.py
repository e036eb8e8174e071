"""Where a consumer is in each of its partitions, and where it begins."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from ottla.client.admin.admin import EARLIEST, LATEST
from ottla.client.admin.offsets import NO_OFFSET, list_offsets
from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition

from .records import Chunk

Start = Literal["beginning", "end"] | int | datetime
"""Where to read from: an end of the log, an offset, or the first record that is not older than a time."""

NEAREST = "nearest"
"""What becomes of an offset out of range where the reader began at an offset or a time of its own."""


class PartitionState:
    """One partition that is read."""

    __slots__ = (
        "chunks",
        "epoch",
        "fetch_offset",
        "high_watermark",
        "out_of_range",
        "partition",
        "pause_until",
        "paused",
        "position",
        "start",
        "under_way",
        "unknown_since",
    )

    def __init__(self, partition: TopicPartition, start: Start | None = None) -> None:
        self.partition = partition
        self.start = start
        """Where to seek to before anything is read; None: what the group has committed, or the consumer's start."""
        self.position: int | None = None
        """The next offset that the caller gets."""
        self.fetch_offset = 0
        """The next offset to fetch, behind what waits in ``chunks``."""
        self.chunks: deque[Chunk] = deque()
        self.epoch = 0
        """Counts the seeks: what was fetched before one is not wanted behind it."""
        self.high_watermark: int | None = None
        self.paused = False
        self.under_way = False
        self.pause_until = 0.0
        self.out_of_range = False
        self.unknown_since: float | None = None

    def seek(self, offset: int) -> None:
        """Go on at an offset."""
        self.epoch += 1
        self.position = self.fetch_offset = offset
        self.chunks.clear()
        self.out_of_range = False
        self.start = None

    def seek_later(self, start: Start | None) -> None:
        """Go on where it has still to be found out where that is."""
        self.seek(0)
        self.start = start
        self.position = None


async def find_offsets(
    cluster: Cluster, starts: dict[TopicPartition, Start], read_committed: bool, deadline: Deadline
) -> dict[TopicPartition, int]:
    """Return the offsets that starts stand for; a time behind the last record stands for the end."""
    found = {part: start for part, start in starts.items() if isinstance(start, int)}
    times = {part: _time(start) for part, start in starts.items() if not isinstance(start, int)}
    listed = await list_offsets(cluster, times, read_committed, deadline) if times else {}
    behind = [part for part, offset in listed.items() if offset.error is None and offset.offset == NO_OFFSET]
    if behind:
        listed |= await list_offsets(cluster, dict.fromkeys(behind, LATEST), read_committed, deadline)
    for part, offset in listed.items():
        if offset.error is not None:
            raise offset.error
        found[part] = offset.offset
    return found


async def back_in_range(
    cluster: Cluster, states: Iterable[PartitionState], policy: str, read_committed: bool, deadline: Deadline
) -> dict[TopicPartition, int]:
    """Return where to go on in partitions whose offset does not exist, by ``auto.offset.reset`` or NEAREST.

    With the policy ``none`` it is an error: BrokerError OFFSET_OUT_OF_RANGE.
    """
    lost = {state.partition: state.fetch_offset for state in states}
    if policy == "none" and lost:
        part, offset = next(iter(lost.items()))
        raise BrokerError(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"there is no offset {offset} (any more), and auto.offset.reset is none",
            subject=f"partition {part.partition} of topic {part.topic}",
        )
    if policy in ("earliest", "latest"):
        start: Start = "beginning" if policy == "earliest" else "end"
        return await find_offsets(cluster, dict.fromkeys(lost, start), read_committed, deadline)
    first = await find_offsets(cluster, dict.fromkeys(lost, "beginning"), read_committed, deadline)
    last = await find_offsets(cluster, dict.fromkeys(lost, "end"), read_committed, deadline)
    return {part: max(first[part], min(offset, last[part])) for part, offset in lost.items()}


def _time(start: Start) -> int:
    if isinstance(start, datetime):
        # A time without a zone is local, as everywhere in Python.
        return int(start.timestamp() * 1000)
    return EARLIEST if start == "beginning" else LATEST
