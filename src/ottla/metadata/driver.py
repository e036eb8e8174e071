"""Keeps a node's image of the cluster up to date: reads the metastore once, then follows it.

Two images are held. ``latest`` is what the metastore says now; decisions are made on it. ``image`` is what the node
answers by. Between them stand the *publishers*: each is given the old image, the new one and what differs, prepares
(a log is created for a new partition, settings are put in force), and only when all have finished does ``image`` move.
So a topic is never shown before it can be produced to, and whoever created it is answered at that moment too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ottla.metastore.interface import CompactedError, Event, KeyValue, Metastore, Watch

from .delta import ImageDelta
from .image import Changes, Image

logger = logging.getLogger(__name__)

Publisher = Callable[[Image, Image, Changes], Awaitable[None] | None]
"""Prepares the node for the second image. What it raises is logged; it holds nothing up."""


class MetadataLoader:
    """One node's view of the metastore."""

    def __init__(self, store: Metastore, spawn: Callable[..., "asyncio.Task[None]"]) -> None:
        self.image = Image()
        self.latest = Image()
        self._store = store
        self._spawn = spawn
        self._publishers: list[Publisher] = []
        self._changes = Changes()
        self._more = asyncio.Event()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._waiting_for_latest: list[tuple[int, asyncio.Future[None]]] = []
        self._watch: Watch | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def subscribe(self, publisher: Publisher) -> None:
        """Call ``publisher`` for every change from now on, after those who subscribed before."""
        self._publishers.append(publisher)

    async def start(self) -> None:
        """Read the whole image (without calling the publishers) and begin to follow."""
        await self._load()
        self.image = self.latest
        self._changes = Changes()
        self._tasks = [
            self._spawn(self._follow(), name="metadata-follow"),
            self._spawn(self._publish(), name="metadata-publish"),
        ]

    async def close(self) -> None:
        """Stop following; whoever waits is told that it will not happen."""
        if self._watch is not None:
            self._watch.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _, future in (*self._waiting, *self._waiting_for_latest):
            future.cancel()

    async def wait_for(self, revision: int) -> None:
        """Wait until ``image`` has come to ``revision``."""
        if self.image.revision < revision:
            await _wait(self._waiting, revision)

    async def wait_for_latest(self, revision: int) -> None:
        """Wait until ``latest`` has come to ``revision``."""
        if self.latest.revision < revision:
            await _wait(self._waiting_for_latest, revision)

    async def _load(self) -> None:
        found, revision = await self._store.get_range("")
        held = {entry.key for entry in found}
        # After a gap in the history keys may have gone that no event will ever tell of.
        gone = [Event(key, None, revision) for key in self.latest.store_keys() if key not in held]
        entries: list[Event | KeyValue] = [*gone, *found]
        self._advance(ImageDelta.of_events(entries, revision))
        self._watch = await self._store.watch("", revision + 1)

    async def _follow(self) -> None:
        while True:
            assert self._watch is not None
            try:
                async for events in self._watch:
                    self._advance(ImageDelta.of_events(events, events[-1].revision))
                return
            except CompactedError:
                logger.warning("fell behind the cluster's metadata: reading all of it anew")
                self._watch.close()
                await self._load()

    def _advance(self, delta: ImageDelta) -> None:
        self._changes.add(delta, self.latest)
        self.latest = self.latest.apply(delta)
        self._waiting_for_latest = _wake(self._waiting_for_latest, self.latest.revision)
        self._more.set()

    async def _publish(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            image, changes, self._changes = self.latest, self._changes, Changes()
            if image is not self.image:
                for publisher in self._publishers:
                    await _call(publisher, self.image, image, changes)
                self.image = image
            self._waiting = _wake(self._waiting, image.revision)


async def _wait(waiting: list[tuple[int, "asyncio.Future[None]"]], revision: int) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.append((revision, future))
    await future


def _wake(waiting: list[tuple[int, "asyncio.Future[None]"]], revision: int) -> list[tuple[int, "asyncio.Future[None]"]]:
    """Tell those who wait for a revision up to this one; return the others."""
    others = []
    for wanted, future in waiting:
        if wanted > revision:
            others.append((wanted, future))
        elif not future.done():
            future.set_result(None)
    return others


async def _call(publisher: Publisher, old: Image, new: Image, changes: Changes) -> None:
    try:
        preparing = publisher(old, new, changes)
        if preparing is not None:
            await preparing
    except Exception:
        logger.exception("could not prepare for metadata revision %d", new.revision)
