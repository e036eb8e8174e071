"""The calls of a broker in a test for those who await: the test's loop goes on while the broker's own works."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from .errors import BrokerMisused
from .operations import Operations

if TYPE_CHECKING:
    from .broker import Broker

P = ParamSpec("P")
T = TypeVar("T")


def _awaitable(
    operation: "Callable[Concatenate[Operations, P], Coroutine[Any, Any, T]]",
) -> "Callable[Concatenate[AsyncBroker, P], Coroutine[Any, Any, T]]":
    """Make a method that runs a coroutine of the broker's loop and awaits it from another loop."""

    @functools.wraps(operation)
    async def call(self: "AsyncBroker", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run(operation(self._broker._operations, *args, **kwargs))

    return call


class AsyncBroker:
    """See :class:`~ottla.testing.broker.Broker`, whose ``aio`` this is."""

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker

    @property
    def bootstrap_servers(self) -> str:
        """``host:port``, for a client's setting of that name."""
        return self._broker.bootstrap_servers

    async def start(self) -> None:
        """Start; clients can connect when this returns."""
        await asyncio.to_thread(self._broker.start)

    async def stop(self) -> None:
        """Stop; data and port are kept for :meth:`start`."""
        await asyncio.to_thread(self._broker.stop)

    async def restart(self) -> None:
        """Stop and start again on the same port with the same data."""
        await asyncio.to_thread(self._broker.restart)

    async def _run(self, coroutine: "Coroutine[Any, Any, T]") -> T:
        try:
            loop_thread = self._broker._life.loop()
        except BrokerMisused:
            coroutine.close()
            raise
        return await asyncio.wrap_future(loop_thread.submit(coroutine))

    create_topic = _awaitable(Operations.create_topic)
    delete_topic = _awaitable(Operations.delete_topic)
    topics = _awaitable(Operations.topics)
    produce = _awaitable(Operations.produce)
    records = _awaitable(Operations.records)
    groups = _awaitable(Operations.groups)
    wait_for_group = _awaitable(Operations.wait_for_group)
