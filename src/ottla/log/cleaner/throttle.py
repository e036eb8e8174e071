"""Holds a worker to ``log.cleaner.io.max.bytes.per.second``."""

from collections.abc import Callable

_CHECK_MS = 50.0
"""Sleeps shorter than this are saved up: they cost more than they hold back."""

_SLEEP_MAX_MS = 500.0
"""After this long it looks whether the limit was changed."""


class Throttle:
    """Counts bytes read and written and sleeps whenever they came faster than allowed.

    ``max_bytes_per_second`` may be changed at any time, from any thread; the past then no longer counts. Time that was
    not used is not saved: a pause does not allow a burst.
    """

    __slots__ = ("_behind_ms", "_last_ms", "_monotonic_ms", "_sleep_ms", "max_bytes_per_second")

    def __init__(
        self,
        max_bytes_per_second: float,
        monotonic_ms: Callable[[], float],
        sleep_ms: Callable[[float], None],
    ) -> None:
        self.max_bytes_per_second = max_bytes_per_second
        self._monotonic_ms = monotonic_ms
        self._sleep_ms = sleep_ms
        self._last_ms = monotonic_ms()
        self._behind_ms = 0.0

    def moved(self, size_bytes: int) -> None:
        """Account for ``size_bytes`` and wait as long as they have to take."""
        rate = self.max_bytes_per_second
        now_ms = self._monotonic_ms()
        self._behind_ms = max(0.0, self._behind_ms - (now_ms - self._last_ms)) + size_bytes * 1000.0 / rate
        self._last_ms = now_ms
        while self._behind_ms >= _CHECK_MS and rate == self.max_bytes_per_second:
            self._sleep_ms(min(self._behind_ms, _SLEEP_MAX_MS))
            now_ms = self._monotonic_ms()
            self._behind_ms = max(0.0, self._behind_ms - (now_ms - self._last_ms))
            self._last_ms = now_ms
        if rate != self.max_bytes_per_second:
            self._behind_ms = 0.0
