"""As much of PromQL as it takes to say which metrics and labels an expression names."""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*")|(?P<duration>\[[^\]]*\])|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<number>\d[\w.]*)
    |(?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},])|(?P<space>\s+)""",
    re.VERBOSE,
)
GROUPINGS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "bool", "offset"}


class Names(NamedTuple):
    """What an expression names."""

    selectors: dict[str, set[str]]
    """Metrics, each with the labels that it is asked for by."""
    groupings: set[str]
    """Labels that results are grouped by."""


def names_in(expression: str) -> Names:
    """Return the metrics and labels of an expression; ValueError for what cannot be read."""
    tokens = _tokens(expression)
    selectors: dict[str, set[str]] = {}
    groupings: set[str] = set()
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        position += 1
        if kind != "name" or text in WORDS:
            continue
        following = tokens[position][1] if position < len(tokens) else ""
        if text in GROUPINGS:
            labels, position = _until(tokens, position, "(", ")")
            groupings |= set(labels)
        elif following == "{":
            labels, position = _until(tokens, position, "{", "}")
            selectors.setdefault(text, set()).update(labels)
        elif following != "(" and following not in GROUPINGS:
            selectors.setdefault(text, set())
    return Names(selectors, groupings)


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ValueError(f"cannot read {expression[position:]!r}")
        if match.lastgroup != "space":
            found.append((match.lastgroup or "", match.group()))
        position = match.end()
    return found


def _until(tokens: list[tuple[str, str]], position: int, opening: str, closing: str) -> tuple[list[str], int]:
    """Return the names between two brackets, and the position behind them."""
    assert tokens[position][1] == opening, tokens
    names = []
    while tokens[position][1] != closing:
        if tokens[position][0] == "name":
            names.append(tokens[position][1])
        position += 1
    return names, position + 1
