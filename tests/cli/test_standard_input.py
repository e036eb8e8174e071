"""Standard input as lines: pieces of any size, an end with and without a line break, a stop that loses nothing."""

import asyncio
import os
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ottla.cli.standard_input import Lines


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("not within ten seconds")


async def read_all(pieces: list[bytes]) -> list[bytes]:
    reading, writing = os.pipe()
    lines = Lines(reading)

    def write() -> None:
        for piece in pieces:
            os.write(writing, piece)
        os.close(writing)

    written = asyncio.get_running_loop().run_in_executor(None, write)
    found = [line async for batch in lines.batches() for line in batch]
    await written
    lines.close()
    os.close(reading)
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=8))
def test_pieces_make_no_difference(pieces: list[bytes]) -> None:
    expected = b"".join(pieces).split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert asyncio.run(read_all(pieces)) == expected


async def test_lines_come_while_the_input_goes_on() -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    batches = aiter(lines.batches())
    for number in range(3):
        os.write(writing, b"line %d\n" % number)
        assert await asyncio.wait_for(anext(batches), 10) == [b"line %d" % number]
    os.write(writing, b"not ended")
    waiting = asyncio.ensure_future(anext(batches, None))
    await until(lambda: lines.rest != b"")
    lines.stop()
    assert await asyncio.wait_for(waiting, 10) is None
    assert lines.rest == b"not ended"
    lines.close()
    os.close(reading)
    os.close(writing)


async def test_a_stop_gives_out_what_was_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a\nb\n")
    lines = Lines(reading)
    await until(lambda: not lines._arrived.empty())  # the thread has read, the loop has not
    lines.stop()
    assert [line async for batch in lines.batches() for line in batch] == [b"a", b"b"]
    lines.close()
    os.close(reading)
    os.close(writing)


async def test_who_does_not_take_stops_the_reading() -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    os.set_blocking(writing, False)
    written = 0
    idle = 0
    while idle < 50:  # until nothing has been taken out of the pipe for a while
        try:
            written += os.write(writing, b"x" * 4095 + b"\n")
            idle = 0
        except BlockingIOError:
            idle += 1
            await asyncio.sleep(0.002)
    assert written < 4 << 20
    lines.close()
    os.close(reading)
    os.close(writing)
