"""The framing machine of one connection: bytes in, whole frames out, without I/O.

Kafka's framing is an int32 size and as many bytes (reference section 1). The machine owns the memory that the driver
receives into:

- small frames gather in one receive buffer and are handed out as views of it, so nothing is copied;
- a frame that does not fit gets a buffer of its own and is received straight into it. That buffer grows with the
  bytes that have really arrived, so a peer that only *announces* a hundred megabytes costs one;
- all connections' large frames together may be limited (``queued.max.request.bytes``): one that begins when the limit
  is reached waits in its small buffer, and is not read any further, until another large frame has been dealt with.
  Copies that are looked at in a thread count as well, those of small frames too, though they never wait themselves.

A produce request is mostly records, which stay bytes. Any other request becomes objects, many times as large as its
bytes, so that the largest that is read is a smaller one (``ottla.request.max.bytes``).

A view is good until the next call of :meth:`FrameReader.next_frame`, :meth:`FrameReader.give_back` or
:meth:`FrameReader.get_buffer`; whoever needs the bytes longer copies them.
"""

from collections.abc import Callable

from ottla.model.errors import MalformedMessage

RECEIVE_BUFFER_BYTES = 131072
FIRST_LARGE_BYTES = 1 << 20
GROWTH = 4
SIZE_BYTES = 4
API_KEY_BYTES = 2
PRODUCE = 0
NO_LIMIT = -1


class FrameTooLargeError(MalformedMessage):
    """A peer announced more than it may send."""


class LargeBuffers:
    """The large buffers of all connections: how much there may be of them, and a few that are taken in turns.

    Fresh memory costs a page fault for each 4 KiB, so some buffers are kept. ``max_bytes`` above 0 limits the announced
    sizes of the large frames under way: as long as the sum is below it another frame may begin, of any size, as in
    Kafka's memory pool; the others wait in line.
    """

    def __init__(self, keep: int = 16, *, max_bytes: int = NO_LIMIT) -> None:
        self.max_bytes = max_bytes
        self.reserved_bytes = 0
        self._keep = keep
        self._free: list[bytearray] = []
        self._was_used = False
        self._waiting: dict[FrameReader, int] = {}

    @property
    def waiting_count(self) -> int:
        """How many connections wait to begin with a large frame."""
        return len(self._waiting)

    def reserve(self, reader: "FrameReader", size_bytes: int) -> bool:
        """Let a large frame begin, or put it in line; its reader is told with ``granted``."""
        if reader in self._waiting:
            return False
        if 0 < self.max_bytes <= self.reserved_bytes:
            self._waiting[reader] = size_bytes
            return False
        self.reserved_bytes += size_bytes
        return True

    def release(self, reader: "FrameReader", size_bytes: int) -> None:
        """Take back what was reserved for a frame, or the place of one in the line."""
        self._waiting.pop(reader, None)
        self.let_go(size_bytes)

    def hold(self, size_bytes: int) -> None:
        """Count a copy of what has been received: it is there already, so others wait and not this one."""
        self.reserved_bytes += size_bytes

    def let_go(self, size_bytes: int) -> None:
        """Count a copy no more, and let those begin that waited for the memory."""
        self.reserved_bytes -= size_bytes
        while self._waiting and self.reserved_bytes < self.max_bytes:
            following = next(iter(self._waiting))
            wanted = self._waiting.pop(following)
            self.reserved_bytes += wanted
            following.granted(wanted)

    def take(self, size_bytes: int) -> bytearray:
        """Return a buffer of at least ``size_bytes`` bytes; what is in it is old."""
        self._was_used = True
        for index in range(len(self._free) - 1, -1, -1):  # the last is warm in the processor's caches
            if len(self._free[index]) >= size_bytes:
                return self._free.pop(index)
        return bytearray(max(size_bytes, FIRST_LARGE_BYTES))

    def give(self, buffer: bytearray) -> None:
        """Take a buffer back. It must not be in use any more; an odd size is let go."""
        if len(self._free) < self._keep and len(buffer) <= 2 * FIRST_LARGE_BYTES:
            self._free.append(buffer)

    def release_unused(self) -> None:
        """Keep none if none was taken since this was called last."""
        if not self._was_used:
            self._free.clear()
        self._was_used = False


class FrameReader:
    """Cuts a stream into frames: produce requests of at most ``max_frame_bytes``, others of ``max_other_bytes``.

    The driver asks :meth:`get_buffer` where to receive, tells :meth:`received` how much came, and then takes frames
    with :meth:`next_frame` until it returns None. ``on_memory`` is called when a large frame that had to wait may
    begin; the next call of :meth:`next_frame` begins it.
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
        "_max_other_bytes",
        "_on_memory",
        "_reserved_bytes",
        "_start",
        "_view",
    )

    def __init__(
        self,
        max_frame_bytes: int,
        large_buffers: LargeBuffers,
        *,
        max_other_bytes: int | None = None,
        on_memory: Callable[[], None] = lambda: None,
    ) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._max_other_bytes = max_frame_bytes if max_other_bytes is None else min(max_frame_bytes, max_other_bytes)
        self._on_memory = on_memory
        self._reserved_bytes = 0
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
                self.give_back()
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
        body = start + SIZE_BYTES
        if (size < 0 or size > self._max_other_bytes) and not self._may_be_large(size, view[body : self._end]):
            return None
        if have >= SIZE_BYTES + size:
            self._start = body + size
            return view[body : body + size]
        if size > RECEIVE_BUFFER_BYTES - SIZE_BYTES:
            if not self._reserved_bytes:
                if not self._large_buffers.reserve(self, size):
                    return None
                self._reserved_bytes = size
            self._begin_large(size, view[body : self._end])
            self._start = self._end = 0
        return None

    def _may_be_large(self, size_bytes: int, arrived: memoryview) -> bool:
        """Whether a frame may have a size that is not an ordinary one; false as long as its API key is missing."""
        if size_bytes < 0:
            raise MalformedMessage(f"frame of {size_bytes} bytes")
        if size_bytes > self._max_frame_bytes:
            raise FrameTooLargeError(
                f"frame of {size_bytes} bytes, allowed are {self._max_frame_bytes} (socket.request.max.bytes)"
            )
        if len(arrived) < API_KEY_BYTES <= size_bytes:
            return False
        key = int.from_bytes(arrived[:API_KEY_BYTES], "big", signed=True)
        if key != PRODUCE:
            raise FrameTooLargeError(
                f"request of {size_bytes} bytes with API key {key}, allowed for all but Produce are "
                f"{self._max_other_bytes} (ottla.request.max.bytes)"
            )
        return True

    def granted(self, size_bytes: int) -> None:
        """The large frame that waited may begin: ``size_bytes`` are reserved for it."""
        self._reserved_bytes = size_bytes
        self._on_memory()

    def give_back(self) -> None:
        """The last frame was dealt with: a large buffer that it lay in is free for others."""
        if self._lent and self._large is not None:
            self._lent = False
            self._large_buffers.give(self._large)
            self._large = None
            size, self._reserved_bytes = self._reserved_bytes, 0
            self._large_buffers.release(self, size)

    def close(self) -> None:
        """The connection is gone: so is what it held, and its place in the line."""
        size, self._reserved_bytes = self._reserved_bytes, 0
        self._large = None
        self._lent = False
        self._view = self._buffer = None
        self._start = self._end = 0
        self._large_buffers.release(self, size)

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
