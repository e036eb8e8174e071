"""What has to be watched while the node runs, to be told when asked for: the loop's lag, the collector's pauses."""

import asyncio
import gc
import logging
from collections import Counter
from contextlib import suppress
from time import perf_counter

from ottla.runtime.histogram import Histogram
from ottla.runtime.logging_setup import level_name

PERIOD_SECONDS = 0.1


class Watch(logging.Handler):
    """Watches from :meth:`start` to :meth:`stop`."""

    def __init__(self) -> None:
        super().__init__()
        self.loop_lag = Histogram()
        self.gc_pause = Histogram()
        self.log_lines: Counter[str] = Counter({"INFO": 0, "WARN": 0, "ERROR": 0})
        self._collecting_since = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin."""
        gc.callbacks.append(self._collects)
        logging.getLogger().addHandler(self)
        self._wait()

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        logging.getLogger().removeHandler(self)
        with suppress(ValueError):
            gc.callbacks.remove(self._collects)

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line that is logged."""
        self.log_lines[level_name(record)] += 1

    def _wait(self) -> None:
        self._due = perf_counter() + PERIOD_SECONDS
        self._timer = asyncio.get_running_loop().call_later(PERIOD_SECONDS, self._called)

    def _called(self) -> None:
        self.loop_lag.observe(max(0.0, perf_counter() - self._due))
        self._wait()

    def _collects(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = perf_counter()
        else:
            self.gc_pause.observe(perf_counter() - self._collecting_since)
