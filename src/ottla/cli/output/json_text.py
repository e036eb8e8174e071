"""JSON for programs: one document, or one object a line for what is a stream.

Text stays readable, but what a terminal could take for a command (control characters of any kind, marks that turn the
direction of writing) is escaped, which JSON allows for every character.
"""

import re
import sys
from typing import Any

from . import progress

_UNSAFE = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def show_json(value: Any) -> None:
    """Print a document."""
    import json  # most commands print none

    progress.end()
    sys.stdout.write(_safe(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")


def json_line(value: Any) -> str:
    """Return one line of a stream, without its line break."""
    import json

    return _safe(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _safe(text: str) -> str:
    return text if text.isascii() and "\x7f" not in text else _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
