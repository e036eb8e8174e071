"""The framing machine: whatever way the bytes arrive, the same frames come out (reference section 1)."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.errors import MalformedMessage
from ottla.network.wire import (
    FIRST_LARGE_BYTES,
    RECEIVE_BUFFER_BYTES,
    FrameReader,
    FrameTooLargeError,
    LargeBuffers,
)

MAX_FRAME_BYTES = 8 << 20


def reader(max_frame_bytes: int = MAX_FRAME_BYTES) -> FrameReader:
    return FrameReader(max_frame_bytes, LargeBuffers())


def feed(machine: FrameReader, data: bytes, step: int) -> list[bytes]:
    """Give the machine ``data`` in pieces of at most ``step`` bytes and return the frames it cuts."""
    frames = []
    position = 0
    while position < len(data):
        buffer = machine.get_buffer()
        assert len(buffer) > 0, "a machine that is not full has room"
        size = min(step, len(buffer), len(data) - position)
        buffer[:size] = data[position : position + size]
        machine.received(size)
        position += size
        while (frame := machine.next_frame()) is not None:
            frames.append(bytes(frame))
    return frames


def framed(bodies: list[bytes]) -> bytes:
    return b"".join(struct.pack(">i", len(body)) + body for body in bodies)


@given(
    bodies=st.lists(st.integers(0, 3000).map(lambda size: bytes([size % 251]) * size), max_size=30),
    step=st.integers(1, 140_000),
)
def test_frames_come_out_as_they_went_in(bodies: list[bytes], step: int) -> None:
    assert feed(reader(), framed(bodies), step) == bodies


@given(
    sizes=st.lists(
        st.sampled_from(
            [
                0,
                1,
                RECEIVE_BUFFER_BYTES - 5,
                RECEIVE_BUFFER_BYTES - 4,
                RECEIVE_BUFFER_BYTES - 3,
                RECEIVE_BUFFER_BYTES,
                200_000,
                FIRST_LARGE_BYTES - 1,
                FIRST_LARGE_BYTES,
                FIRST_LARGE_BYTES + 1,
                3 * FIRST_LARGE_BYTES,
            ]
        ),
        max_size=5,
    ),
    step=st.integers(1000, 500_000),
)
def test_large_frames_come_out_as_they_went_in(sizes: list[int], step: int) -> None:
    bodies = [bytes([index + 1]) * size for index, size in enumerate(sizes)]
    assert feed(reader(), framed(bodies), step) == bodies


@pytest.mark.parametrize("size", [-1, -(2**31), MAX_FRAME_BYTES + 1, 2**31 - 1])
def test_a_size_outside_the_limit_ends_the_connection(size: int) -> None:
    with pytest.raises(MalformedMessage):
        feed(reader(), struct.pack(">i", size) + b"x" * 10, 100)


def test_an_announced_frame_costs_only_what_has_arrived() -> None:
    machine = reader(100 << 20)
    feed(machine, struct.pack(">i", 100 << 20) + b"x" * 100_000, 65536)
    assert len(machine.get_buffer()) <= FIRST_LARGE_BYTES


def test_full_only_when_nothing_more_fits() -> None:
    machine = reader()
    small = framed([b"x" * 1000]) * (RECEIVE_BUFFER_BYTES // 1000)
    position = 0
    while True:
        buffer = machine.get_buffer()
        size = min(len(buffer), len(small) - position)
        buffer[:size] = small[position : position + size]
        machine.received(size)
        position += size
        if machine.is_full:
            break
    assert position == RECEIVE_BUFFER_BYTES
    assert machine.next_frame() is not None
    assert len(machine.get_buffer()) > 0


def test_a_silent_connection_holds_no_buffer() -> None:
    machine = reader()
    feed(machine, framed([b"hello"]), 100)
    assert machine.is_idle
    machine.release()
    assert feed(machine, framed([b"again"]), 3) == [b"again"]


def test_a_large_buffer_is_used_again() -> None:
    buffers = LargeBuffers()
    machine = FrameReader(MAX_FRAME_BYTES, buffers)
    feed(machine, framed([b"a" * 200_000]), 50_000)
    again = buffers.take(200_000)
    assert again[:3] == b"aaa"


# -- what all but Produce may send, and what all may send together


def request_of(key: int, size: int) -> bytes:
    return struct.pack(">ih", size, key) + b"r" * (size - 2)


LARGEST_OTHER_BYTES = 200_000


@given(key=st.integers(1, 100), extra=st.integers(1, 1_000_000), step=st.integers(1, 8))
def test_only_a_produce_request_may_be_very_large(key: int, extra: int, step: int) -> None:
    size = LARGEST_OTHER_BYTES + extra
    machine = FrameReader(MAX_FRAME_BYTES, LargeBuffers(), max_other_bytes=LARGEST_OTHER_BYTES)
    with pytest.raises(FrameTooLargeError, match=r"ottla\.request\.max\.bytes"):
        feed(machine, struct.pack(">ih", size, key) + b"r" * 100, step)


@given(extra=st.integers(-3, 300_000), step=st.integers(1, 300_000))
def test_a_produce_request_may(extra: int, step: int) -> None:
    produce = request_of(0, LARGEST_OTHER_BYTES + extra)
    machine = FrameReader(MAX_FRAME_BYTES, LargeBuffers(), max_other_bytes=LARGEST_OTHER_BYTES)
    head = min(step, 7)
    assert feed(machine, produce[:head], 1) == []
    assert feed(machine, produce[head:], max(step, 10_000)) == [produce[4:]]


def test_the_largest_of_the_others_is_taken() -> None:
    machine = FrameReader(MAX_FRAME_BYTES, LargeBuffers(), max_other_bytes=LARGEST_OTHER_BYTES)
    request = request_of(3, LARGEST_OTHER_BYTES)
    assert feed(machine, request, 50_000) == [request[4:]]


def test_nothing_is_above_the_limit_of_all() -> None:
    machine = FrameReader(1000, LargeBuffers(), max_other_bytes=LARGEST_OTHER_BYTES)
    with pytest.raises(FrameTooLargeError, match=r"socket\.request\.max\.bytes"):
        feed(machine, struct.pack(">ih", 1001, 0), 6)


class Sender:
    """A peer whose bytes arrive in steps, as far as its reader has room."""

    def __init__(self, buffers: LargeBuffers, frames: list[bytes]) -> None:
        self.reader = FrameReader(MAX_FRAME_BYTES, buffers, on_memory=self.take)
        self.rest = framed(frames)
        self.taken: list[bytes] = []
        self.is_gone = False

    def take(self) -> None:
        if not self.is_gone:
            while (frame := self.reader.next_frame()) is not None:
                self.taken.append(bytes(frame))
                self.reader.give_back()

    def send(self, size_bytes: int) -> None:
        if not self.is_gone and self.rest and not self.reader.is_full:
            buffer = self.reader.get_buffer()
            size = min(size_bytes, len(buffer), len(self.rest))
            buffer[:size] = self.rest[:size]
            self.rest = self.rest[size:]
            self.reader.received(size)
            self.take()

    def leave(self) -> None:
        self.is_gone = True
        self.reader.close()


@given(
    sizes=st.lists(st.lists(st.integers(60_000, 300_000), max_size=3), min_size=1, max_size=5),
    limit=st.sampled_from([1, 100_000, 400_000, -1]),
    data=st.data(),
)
def test_limited_memory_delays_frames_and_loses_none(sizes: list[list[int]], limit: int, data: st.DataObject) -> None:
    buffers = LargeBuffers(max_bytes=limit)
    frames = [[bytes([index + 1]) * size for index, size in enumerate(some)] for some in sizes]
    senders = [Sender(buffers, some) for some in frames]
    leaver = senders[0] if len(senders) > 1 and data.draw(st.booleans()) else None
    for turn in range(200):
        if leaver is not None and turn == 3:
            leaver.leave()
        for sender in senders:
            sender.send(data.draw(st.sampled_from([50_000, 65_536, 300_000])) if turn < 5 else 300_000)
        assert limit < 0 or buffers.reserved_bytes < limit + 300_000, "at most one above the limit"
    for sender, some in zip(senders, frames, strict=True):
        assert sender is leaver or sender.taken == some
    assert buffers.reserved_bytes == 0
    assert buffers.waiting_count == 0


def test_memory_is_given_in_the_order_of_asking() -> None:
    buffers = LargeBuffers(max_bytes=100_000)
    first, second, third = (Sender(buffers, [b"x" * 200_000]) for _ in range(3))
    for sender in (first, second, third):
        sender.send(70_000)
    assert (buffers.reserved_bytes, buffers.waiting_count) == (200_000, 2)
    for _ in range(10):
        second.send(300_000)
        third.send(300_000)
    assert second.reader.is_full
    assert third.reader.is_full
    for _ in range(5):
        first.send(300_000)
    assert first.taken == [b"x" * 200_000]
    assert (buffers.reserved_bytes, buffers.waiting_count) == (200_000, 1)
    third.leave()
    assert buffers.waiting_count == 0
    for _ in range(5):
        second.send(300_000)
    assert second.taken == [b"x" * 200_000]
    assert buffers.reserved_bytes == 0


def test_what_was_copied_counts_until_it_is_let_go() -> None:
    buffers = LargeBuffers(max_bytes=100_000)
    buffers.hold(60_000)
    buffers.hold(60_000)
    sender = Sender(buffers, [b"x" * 200_000])
    for _ in range(3):
        sender.send(300_000)
    assert (buffers.reserved_bytes, buffers.waiting_count) == (120_000, 1)
    buffers.let_go(60_000)
    for _ in range(3):
        sender.send(300_000)
    assert sender.taken == [b"x" * 200_000]
    buffers.let_go(60_000)
    assert (buffers.reserved_bytes, buffers.waiting_count) == (0, 0)


def test_large_buffers_are_kept_while_they_are_used() -> None:
    buffers = LargeBuffers(keep=2)
    first, second, third = (buffers.take(1000) for _ in range(3))
    for buffer in (first, second, third):
        buffers.give(buffer)
    assert buffers.take(1000) is second, "of two kept the last"
    buffers.give(second)
    buffers.release_unused()
    assert buffers.take(1000) is second
    buffers.give(second)
    buffers.release_unused()
    buffers.release_unused()
    anew = buffers.take(1000)
    assert anew is not first
    assert anew is not second
