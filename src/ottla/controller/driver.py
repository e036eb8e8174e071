"""Carries the controller's decisions out.

One write at a time: a decision is made on the newest image, written in transactions that also compare the key of the
controller's office, and answered when the node's published image has come to its revision, that is when everybody who
subscribed is prepared for it. If another node has taken the office, the comparison fails and the caller is told
NOT_CONTROLLER; nothing of what it tried to write is seen. What a start does not need is imported when it is first
asked for.
"""

import asyncio
import logging
import os
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ottla.metadata import keys
from ottla.metadata.driver import MetadataLoader, Publisher
from ottla.metadata.image import Image
from ottla.metadata.records import BrokerRecord, Endpoint
from ottla.metastore.interface import Compare, Metastore
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, OperatorError
from ottla.model.ids import Uuid, uuid_to_text
from ottla.runtime.tasks import Tasks

from .config_schema import ConfigSchema
from .create_topics import Chance, CreatedTopic, NewTopic, TopicDefaults, create_topics, new_topic_id
from .decision import Decision, transactions
from .producer_ids import ProducerIdBlock, ProducerIdPool, allocate_producer_ids
from .registration import claim_office, name_cluster, register_broker, sweep

if TYPE_CHECKING:
    from .alter_configs import Alteration, Altered
    from .create_partitions import MorePartitions, PartitionsCreated
    from .delete_topics import DeletedTopic, TopicReference

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
MOST_ATTEMPTS = 5


class Controller:
    """The controller of a cluster, on the node that holds the office.

    ``defaults`` is asked at each creation, since the settings behind it can change. ``chance`` is the system's unless
    a simulation gives its own.
    """

    def __init__(
        self,
        store: Metastore,
        *,
        node_id: int,
        tasks: Tasks,
        schema: ConfigSchema,
        defaults: Callable[[], TopicDefaults],
        chance: Chance | None = None,
    ) -> None:
        self.node_id = node_id
        self.metadata = MetadataLoader(store, tasks.spawn)
        self._store = store
        self._schema = schema
        self._defaults = defaults
        self._chance = chance or Chance(entropy=os.urandom, draw=random.randrange)
        self._writing = asyncio.Lock()
        self._office = Compare(keys.CONTROLLER, 0)
        self._written = 0
        self._producer_ids = ProducerIdPool()

    @property
    def image(self) -> Image:
        """The cluster as this node shows it."""
        return self.metadata.image

    def subscribe(self, publisher: Publisher) -> None:
        """Have ``publisher`` prepare the node for every change from now on."""
        self.metadata.subscribe(publisher)

    async def start(self, cluster_id: str | None = None) -> None:
        """Read the metadata, take the office, and name the cluster if it is new.

        ``cluster_id`` is what the node's folders say, None if they say nothing. Raises OperatorError if the metadata
        belongs to another cluster.
        """
        await self.metadata.start()
        known = self.image.cluster_id
        if known and cluster_id and known != cluster_id:
            raise OperatorError(
                f"the metadata belongs to cluster {known}, the data folders to cluster {cluster_id}:"
                " set log.dirs and ottla.metadata.dir to folders of one cluster"
            )
        await self._take_office()
        if not known:
            new_id = cluster_id or uuid_to_text(new_topic_id(self.image, self._chance.entropy))
            await self._write(name_cluster(new_id))
        await self._write(sweep(self.image))

    async def close(self) -> None:
        """Stop following the metadata. The store is its opener's to close."""
        await self.metadata.close()

    async def register_broker(
        self, broker_id: int, *, incarnation_id: Uuid, endpoints: Sequence[Endpoint], rack: str | None = None
    ) -> BrokerRecord:
        """Write a broker's registration."""
        answers = await self._decide(
            lambda image: register_broker(
                image, broker_id, incarnation_id=incarnation_id, endpoints=tuple(endpoints), rack=rack
            )
        )
        return answers[0]

    async def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False
    ) -> tuple[CreatedTopic, ...]:
        """Create topics; when this returns they can be produced to."""
        return await self._decide(
            lambda image: create_topics(
                image, topics, defaults=self._defaults(), schema=self._schema, chance=self._chance
            ),
            validate_only=validate_only,
        )

    async def create_partitions(
        self, topics: "Sequence[MorePartitions]", *, validate_only: bool = False
    ) -> "tuple[PartitionsCreated, ...]":
        """Give topics more partitions."""
        from .create_partitions import create_partitions

        return await self._decide(
            lambda image: create_partitions(image, topics, draw=self._chance.draw), validate_only=validate_only
        )

    async def delete_topics(self, references: "Sequence[TopicReference]") -> "tuple[DeletedTopic, ...]":
        """Delete topics; when this returns their names are free."""
        from .delete_topics import delete_topics

        return await self._decide(lambda image: delete_topics(image, references))

    async def alter_configs(
        self, alterations: "Sequence[Alteration]", *, validate_only: bool = False
    ) -> "tuple[Altered, ...]":
        """Change settings, in either request's way; when this returns they are in force on this node."""
        from .alter_configs import alter_configs

        return await self._decide(
            lambda image: alter_configs(image, alterations, schema=self._schema, node_id=self.node_id),
            validate_only=validate_only,
        )

    async def allocate_producer_ids(self) -> ProducerIdBlock:
        """Take the next block of producer ids."""
        answers = await self._decide(allocate_producer_ids)
        return answers[0]

    async def next_producer_id(self) -> int:
        """Hand out a producer id that nobody ever had; one call in a thousand waits for the metastore."""
        while True:
            producer_id = self._producer_ids.take()
            if producer_id is not None:
                return producer_id
            self._producer_ids.add(await self.allocate_producer_ids())

    async def _take_office(self) -> None:
        # A store that no other process can write to makes whoever opened it the controller; the office in a shared
        # one is held under a lease, by an election that comes with the first such store.
        assert not self._store.shared, "the controller of a shared metastore has to be elected"
        step = claim_office(self.metadata.latest, self.node_id)
        result = await self._store.transact(step.compares, step.operations)
        assert result.succeeded, "somebody else writes to a metastore that is ours alone"
        self._office = Compare(keys.CONTROLLER, result.revision)
        await self.metadata.wait_for(result.revision)

    async def _decide(
        self, decide: Callable[[Image], Decision[Answer]], *, validate_only: bool = False
    ) -> tuple[Answer, ...]:
        if validate_only:
            return decide(self.metadata.latest).answers
        return await self._decide_and_write(decide)

    async def _decide_and_write(self, decide: Callable[[Image], Decision[Answer]]) -> tuple[Answer, ...]:
        async with self._writing:
            for _ in range(MOST_ATTEMPTS):
                # What was written last may still be on its way here; decisions are made on top of it.
                await self.metadata.wait_for_latest(self._written)
                decision = decide(self.metadata.latest)
                if await self._transact(decision):
                    break
            else:
                raise ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, "the cluster's metadata is changing too fast")
            revision = self._written
        await self.metadata.wait_for(revision)
        return decision.answers

    async def _write(self, decision: Decision[None]) -> None:
        await self._decide_and_write(lambda _: decision)

    async def _transact(self, decision: Decision[Answer]) -> bool:
        """Write a decision; return False if what it was made on has changed meanwhile."""
        for compares, operations in transactions(decision, self._office, self._store.max_operations):
            result = await self._store.transact(compares, operations)
            self._written = result.revision
            if not result.succeeded:
                await self.metadata.wait_for_latest(result.revision)
                if self.metadata.latest.controller_revision != self._office.revision:
                    raise ApiError(ErrorCode.NOT_CONTROLLER)
                return False
        return True
