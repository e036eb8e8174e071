"""Memory that is read into again once nobody looks at it any more."""

import sys

from ottla.runtime.files.read_buffers import BUFFER_BYTES, SMALLEST_BYTES, ReadBuffers


def memory_of(view: bytearray | memoryview) -> int:
    assert isinstance(view, memoryview)
    return id(view.obj)


def test_what_nobody_looks_at_is_used_again() -> None:
    buffers = ReadBuffers()
    view = buffers.take(SMALLEST_BYTES)
    first = memory_of(view)
    view[:3] = b"abc"
    part = memoryview(view)[:3]
    del view
    assert memory_of(buffers.take(BUFFER_BYTES)) != first, "a part of it is still being looked at"
    assert bytes(part) == b"abc"
    del part
    assert memory_of(buffers.take(BUFFER_BYTES)) == first


def test_sizes_that_do_not_fit_have_memory_of_their_own() -> None:
    buffers = ReadBuffers()
    for size_bytes in (0, SMALLEST_BYTES - 1, BUFFER_BYTES + 1):
        taken = buffers.take(size_bytes)
        assert isinstance(taken, bytearray)
        assert len(taken) == size_bytes
    assert len(buffers.take(SMALLEST_BYTES)) == SMALLEST_BYTES


def test_no_more_is_kept_than_allowed() -> None:
    buffers = ReadBuffers(kept=2)
    held = [buffers.take(BUFFER_BYTES) for _ in range(4)]
    assert [isinstance(view, memoryview) for view in held] == [True, True, False, False]
    held[2][:1] = b"x"
    assert bytes(held[3][:1]) == b"\0"


def test_memory_goes_back_after_a_time_without_use() -> None:
    buffers = ReadBuffers()
    view = buffers.take(BUFFER_BYTES)
    assert isinstance(view, memoryview)
    buffer = view.obj
    buffers.release_unused()
    buffers.release_unused()
    kept = sys.getrefcount(buffer)
    del view
    buffers.release_unused()
    assert sys.getrefcount(buffer) == kept - 2, "neither the view nor the pool holds it"
    assert memory_of(buffers.take(BUFFER_BYTES)) != id(buffer)
