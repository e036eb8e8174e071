"""What reading a file gives: entries, and problems with the position where they are.

An entry is a mapping of names to JSON values, its ``type`` first: what ``--json`` prints, and what the tables for
people are made of. A problem is an entry of type ``problem``.
"""

from collections.abc import Iterator
from typing import Any

Entry = dict[str, Any]
Entries = Iterator[Entry]

PROBLEM = "problem"


def problem(position: int, message: str) -> Entry:
    """Return the entry for something that is wrong at a position of the file."""
    return {"type": PROBLEM, "position": position, "message": message}


def note(position: int, message: str) -> Entry:
    """Return the entry for something worth saying that is not wrong."""
    return {"type": "note", "position": position, "message": message}
