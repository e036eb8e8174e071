"""Thousands of segments are deleted a few at a time, so that the event loop is never held for long."""

import asyncio

import pytest
from tests.log.logs import NOW_MS, Bench

from ottla.log.config import LogConfig
from ottla.log.log import SEGMENTS_PER_TURN, Log
from ottla.log.retention import delete_in_turns

COUNT = 5 * SEGMENTS_PER_TURN + 3


def filled(**values: object) -> Bench:
    bench = Bench(LogConfig(retention_ms=-1))
    for _ in range(COUNT):
        bench.log.roll()
        bench.append()
    bench.commit()
    bench.configure(**values)
    return bench


@pytest.mark.parametrize("by_offset", [True, False], ids=["DeleteRecords", "retention"])
async def test_many_segments_go_in_turns(by_offset: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = filled() if by_offset else filled(retention_ms=0)
    turns: list[int] = []
    remove = Log.remove_segments

    def counted(log: Log, segments: list[object], now_ms: int) -> None:
        turns.append(len(segments))
        remove(log, segments, now_ms)  # type: ignore[arg-type]  # what is counted is passed on

    monkeypatch.setattr(Log, "remove_segments", counted)
    if by_offset:
        assert bench.log.delete_records(-1) == COUNT
    deleting = asyncio.ensure_future(delete_in_turns(bench.log, NOW_MS + 1))
    others = 0
    while not deleting.done():
        await asyncio.sleep(0)
        others += 1
    assert max(turns) <= SEGMENTS_PER_TURN
    assert others >= 4
    assert bench.log.log_start_offset == bench.log.log_end_offset == COUNT
    assert len(bench.log.segments) == 1


async def test_what_was_deleted_meanwhile_is_left_alone() -> None:
    bench = filled(retention_ms=0)
    deleting = asyncio.ensure_future(delete_in_turns(bench.log, NOW_MS + 1))
    await asyncio.sleep(0)
    bench.log.is_deleted = True
    assert await deleting == SEGMENTS_PER_TURN
