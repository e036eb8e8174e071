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
    from .aio import AsyncBroker
    from .broker import Broker
    from .errors import BrokerFailed, BrokerMisused, NothingCame
    from .results import Group, Record, TopicPartition

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

_MODULES = {
    "AsyncBroker": "aio",
    "Broker": "broker",
    "BrokerFailed": "errors",
    "BrokerMisused": "errors",
    "Group": "results",
    "NothingCame": "errors",
    "Record": "results",
    "TopicPartition": "results",
}


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562)."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{module}"), name)
