"""At most one line a second for each kind of event (issue line 6.1)."""

import logging

import pytest

from ottla.runtime.clock import ManualClock
from ottla.runtime.quiet_log import MAX_KINDS, QuietLog

logger = logging.getLogger("test.quiet")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def quiet(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> QuietLog:
    caplog.set_level(logging.DEBUG)
    return QuietLog(logger, clock)


def test_one_line_a_second_and_the_rest_counted(
    quiet: QuietLog, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        quiet.warning("bad frame", "bad frame number %d", number)
    assert caplog.messages == ["bad frame number 0"]
    assert quiet.suppressed == 4
    clock.advance(1000)
    quiet.warning("bad frame", "bad frame number %d", 5)
    assert caplog.messages[1:] == ["bad frame number 5 (and 4 more like it since)"]
    clock.advance(1000)
    quiet.warning("bad frame", "bad frame number %d", 6)
    assert caplog.messages[2:] == ["bad frame number 6"]


def test_kinds_do_not_hide_one_another(quiet: QuietLog, caplog: pytest.LogCaptureFixture) -> None:
    quiet.info("a", "first")
    quiet.error("b", "second")
    assert [(record.levelname, record.message) for record in caplog.records] == [("INFO", "first"), ("ERROR", "second")]


def test_the_number_of_kinds_is_bounded(quiet: QuietLog, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MAX_KINDS + 10):
        quiet.info(f"kind {number}", "line")
    caplog.clear()
    quiet.info(f"kind {MAX_KINDS + 9}", "still quiet")
    quiet.info("kind 0", "forgotten, so said again")
    assert caplog.messages == ["forgotten, so said again"]
