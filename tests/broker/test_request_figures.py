"""Where the time of requests went: every part in its bucket, and the sums add up."""

from bisect import bisect_left
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.broker.dispatch import Dispatcher
from ottla.broker.request_figures import PARTS, SECONDS_BOUNDS, RequestFigures
from ottla.network.driver import Connection, Times
from ottla.runtime.clock import ManualClock

SECONDS = st.sampled_from([0.0, 0.00003, 0.0001, 0.00011, 0.0007, 0.02, 3.0, 60.0])
REQUESTS = st.lists(st.tuples(SECONDS, SECONDS, SECONDS, SECONDS, SECONDS), max_size=30)


def dispatcher() -> Dispatcher:
    config = SimpleNamespace(int=lambda name: 1_000_000)
    return Dispatcher(cast(Any, SimpleNamespace(clock=ManualClock(), config=config)))


def counted(requests: list[tuple[float, ...]]) -> RequestFigures:
    figures = RequestFigures("Produce", 9)
    connection = cast(Connection, SimpleNamespace(client_id="me", peer_host="127.0.0.1", peer_port=1))
    for queue, local, remote, response_queue, response_send in requests:
        # What takes no time is told by one and the same reading of the clock.
        started = 1000.0 + queue if queue else (began_waiting := 1000.0)
        began_waiting = 1000.0 if queue else started
        worked = started + local
        answered = worked + remote if remote else worked
        written = answered + response_queue
        sent = written + response_send if response_send else written
        times: Times = (figures, began_waiting, started, worked, answered)
        dispatcher().answers_sent(connection, [times], written, sent)
    return figures


@given(REQUESTS)
def test_every_part_of_every_request_is_in_its_bucket(requests: list[tuple[float, ...]]) -> None:
    figures = counted(requests)
    for number, part in enumerate(PARTS):
        expected = [0] * (len(SECONDS_BOUNDS) + 1)
        for request in requests:
            seconds = sum(request) if part == "total" else request[number - 1]
            if min(abs(seconds - bound) for bound in SECONDS_BOUNDS) < 1e-9:
                return  # on the edge: what the sums of floats make of it, is not told here
            expected[bisect_left(SECONDS_BOUNDS, seconds)] += 1
        assert figures.buckets(part) == expected, part


@given(REQUESTS)
def test_the_sums_add_up(requests: list[tuple[float, ...]]) -> None:
    figures = counted(requests)
    assert sum(figures.buckets("total")) == len(requests)
    for number, part in enumerate(PARTS):
        total = sum(sum(request) if part == "total" else request[number - 1] for request in requests)
        assert figures.seconds(part) == pytest.approx(total, abs=1e-6), part


def test_errors_are_counted_by_code() -> None:
    figures = RequestFigures("Fetch", 12)
    figures.count_errors([0, 3, 3, 0, 1])
    figures.count_errors([0])
    assert figures.errors == {3: 2, 1: 1}
