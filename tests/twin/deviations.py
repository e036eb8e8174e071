"""The differences from Kafka that are meant, each standing in ``docs/deviations.md`` under its name.

An entry accepts the paths (shell patterns) of the exchanges (shell patterns of their titles) that it names. The tests
fail for an entry that accepts nothing any more and for one that the page does not have.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One deliberate difference."""

    name: str
    exchanges: tuple[str, ...]
    paths: tuple[str, ...] = ("answer*",)


DEVIATIONS: tuple[Deviation, ...] = ()


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    escaped = (pattern.replace("[", "[[]") for pattern in patterns)
    return any(fnmatchcase(text, pattern) for pattern in escaped)


def accepted(exchange: str, path: str) -> str | None:
    """The name of the deviation that accepts this difference, if one does."""
    for deviation in DEVIATIONS:
        if _matches(exchange, deviation.exchanges) and _matches(path, deviation.paths):
            return deviation.name
    return None
