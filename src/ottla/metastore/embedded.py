"""The metastore of a single node: one SQLite file, no server.

Calls queue up and a worker thread takes all that wait at once: it runs them in order inside one SQLite transaction, so
that a burst of writes costs one sync, and none is answered before it is on the disk. Events reach the watches in the
order of the revisions, after the commit. A call that is cancelled while it waits still happens. The thread is one of
the node's workers; it lingers a little for the next call, since waking one up costs as much as a small transaction.
"""

import asyncio
import queue
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ottla.model.errors import OttlaError, StorageError
from ottla.runtime.clock import Clock
from ottla.runtime.tasks import Tasks

from .interface import (
    HISTORY_LIMIT,
    UNLIMITED_OPERATIONS,
    CompactedError,
    Compare,
    Delete,
    Event,
    KeyValue,
    LeaseLostError,
    Operation,
    Put,
    TransactResult,
)
from .leases import LeaseTable, LocalLease
from .watches import HubWatch, WatchHub

if TYPE_CHECKING:
    from .sqlite_table import SqliteTable

T = TypeVar("T")

LINGER_S = 0.02
"""How long the thread waits for another call."""


class _Call:
    """One queued call: ``work`` runs in the thread, ``finish`` on the loop once everything is durable."""

    __slots__ = ("error", "finish", "future", "result", "work", "writes")

    def __init__(
        self, work: Callable[[], Any], finish: Callable[[Any], Any], *, writes: bool, future: "asyncio.Future[Any]"
    ) -> None:
        self.work = work
        self.finish = finish
        self.writes = writes
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None


class EmbeddedMetastore:
    """See :class:`~ottla.metastore.interface.Metastore`."""

    max_operations = UNLIMITED_OPERATIONS
    shared = False

    def __init__(self, table: "SqliteTable", *, tasks: Tasks, clock: Clock) -> None:
        self._table = table
        self._tasks = tasks
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._worker: asyncio.Task[None] | None = None
        self._hub = WatchHub()
        self._leases = LeaseTable(clock, self._lease_lost)
        self._closed = False

    @classmethod
    def open(
        cls, directory: str, *, tasks: Tasks, clock: Clock, history_limit: int = HISTORY_LIMIT
    ) -> "EmbeddedMetastore":
        """Open ``metadata.db`` in ``directory``, making both if need be.

        Raises OperatorError if the file cannot be written, is corrupt, or another process holds it.
        """
        from .sqlite_table import SqliteTable

        return cls(SqliteTable(directory, history_limit=history_limit), tasks=tasks, clock=clock)

    async def get(self, key: str) -> KeyValue | None:
        """Return one key, or None."""
        return await self._call(lambda: self._table.get(key))

    async def get_range(self, prefix: str) -> tuple[list[KeyValue], int]:
        """Return the keys under ``prefix`` and the store's revision."""
        return await self._call(lambda: self._table.get_range(prefix))

    async def transact(self, compares: Sequence[Compare], operations: Sequence[Operation]) -> TransactResult:
        """Do all of ``operations`` if every comparison holds."""
        for operation in operations:
            if isinstance(operation, Put) and operation.lease_id and not self._leases.alive(operation.lease_id):
                raise LeaseLostError(f"lease {operation.lease_id} has expired")
        return await self._call(lambda: self._table.transact(compares, operations), self._transacted, writes=True)

    async def watch(self, prefix: str, from_revision: int) -> HubWatch:
        """Follow keys under ``prefix`` from a revision on."""

        def read() -> list[Event]:
            if from_revision <= self._table.compacted:
                raise CompactedError(self._table.compacted + 1)
            return self._table.history(prefix, from_revision)

        return await self._call(read, lambda past: self._hub.open(prefix, from_revision, past))

    async def compact(self, revision: int) -> None:
        """Forget the history up to ``revision``."""
        await self._call(lambda: self._table.compact(revision), writes=True)

    async def lease(self, ttl_ms: int) -> LocalLease:
        """Begin a lease."""
        self._check_open()
        return self._leases.grant(ttl_ms)

    async def close(self) -> None:
        """Finish what waits, end the watches, close the file."""
        if self._closed:
            return
        self._closed = True
        self._leases.close()
        if self._worker is not None:
            self._calls.put(None)
        while self._worker is not None:  # the one that just ended may have left the None to another
            await asyncio.wait([self._worker])
        self._hub.close()
        await self._tasks.in_thread(self._table.close)

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the metastore is closed")

    async def _call(
        self, work: Callable[[], Any], finish: Callable[[Any], T] = lambda result: result, *, writes: bool = False
    ) -> T:
        self._check_open()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._enqueue(_Call(work, finish, writes=writes, future=future))
        return await future

    def _enqueue(self, call: _Call) -> None:
        self._calls.put(call)
        if self._worker is None:
            self._worker = self._tasks.spawn(self._work(), name="metastore")

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self._tasks.in_thread(self._run, loop)
        finally:
            self._worker = None
            if not self._calls.empty():
                self._worker = self._tasks.spawn(self._work(), name="metastore")

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the thread: run what is queued, and what comes soon after; None stands for the end."""
        lingering = True
        while lingering:
            calls: list[_Call] = []
            try:
                call = self._calls.get(timeout=LINGER_S)
                while True:
                    if call is None:
                        lingering = False
                    else:
                        calls.append(call)
                    call = self._calls.get_nowait()
            except queue.Empty:
                lingering = lingering and bool(calls)
            self._run_together(calls)
            loop.call_soon_threadsafe(_finish_all, calls)

    def _run_together(self, calls: list[_Call]) -> None:
        """Do the calls, all writes of them in one transaction."""
        import sqlite3

        writing = False
        try:
            for call in calls:
                if call.writes and not writing:
                    self._table.begin()
                    writing = True
                try:
                    call.result = call.work()
                except OttlaError as error:
                    call.error = error
            if writing:
                self._table.commit()
        except sqlite3.Error as error:
            self._table.rollback()
            failure = StorageError(f"the metadata {self._table.path} cannot be used: {error}")
            for call in calls:
                call.error = failure

    def _transacted(self, outcome: tuple[TransactResult, list[Event]]) -> TransactResult:
        result, events = outcome
        if events:
            self._hub.publish(events)
        return result

    def _lease_lost(self, lease_id: int) -> None:
        if not self._closed:
            future: asyncio.Future[TransactResult] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())

            def delete() -> tuple[TransactResult, list[Event]]:
                return self._table.transact([], [Delete(key) for key in self._table.leased(lease_id)])

            self._enqueue(_Call(delete, self._transacted, writes=True, future=future))


def _finish_all(calls: list[_Call]) -> None:
    for call in calls:
        _finish(call)


def _finish(call: _Call) -> None:
    """Publish and answer; a caller that has gone is no reason not to publish."""
    if call.error is not None:
        if not call.future.done():
            call.future.set_exception(call.error)
        return
    result = call.finish(call.result)
    if not call.future.done():
        call.future.set_result(result)
