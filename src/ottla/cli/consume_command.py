"""What ``ottla consume`` does: read, print, commit what was printed, and know where to end.

Without a group each partition is read from where ``--from`` says. With one, its offsets say where. Without
``--follow`` each partition ends where it ended at the start: later records are neither printed nor committed.
"""

import asyncio
import contextlib
import select
import sys
from collections.abc import Mapping, Sequence

from ottla.client import BrokerError, Client, TopicPartition
from ottla.client.consumer import ConsumedRecord, Consumer
from ottla.model.error_codes import ErrorCode

from .connecting import open_client, settings_of
from .consume_start import Beginning, Span, find_ends, find_partitions, find_spans
from .exits import DONE, INTERRUPTED, complain
from .options import Target
from .output.progress import Progress
from .output.terminal import is_terminal
from .record_format import Render, formatted, json_record, values
from .stopping import StopSignals

POLL_MS = 500
POLL_RECORDS = 2000
_GROUP_MOVED_ON = (ErrorCode.ILLEGAL_GENERATION, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.REBALANCE_IN_PROGRESS)


class Consumption:
    """One run."""

    def __init__(
        self,
        *,
        topic: str,
        start: Beginning,
        partitions: tuple[int, ...],
        group: str | None,
        max_records: int | None,
        follow: bool,
    ) -> None:
        self._topic = topic
        self._start = start
        self._numbers = partitions
        self._group = group
        self._max = max_records
        self._follow = follow
        self._read_committed = False
        self._printed = 0
        self._committed: dict[TopicPartition, int] = {}
        self._render: Render = json_record
        self._stop: asyncio.Task[bool] | None = None

    def run(self, target: Target, *, as_json: bool, template: str | None, null_marker: str | None) -> int:
        """Print records; return the exit code."""
        safe = is_terminal(sys.stdout)
        null = ("null" if safe else "") if null_marker is None else null_marker
        if template is not None:
            self._render = formatted(template, safe=safe, null_marker=null.encode())
        elif not as_json:
            self._render = values(safe=safe, null_marker=null.encode())
        if self._group is not None and not self._numbers:
            self._start.for_group()  # complains now if it cannot be
        self._read_committed = settings_of(target).get("isolation.level") == "read_committed"
        return asyncio.run(self._main(target))

    async def _main(self, target: Target) -> int:
        async with open_client(target) as client:
            with StopSignals(lambda: None) as signals, Progress(self._progress, beside_output=True):
                self._stop = asyncio.ensure_future(signals.stopped.wait())
                try:
                    await self._consume(client)
                finally:
                    self._stop.cancel()
        if signals.stopped.is_set():
            return DONE if self._follow else INTERRUPTED
        if not self._printed and is_terminal(sys.stdout):
            sys.stderr.write(f"no records in {self._topic} there\n")
        return DONE

    def _progress(self) -> str:
        return f"{self._printed} records read from {self._topic}"

    async def _consume(self, client: Client) -> None:
        partitions = await find_partitions(client, self._topic, self._numbers)
        if self._group is None:
            spans = await find_spans(client, partitions, self._start, read_committed=self._read_committed)
            ends = None if self._follow else {partition: span.end for partition, span in spans.items()}
            wanted = spans if ends is None else {one: span for one, span in spans.items() if span.start < span.end}
            if wanted:
                reading = client.consumer(partitions=list(wanted), from_="beginning", enable_auto_commit=False)
                async with reading as consumer:
                    await _seek(consumer, wanted)
                    await self._read(consumer, ends)
            return
        ends = None if self._follow else await find_ends(client, partitions, read_committed=self._read_committed)
        consumer = client.consumer(
            topics=() if self._numbers else [self._topic],
            partitions=partitions if self._numbers else (),
            group=self._group,
            from_=self._start.for_group(),
            enable_auto_commit=False,  # it would commit what was read, printed or not
        )
        async with consumer:
            if not consumer.assignment and ends is not None:
                complain(f"the other members of group {self._group} read all partitions of {self._topic}")
                return
            await self._read(consumer, ends)

    async def _read(self, consumer: Consumer, ends: Mapping[TopicPartition, int] | None) -> None:
        paused: set[TopicPartition] = set()
        while self._max is None or self._printed < self._max:
            if ends is not None:
                done = {one for one in consumer.assignment if _is_behind(consumer, one, ends)}
                if done == consumer.assignment:
                    break
                if done - paused:
                    consumer.pause(done - paused)
                    paused = done
            records = await self._poll(consumer)
            if records is None:
                break
            if ends is not None:
                records = [one for one in records if one.offset < ends.get(TopicPartition(one.topic, one.partition), 0)]
            if records:
                await self._print(records)
            await self._commit(consumer, ends)
        await self._commit(consumer, ends)

    async def _poll(self, consumer: Consumer) -> Sequence[ConsumedRecord] | None:
        """Return the next records, None if it is time to end."""
        assert self._stop is not None
        if self._stop.done() or _reader_is_gone():
            return None
        most = POLL_RECORDS if self._max is None else min(POLL_RECORDS, self._max - self._printed)
        polling = asyncio.ensure_future(consumer.poll(most, POLL_MS))
        await asyncio.wait({polling, self._stop}, return_when=asyncio.FIRST_COMPLETED)
        if polling.done():
            return polling.result()
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            return await polling
        return None

    async def _print(self, records: Sequence[ConsumedRecord]) -> None:
        data = b"".join(map(self._render, records))
        # A reader that pauses (a pager) must keep neither a member from its heartbeats nor a signal from its effect.
        await asyncio.to_thread(_write, data)
        self._printed += len(records)

    async def _commit(self, consumer: Consumer, ends: Mapping[TopicPartition, int] | None) -> None:
        """Commit what was printed, before the next poll can give partitions away.

        A position is behind all that poll has returned, so behind all that was printed, and also behind what there is
        nothing to print of: markers of transactions, records that compaction took.
        """
        if self._group is None:
            return
        behind = {}
        for partition in consumer.assignment:
            position = consumer.position(partition)
            if position is not None:
                behind[partition] = position if ends is None else min(position, ends.get(partition, position))
        changed = {partition: at for partition, at in behind.items() if self._committed.get(partition) != at}
        self._committed = behind
        if not changed:
            return
        try:
            await consumer.commit(changed)
        except BrokerError as error:
            if error.code not in _GROUP_MOVED_ON:
                raise
            complain(f"warning: {error}; what was printed last may be read again")


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _is_behind(consumer: Consumer, partition: TopicPartition, ends: Mapping[TopicPartition, int]) -> bool:
    """Whether everything of the partition that is to be read was read."""
    position = consumer.position(partition)
    return position is not None and position >= ends.get(partition, 0)


async def _seek(consumer: Consumer, spans: Mapping[TopicPartition, Span]) -> None:
    for partition, span in spans.items():
        await consumer.seek(partition, span.start)


def _reader_is_gone() -> bool:
    """Whether stdout is a pipe that nobody reads any more, as behind ``head``."""
    gone = False
    if sys.platform != "win32":
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        gone = any(event & select.POLLERR for _, event in poll.poll(0))
    return gone
