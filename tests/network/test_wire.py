"""The framing machine: whatever way the bytes arrive, the same frames come out (reference section 1)."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.model.errors import MalformedMessage
from ottla.network.wire import FIRST_LARGE_BYTES, RECEIVE_BUFFER_BYTES, FrameReader, LargeBuffers

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
    step=st.integers(1, 70_000),
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
    small = framed([b"x" * 1000]) * 100
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
