"""What the output goes to: a terminal of some width, with or without colour, or a file or pipe without either.

``NO_COLOR`` (https://no-color.org) and ``TERM=dumb`` switch colour off, ``FORCE_COLOR`` switches it on where there is
no terminal. ``COLUMNS`` gives a width in place of the terminal's own. A file or a pipe has no width: nothing is folded
there, so that what is read by ``grep`` and ``awk`` is whole.
"""

import os
import sys
from typing import TextIO

BOLD = "1"
DIM = "2"
RED = "31"
GREEN = "32"
YELLOW = "33"
CYAN = "36"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the other end of the stream; it may be closed, or not there at all."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def has_colour(stream: TextIO) -> bool:
    """Whether to colour what is written to the stream."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int | None:
    """Return the columns there are to write to; None where lines may be of any length."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns) if is_terminal(stream) else None
    if not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def painted(text: str, style: str | None, *, stream: TextIO | None = None) -> str:
    """Return the text in a style (SGR codes) if the stream, stdout unless told, shows colour."""
    if not style or not text or not has_colour(stream or sys.stdout):
        return text
    return f"\x1b[{style}m{text}\x1b[0m"
