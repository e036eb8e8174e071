"""Clients that nobody here wrote, against a whole node."""

from tests.harness.fixtures import connection, make_node, node, only_ottla, session_nodes, topic

__all__ = ["connection", "make_node", "node", "only_ottla", "session_nodes", "topic"]
