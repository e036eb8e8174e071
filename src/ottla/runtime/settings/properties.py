"""Java's ``.properties`` text, read as ``java.util.Properties.load`` reads it.

Lines end at a line feed, a carriage return or both. Blank lines and lines that begin with ``#`` or ``!`` say nothing.
A line whose last character is a backslash (an odd number of them) goes on in the next, the white space at whose begin
is skipped. A key ends at the first ``=``, ``:`` or white space that no backslash hides; the white space around the
separator belongs to neither side, white space at a value's end does. Escapes: ``\\t \\n \\r \\f \\uXXXX``, and any
other character after a backslash is itself.
"""

from collections.abc import Iterator
from typing import NamedTuple

from .model import SettingError

_SPACE = " \t\f"
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class Property(NamedTuple):
    """A key, its value, and the number of the line that it begins on."""

    key: str
    value: str
    line: int


def parse_properties(text: str) -> dict[str, str]:
    """Return the values by their keys; of a key that occurs twice, the last. SettingError for a malformed escape."""
    return {key: value for key, value, _ in iter_properties(text)}


def iter_properties(text: str) -> Iterator[Property]:
    """Yield every property in the order of the text."""
    for line, number in _logical_lines(text):
        key, value = _split(line)
        try:
            yield Property(_unescape(key), _unescape(value), number)
        except ValueError as error:
            raise SettingError(f"line {number}: {error}") from None


def _logical_lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield each line that says something, with its continuations, and the number of its first natural line."""
    gathered = ""
    first = 0
    continues = False
    for number, natural in enumerate(_natural_lines(text), 1):
        line = natural.lstrip(_SPACE)
        if not gathered:
            first = number
            if line[:1] in ("#", "!") or (not line and not continues):
                continues = False
                continue
        continues = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        gathered += line[:-1] if continues else line
        if not continues and gathered:
            yield gathered, first
            gathered = ""
    if gathered or (continues and not text.endswith("\r\n")):  # the odd exception is Java's
        yield gathered, first


def _natural_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def _split(line: str) -> tuple[str, str]:
    end = 0
    hidden = False
    while end < len(line) and (hidden or line[end] not in "=: \t\f"):
        hidden = line[end] == "\\" and not hidden
        end += 1
    value = line[end:].lstrip(_SPACE)
    if value[:1] in ("=", ":"):
        value = value[1:].lstrip(_SPACE)
    return line[:end], value


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out: list[str] = []
    pos = 0
    while pos < len(text):
        char = text[pos]
        pos += 1
        if char == "\\" and pos < len(text):
            char = text[pos]
            pos += 1
            if char == "u":
                char = _code_unit(text[pos : pos + 4])
                pos += 4
            else:
                char = _ESCAPES.get(char, char)
        out.append(char)
    return _join_surrogates("".join(out))


def _code_unit(digits: str) -> str:
    if len(digits) < 4 or digits.strip("0123456789abcdefABCDEF"):
        raise ValueError(f"a backslash and u need four hexadecimal digits, not {digits!r}")
    return chr(int(digits, 16))


def _join_surrogates(text: str) -> str:
    """Make one character of two code units that belong together; Java writes those beyond U+FFFF as two."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
