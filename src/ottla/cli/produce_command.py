"""What ``ottla produce`` does: input becomes records as it arrives, and every record's fate is known at the end.

Three go on at once: a thread reads standard input, the loop puts records into the producer's batches (and waits while
its buffer is full), and a task awaits what became of each. A stop or a failure ends the reading; what was read is
written all the same, unless the broker refuses it.
"""

import asyncio
import sys
import time

from ottla.client import Client, ClientError
from ottla.client.producer import Delivery, Producer
from ottla.model.errors import OperatorError

from .connecting import open_client
from .exits import DONE, FAILED, INTERRUPTED, complain
from .options import Target
from .output.progress import Progress
from .output.terminal import is_terminal
from .output.text import size_text
from .produced_lines import LineError, LineReader
from .standard_input import Lines
from .stopping import StopSignals

Batch = tuple[int, list[Delivery]]
"""Number of the first line, and the records of lines that follow one another."""

BATCHES_AWAITED = 64


class Production:
    """One run."""

    def __init__(self, topic: str, reader: LineReader, settings: dict[str, str | int]) -> None:
        self._topic = topic
        self._reader = reader
        self._settings = settings
        self._lines = 0
        self._written = 0
        self._bytes = 0
        self._failure: str | None = None
        self._reading: Lines | None = None
        self._started_at = time.monotonic()

    def run(self, target: Target, *, quiet: bool) -> int:
        """Produce until the input ends; return the exit code."""
        if sys.stdin is None or sys.stdin.closed:
            raise OperatorError("there is no standard input to read records from")
        return asyncio.run(self._main(target, quiet))

    async def _main(self, target: Target, quiet: bool) -> int:
        interactive = is_terminal(sys.stdin)
        if interactive and is_terminal(sys.stderr) and not quiet:
            sys.stderr.write(f"each line is a record for {self._topic}; Ctrl-D ends\n")
        failure: ClientError | None = None
        async with open_client(target) as client:
            # First the signals, then the reading: what was read must not be lost to a signal in between.
            with StopSignals(self._stop_reading) as signals:
                lines = self._reading = Lines(sys.stdin.fileno())
                try:
                    if signals.stopped.is_set():
                        lines.stop()
                    if interactive:
                        await self._produce(client, lines)
                    else:
                        with Progress(self._progress):
                            await self._produce(client, lines)
                except ClientError as error:
                    failure = error
                finally:
                    lines.close()
        return self._end(failure, lines if signals.stopped.is_set() else None, quiet)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.stop()

    def _progress(self) -> str:
        rate = self._bytes / max(time.monotonic() - self._started_at, 0.001)
        return f"{self._written} records written, {size_text(round(rate))}/s"

    def _end(self, failure: ClientError | None, stopped: Lines | None, quiet: bool) -> int:
        if self._failure is not None:
            complain(self._failure)
        elif failure is not None:
            complain(str(failure))
        if stopped is not None and stopped.rest:
            complain(f"a line that had not ended yet was not produced: {len(stopped.rest)} bytes")
        if not quiet:
            sys.stderr.write(f"{self._written} {'record' if self._written == 1 else 'records'} produced\n")
        if self._failure is not None or failure is not None:
            return FAILED
        return INTERRUPTED if stopped is not None else DONE

    async def _produce(self, client: Client, lines: Lines) -> None:
        async with client.producer(**self._settings) as producer:
            under_way: asyncio.Queue[Batch | None] = asyncio.Queue(BATCHES_AWAITED)
            awaiting = asyncio.ensure_future(self._await_all(under_way, lines))
            try:
                await self._read_all(producer, lines, under_way)
                await under_way.put(None)
                await asyncio.gather(awaiting, producer.flush(), return_exceptions=True)
            finally:
                awaiting.cancel()

    async def _read_all(self, producer: Producer, lines: Lines, under_way: "asyncio.Queue[Batch | None]") -> None:
        async for batch in lines.batches():
            first = self._lines + 1
            deliveries: list[Delivery] = []
            try:
                for line in batch:
                    if self._failure is not None:
                        return
                    self._lines += 1
                    deliveries.append(await self._queue(producer, line))
            except LineError as error:
                self._fail(f"line {self._lines}: {error}", lines)
                return
            except ClientError as error:
                self._fail(f"line {self._lines}: {error}", lines)
                return
            finally:
                await under_way.put((first, deliveries))

    async def _queue(self, producer: Producer, line: bytes) -> Delivery:
        record = self._reader.read(line)
        self._bytes += len(line)
        return await producer.queue(
            self._topic,
            record.value,
            key=record.key,
            headers=record.headers,
            partition=record.partition,
            timestamp_ms=record.timestamp_ms,
        )

    async def _await_all(self, under_way: "asyncio.Queue[Batch | None]", lines: Lines) -> None:
        while (batch := await under_way.get()) is not None:
            number, deliveries = batch
            for delivery in deliveries:
                try:
                    await delivery
                    self._written += 1
                except ClientError as error:
                    self._fail(f"line {number}: {error}", lines)
                number += 1

    def _fail(self, message: str, lines: Lines) -> None:
        if self._failure is None:
            self._failure = message
        lines.stop()
