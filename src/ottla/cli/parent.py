"""``--exit-with-parent``: a node that ends when the process that started it does, however that went.

The kernel's own way on Linux (PR_SET_PDEATHSIG) goes by the thread that started us, which in Go or Java may end long
before its process. So the parent is watched: on Linux by a descriptor of the process that becomes readable, on
Windows by a handle that a thread waits for, and elsewhere by asking several times a second who the parent is.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable

POLL_S = 0.2
_SYNCHRONIZE = 0x00100000
_INFINITE = 0xFFFFFFFF


class Parent:
    """The process that started this one; make it first thing, before that process may have ended."""

    def __init__(self) -> None:
        self.process_id = os.getppid()

    def watch(self, on_end: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_end`` on the running event loop when the parent ends; return what ends the watch."""
        if sys.platform == "win32":
            return _watch_handle(self.process_id, on_end)
        else:
            if sys.platform == "linux":
                with contextlib.suppress(OSError):  # an old kernel, or a sandbox that forbids it
                    return self._watch_descriptor(os.pidfd_open(self.process_id), on_end)
            return self._poll(on_end)

    def _watch_descriptor(self, descriptor: int, on_end: Callable[[], None]) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        if self._is_gone():
            os.close(descriptor)
            loop.call_soon(on_end)
            return lambda: None

        def ended() -> None:
            stop()
            on_end()

        def stop() -> None:
            nonlocal descriptor
            if descriptor >= 0:
                loop.remove_reader(descriptor)
                os.close(descriptor)
                descriptor = -1

        loop.add_reader(descriptor, ended)
        return stop

    def _poll(self, on_end: Callable[[], None]) -> Callable[[], None]:
        async def look() -> None:
            while not self._is_gone():  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(POLL_S)
            on_end()

        looking = asyncio.ensure_future(look())

        def stop() -> None:
            looking.cancel()

        return stop

    def _is_gone(self) -> bool:
        """Whether somebody else has become our parent, which is how a system says that the first one ended."""
        return os.getppid() != self.process_id


if sys.platform == "win32":
    import _winapi

    def _watch_handle(process_id: int, on_end: Callable[[], None]) -> Callable[[], None]:
        """Wait in a thread: on Windows a process keeps the number of its parent even when that is gone."""
        loop = asyncio.get_running_loop()
        try:
            handle = _winapi.OpenProcess(_SYNCHRONIZE, False, process_id)
        except OSError:
            loop.call_soon(on_end)
            return lambda: None

        def wait() -> None:
            _winapi.WaitForSingleObject(handle, _INFINITE)
            loop.call_soon_threadsafe(on_end)

        threading.Thread(target=wait, name="parent", daemon=True).start()
        return lambda: None
