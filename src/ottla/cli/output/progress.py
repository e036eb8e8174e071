"""What is going on, for whoever waits for more than a second: one line on stderr that is rewritten, and then gone.

Only a terminal gets it. A thread writes it, so that a command that is busy or waits for a broker still shows that it
is alive; the command itself only keeps ``text`` up to date. Whatever is printed for good comes after :func:`end`.
"""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from .terminal import is_terminal, width

FIRST_AFTER_S = 1.0
EVERY_S = 0.2
_MARKS = "|/-\\"

_shown: "list[Progress]" = []


def end() -> None:
    """Take the line away, if there is one, because something is printed now."""
    for progress in _shown[:]:
        progress.stop()


class Progress:
    """Shows ``text()`` from one second on until the block ends.

    ``beside_output`` is for commands whose own output goes to stdout meanwhile: where that is the same terminal, it
    is progress enough, and nothing is shown.
    """

    def __init__(self, text: Callable[[], str] | str, *, beside_output: bool = False) -> None:
        self._text = text
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._started_at = time.monotonic()
        self._is_shown = False
        self._thread: threading.Thread | None = None
        self._wanted = is_terminal(sys.stderr) and not (beside_output and is_terminal(sys.stdout))

    def __enter__(self) -> "Progress":
        if self._wanted:
            self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
            self._thread.start()
            _shown.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the line away, for good."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            _shown.remove(self)
        self._clear()

    def note(self, line: str) -> None:
        """Write a whole line to stderr, above the one that is rewritten."""
        with self._lock:
            self._erase()
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    def _run(self) -> None:
        if self._stopped.wait(FIRST_AFTER_S):
            return
        beat = 0
        while True:
            self._show(_MARKS[beat % len(_MARKS)])
            beat += 1
            if self._stopped.wait(EVERY_S):
                return

    def _show(self, mark: str) -> None:
        text = self._text if isinstance(self._text, str) else self._text()
        line = f"{mark} {text} ({duration_text(time.monotonic() - self._started_at)})"
        room = (width(sys.stderr) or 80) - 1
        with self._lock:
            self._erase()
            sys.stderr.write(line[:room])
            sys.stderr.flush()
            self._is_shown = True

    def _clear(self) -> None:
        with self._lock:
            self._erase()
            if self._wanted:
                sys.stderr.flush()

    def _erase(self) -> None:
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            self._is_shown = False


def duration_text(seconds: float) -> str:
    """Return a duration to read in passing: ``4 s``, ``2 min 5 s``, ``1 h 3 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
