"""Where two runs of an area differ.

``python -m tests.twin.compare [AREA...] [--all]`` shows it for Ottla against the record.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.twin import exchanges as store
from tests.twin.deviations import accepted
from tests.twin.peer import Exchange


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where the answers differ."""

    exchange: str
    path: str
    kafka: Any
    ottla: Any

    def __str__(self) -> str:
        return f"{self.exchange}: {self.path}: Kafka {json.dumps(self.kafka)}, Ottla {json.dumps(self.ottla)}"


def title(area: str, scenario: str, index: int, exchange: Exchange) -> str:
    """How an exchange is called: area, scenario, number, API and version, and its note."""
    head = f"{area}/{scenario}/{index} {exchange.get('api')} v{exchange.get('version')}"
    return f"{head} {exchange['note']}" if exchange.get("note") else head


def differences(area: str, scenario: str, kafka: list[Exchange], ottla: list[Exchange]) -> Iterator[Difference]:
    """All differences of one scenario; requests must be the same, or the record is out of date."""
    for index in range(max(len(kafka), len(ottla))):
        theirs = kafka[index] if index < len(kafka) else {}
        ours = ottla[index] if index < len(ottla) else {}
        name = title(area, scenario, index, theirs or ours)
        for path, left, right in _differences("", theirs, ours):
            yield Difference(exchange=name, path=path, kafka=left, ottla=right)


def _differences(path: str, kafka: Any, ottla: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(kafka, dict) and isinstance(ottla, dict):
        for key in sorted({*kafka, *ottla}):
            yield from _differences(f"{path}.{key}".strip("."), kafka.get(key), ottla.get(key))
    elif isinstance(kafka, list) and isinstance(ottla, list):
        yield from _list_differences(path, kafka, ottla)
    elif kafka != ottla:
        yield path, kafka, ottla


def _list_differences(path: str, kafka: list[Any], ottla: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    key = next((name for name in ("name", "api_key") if _keyed(kafka, name) and _keyed(ottla, name)), None)
    if key is not None:
        left, right = ({item[key]: item for item in items} for items in (kafka, ottla))
        for name in sorted({*left, *right}):
            yield from _differences(f"{path}[{name}]", left.get(name), right.get(name))
        return
    for index in range(max(len(kafka), len(ottla))):
        theirs = kafka[index] if index < len(kafka) else None
        ours = ottla[index] if index < len(ottla) else None
        yield from _differences(f"{path}[{index}]", theirs, ours)


def _keyed(items: list[Any], name: str) -> bool:
    keys = [item.get(name) for item in items if isinstance(item, dict)]
    return len(keys) == len(items) == len(set(keys)) and None not in keys


def main() -> int:
    """Print the differences that nothing accepts (with ``--all`` the others too)."""
    names = [name for name in sys.argv[1:] if not name.startswith("-")] or store.module_names()
    count = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="twin-") as folder:
            node = store.ottla(name, Path(folder))
            try:
                found = store.jsonable(store.run(name, node.start()))
                errors = node.process.stderr
            finally:
                node.close()
        for scenario, theirs in store.recorded(name).items():
            for difference in differences(name, scenario, theirs, found.get(scenario, [])):
                reason = accepted(difference.exchange, difference.path)
                if reason is None:
                    count += 1
                    print(difference)
                elif "--all" in sys.argv:
                    print(f"({reason}) {difference}")
        if "--log" in sys.argv:
            print(errors)
    print(f"{count} differences")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
