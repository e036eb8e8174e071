"""When the event loop waits awake: only while small requests lately came soon enough, and never for long."""

import asyncio
import socket
import time

import pytest
from tests.network.test_driver import Echo, framed

from ottla.network.busy_poll import ENOUGH, LATE_COSTS, MOST, SMALL_BYTES, BusyPoll
from ottla.network.driver import Connection, ConnectionLimits
from ottla.network.turn import Turn
from ottla.network.wire import LargeBuffers

LIMIT_US = 1000
LIMIT_SECONDS = LIMIT_US / 1e6


class Requests:
    """Requests that come after given gaps, each dealt with at once; time stands still for the loop meanwhile."""

    def __init__(self, poll: BusyPoll) -> None:
        self.poll = poll
        self.now = time.perf_counter() + 3600.0
        poll.idle(self.now, 0)

    def come(self, *gaps_seconds: float, moved_bytes: int = 100) -> None:
        for gap in gaps_seconds:
            self.now += gap
            self.poll.arrived(self.now)
            self.poll.idle(self.now, moved_bytes)


async def asleep(poll: BusyPoll) -> None:
    async with asyncio.timeout(30):
        while poll.is_polling:  # noqa: ASYNC110 - the turns of the loop are what it is about
            await asyncio.sleep(0)


async def test_it_waits_awake_once_requests_come_soon_after_one_another() -> None:
    poll = BusyPoll(LIMIT_US)
    requests = Requests(poll)
    requests.come(*[LIMIT_SECONDS / 2] * (ENOUGH - 1))
    assert not poll.is_polling
    requests.come(LIMIT_SECONDS / 2)
    assert poll.is_polling


async def test_a_sleeping_loop_is_given_time_to_wake() -> None:
    poll = BusyPoll(LIMIT_US)
    Requests(poll).come(*[LIMIT_SECONDS * 1.9] * ENOUGH)
    assert poll.is_polling


@pytest.mark.parametrize("gap_seconds", [LIMIT_SECONDS * 2.1, 1.0])
async def test_requests_that_come_late_are_not_waited_for(gap_seconds: float) -> None:
    poll = BusyPoll(LIMIT_US)
    Requests(poll).come(*[gap_seconds] * 100)
    assert not poll.is_polling


async def test_a_producer_and_a_consumer_at_a_low_rate_keep_nobody_awake() -> None:
    """Each record makes two requests that come soon, and then there is a pause: a third of the waiting is in vain."""
    poll = BusyPoll(LIMIT_US)
    requests = Requests(poll)
    for _ in range(100):
        requests.come(LIMIT_SECONDS * 20, LIMIT_SECONDS / 2, LIMIT_SECONDS / 2)
    assert not poll.is_polling


async def test_large_requests_and_answers_are_not_followed_by_waiting_awake() -> None:
    poll = BusyPoll(LIMIT_US)
    Requests(poll).come(*[0.0] * 100, moved_bytes=SMALL_BYTES + 1)
    assert not poll.is_polling


async def test_it_ends_when_nothing_comes_and_stays_asleep_after_late_requests() -> None:
    poll = BusyPoll(LIMIT_US)
    for _ in range(MOST):
        now = time.perf_counter()
        poll.arrived(now)
        poll.idle(now, 100)
    assert poll.is_polling
    await asleep(poll)
    requests = Requests(poll)
    requests.come(*[1.0] * (MOST // LATE_COSTS + 1))
    await asleep(poll)
    requests.come(1.0, LIMIT_SECONDS / 2)
    assert not poll.is_polling


async def test_what_connections_move_is_counted_for_the_turn() -> None:
    service = Echo()
    turn = Turn(BusyPoll(LIMIT_US))
    limits = ConnectionLimits(max_frame_bytes=1000)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(service, limits, LargeBuffers(), listener="L", turn=turn), "127.0.0.1", 0
    )
    with socket.create_connection(server.sockets[0].getsockname()[:2]) as client:
        client.setblocking(False)
        question = framed(b"question")
        for _ in range(20):
            await loop.sock_sendall(client, question)
            assert await loop.sock_recv(client, 1000) == question
        assert turn.moved_bytes == 2 * len(question)
        client.shutdown(socket.SHUT_WR)
        assert await loop.sock_recv(client, 1) == b""
    server.close()
    await server.wait_closed()
