"""The command line against a whole node."""

import pytest
from tests.cli.commands import Ottla
from tests.harness.fixtures import connection, make_node, node, session_nodes, topic
from tests.harness.node import Node

__all__ = ["connection", "make_node", "node", "ottla", "session_nodes", "topic"]


@pytest.fixture
def ottla(node: Node) -> Ottla:
    return Ottla(node.bootstrap)
