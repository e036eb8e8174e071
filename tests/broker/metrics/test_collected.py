"""A scrape leaves the event loop to others, however much there is to tell."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ottla.broker.metrics import collected
from ottla.broker.metrics.collected import text_of
from ottla.broker.metrics.samples import OTHER, bounded
from ottla.runtime.metrics import Kind, Metric

METRIC = Metric("x", Kind.GAUGE, "Many.", ("n",))


def many(count: int, walked: list[int]) -> Iterator[tuple[Metric, Iterator[tuple[str, str, float] | None]]]:
    def samples() -> Iterator[tuple[str, str, float] | None]:
        for number in range(count):
            walked.append(number)
            yield "", f'n="{number}"', number
            yield None

    yield METRIC, samples()


async def test_others_have_their_turn_between_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "SLICE_SECONDS", 0.0)
    walked: list[int] = []
    progress_at_turns: list[int] = []

    async def other() -> None:
        while len(walked) < 1000:
            progress_at_turns.append(len(walked))
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    pieces = [piece async for piece in text_of(many(1000, walked), asyncio.Lock())]
    await others
    assert len(pieces) > 50
    steps = [after - before for before, after in itertools.pairwise(progress_at_turns)]
    assert max(steps) <= 2 * collected.STEPS_BETWEEN_LOOKS
    (family,) = text_string_to_metric_families(b"".join(pieces).decode())
    assert [sample.value for sample in family.samples] == list(range(1000))


async def test_scrapes_at_once_share_the_same_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "SLICE_SECONDS", 0.0)
    turns = asyncio.Lock()
    walked: list[list[int]] = [[], [], []]
    most = 0

    async def watch() -> None:
        nonlocal most
        before = 0
        while before < 3000:
            now = sum(map(len, walked))
            most = max(most, now - before)
            before = now
            await asyncio.sleep(0)

    async def scrape(number: int) -> int:
        return len([piece async for piece in text_of(many(1000, walked[number]), turns)])

    *counts, _ = await asyncio.gather(scrape(0), scrape(1), scrape(2), watch())
    assert min(counts) > 50
    assert most <= 2 * collected.STEPS_BETWEEN_LOOKS, "one slice for each turn, not one for each scrape"


async def test_a_scrape_that_is_broken_off_leaves_the_others_their_turn() -> None:
    turns = asyncio.Lock()
    text = text_of(many(100_000, []), turns)
    first = await anext(text)
    assert first
    async with asyncio.timeout(10):
        assert [piece async for piece in text_of(many(3, []), turns)]
    await text.aclose()  # type: ignore[attr-defined]  # it is an async generator
    assert not turns.locked()


async def test_openmetrics_says_where_it_ends() -> None:
    pieces = [piece async for piece in text_of(many(1, []), asyncio.Lock(), openmetrics=True)]
    assert b"".join(pieces).endswith(b'x{n="0"} 0\n# EOF\n')


def test_what_is_beyond_the_limit_is_summed_up() -> None:
    series = [(f'a="{number}"', number) for number in range(10)]
    told = [sample for sample in bounded(series, 3, f'a="{OTHER}"') if sample is not None]
    assert told == [("", 'a="0"', 0), ("", 'a="1"', 1), ("", 'a="2"', 2), ("", 'a="(other)"', sum(range(3, 10)))]
    assert [sample for sample in bounded(series, 10, "") if sample is not None][-1] == ("", 'a="9"', 9)
