"""Slow requests get a line with the parts of their time, and not more than one a second."""

import logging
from types import SimpleNamespace
from typing import cast

import pytest

from ottla.broker.request_figures import RequestFigures
from ottla.broker.slow_requests import SlowRequests
from ottla.network.driver import Connection
from ottla.runtime.clock import ManualClock

CONNECTION = cast(Connection, SimpleNamespace(client_id="shop", peer_host="10.0.0.7", peer_port=4711))
FIGURES = RequestFigures("Produce", 9)


def test_the_line_tells_the_parts(caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowRequests(ManualClock(), 1000)
    with caplog.at_level(logging.WARNING):
        slow.say(CONNECTION, (FIGURES, 10.0, 10.25, 12.0, 12.5), 12.501, 12.511)
    (record,) = caplog.records
    assert record.getMessage() == (
        "slow: Produce version 9 of shop at 10.0.0.7:4711 took 2511.0 ms: queue 250.0, local 1750.0, remote 500.0, "
        "response queue 1.0, response send 10.0"
    )
    assert vars(record)["fields"] == {
        "api": "Produce",
        "version": 9,
        "client_id": "shop",
        "client": "10.0.0.7:4711",
        "total_ms": 2511.0,
        "queue_ms": 250.0,
        "local_ms": 1750.0,
        "remote_ms": 500.0,
        "response_queue_ms": 1.0,
        "response_send_ms": 10.0,
    }


def test_one_line_a_second_which_says_how_many_there_were(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    slow = SlowRequests(clock, 0)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            slow.say(CONNECTION, (FIGURES, 1.0, 1.0, 3.0, 3.0), 3.0, 3.0)
        clock.advance(1000)
        slow.say(CONNECTION, (FIGURES, 1.0, 1.0, 3.0, 3.0), 3.0, 3.0)
    assert len(caplog.records) == 2
    assert caplog.records[1].getMessage().endswith("(and 99 more like it since)")


def test_the_limit_can_be_taken_away() -> None:
    slow = SlowRequests(ManualClock(), 250)
    assert slow.limit_seconds == 0.25
    slow.set_limit(-1)
    assert slow.limit_seconds == float("inf")
