"""A broker for a test: a node in this process, in a thread of its own, on a free port."""

import asyncio
import functools
import os
import warnings
import weakref
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from .errors import BrokerMisused
from .life import Life
from .operations import Operations
from .settings import settings_texts

if TYPE_CHECKING:
    from .aio import AsyncBroker

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    operation: "Callable[Concatenate[Operations, P], Coroutine[Any, Any, T]]",
) -> "Callable[Concatenate[Broker, P], T]":
    """Make a method that runs a coroutine of the broker's loop and waits for it."""

    @functools.wraps(operation)
    def call(self: "Broker", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(operation(self._operations, *args, **kwargs))

    return call


class Broker:
    """A Kafka broker that lives as long as a ``with`` block, or from :meth:`start` to :meth:`close`.

    ``settings`` have Kafka's names; as keywords they are written with underscores for dots: ``num_partitions=3``.
    Without ``disk`` everything is in memory; ``disk=True`` is a temporary folder, and a path is a folder that is kept.
    ``port`` is a free one unless given.

    Its event loop runs in a thread of its own: tests may block, await, or start processes, and several brokers may run
    at once. ``async with`` starts and stops it without holding up the test's loop, and :attr:`aio` has every call to be
    awaited; the calls here block.
    """

    def __init__(
        self,
        settings: Mapping[str, object] | None = None,
        *,
        disk: "bool | str | os.PathLike[str]" = False,
        port: int = 0,
        **named_settings: object,
    ) -> None:
        self._life = Life(settings_texts(settings or {}, named_settings), disk, port)
        self._operations = Operations(self._life.client)
        self._finalizer = weakref.finalize(self, self._life.forgotten)

    def __repr__(self) -> str:
        state = self.bootstrap_servers if self.is_running else "stopped"
        return f"<Broker {state} in {self._life.folder or 'memory'}>"

    # -- where it is ---------------------------------------------------------------------------------------------

    @property
    def bootstrap_servers(self) -> str:
        """``host:port``, for a client's setting of that name; stays the same over a restart."""
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._address[0]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._address[1]

    @property
    def _address(self) -> tuple[str, int]:
        if self._life.address is None:
            raise BrokerMisused("the broker has no address before it runs: use `with Broker() as broker:` or start()")
        return self._life.address

    @property
    def folder(self) -> str | None:
        """The data folder, None in memory."""
        return self._life.folder

    @property
    def is_running(self) -> bool:
        """Whether clients can connect."""
        return self._life.is_running

    @property
    def aio(self) -> "AsyncBroker":
        """The same calls, to be awaited."""
        from .aio import AsyncBroker

        return AsyncBroker(self)

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> "Broker":
        """Start; clients can connect when this returns. BrokerFailed with the reason if that cannot be."""
        if self.is_running:
            raise BrokerMisused(f"{self!r} is running already; make another one for another test")
        self._life.start()
        return self

    def stop(self) -> None:
        """Stop as a node does on SIGTERM. Data and port are kept for :meth:`start`; harmless the second time."""
        self._life.stop()

    def restart(self) -> None:
        """Stop and start again on the same port with the same data: clients lose their connections and come back."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop for good: data in memory and in a temporary folder is gone. Harmless the second time."""
        self._life.end()

    def __enter__(self) -> "Broker":
        return self if self.is_running else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> "Broker":
        if not self.is_running:
            await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def __del__(self) -> None:
        life = getattr(self, "_life", None)  # not there if the arguments were refused
        if life is not None and life.is_running and not life.is_of_another_process:
            warnings.warn(f"{self!r} was never closed; use it with `with`", ResourceWarning, stacklevel=2)

    def _run(self, coroutine: "Coroutine[Any, Any, T]") -> T:
        try:
            loop_thread = self._life.loop()
        except BrokerMisused:
            coroutine.close()
            raise
        return loop_thread.run(coroutine)

    # -- what a test asks of it ----------------------------------------------------------------------------------

    create_topic = _blocking(Operations.create_topic)
    delete_topic = _blocking(Operations.delete_topic)
    topics = _blocking(Operations.topics)
    produce = _blocking(Operations.produce)
    records = _blocking(Operations.records)
    groups = _blocking(Operations.groups)
    wait_for_group = _blocking(Operations.wait_for_group)
