"""Memory for large reads that is used again: fresh memory of a megabyte costs more than reading into it.

Whoever is given a piece holds a memoryview of its buffer; the buffer is free again when the last view of it is gone,
which Python tells by letting its size be changed. Any thread may take.
"""

import threading

SMALLEST_BYTES = 64 * 1024
BUFFER_BYTES = 1024 * 1024 + 64 * 1024
"""A fetch usually asks for a megabyte of each partition, and an inexact one reads an index interval more."""
BUFFERS_KEPT = 16


class ReadBuffers:
    """At most ``kept`` buffers of :data:`BUFFER_BYTES`; what does not fit into them gets memory of its own."""

    def __init__(self, *, kept: int = BUFFERS_KEPT) -> None:
        self._kept = kept
        self._buffers: list[bytearray] = []
        self._was_taken = False
        self._lock = threading.Lock()

    def take(self, size_bytes: int) -> bytearray | memoryview:
        """Return ``size_bytes`` to read into; what is in them is old."""
        if not SMALLEST_BYTES <= size_bytes <= BUFFER_BYTES:
            return bytearray(size_bytes)
        with self._lock:
            self._was_taken = True
            # The first that is free is the one that is warm in the processor's caches.
            for buffer in self._buffers:
                if _is_free(buffer):
                    break
            else:
                if len(self._buffers) == self._kept:
                    return bytearray(size_bytes)
                buffer = bytearray(BUFFER_BYTES)
                self._buffers.append(buffer)
            view = memoryview(buffer)
        return view[:size_bytes]

    def release_unused(self) -> None:
        """Give what is free back to the system if nothing was taken since this was called last."""
        with self._lock:
            if self._was_taken:
                self._was_taken = False
                return
            self._buffers = [buffer for buffer in self._buffers if not _is_free(buffer)]


def _is_free(buffer: bytearray) -> bool:
    try:
        last = buffer.pop()
    except BufferError:
        return False
    buffer.append(last)
    return True
