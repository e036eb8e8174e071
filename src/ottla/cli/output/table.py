"""Tables for people: columns with a heading, no lines, two blanks between.

A table is as wide as what is in it. On a terminal that is narrower, cells of the widest columns are folded onto
further lines; where columns would get too narrow to read, each row becomes a block of its own, a line for each column.
In a file or pipe each row stays one line, whatever its length.
"""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

from . import progress, terminal
from .text import one_line

GAP = "  "
_MARKS = ",.-_/:"
FOLDED_MIN = 14
"""No column is folded to less than this."""


class Column:
    """A heading, and how its cells look. Numbers stand right."""

    __slots__ = ("right", "style", "title")

    def __init__(self, title: str, *, right: bool = False, style: str | None = None) -> None:
        self.title = title
        self.right = right
        self.style = style


class Cell:
    """A cell with a style of its own."""

    __slots__ = ("style", "value")

    def __init__(self, value: object, style: str | None) -> None:
        self.value = value
        self.style = style


Row = Sequence[object]
"""A cell for each column: what None stands for is shown as a dash."""


def show_table(
    columns: Sequence[Column], rows: Iterable[Row], *, empty: str = "", stream: TextIO | None = None
) -> None:
    """Print the rows; ``empty`` says, on stderr, that there are none, and stdout stays empty."""
    progress.end()
    stream = stream or sys.stdout
    cells = [list(row) for row in rows]
    if not cells:
        if empty:
            sys.stderr.write(empty + "\n")
        return
    for line in table_lines(columns, cells, terminal.width(stream), colour=terminal.has_colour(stream)):
        stream.write(line + "\n")


def table_lines(
    columns: Sequence[Column], rows: Sequence[Row], width: int | None, *, colour: bool = False
) -> list[str]:
    """Return the lines of the table in at most ``width`` columns, if that can be done."""
    texts = [[_text(value) for value in row] for row in rows]
    widths = [
        max([text_width(column.title), *(text_width(row[at]) for row in texts)]) for at, column in enumerate(columns)
    ]
    if width is not None and sum(widths) + len(GAP) * (len(columns) - 1) > width:
        fitted = _fit(columns, widths, width)
        if fitted is None:
            return _blocks(columns, rows, texts, width, colour)
        widths = fitted
    lines = [_line(columns, [column.title for column in columns], widths, [terminal.BOLD] * len(columns), colour)]
    for row, row_texts in zip(rows, texts, strict=True):
        styles = [_style(column, value) for column, value in zip(columns, row, strict=True)]
        folded = [fold(text, size) for text, size in zip(row_texts, widths, strict=True)]
        for at in range(max(map(len, folded))):
            parts = [cell[at] if at < len(cell) else "" for cell in folded]
            lines.append(_line(columns, parts, widths, styles, colour))
    return lines


def _text(value: object) -> str:
    if isinstance(value, Cell):
        value = value.value
    return "-" if value is None else one_line(str(value))


def _style(column: Column, value: object) -> str | None:
    return value.style if isinstance(value, Cell) else column.style


def _fit(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int] | None:
    """Return narrower widths, taken from the widest columns; None if some column would get too narrow to read."""
    fitted = list(widths)
    least = [min(size, max(FOLDED_MIN, text_width(column.title))) for size, column in zip(widths, columns, strict=True)]
    room = width - len(GAP) * (len(columns) - 1)
    while (over := sum(fitted) - room) > 0:
        able = [at for at, size in enumerate(fitted) if size > least[at] and not columns[at].right]
        if not able:
            return None
        widest = max(able, key=lambda at: fitted[at])
        others = [fitted[at] for at in able if fitted[at] < fitted[widest]]
        floor = max([least[widest], *others])
        fitted[widest] = max(floor, fitted[widest] - over) if floor < fitted[widest] else fitted[widest] - 1
    return fitted


def _line(
    columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int], styles: Sequence[str | None], colour: bool
) -> str:
    parts = []
    for at, (column, cell, size, style) in enumerate(zip(columns, cells, widths, styles, strict=True)):
        blanks = " " * (size - text_width(cell))
        shown = f"\x1b[{style}m{cell}\x1b[0m" if colour and style and cell else cell
        if column.right:
            parts.append(blanks + shown)
        else:
            parts.append(shown + (blanks if at < len(columns) - 1 else ""))
    return GAP.join(parts).rstrip(" ")


def _blocks(
    columns: Sequence[Column], rows: Sequence[Row], texts: Sequence[Sequence[str]], width: int, colour: bool
) -> list[str]:
    """Return each row as lines of title and value, a blank line between rows."""
    title_width = max(text_width(column.title) for column in columns)
    value_width = max(width - title_width - len(GAP), FOLDED_MIN)
    lines: list[str] = []
    for row, row_texts in zip(rows, texts, strict=True):
        if lines:
            lines.append("")
        for column, value, text in zip(columns, row, row_texts, strict=True):
            style = _style(column, value)
            for at, part in enumerate(fold(text, value_width)):
                title = (column.title if at == 0 else "").ljust(title_width)
                if colour:
                    title = f"\x1b[{terminal.BOLD}m{title}\x1b[0m"
                    part = f"\x1b[{style}m{part}\x1b[0m" if style else part
                lines.append(f"{title}{GAP}{part}".rstrip(" "))
    return lines


def show_fields(fields: Iterable[tuple[str, object]], *, stream: TextIO | None = None) -> None:
    """Print what is known of one thing: a line for each name and value."""
    progress.end()
    stream = stream or sys.stdout
    pairs = [(name, value) for name, value in fields]
    size = max(text_width(name) for name, _ in pairs)
    room = terminal.width(stream)
    for name, value in pairs:
        style = value.style if isinstance(value, Cell) else None
        text = _text(value)
        parts = [text] if room is None else fold(text, max(room - size - len(GAP), FOLDED_MIN))
        for at, part in enumerate(parts):
            head = terminal.painted((name if at == 0 else "").ljust(size), terminal.BOLD, stream=stream)
            stream.write(f"{head}{GAP}{terminal.painted(part, style, stream=stream)}".rstrip() + "\n")


def fold(text: str, size: int) -> list[str]:
    """Return the text in pieces of at most ``size`` columns, cut at a blank or behind a mark where there is one."""
    if text_width(text) <= size:
        return [text]
    pieces: list[str] = []
    while text_width(text) > size:
        end = _prefix(text, size)
        at = max(text.rfind(" ", 0, end + 1), *(text.rfind(mark, 0, end) + 1 for mark in _MARKS))
        if at <= end // 2:
            at = end
        pieces.append(text[:at].rstrip(" "))
        text = text[at:].lstrip(" ")
    if text:
        pieces.append(text)
    return pieces


def _prefix(text: str, size: int) -> int:
    """Return how many characters fill at most ``size`` columns; at least one."""
    used = 0
    for at, character in enumerate(text):
        used += _character_width(character)
        if used > size:
            return max(at, 1)
    return len(text)


def text_width(text: str) -> int:
    """Return how many columns a terminal needs for the text: East Asian characters take two, accents none."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
