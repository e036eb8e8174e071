r"""Backslash escapes in arguments, for what is hard to type: ``\t``, ``\n``, ``\r``, ``\\``, ``\0``, ``\x1f``."""

import os
import re

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_NAMED = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"\\": b"\\", b"0": b"\0"}


def unescaped(text: str) -> bytes:
    """Return the bytes that an argument stands for; an escape that is none stays as it is."""
    return _ESCAPE.sub(_byte, os.fsencode(text))


def _byte(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if len(escape) == 3:
        return bytes([int(escape[1:], 16)])
    return _NAMED.get(escape, match[0])
