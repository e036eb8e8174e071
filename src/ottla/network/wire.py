"""The framing machine of one connection: bytes in, whole frames out, without I/O.

Kafka's framing is an int32 size and as many bytes (reference section 1). The machine owns the memory that the driver
receives into:

- small frames gather in one receive buffer and are handed out as views of it, so nothing is copied;
- a frame that does not fit gets a buffer of its own and is received straight into it. That buffer grows with the
  bytes that have really arrived, so a peer that only *announces* a hundred megabytes costs one.

A view is good until the next call of :meth:`FrameReader.next_frame` or :meth:`FrameReader.get_buffer`; whoever
needs the bytes longer copies them.
"""

from ottla.model.errors import MalformedMessage

RECEIVE_BUFFER_BYTES = 65536
FIRST_LARGE_BYTES = 1 << 20
GROWTH = 4
SIZE_BYTES = 4


class LargeBuffers:
    """A few large buffers that connections take turns with: fresh memory costs a page fault for each 4 KiB."""

    def __init__(self, keep: int = 4) -> None:
        self._keep = keep
        self._free: list[bytearray] = []

    def take(self, size_bytes: int) -> bytearray:
        """Return a buffer of at least ``size_bytes`` bytes; what is in it is old."""
        for index, buffer in enumerate(self._free):
            if len(buffer) >= size_bytes:
                return self._free.pop(index)
        return bytearray(max(size_bytes, FIRST_LARGE_BYTES))

    def give(self, buffer: bytearray) -> None:
        """Take a buffer back. It must not be in use any more; an odd size is let go."""
        if len(self._free) < self._keep and len(buffer) <= 2 * FIRST_LARGE_BYTES:
            self._free.append(buffer)


class FrameReader:
    """Cuts a stream into frames of at most ``max_frame_bytes``.

    The driver asks :meth:`get_buffer` where to receive, tells :meth:`received` how much came, and then takes frames
    with :meth:`next_frame` until it returns None.
    """

    __slots__ = (
        "_buffer",
        "_end",
        "_large",
        "_large_buffers",
        "_large_filled",
        "_large_size",
        "_lent",
        "_max_frame_bytes",
        "_start",
        "_view",
    )

    def __init__(self, max_frame_bytes: int, large_buffers: LargeBuffers) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._large_buffers = large_buffers
        self._buffer: bytearray | None = None
        self._view: memoryview | None = None
        self._start = 0
        self._end = 0
        self._large: bytearray | None = None
        self._large_size = 0
        self._large_filled = 0
        self._lent = False

    def get_buffer(self) -> memoryview:
        """Return where the next bytes go; never empty as long as :attr:`is_full` is false."""
        if self._large is not None and not self._lent:
            if self._large_filled == len(self._large):
                self._grow()
            return memoryview(self._large)[self._large_filled : self._large_size]
        view = self._view
        if view is None:
            # Made at the first byte: ten thousand connections that say nothing hold no buffers.
            self._buffer = bytearray(RECEIVE_BUFFER_BYTES)
            view = self._view = memoryview(self._buffer)
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == RECEIVE_BUFFER_BYTES:
            self._compact()
        return view[self._end :]

    def received(self, size_bytes: int) -> None:
        """Count ``size_bytes`` as received into the last buffer given."""
        if self._large is not None and not self._lent:
            self._large_filled += size_bytes
        else:
            self._end += size_bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be received before a frame is taken."""
        if self._large is not None and not self._lent:
            return self._large_filled == self._large_size
        return self._end - self._start == RECEIVE_BUFFER_BYTES

    @property
    def is_idle(self) -> bool:
        """Whether no byte is waiting, so that the buffer can be let go."""
        return self._start == self._end and self._large is None

    def next_frame(self) -> memoryview | None:
        """Return the next whole frame without its size, or None if it has not all arrived.

        Raises MalformedMessage for a size below zero or above the limit: the connection cannot be read any further.
        """
        if self._large is not None:
            if self._lent:
                self._lent = False
                self._large_buffers.give(self._large)
                self._large = None
            elif self._large_filled < self._large_size:
                return None
            else:
                self._lent = True
                return memoryview(self._large)[: self._large_size]
        start = self._start
        have = self._end - start
        view = self._view
        if have < SIZE_BYTES or view is None:
            return None
        size = int.from_bytes(view[start : start + SIZE_BYTES], "big", signed=True)
        if size < 0 or size > self._max_frame_bytes:
            raise MalformedMessage(f"frame of {size} bytes, allowed are 0 to {self._max_frame_bytes}")
        body = start + SIZE_BYTES
        if have >= SIZE_BYTES + size:
            self._start = body + size
            return view[body : body + size]
        if size > RECEIVE_BUFFER_BYTES - SIZE_BYTES:
            self._begin_large(size, view[body : self._end])
            self._start = self._end = 0
        return None

    def release(self) -> None:
        """Let the receive buffer go while the connection is silent."""
        if self.is_idle:
            self._view = None
            self._buffer = None

    def _compact(self) -> None:
        """Move the part of a frame at the end of the buffer to its front."""
        view = self._view
        assert view is not None
        have = self._end - self._start
        view[:have] = bytes(view[self._start : self._end])
        self._start = 0
        self._end = have

    def _begin_large(self, size_bytes: int, arrived: memoryview) -> None:
        self._large = self._large_buffers.take(min(size_bytes, FIRST_LARGE_BYTES))
        self._large_size = size_bytes
        self._large_filled = len(arrived)
        self._large[: len(arrived)] = arrived

    def _grow(self) -> None:
        assert self._large is not None
        larger = bytearray(min(len(self._large) * GROWTH, self._large_size))
        larger[: self._large_filled] = memoryview(self._large)[: self._large_filled]
        self._large = larger
