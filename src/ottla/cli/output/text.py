"""Bytes and texts of strangers, made safe for a terminal: no control character gets through.

Valid UTF-8 is shown as the text it is; a control character in it, or a byte that is none of UTF-8, becomes an escape
as in a programming language (``\\n``, ``\\x1b``, ``\\xff``), and a backslash becomes two, so that what is shown says
exactly which bytes there are.
"""

import base64
from typing import Any

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def safe_text(data: bytes) -> str:
    """Return the bytes as one line of printable text that tells different bytes apart."""
    return "".join(map(_safe, data.decode("utf-8", "surrogateescape")))


def _safe(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    if character in _NAMED:
        return _NAMED[character]
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # what surrogateescape makes of a byte that is no UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def one_line(text: str) -> str:
    """Return the text without line breaks and other control characters; a backslash stays one."""
    if text.isprintable():
        return text
    return "".join(character if character == "\\" else _safe(character) for character in text)


def is_text(data: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def json_bytes(name: str, data: bytes | None) -> dict[str, Any]:
    """Return a JSON member for the bytes: ``name`` with the text or null, ``name_base64`` if they are not UTF-8."""
    if data is None:
        return {name: None}
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data).decode("ascii")}


def size_text(size_bytes: int) -> str:
    """Return a size in the unit that a person would take: ``1.2 MB``; units of 1000 bytes."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value = size_bytes / 1000
    for unit in ("kB", "MB", "GB"):
        if value < 999.95:
            return f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
