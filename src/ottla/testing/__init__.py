"""A broker in a test: real protocol, no Docker, milliseconds.

::

    from ottla.testing import Broker

    with Broker() as broker:
        broker.create_topic("orders", partitions=3)
        broker.produce("orders", "hello", key="k")
        run_the_code_under_test(broker.bootstrap_servers)
        assert [record.value for record in broker.records("orders")] == [b"hello"]

``async with Broker()`` works as well, and ``broker.aio`` has the same calls to be awaited. With pytest there are the
fixtures ``ottla_broker`` and ``ottla_topic`` without any import (:mod:`.plugin`).

Importing this package costs next to nothing, since pytest does it in every project that has Ottla installed: the
broker is imported when one is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ottla.client.consumer import ConsumedRecord as Record
    from ottla.model.ids import TopicPartition

    from .aio import AsyncBroker
    from .broker import Broker
    from .errors import BrokerFailed, BrokerMisused, NothingCame
    from .results import Group

__all__ = [
    "AsyncBroker",
    "Broker",
    "BrokerFailed",
    "BrokerMisused",
    "Group",
    "NothingCame",
    "Record",
    "TopicPartition",
]

_PLACES = {
    "AsyncBroker": ("ottla.testing.aio", "AsyncBroker"),
    "Broker": ("ottla.testing.broker", "Broker"),
    "BrokerFailed": ("ottla.testing.errors", "BrokerFailed"),
    "BrokerMisused": ("ottla.testing.errors", "BrokerMisused"),
    "Group": ("ottla.testing.results", "Group"),
    "NothingCame": ("ottla.testing.errors", "NothingCame"),
    "Record": ("ottla.client.consumer", "ConsumedRecord"),
    "TopicPartition": ("ottla.model.ids", "TopicPartition"),
}


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
