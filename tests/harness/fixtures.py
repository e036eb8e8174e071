"""Fixtures for the tests of a whole node; ``tests/*/conftest.py`` import them.

``node``    one node for a test module, with ``NODE_SETTINGS`` of the module if it has them; on Apache Kafka, which
            starts slowly, modules with the same settings share one.
``connection``  a raw connection to it, for one test.
``topic``   a topic of one partition on it, for one test.
``make_node``   nodes for one test alone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.harness import target
from tests.harness.calls import create_topic, unique
from tests.harness.node import ExternalNode, KafkaNode, Node, Settings
from tests.harness.wire import Connection

DEFAULT_SETTINGS: Settings = {"group.initial.rebalance.delay.ms": 0}

MakeNode = Callable[..., Node]


class Nodes:
    """Makes nodes of the kind under test and ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._all: list[Node] = []
        self._shared: dict[str, Node] = {}

    def make(self, settings: Settings | None = None, *, log_dir: Path | None = None) -> Node:
        """A node that is not started yet, on a folder of its own."""
        self._count += 1
        folder = self._folder / f"node-{self._count}"
        node: Node
        if target.bootstrap() is not None:
            pytest.skip("needs a node of its own")
        wanted = {**DEFAULT_SETTINGS, **(settings or {})}
        if target.is_kafka():
            if (reason := target.java_missing()) is not None:
                pytest.skip(reason)
            node = KafkaNode(folder, wanted, log_dir=log_dir, template=self._folder / "formatted")
        else:
            node = Node(folder, wanted, log_dir=log_dir)
        self._all.append(node)
        return node

    def shared(self, settings: Settings) -> Node:
        """A started node with these settings, kept for whoever asks next."""
        external = target.bootstrap()
        if external is not None:
            if settings:
                pytest.skip("needs a node with settings of its own")
            return ExternalNode(external)
        key = repr(sorted(settings.items()))
        node = self._shared.get(key)
        if node is None or not node.running:
            node = self._shared[key] = self.make(settings).start()
        return node

    def close(self) -> None:
        """End all of them."""
        for node in self._all:
            node.close()


@pytest.fixture(scope="session")
def session_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """The nodes that outlive a module."""
    nodes = Nodes(tmp_path_factory.mktemp("nodes"))
    yield nodes
    nodes.close()


@pytest.fixture(scope="module")
def node(
    request: pytest.FixtureRequest, session_nodes: Nodes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    settings: Settings = getattr(request.module, "NODE_SETTINGS", {})
    if target.is_kafka() or target.bootstrap() is not None:
        yield session_nodes.shared(settings)
        return
    nodes = Nodes(tmp_path_factory.mktemp("node"))
    try:
        yield nodes.make(settings).start()
    finally:
        nodes.close()


@pytest.fixture
def make_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeNode]:
    nodes = Nodes(tmp_path_factory.mktemp("own"))
    yield nodes.make
    nodes.close()


@pytest.fixture
def connection(node: Node) -> Iterator[Connection]:
    with node.connect() as opened:
        yield opened


@pytest.fixture
def topic(connection: Connection, request: pytest.FixtureRequest) -> str:
    name = unique(request.node.name.split("[")[0].replace("test_", "")[:40])
    create_topic(connection, name)
    return name


@pytest.fixture
def only_ottla() -> None:
    """Skip on Apache Kafka: here Ottla is meant to be different."""
    if target.is_kafka():
        pytest.skip("Ottla is meant to do better than Kafka here")
