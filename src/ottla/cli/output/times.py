"""Times as people write and read them: ISO 8601, or relative to now; milliseconds since 1970 inside."""

import re
from datetime import UTC, datetime

NO_TIMESTAMP = -1
_RELATIVE = re.compile(r"-(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_EXAMPLES = "2026-03-01, 2026-03-01T12:00:00, 2026-03-01T12:00:00.250Z, 2026-03-01T12:00+02:00, -90s, -15m, -1h, -7d"


def parse_time(text: str, now_ms: int) -> int:
    """Return the time in ms since 1970; ValueError says which forms there are, or that it is before 1970.

    Kafka gives times below 0 meanings of their own (-1 is the end of a log, -2 its beginning). A time
    without an offset from UTC is local time, as the clock on the wall shows it.
    """
    relative = _RELATIVE.fullmatch(text)
    try:
        if relative is not None:
            time_ms = now_ms - round(float(relative[1]) * _UNIT_MS[relative[2]])
        else:
            time_ms = round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no time; write it like one of these: {_EXAMPLES}") from None
    if time_ms < 0:
        raise ValueError(f"{text!r} is before 1970, where Kafka's times begin")
    return time_ms


def iso_text(timestamp_ms: int) -> str:
    """Return the time in UTC, to the millisecond: ``2026-03-01T12:00:00.250Z``; a dash for no time."""
    if timestamp_ms == NO_TIMESTAMP:
        return "-"
    try:
        moment = datetime.fromtimestamp(timestamp_ms // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{timestamp_ms} ms"  # beyond the years that a calendar has
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{timestamp_ms % 1000:03}Z"
