"""A fake broker for each test, and a whole node for each module."""

from collections.abc import AsyncIterator

import pytest
from tests.client.fake import FakeBroker, fake_broker
from tests.harness.fixtures import connection, make_node, node, only_ottla, session_nodes, topic

__all__ = ["connection", "make_node", "node", "only_ottla", "session_nodes", "topic"]


@pytest.fixture
async def fake() -> AsyncIterator[FakeBroker]:
    async with fake_broker() as broker:
        yield broker
