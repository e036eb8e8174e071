"""What came out, kept as JSON so that a part can be run alone and the page still tells of all."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path


class Outcome(StrEnum):
    """How a case ended."""

    PASS = "pass"
    FAIL = "fail"
    SAME = "same"
    """It failed, and against Apache Kafka as well."""
    NONE = "none"
    """The client has no such feature."""
    NOT_RUN = "not run"
    """It cannot be run against this broker."""
    MISSING = "missing"
    """The client cannot be had here."""


BAD = frozenset({Outcome.FAIL, Outcome.MISSING})
"""What makes a run fail."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One cell of the table."""

    client: str
    case: str
    outcome: Outcome
    reason: str = ""
    version: str = ""
    seconds: float = 0.0

    def same(self, reason: str) -> "Result":
        """The failure as one that Apache Kafka shows too."""
        return replace(self, outcome=Outcome.SAME, reason=reason)


def load(path: Path) -> list[Result]:
    """What an earlier run wrote; nothing where there is none."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text("utf-8"))
    return [Result(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows]


def merged(old: Iterable[Result], new: Iterable[Result], *, known: Iterable[tuple[str, str]]) -> list[Result]:
    """The newest result of each known (client, case), in the order of ``known``."""
    found = {(result.client, result.case): result for result in (*old, *new)}
    return [found[key] for key in known if key in found]


def save(path: Path, results: Iterable[Result], *, seconds: bool = True) -> None:
    """Write them, one line for each; without ``seconds``, an unchanged outcome is an unchanged file."""
    rows = []
    for result in results:
        row = asdict(result)
        if not seconds:
            row.pop("seconds")
        rows.append(json.dumps({name: value for name, value in row.items() if value != ""}, ensure_ascii=False))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n", "utf-8")
