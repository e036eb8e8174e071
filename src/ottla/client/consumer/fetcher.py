"""The consumer's background task: asks the leaders for more before it is wanted.

Each broker has one fetch under way. It is asked only while none of its partitions has two chunks that nobody has read,
so that a slow reader costs bounded memory and no partition starves. An answer that nobody wants any more (a seek, a
rebalance) is dropped. Errors that may pass are met with a pause and fresh metadata; the others, and those that have
lasted longer than ``default.api.timeout.ms``, come out of :meth:`Fetcher.check` when the consumer is polled.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from ottla.client.cluster import Cluster
from ottla.client.deadline import Backoff
from ottla.client.errors import BrokerError, ClientError, InvalidResponse
from ottla.client.metadata import NOBODY
from ottla.client.settings import ClientSettings
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition
from ottla.protocol.api_table import ApiKey
from ottla.protocol.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic

from .positions import PartitionState
from .records import Chunk

if TYPE_CHECKING:
    from ottla.protocol.messages.fetch import PartitionData

CHUNKS_PER_PARTITION: Final = 2
GONE_AFTER_S: Final = 5.0
"""How long brokers may not know a topic that was read before it is taken for deleted: one that has just started may
answer before it has learned of it."""

EXTRA_WAIT_S: Final = 5.0
"""What a fetch may take beyond ``fetch.max.wait.ms`` before ``request.timeout.ms`` is looked at."""


class Fetcher:
    """Fills the chunks of partitions; ``arrived`` is set when there may be something new for the reader."""

    def __init__(self, cluster: Cluster, settings: ClientSettings) -> None:
        self.states: dict[TopicPartition, PartitionState] = {}
        self.arrived = asyncio.Event()
        self._cluster = cluster
        self._max_wait_ms = settings.number("fetch.max.wait.ms")
        self._min_bytes = settings.number("fetch.min.bytes")
        self._max_bytes = settings.number("fetch.max.bytes")
        self._partition_bytes = settings.number("max.partition.fetch.bytes")
        self._read_committed = settings.text("isolation.level") == "read_committed"
        self._check_crcs = settings.switch("check.crcs")
        self._timeout_s = settings.seconds("request.timeout.ms")
        self._patience_s = settings.seconds("default.api.timeout.ms")
        self._wake = asyncio.Event()
        self._lane = cluster.new_lane()
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._backoff: Backoff = cluster.backoff()
        self._failing_since: float | None = None
        self._unknown_since: dict[str, float] = {}
        """Topics that no broker knows any more."""
        self._error: ClientError | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def assign(self, states: dict[TopicPartition, PartitionState]) -> None:
        """Read these partitions from now on."""
        for part, state in self.states.items():
            if states.get(part) is not state:
                state.epoch += 1
        self.states = states
        self.go_on()

    def go_on(self) -> None:
        """Look again at what can be fetched: something was read, sought, resumed."""
        if self._closed:
            return
        if self._task is None:
            self._task = self._loop.create_task(self._run(), name="ottla consumer")
        self._wake.set()

    def check(self) -> None:
        """Raise what keeps the consumer from going on, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error
        if self._task is not None and self._task.done():
            self._task.result()

    async def close(self) -> None:
        """Stop; answers that are under way are dropped when they come."""
        self._closed = True
        tasks = [task for task in (self._task, *self._tasks) if task is not None]
        self._task = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._cluster.close_lane(self._lane)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            now = self._loop.time()
            unled: set[str] = set()
            for node_id, states in self._by_leader(now, unled).items():
                if node_id in self._busy:
                    continue
                if any(len(state.chunks) >= CHUNKS_PER_PARTITION for state in states):
                    continue
                self._busy.add(node_id)
                self._spawn(self._fetch(node_id, states))
            if unled:
                await self._find_leaders(unled)
                continue
            times = [state.pause_until for state in self.states.values() if state.pause_until > now]
            try:
                async with asyncio.timeout_at(min(times, default=None)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A fault of ours: the reader hears of it.
            self._give_up(ClientError(f"the consumer failed: {error!r}"))

    def _by_leader(self, now: float, unled: set[str]) -> dict[int, list[PartitionState]]:
        """Sort what can be fetched by leader; topics of which a leader is not known go to ``unled``."""
        leaders: dict[int, list[PartitionState]] = {}
        for part, state in self.states.items():
            if state.position is None or state.paused or state.out_of_range or state.pause_until > now:
                continue
            topic = self._cluster.metadata.topics.get(part.topic)
            leader = NOBODY if topic is None else topic.leader(part.partition)
            if leader == NOBODY:
                unled.add(part.topic)
            else:
                leaders.setdefault(leader, []).append(state)
        return leaders

    async def _find_leaders(self, topics: set[str]) -> None:
        """Ask for the leaders of topics; partitions without one are looked at again after a pause."""
        try:
            await self._cluster.refresh(sorted(topics))
        except ClientError as error:
            self._unknown_since.clear()
            self._failed(error)
            pause_until = self._loop.time() + self._backoff.next_s()
            for state in self.states.values():
                state.pause_until = pause_until
            return
        self._look_for_the_gone(topics)
        for part, state in self.states.items():
            topic = self._cluster.metadata.topics.get(part.topic)
            if part.topic in topics and (topic is None or topic.leader(part.partition) == NOBODY):
                code = ErrorCode.LEADER_NOT_AVAILABLE
                if topic is not None and (topic.error_code or part.partition not in topic.partitions):
                    code = ErrorCode(topic.error_code or ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
                self._partition_failed(state, BrokerError(code, subject=f"topic {part.topic}"))

    def _look_for_the_gone(self, topics: set[str]) -> None:
        now = self._loop.time()
        for name in topics:
            topic = self._cluster.metadata.topics.get(name)
            if topic is None or topic.error_code != ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
                self._unknown_since.pop(name, None)
            elif now - self._unknown_since.setdefault(name, now) >= min(GONE_AFTER_S, self._patience_s):
                del self._unknown_since[name]
                self._give_up(
                    BrokerError(
                        topic.error_code, "the topic is gone: it was deleted", subject=f"topic {name}", final=True
                    )
                )

    async def _fetch(self, node_id: int, states: list[PartitionState]) -> None:
        try:
            wanted = {state.partition: (state, state.epoch, state.fetch_offset) for state in states}
            request = self._request(states)
            response = await self._cluster.ask(
                node_id,
                ApiKey.FETCH,
                request,
                FetchResponse,
                lane=self._lane,
                timeout_s=max(self._timeout_s, self._max_wait_ms / 1000 + EXTRA_WAIT_S),
            )
            if response.error_code:
                raise BrokerError(response.error_code, subject="fetch")
            self._failing_since = None
            for answered in response.responses:
                for part in answered.partitions:
                    found = wanted.get(TopicPartition(answered.topic, part.partition_index))
                    if found is None:
                        continue
                    state, epoch, fetch_offset = found
                    # Leaders move: another broker may have answered for the same offset before.
                    if state.epoch == epoch and state.fetch_offset == fetch_offset:
                        self._take(state, part)
        except ClientError as error:
            self._failed(error)
            pause_until = self._loop.time() + self._backoff.next_s()
            for state in states:
                state.pause_until = pause_until
                # The leader may be another by now.
                self._cluster.forget_topic(state.partition.topic)
        finally:
            self._busy.discard(node_id)
            self._wake.set()

    def _request(self, states: list[PartitionState]) -> FetchRequest:
        topics: dict[str, FetchTopic] = {}
        # The one that waited longest goes first: a broker fills its answer in the order of the request.
        for state in sorted(states, key=lambda state: len(state.chunks)):
            topic, partition = state.partition
            entry = topics.setdefault(topic, FetchTopic(topic=topic))
            entry.partitions.append(
                FetchPartition(
                    partition=partition,
                    fetch_offset=state.fetch_offset,
                    partition_max_bytes=self._partition_bytes,
                )
            )
        return FetchRequest(
            max_wait_ms=self._max_wait_ms,
            min_bytes=self._min_bytes,
            max_bytes=self._max_bytes,
            isolation_level=int(self._read_committed),
            topics=list(topics.values()),
        )

    def _take(self, state: PartitionState, answer: "PartitionData") -> None:
        """Keep what came of a partition."""
        code = answer.error_code
        if code == ErrorCode.OFFSET_OUT_OF_RANGE:
            state.out_of_range = True
            self.arrived.set()
            return
        if code:
            self._partition_failed(
                state,
                BrokerError(code, subject=f"partition {state.partition.partition} of topic {state.partition.topic}"),
            )
            return
        self._backoff.reset()
        state.unknown_since = None
        state.high_watermark = answer.high_watermark
        data = answer.records
        if not isinstance(data, bytes | bytearray | memoryview) or not len(data):
            return
        try:
            chunk = Chunk(
                state.partition, data, state.fetch_offset, list(answer.aborted_transactions or ()), self._check_crcs
            )
        except InvalidResponse as error:
            self._give_up(error)
            state.pause_until = self._loop.time() + self._backoff.next_s()
            return
        if chunk.is_empty:
            # Less than one batch: the broker must send a whole one, however large, so this is a limit of its own.
            self._give_up(
                InvalidResponse(
                    f"partition {state.partition.partition} of topic {state.partition.topic}: the batch at offset "
                    f"{state.fetch_offset} is larger than max.partition.fetch.bytes ({self._partition_bytes})"
                )
            )
            state.pause_until = self._loop.time() + self._backoff.next_s()
            return
        state.fetch_offset = chunk.next_offset
        state.chunks.append(chunk)
        self.arrived.set()

    def _partition_failed(self, state: PartitionState, error: BrokerError) -> None:
        now = self._loop.time()
        state.pause_until = now + self._backoff.next_s()
        self._cluster.forget_topic(state.partition.topic)
        if not error.retriable:
            self._give_up(error)
            return
        if state.unknown_since is None:
            state.unknown_since = now
        elif now - state.unknown_since > self._patience_s:
            state.unknown_since = None
            self._give_up(error)

    def _failed(self, error: ClientError) -> None:
        now = self._loop.time()
        if not error.retriable:
            self._give_up(error)
        elif self._failing_since is None:
            self._failing_since = now
        elif now - self._failing_since > self._patience_s:
            self._failing_since = None
            self._give_up(error)

    def _give_up(self, error: ClientError) -> None:
        self._error = error
        self.arrived.set()
