"""Waiting for something to become true, with a deadline: what the tests do instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.harness import target

T = TypeVar("T")


def eventually(
    probe: Callable[[], T],
    what: str,
    *,
    timeout_s: float = 15.0,
    interval_s: float = 0.02,
    accept: Callable[[T], bool] = bool,
) -> T:
    """Call ``probe`` until ``accept`` takes what it returns (truth by default) and return that.

    After ``timeout_s`` (stretched on slow targets) the test fails with ``what`` and the last value.
    """
    deadline = time.monotonic() + timeout_s * target.slow_factor()
    while True:
        value = probe()
        if accept(value):
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s; last seen {value!r}")
        time.sleep(interval_s)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Seconds of monotonic time that went by."""
        return time.monotonic() - self._start
