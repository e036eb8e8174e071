"""log.cleaner.io.max.bytes.per.second."""

from collections.abc import Callable

from ottla.log.cleaner.throttle import Throttle
from ottla.runtime.clock import ManualClock


def make(rate: float, during: Callable[[float], None] = lambda _: None) -> tuple[Throttle, ManualClock]:
    clock = ManualClock()

    def sleep(duration_ms: float) -> None:
        clock.advance(duration_ms)
        during(duration_ms)

    return Throttle(rate, clock.monotonic_ms, sleep), clock


def test_bytes_take_their_time() -> None:
    throttle, clock = make(1000.0)
    for _ in range(10):
        throttle.moved(500)
    assert 4950 <= clock.monotonic_ms() <= 5000


def test_time_that_passed_by_itself_counts() -> None:
    throttle, clock = make(1000.0)
    throttle.moved(40)
    clock.advance(1000)
    throttle.moved(40)
    assert clock.monotonic_ms() == 1000


def test_a_pause_allows_no_burst() -> None:
    throttle, clock = make(1000.0)
    clock.advance(60_000)
    throttle.moved(2000)
    assert clock.monotonic_ms() == 62_000


def test_no_limit_never_sleeps() -> None:
    throttle, clock = make(1.7976931348623157e308)
    throttle.moved(2**40)
    assert clock.monotonic_ms() == 0


def test_a_new_limit_takes_effect_during_a_long_sleep() -> None:
    slept: list[float] = []

    def raise_limit(duration_ms: float) -> None:
        slept.append(duration_ms)
        throttle.max_bytes_per_second = 1e9

    throttle, _ = make(1.0, raise_limit)
    throttle.moved(1_000_000)
    assert slept == [500.0]
