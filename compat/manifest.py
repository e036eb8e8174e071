"""The clients of the table, as their folders' ``client.toml`` describe them (the fields: ``compat/README.md``)."""

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HOME = ROOT / ".compat"
LANGUAGES = ("Python", "C", "Java", "Go", "Node.js", "Rust")
"""The order of the table; languages that are not here come last."""


class ManifestError(Exception):
    """A ``client.toml`` that does not say what it should."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """One client. ``run`` starts a driver; ``cases`` names a module with cases of its own, beside or instead of it."""

    name: str
    title: str
    language: str
    folder: Path
    needs: tuple[tuple[str, str], ...] = ()
    setup: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    cases: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where it is installed or built."""
        return HOME / self.name

    def places(self) -> dict[str, str]:
        """What stands for ``{home}`` and the others."""
        return {"home": str(self.home), "here": str(self.folder), "root": str(ROOT), "python": sys.executable}

    def command(self, parts: tuple[str, ...]) -> list[str]:
        """A command line with its places filled in."""
        return [_filled(part, self.places()) for part in parts]

    def environment(self) -> dict[str, str]:
        """For ``setup`` and ``run``."""
        own = {f"COMPAT_{name.upper()}": value for name, value in self.places().items()}
        return {**os.environ, **own, **{name: _filled(value, self.places()) for name, value in self.env.items()}}


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    return text


def _client(table: Mapping[str, Any], folder: Path) -> Client:
    known = {"name", "title", "language", "needs", "setup", "inputs", "run", "cases", "env"}
    if unknown := set(table) - known:
        raise ManifestError(f"{folder / 'client.toml'}: unknown {', '.join(sorted(unknown))}")
    if not table.get("run") and not table.get("cases"):
        raise ManifestError(f"{folder / 'client.toml'}: {table.get('name')} needs run or cases")
    return Client(
        name=table["name"],
        title=table.get("title", table["name"]),
        language=table["language"],
        folder=folder,
        needs=tuple((program, advice) for program, advice in table.get("needs", [])),
        setup=tuple(table.get("setup", [])),
        inputs=tuple(table.get("inputs", [])),
        run=tuple(table.get("run", [])),
        cases=table.get("cases"),
        env=table.get("env", {}),
    )


def load() -> list[Client]:
    """All clients, by language and then as they stand in their files."""
    found: list[Client] = []
    for path in sorted(HERE.glob("*/client.toml")):
        tables = tomllib.loads(path.read_text("utf-8"))["client"]
        found += [_client(table, path.parent) for table in tables]
    names = [client.name for client in found]
    if len(set(names)) != len(names):
        raise ManifestError(f"a name stands twice among {', '.join(sorted(names))}")
    order = {language: number for number, language in enumerate(LANGUAGES)}
    return sorted(found, key=lambda client: order.get(client.language, len(order)))
