"""Times: ISO 8601 and relative, there and back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.cli.output.times import iso_text, parse_time

NOW_MS = 1_767_225_600_000


@given(st.integers(0, 4_000_000_000_000))
def test_what_is_shown_can_be_asked_for(timestamp_ms: int) -> None:
    assert parse_time(iso_text(timestamp_ms), NOW_MS) == timestamp_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("-250ms", 250),
        ("-90s", 90_000),
        ("-15m", 900_000),
        ("-1h", 3_600_000),
        ("-1.5h", 5_400_000),
        ("-7d", 604_800_000),
    ],
)
def test_relative_times(text: str, ms: int) -> None:
    assert parse_time(text, NOW_MS) == NOW_MS - ms


def test_offsets_from_utc_count_and_without_one_it_is_local() -> None:
    assert parse_time("2026-01-01T02:00+02:00", NOW_MS) == NOW_MS
    assert parse_time("2026-01-01T00:00:00Z", NOW_MS) == NOW_MS
    assert parse_time("2026-03-01T12:00", NOW_MS) == round(datetime(2026, 3, 1, 12).timestamp() * 1000)


@pytest.mark.parametrize("text", ["yesterday", "1h", "-1y", "2026-13-01", "", "12:00", f"-{10**400}d"])
def test_what_is_no_time_says_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write it like one of these: 2026-03-01, "):
        parse_time(text, NOW_MS)


@pytest.mark.parametrize("text", ["1960-01-01", "1969-12-31T23:59:59.999Z", "-100000d", f"-{10**17}d"])
def test_before_1970_there_are_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="is before 1970"):
        parse_time(text, NOW_MS)


def test_times_that_no_calendar_has() -> None:
    assert iso_text(-1) == "-"
    assert iso_text(2**62) == f"{2**62} ms"
    assert iso_text(0) == "1970-01-01T00:00:00.000Z"
    assert datetime.fromisoformat(iso_text(NOW_MS)) == datetime(2026, 1, 1, tzinfo=UTC)
