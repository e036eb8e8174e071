"""Who may connect, who has to wait, and who is sent away: rules of Connections, on a clock that stands still."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.broker.connections import UNLIMITED, ConnectionQuota, Connections, Turns
from ottla.model.errors import MalformedMessage, PeerError, UnsupportedVersion
from ottla.network.driver import Connection, ConnectionLimits, Payload, Slot, Times
from ottla.network.wire import LargeBuffers
from ottla.runtime.clock import ManualClock


class Wire(asyncio.Transport):
    """The other end of a connection: what it was sent, and how much of that it leaves unread."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__({"peername": (host, port), "sockname": ("127.0.0.1", 9092)})
        self.sent: list[bytes] = []
        self.unread_bytes = 0
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Service:
    """Answers whatever comes; asks Connections as the dispatcher does."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    def serve(self, frame: memoryview, connection: Connection) -> Payload | Slot | None:
        if bytes(frame[:1]) == b"w":
            return connection.new_slot()
        return b"answer"

    def connection_opened(self, connection: Connection) -> bool:
        return self.connections.opened(connection)

    def connection_closed(self, connection: Connection) -> None:
        self.connections.closed(connection)

    def peer_failed(self, connection: Connection, error: PeerError) -> None:
        self.connections.failed(connection, error)

    def answers_sent(self, connection: Connection, answers: list[Times], written: float, sent: float) -> None:
        """Nothing is timed here."""


class Peer:
    def __init__(self, connection: Connection, wire: Wire) -> None:
        self.connection = connection
        self.wire = wire

    def send(self, body: bytes) -> None:
        frame = len(body).to_bytes(4, "big") + body
        self.connection.get_buffer(-1)[: len(frame)] = frame
        self.connection.buffer_updated(len(frame))

    def leave(self) -> None:
        self.connection.connection_lost(None)

    def is_gone(self) -> bool:
        return self.wire.aborted

    @property
    def is_served(self) -> bool:
        before = len(self.wire.sent)
        self.send(b"hello")
        return len(self.wire.sent) == before + 1


class House:
    """Connections with their clock and as many peers as a test likes."""

    def __init__(self, quota: ConnectionQuota, *, max_idle_ms: float = 60_000, max_waiting: int = 3) -> None:
        self.clock = ManualClock()
        self.connections = Connections(clock=self.clock, quota=quota, max_idle_ms=max_idle_ms, max_waiting=max_waiting)
        self._service = Service(self.connections)
        self._ports = 0

    def visit(self, host: str = "10.0.0.1", listener: str = "PLAINTEXT") -> Peer:
        self._ports += 1
        connection = Connection(
            self._service, ConnectionLimits(max_frame_bytes=1000), LargeBuffers(), listener=listener
        )
        wire = Wire(host, self._ports)
        connection.connection_made(wire)
        return Peer(connection, wire)


async def test_one_more_than_the_node_has_place_for_is_refused() -> None:
    house = House(ConnectionQuota(total=2))
    first, second, third = house.visit(), house.visit("10.0.0.2"), house.visit("10.0.0.3")
    assert (first.is_gone(), second.is_gone(), third.is_gone()) == (False, False, True)
    third.leave()
    assert (len(house.connections), house.connections.refused, house.connections.closed_count) == (2, 1, 0)
    first.leave()
    assert not house.visit().is_gone()
    assert (house.connections.opened_count, house.connections.closed_count) == (3, 1)


async def test_each_address_has_its_own_limit() -> None:
    house = House(ConnectionQuota(per_host=1, overrides={"10.0.0.9": 3, "10.0.0.8": 0}))
    assert [house.visit("10.0.0.1").is_gone() for _ in range(2)] == [False, True]
    assert [house.visit("10.0.0.2").is_gone() for _ in range(2)] == [False, True]
    assert [house.visit("10.0.0.9").is_gone() for _ in range(4)] == [False, False, False, True]
    assert house.visit("10.0.0.8").is_gone()


async def test_each_listener_has_its_own_limit() -> None:
    house = House(ConnectionQuota(total=3, of_listeners={"OUTSIDE": 1}))
    assert [house.visit(listener="OUTSIDE").is_gone() for _ in range(2)] == [False, True]
    assert [house.visit(listener="INSIDE").is_gone() for _ in range(3)] == [False, False, True]


async def test_a_limit_that_changes_holds_for_the_next_one() -> None:
    house = House(ConnectionQuota(total=1))
    house.visit()
    house.connections.quota = ConnectionQuota(total=2)
    assert not house.visit().is_gone()
    house.connections.quota = ConnectionQuota(total=0)
    assert house.visit().is_gone()
    assert len(house.connections) == 2, "who is in may stay"


@given(steps=st.lists(st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]), st.booleans()), max_size=60))
def test_nobody_is_counted_who_is_not_there(steps: list[tuple[str, bool]]) -> None:
    async def live() -> None:
        house = House(ConnectionQuota(total=6, per_host=3))
        inside: list[Peer] = []
        for host, comes in steps:
            if comes:
                there = Counter(peer.connection.peer_host for peer in inside)
                peer = house.visit(host)
                assert peer.is_gone() == (len(inside) >= 6 or there[host] >= 3)
                if not peer.is_gone():
                    inside.append(peer)
            elif inside:
                inside.pop(0).leave()
            assert len(house.connections) == len(inside)

    asyncio.run(live())


# -- how many in a second


async def test_who_comes_too_soon_is_served_when_it_is_its_turn() -> None:
    house = House(ConnectionQuota(rate=2))
    quick = [house.visit(), house.visit()]
    held = [house.visit(), house.visit()]
    assert [peer.is_served for peer in quick] == [True, True]
    assert [peer.is_served for peer in held] == [False, False]
    assert (house.connections.waiting_count, house.connections.delayed) == (2, 2)
    house.clock.advance(499)
    assert held[0].wire.sent == []
    house.clock.advance(1)
    assert held[0].wire.sent == [b"answer"], "what it said meanwhile is answered"
    assert held[1].wire.sent == []
    house.clock.advance(500)
    assert [len(peer.wire.sent) for peer in held] == [1, 1]
    assert house.connections.waiting_count == 0


async def test_no_more_wait_than_the_backlog_has_place_for() -> None:
    house = House(ConnectionQuota(rate=1), max_waiting=2)
    peers = [house.visit() for _ in range(5)]
    assert [peer.is_gone() for peer in peers] == [False, False, False, True, True]
    house.clock.advance(1000)
    assert not house.visit().is_gone()


async def test_who_leaves_while_waiting_is_forgotten() -> None:
    house = House(ConnectionQuota(rate=1))
    house.visit()
    waiting = house.visit()
    waiting.leave()
    assert house.connections.waiting_count == 0
    house.clock.advance(10_000)
    assert waiting.wire.sent == []


async def test_a_listener_has_a_rate_of_its_own() -> None:
    house = House(ConnectionQuota(rate=1000, rate_of_listeners={"OUTSIDE": 1}))
    assert [house.visit(listener="OUTSIDE").is_served for _ in range(2)] == [True, False]
    assert [house.visit(listener="INSIDE").is_served for _ in range(2)] == [True, True]


async def test_a_rate_of_nothing_lets_nobody_in() -> None:
    assert House(ConnectionQuota(rate=0)).visit().is_gone()


@given(
    rate=st.integers(1, 50),
    gaps=st.lists(st.floats(0, 3000, allow_nan=False), min_size=1, max_size=100),
)
def test_turns_keep_to_the_rate(rate: int, gaps: list[float]) -> None:
    """In any stretch of time begin at most as many as one second has and those that the stretch has."""
    turns = Turns()
    now = 0.0
    begun: list[float] = []
    for gap in gaps:
        now += gap
        begun.append(now + turns.delay_ms(rate, now))
        turns.take(rate, now)
    assert begun == sorted(begun)
    for first in range(len(begun)):
        for last in range(first, len(begun)):
            stretch_ms = begun[last] - begun[first]
            assert last - first + 1 <= rate * (1 + stretch_ms / 1000) + 1e-3


@given(gaps=st.lists(st.floats(100, 3000), max_size=50))
def test_nobody_waits_who_comes_slowly_enough(gaps: list[float]) -> None:
    turns = Turns()
    now = 0.0
    for gap in gaps:
        now += gap
        assert turns.delay_ms(10, now) == 0.0
        turns.take(10, now)
    assert turns.delay_ms(UNLIMITED, now) == 0.0


# -- the silent


def swept(house: House, after_s: float) -> None:
    house.connections.sweep(asyncio.get_running_loop().time() + after_s)


async def test_who_is_silent_for_too_long_is_sent_away() -> None:
    house = House(ConnectionQuota(), max_idle_ms=60_000)
    peer = house.visit()
    swept(house, 59)
    assert not peer.is_gone()
    swept(house, 61)
    assert peer.is_gone()
    assert house.connections.expired == 1


async def test_half_a_frame_is_no_sign_of_life() -> None:
    house = House(ConnectionQuota(), max_idle_ms=60_000)
    peer = house.visit()
    peer.connection.get_buffer(-1)[:3] = b"\0\0\0"
    peer.connection.buffer_updated(3)
    swept(house, 61)
    assert peer.is_gone()


async def test_silence_may_last_for_ever() -> None:
    house = House(ConnectionQuota(), max_idle_ms=-1)
    peer = house.visit()
    swept(house, 1_000_000)
    assert not peer.is_gone()


async def test_who_takes_its_answers_slowly_may_stay_and_who_takes_nothing_may_not() -> None:
    house = House(ConnectionQuota(), max_idle_ms=20_000)
    slow, dead = house.visit(), house.visit()
    for peer in (slow, dead):
        peer.connection.pause_writing()
        peer.wire.unread_bytes = 1_000_000
    swept(house, 15)
    slow.wire.unread_bytes = 999_000
    slow.connection.last_active -= 60
    dead.connection.last_active -= 60
    swept(house, 15)
    assert (slow.is_gone(), dead.is_gone()) == (False, True)


async def test_an_answer_that_never_comes_ends_with_the_connection() -> None:
    house = House(ConnectionQuota(), max_idle_ms=60_000)
    peer = house.visit()
    peer.send(b"wait")
    assert peer.connection.in_flight == 1
    swept(house, 30)
    assert not peer.is_gone()
    swept(house, 61)
    assert peer.is_gone()


# -- what is said of peers


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, logger="ottla.broker.connections")
    return lambda: [record.getMessage() for record in caplog.records]


async def test_peers_mistakes_are_counted_and_said_once_a_second(lines: Callable[[], list[str]]) -> None:
    house = House(ConnectionQuota())
    peer = house.visit("10.9.8.7")
    for _ in range(100):
        house.connections.failed(peer.connection, MalformedMessage("garbage"))
    for _ in range(50):
        house.connections.failed(peer.connection, UnsupportedVersion("version 99"))
    assert house.connections.peer_errors == {"MalformedMessage": 100, "UnsupportedVersion": 50}
    assert len(lines()) == 2, "one for each kind"
    assert "10.9.8.7" in lines()[0]
    house.clock.advance(1000)
    house.connections.failed(peer.connection, MalformedMessage("garbage"))
    assert "99 more" in lines()[2]


async def test_refusals_are_counted_and_said_once_a_second(lines: Callable[[], list[str]]) -> None:
    house = House(ConnectionQuota(total=0))
    for _ in range(1000):
        assert house.visit().is_gone()
    assert house.connections.refused == 1000
    assert len(lines()) == 1


async def test_why_connections_are_gone_is_counted() -> None:
    house = House(ConnectionQuota(total=5), max_idle_ms=60_000)
    hung_up, wrong, faulty, silent, stopped = (house.visit() for _ in range(5))
    assert house.visit().is_gone()
    house.connections.failed(wrong.connection, MalformedMessage("garbage"))
    house.connections.handler_failed("Fetch", 12, faulty.connection, ZeroDivisionError())
    stopped.send(b"wait")
    stopped.connection.drain()
    for peer in (stopped, faulty, wrong, hung_up):
        peer.leave()
    swept(house, 61)
    silent.leave()
    assert house.connections.closed_by == dict.fromkeys(("peer", "protocol", "internal", "stopping", "idle"), 1)
    assert sum(house.connections.closed_by.values()) == house.connections.closed_count == 5
    assert house.connections.refused == 1


async def test_our_own_faults_say_where_they_are(lines: Callable[[], list[str]]) -> None:
    house = House(ConnectionQuota())
    peer = house.visit()
    for _ in range(10):
        try:
            raise ZeroDivisionError("a fault of ours")
        except ZeroDivisionError as error:
            house.connections.handler_failed("Fetch", 12, peer.connection, error)
    assert house.connections.handler_errors == {"Fetch": 10}
    (line,) = lines()
    assert "Fetch version 12" in line
    assert "Traceback" in line
