"""The text of a scrape, made in slices.

The figures of five thousand partitions are some ten thousand lines, and many milliseconds of work. So that nobody waits
for them, they are written down a little at a time: after every slice the event loop turns, and the same time again
is left to the others, however many scrapes there are at once. What is read is what there is at that moment; two lines
may be some turns apart.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import perf_counter

from ottla.broker.metrics.samples import Samples
from ottla.runtime.metrics import Metric
from ottla.runtime.metrics_text import head_lines, sample_line

SLICE_SECONDS = 0.002
STEPS_BETWEEN_LOOKS = 16
"""How often the clock is looked at."""


async def text_of(
    collected: Iterator[tuple[Metric, Samples]], turns: asyncio.Lock, *, openmetrics: bool = False
) -> AsyncIterator[bytes]:
    """Yield the text in pieces, each the work of one slice; one of those who share ``turns`` has a slice at a time."""
    lines = _lines(collected, openmetrics=openmetrics)
    is_over = False
    while not is_over:
        async with turns:
            piece, is_over = _slice(lines)
            await asyncio.sleep(SLICE_SECONDS)
        if piece:
            yield piece


def _slice(lines: Iterator[str]) -> tuple[bytes, bool]:
    """Return what can be written down in one slice, and whether it is the rest."""
    until = perf_counter() + SLICE_SECONDS
    written: list[str] = []
    for number, line in enumerate(lines, 1):
        written.append(line)
        if number % STEPS_BETWEEN_LOOKS == 0 and perf_counter() > until:
            return "".join(written).encode(), False
    return "".join(written).encode(), True


def _lines(collected: Iterator[tuple[Metric, Samples]], *, openmetrics: bool) -> Iterator[str]:
    """Yield all lines; empty ones where work was done for later ones."""
    for metric, samples in collected:
        yield head_lines(metric, openmetrics=openmetrics)
        name = metric.name
        for sample in samples:
            yield "" if sample is None else sample_line(name + sample[0], sample[1], sample[2])
    if openmetrics:
        yield "# EOF\n"
