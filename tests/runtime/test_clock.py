"""The system's clock and its twin that moves by hand."""

import asyncio
import functools
import time

from hypothesis import given
from hypothesis import strategies as st

from ottla.runtime.clock import ManualClock, SystemClock


def test_system_clock_tells_the_time() -> None:
    clock = SystemClock()
    assert abs(clock.now_ms() - time.time() * 1000) < 60_000
    first = clock.monotonic_ms()
    assert clock.monotonic_ms() >= first


async def test_system_clock_calls_on_the_loop() -> None:
    clock = SystemClock()
    called = asyncio.Event()
    clock.call_later(0, called.set)
    never = clock.call_later(0, lambda: calls.append(1))
    calls: list[int] = []
    never.cancel()
    await called.wait()
    await asyncio.sleep(0)
    assert calls == []


def test_manual_clock_moves_both_times() -> None:
    clock = ManualClock(now_ms=1000)
    assert (clock.now_ms(), clock.monotonic_ms()) == (1000, 0)
    clock.advance(250)
    assert (clock.now_ms(), clock.monotonic_ms()) == (1250, 250)


def test_timers_fire_in_order_and_at_their_own_time() -> None:
    clock = ManualClock()
    fired: list[tuple[str, float]] = []

    def note(name: str) -> None:
        fired.append((name, clock.monotonic_ms()))

    for name, delay_ms in (("b", 20), ("a", 10), ("c", 20), ("late", 31)):
        clock.call_later(delay_ms, functools.partial(note, name))
    clock.advance(30)
    assert fired == [("a", 10), ("b", 20), ("c", 20)]
    clock.advance(1)
    assert fired[3:] == [("late", 31)]


def test_a_cancelled_timer_is_silent() -> None:
    clock = ManualClock()
    fired: list[int] = []
    timer = clock.call_later(10, lambda: fired.append(1))
    timer.cancel()
    timer.cancel()
    clock.advance(20)
    assert fired == []


def test_a_timer_may_set_and_cancel_others() -> None:
    clock = ManualClock()
    fired: list[float] = []

    def again() -> None:
        fired.append(clock.monotonic_ms())
        if len(fired) < 3:
            clock.call_later(10, again)

    victim = clock.call_later(15, lambda: fired.append(-1))
    clock.call_later(10, victim.cancel)
    clock.call_later(10, again)
    clock.advance(100)
    assert fired == [10, 20, 30]
    assert clock.monotonic_ms() == 100


@given(st.lists(st.integers(0, 100), max_size=20), st.lists(st.integers(1, 50), max_size=10))
def test_every_timer_fires_once_whatever_the_steps(delays: list[int], steps: list[int]) -> None:
    clock = ManualClock()
    fired: list[int] = []
    for delay_ms in delays:
        clock.call_later(delay_ms, functools.partial(fired.append, delay_ms))
    for step in steps:
        clock.advance(step)
    elapsed = sum(steps)
    assert fired == sorted(delay for delay in delays if delay <= elapsed and steps)
