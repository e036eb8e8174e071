"""Standard input for a loop: lines as they arrive, also from a terminal or a ``tail -f`` that never ends.

A thread waits for input and reads it; the loop gets what came in one piece, whole lines at a time, and the thread
reads on when the loop has come that far. It waits with ``select``, so that :meth:`Lines.stop` ends it between two
reads: what was read is never lost. Windows can only select sockets; there the thread may be left behind in a read.
"""

import asyncio
import contextlib
import os
import select
import sys
import threading
from collections.abc import AsyncIterator

CHUNK_BYTES = 1 << 18
PIECES_AHEAD = 2
"""How many chunks are read before the loop has taken them."""


class Lines:
    """The lines of a file descriptor. ``rest`` is what came behind the last line break and is no line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[bytes | OSError | None] = asyncio.Queue()
        self._slots = threading.Semaphore(PIECES_AHEAD)
        self._wake_read, self._wake_write = os.pipe()
        self._stopped = False
        self._pieces: list[bytes] = []
        self._thread = threading.Thread(target=self._run, name="standard input", daemon=True)
        self._thread.start()

    @property
    def rest(self) -> bytes:
        """The beginning of a line that has not ended."""
        return b"".join(self._pieces)

    def stop(self) -> None:
        """Read no more; what was read is still given out."""
        if not self._stopped:
            self._stopped = True
            if sys.platform == "win32":
                self._arrived.put_nowait(None)  # the thread may never come out of its read
            os.write(self._wake_write, b"\0")
            self._slots.release()

    def close(self) -> None:
        """Stop, and end the thread."""
        self.stop()
        if sys.platform != "win32":
            self._thread.join()
            os.close(self._wake_read)
            os.close(self._wake_write)

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """Yield the lines of each piece, without their line breaks, until the end or :meth:`stop`.

        At the end what has no line break is a line, too; after a stop it is left in :attr:`rest`.
        """
        while (piece := await self._arrived.get()) is not None:
            if isinstance(piece, OSError):
                raise piece
            first, *others = piece.split(b"\n")
            self._pieces.append(first)
            if others:
                lines = [b"".join(self._pieces), *others]
                self._pieces = [lines.pop()]
                yield lines
            self._slots.release()
        if not self._stopped and (rest := self.rest):
            self._pieces = []
            yield [rest]

    def _run(self) -> None:
        try:
            while self._wait_until_readable():
                data = os.read(self._descriptor, CHUNK_BYTES)
                if not data:
                    break
                self._hand_over(data)
            self._hand_over(None)
        except OSError as error:
            self._hand_over(error)

    def _wait_until_readable(self) -> bool:
        self._slots.acquire()
        if self._stopped:
            return False
        readable: list[int] = []
        if sys.platform != "win32":
            readable, _, _ = select.select([self._descriptor, self._wake_read], [], [])
        return self._wake_read not in readable

    def _hand_over(self, piece: bytes | OSError | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, piece)
