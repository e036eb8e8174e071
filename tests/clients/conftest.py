"""Kafka's own tools against a whole node; clients of other makers are in ``tests/compatibility``."""

from collections.abc import Iterator

import pytest
from tests.harness import client_list
from tests.harness.clients import Client
from tests.harness.fixtures import connection, make_node, node, only_ottla, session_nodes, topic
from tests.harness.node import Node

__all__ = ["client", "connection", "make_node", "node", "only_ottla", "session_nodes", "topic"]

EVERY_CLIENT = [pytest.param("java", marks=pytest.mark.java)]


@pytest.fixture(scope="module", params=EVERY_CLIENT)
def client(request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Each client in turn."""
    made = client_list.make_client(request.param, node.bootstrap, tmp_path_factory.mktemp("client"))
    yield made
    made.close()
