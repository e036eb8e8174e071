"""A logger that nobody can make noisy: at most one line a second for each kind of event.

What a peer can cause goes through here. The lines in between are counted, and the next one says how many there were.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ottla.runtime.clock import Clock

MAX_KINDS = 1000
"""Kinds remembered at most; the one that was silent longest is forgotten first."""


class QuietLog:
    """Lines to ``logger``, one for each ``kind`` in ``interval_ms``; ``suppressed`` counts those that were left out."""

    __slots__ = ("_clock", "_interval_ms", "_kinds", "_logger", "suppressed")

    def __init__(self, logger: logging.Logger, clock: "Clock", *, interval_ms: float = 1000.0) -> None:
        self._logger = logger
        self._clock = clock
        self._interval_ms = interval_ms
        self._kinds: dict[str, list[float]] = {}
        self.suppressed = 0

    def info(self, kind: str, message: str, *args: object) -> None:
        """Log at INFO, unless this kind was logged within the interval."""
        self.log(logging.INFO, kind, message, *args)

    def warning(self, kind: str, message: str, *args: object, fields: Mapping[str, object] | None = None) -> None:
        """Log at WARNING, unless this kind was logged within the interval."""
        self.log(logging.WARNING, kind, message, *args, fields=fields)

    def error(self, kind: str, message: str, *args: object) -> None:
        """Log at ERROR, unless this kind was logged within the interval."""
        self.log(logging.ERROR, kind, message, *args)

    def log(
        self, level: int, kind: str, message: str, *args: object, fields: Mapping[str, object] | None = None
    ) -> None:
        """Log at ``level``, unless this kind was logged within the interval.

        ``fields`` go into the line's JSON object beside the message.
        """
        extra = None if fields is None else {"fields": fields}
        now_ms = self._clock.monotonic_ms()
        state = self._kinds.get(kind)
        if state is None:
            self._remember(kind, now_ms)
            self._logger.log(level, message, *args, extra=extra)
        elif now_ms - state[0] < self._interval_ms:
            state[1] += 1
            self.suppressed += 1
        else:
            self._remember(kind, now_ms)
            if state[1]:
                self._logger.log(level, message + " (and %d more like it since)", *args, int(state[1]), extra=extra)
            else:
                self._logger.log(level, message, *args, extra=extra)

    def _remember(self, kind: str, now_ms: float) -> None:
        """Put the kind last in the order of the dict, which is the order of forgetting."""
        self._kinds.pop(kind, None)
        if len(self._kinds) >= MAX_KINDS:
            del self._kinds[next(iter(self._kinds))]
        self._kinds[kind] = [now_ms, 0]
