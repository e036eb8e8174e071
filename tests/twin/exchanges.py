"""Runs the scenarios of a module on a node and keeps what came of them as data.

A module of ``tests/twin/scenarios`` holds ``SETTINGS`` for its node and public functions that take a
:class:`~tests.twin.peer.Peer`; they run in the order in which they are written, on one fresh node.
"""

import importlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.harness.node import Node, free_port
from tests.twin.normal import Normaliser, script_clock_ms
from tests.twin.peer import Exchange, Peer

FOLDER = Path(__file__).parent
DATA = FOLDER / "data"
COMMON_SETTINGS: dict[str, object] = {
    "node.id": 1,
    "group.initial.rebalance.delay.ms": 0,
    "offsets.topic.num.partitions": 1,
    "offsets.topic.replication.factor": 1,
    "auto.create.topics.enable": "false",
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
}

Scenario = Callable[[Peer], None]


def module_names() -> list[str]:
    """The areas that there are scenarios for."""
    return sorted(path.stem for path in (FOLDER / "scenarios").glob("*.py"))


def load(name: str) -> ModuleType:
    """The module of an area."""
    return importlib.import_module(f"tests.twin.scenarios.{name}")


def scenarios(name: str) -> dict[str, Scenario]:
    """The scenarios of an area, in their order."""
    module = load(name)
    return {
        key: value
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not key.startswith("_")
    }


def settings(name: str) -> dict[str, object]:
    """The settings of an area's node."""
    return {**COMMON_SETTINGS, **getattr(load(name), "SETTINGS", {})}


def ottla(name: str, folder: Path) -> Node:
    """An area's node, not started yet."""
    node = Node(folder, settings(name))
    node.port = free_port()
    return node


def run(name: str, node: Node) -> dict[str, list[Exchange]]:
    """Run all scenarios of an area on a started node; a scenario that breaks off says why in its last exchange."""
    found = {}
    for title, scenario in scenarios(name).items():
        normaliser = Normaliser(t0_ms=script_clock_ms(), port=node.port, folder=str(node.folder))
        peer = Peer(node.host, node.port, normaliser)
        try:
            scenario(peer)
        except Exception as error:
            peer.exchanges.append({"broken": f"{type(error).__name__}: {error}"})
        finally:
            peer.close_all()
        found[title] = peer.exchanges
    return found


def path_of(name: str) -> Path:
    """The file of an area's recorded exchanges."""
    return DATA / f"{name}.json"


def save(name: str, found: dict[str, list[Exchange]]) -> None:
    """Write an area's exchanges, one on a line."""
    lines = []
    for title, exchanges in found.items():
        rows = ",\n".join("  " + json.dumps(exchange, separators=(",", ":")) for exchange in exchanges)
        lines.append(f" {json.dumps(title)}: [\n{rows}\n ]")
    path_of(name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def recorded(name: str) -> dict[str, list[Exchange]]:
    """What Apache Kafka answered when it was recorded."""
    found: dict[str, list[Exchange]] = json.loads(path_of(name).read_text())
    return found


def jsonable(found: dict[str, list[Exchange]]) -> Any:
    """The form in which exchanges come back from their file."""
    return json.loads(json.dumps(found))
