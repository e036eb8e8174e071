"""A consumer: what is read, from where, and how far it got."""

import asyncio
import contextlib
import inspect
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final

from ottla.client.cluster import Cluster
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, ClientClosed, ClientError
from ottla.client.settings import ClientSettings
from ottla.model.error_codes import ErrorCode
from ottla.model.ids import TopicPartition

from .fetcher import Fetcher
from .portions import Portion, take
from .positions import NEAREST, PartitionState, Start, back_in_range, find_offsets
from .records import ConsumedRecord

if TYPE_CHECKING:
    from .membership import Joined, Membership

OnChange = Callable[[frozenset[TopicPartition]], Awaitable[None] | None]
"""Told of partitions that came or go; may be a coroutine function."""

LEAST_PAUSE_S: Final = 0.01


class Consumer:
    """Reads records; made by ``client.consumer()``, within one event loop, for one reading task.

    A member of a group heartbeats by itself and rejoins by itself when the group rebalances, which happens inside
    :meth:`poll`; it must call poll within ``max.poll.interval.ms``, or it leaves the group until it does.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: ClientSettings,
        *,
        topics: list[str],
        partitions: list[TopicPartition],
        group: str | None,
        start: Start | None,
        on_assigned: OnChange | None,
        on_revoked: OnChange | None,
        on_lost: OnChange | None,
        on_close: "Callable[[Consumer], None]",
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._topics = topics
        self._group = group or settings.text("group.id") or None
        self._reset = settings.text("auto.offset.reset")
        self._start: Start = _default_start(self._reset) if start is None else start
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._on_lost = on_revoked if on_lost is None else on_lost
        self._on_close = on_close
        self._read_committed = settings.text("isolation.level") == "read_committed"
        self._auto_create = settings.switch("allow.auto.create.topics")
        self._max_poll_records = settings.number("max.poll.records")
        self._max_age_s = settings.seconds("metadata.max.age.ms")
        self._fetcher = Fetcher(cluster, settings)
        self._membership: Membership | None = None
        self._joining: asyncio.Task[Joined | None] | None = None
        self._counts: dict[str, int] = {}
        self._portions: deque[Portion] = deque()
        if topics and partitions:
            raise ValueError("topics or partitions, not both")
        if topics and self._group is not None:
            self._membership = self._member(self._group)
        self._wanted = partitions
        self._begun = False
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._looked_at = self._loop.time()
        self._auto_commit_s = (
            settings.seconds("auto.commit.interval.ms")
            if settings.switch("enable.auto.commit") and self._group is not None
            else None
        )
        self._committed_at = self._loop.time()
        pauses = [self._max_age_s, settings.seconds("max.poll.interval.ms") / 2, self._auto_commit_s or math.inf]
        self._look_up_s = max(min(pauses), LEAST_PAUSE_S)
        """How long a poll that waits for records may do nothing else: it is a sign of life, and commits."""

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions that are read at the moment."""
        return frozenset(self._fetcher.states)

    @property
    def member_id(self) -> str:
        """Our name in the group, empty without one."""
        return "" if self._membership is None else self._membership.member_id

    @property
    def generation(self) -> int:
        """How often the group had rebalanced when we joined it last, -1 without a group."""
        return -1 if self._membership is None else self._membership.generation

    # Reading

    async def poll(self, max_records: int | None = None, timeout_ms: int = 1000) -> list[ConsumedRecord]:
        """Return the next records, at most ``max_records`` (default ``max.poll.records``), by partition in order.

        Waits up to ``timeout_ms`` for the first; an empty list says that none came. The positions move behind what is
        returned. Raises what keeps it from going on: a batch that is corrupt (InvalidResponse; the position stays),
        a topic that is not there, brokers that could not be reached for ``default.api.timeout.ms`` ...
        """
        limit = max_records or self._max_poll_records
        await self._fill(limit, Deadline(timeout_ms))
        records: list[ConsumedRecord] = []
        while self._portions and len(records) < limit:
            portion = self._portions[0]
            if portion.is_wanted:
                more = portion.records[portion.given : portion.given + limit - len(records)]
                records += more
                portion.given += len(more)
                if portion.given < len(portion.records):
                    portion.state.position = more[-1].offset + 1
                    break
                portion.state.position = portion.next_position
            self._portions.popleft()
        return records

    def __aiter__(self) -> AsyncIterator[ConsumedRecord]:
        """Yield records for ever."""
        return self.records()

    async def records(self, *, until_end: bool = False) -> AsyncIterator[ConsumedRecord]:
        """Yield records for ever, or until each partition is read to where its end was when it was first looked at.

        While a record is being dealt with the position is behind it, so that a commit then includes it.
        """
        ends: dict[TopicPartition, int] = {}
        while True:
            if until_end and await self._is_read(ends):
                return
            await self._fill(self._max_poll_records, Deadline(1000))
            while self._portions:
                portion = self._portions[0]
                state, records, epoch = portion.state, portion.records, portion.epoch
                while portion.given < len(records) and state.epoch == epoch:
                    record = records[portion.given]
                    portion.given += 1
                    state.position = record.offset + 1
                    yield record
                if self._portions and self._portions[0] is portion:
                    self._portions.popleft()
                    if state.epoch == epoch:
                        state.position = portion.next_position

    async def _is_read(self, ends: dict[TopicPartition, int]) -> bool:
        await self._begin(self._cluster.deadline(None))
        fresh = [part for part in self._fetcher.states if part not in ends]
        if fresh:
            starts: dict[TopicPartition, Start] = dict.fromkeys(fresh, "end")
            ends |= await find_offsets(self._cluster, starts, self._read_committed, self._cluster.deadline(None))
        if self._membership is not None and self._membership.must_join:
            return False
        return all(
            state.position is not None and state.position >= ends[part] for part, state in self._fetcher.states.items()
        )

    async def _fill(self, max_records: int, deadline: Deadline) -> None:
        """Have something that is ready, unless the time is over before; see :meth:`poll`."""
        fetcher = self._fetcher
        while True:
            fetcher.arrived.clear()
            begun = await self._begin(deadline)
            if self._portions:
                return
            if begun:
                fetcher.check()
                self._portions.extend(take(fetcher, max_records))
                if self._portions:
                    return
            if deadline.over:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(deadline.left_s, self._look_up_s)):
                    await fetcher.arrived.wait()

    # What is read

    def _member(self, group: str) -> "Membership":
        from .membership import Membership  # a reader without a group starts faster without

        return Membership(self._cluster, self._settings, group, self._topics, on_change=self._fetcher.arrived.set)

    async def _begin(self, deadline: Deadline) -> bool:
        """Have partitions, and a position in each; False if the time was over before (the group is rebalancing)."""
        self._check_open()
        if self._membership is not None:
            self._membership.polled()
            if not await self._be_member(self._membership, deadline):
                return False
        elif not self._begun:
            await self._assign(await self._partitions_without_group())
            self._begun = True
        if self._auto_commit_s is not None and self._loop.time() - self._committed_at >= self._auto_commit_s:
            await self._commit_quietly()
        if self._loop.time() - self._looked_at >= self._max_age_s:
            await self._look_for_partitions()
        await self._find_positions()
        return True

    def _check_open(self) -> None:
        if self._closed:
            raise ClientClosed("the consumer is closed")

    async def _partitions_without_group(self) -> list[TopicPartition]:
        if not self._topics:
            for name in {part.topic for part in self._wanted}:
                topic = await self._cluster.topic(name, self._cluster.deadline(None), auto_create=self._auto_create)
                for part in self._wanted:
                    if part.topic == name and part.partition not in topic.partitions:
                        raise BrokerError(
                            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                            f"it has {len(topic.partitions)} partitions, no {part.partition}",
                            subject=f"topic {name}",
                        )
            return self._wanted
        found = []
        for name in self._topics:
            topic = await self._cluster.topic(name, self._cluster.deadline(None), auto_create=self._auto_create)
            found += [TopicPartition(name, number) for number in topic.partitions]
        return found

    async def _be_member(self, membership: "Membership", deadline: Deadline) -> bool:
        if membership.error is not None:
            error, membership.error = membership.error, None
            raise error
        while membership.must_join or self._joining is not None:
            if self._joining is None:
                await self._before_join(membership)
                self._joining = self._loop.create_task(membership.join(self.assignment), name="join group")
                self._joining.add_done_callback(lambda _: self._fetcher.arrived.set())
            await asyncio.wait([self._joining], timeout=deadline.left_s)
            self._check_open()
            if not self._joining.done():
                return False
            joining, self._joining = self._joining, None
            joined = joining.result()
            membership.polled()  # the wait for the others was ours
            if joined is None:
                continue  # thrown out: what we owned is let go of before the next join
            try:
                await self._after_join(membership, joined)
            except BaseException:
                # A poll that was given up, or a listener that failed: the next one comes back to the same result.
                self._joining = joining
                raise
        return True

    async def _before_join(self, membership: "Membership") -> None:
        """Let go of what others may get: everything in an eager group, and everything if we were thrown out."""
        if not self._fetcher.states:
            return
        if not membership.lost and not membership.cooperative:
            await self._commit_before_losing()
        if membership.lost:
            await self._take_away(self.assignment, self._on_lost)
        elif not membership.cooperative:
            await self._take_away(self.assignment, self._on_revoked)

    async def _after_join(self, membership: "Membership", joined: "Joined") -> None:
        self._counts = joined.counts
        revoked = self.assignment - joined.partitions
        if revoked:
            # Only in a cooperative group: what we let go of can be given to others when we join again.
            await self._commit_before_losing()
            await self._take_away(revoked, self._on_revoked)
            membership.must_join = True
        await self._assign(joined.partitions)

    async def _commit_before_losing(self) -> None:
        if self._auto_commit_s is not None:
            await self._commit_quietly()

    async def _take_away(self, partitions: frozenset[TopicPartition], listener: OnChange | None) -> None:
        await _tell(listener, partitions)
        self._fetcher.assign({part: state for part, state in self._fetcher.states.items() if part not in partitions})

    async def _assign(self, partitions: Collection[TopicPartition]) -> None:
        states = self._fetcher.states
        added = frozenset(partitions) - states.keys()
        kept = {part: state for part, state in states.items() if part in partitions}
        self._fetcher.assign(kept | {part: PartitionState(part) for part in sorted(added)})
        if added or self._membership is not None:
            try:
                await _tell(self._on_assigned, added)
            except BaseException:
                # Told again the next time, which is soon.
                self._fetcher.assign(kept)
                self._looked_at = -math.inf
                raise

    async def _look_for_partitions(self) -> None:
        """Find partitions that a topic got meanwhile."""
        self._looked_at = self._loop.time()
        names = sorted({*self._topics, *self._counts, *(part.topic for part in self._wanted)})
        try:
            topics = await self._cluster.refresh(names)
        except ClientError:
            return
        if self._membership is None:
            if self._topics:
                await self._assign(
                    [TopicPartition(name, number) for name, topic in topics.items() for number in topic.partitions]
                )
        elif any(len(topics[name].partitions) > count for name, count in self._counts.items() if name in topics):
            # We lead the group, and have shared out fewer partitions than there are.
            self._membership.must_join = True

    async def _find_positions(self) -> None:
        lost = [state for state in self._fetcher.states.values() if state.out_of_range and not state.chunks]
        unknown = [state for state in self._fetcher.states.values() if state.position is None]
        if not lost and not unknown:
            return
        deadline = self._cluster.deadline(None)
        epochs = {state.partition: state.epoch for state in (*lost, *unknown)}
        found: dict[TopicPartition, int] = {}
        if lost:
            policy = self._reset or _policy_of(self._start)
            found |= await back_in_range(self._cluster, lost, policy, self._read_committed, deadline)
        starts: dict[TopicPartition, Start] = {s.partition: s.start for s in unknown if s.start is not None}
        without = [state.partition for state in unknown if state.start is None]
        committed = await self.committed(without) if without and self._group is not None else {}
        for part in without:
            offset = committed.get(part)
            starts[part] = self._start if offset is None else offset
            if offset is None and self._reset == "none" and self._group is not None:
                raise BrokerError(
                    ErrorCode.OFFSET_OUT_OF_RANGE,
                    "the group has no offset, and auto.offset.reset is none",
                    subject=f"partition {part.partition} of topic {part.topic}",
                )
        found |= await find_offsets(self._cluster, starts, self._read_committed, deadline)
        for part, offset in found.items():
            state = self._fetcher.states.get(part)
            if state is not None and state.epoch == epochs[part]:
                state.seek(offset)
        self._fetcher.go_on()

    async def seek(self, partition: TopicPartition, start: Start) -> None:
        """Read on from somewhere else; what becomes of an offset that does not exist ``auto.offset.reset`` says."""
        state = self._state(partition)
        if isinstance(start, int):
            state.seek(start)
        else:
            state.seek_later(start)
        self._fetcher.go_on()

    def position(self, partition: TopicPartition) -> int | None:
        """Return the offset of the next record that poll will return, None if that is not known yet."""
        return self._state(partition).position

    def high_watermark(self, partition: TopicPartition) -> int | None:
        """Return the end of the partition as the last answer said it, None before there was one."""
        return self._state(partition).high_watermark

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Return nothing of these until they are resumed (or the group takes them away)."""
        for partition in partitions:
            state = self._state(partition)
            state.paused = True
            if state.position is not None and any(portion.state is state for portion in self._portions):
                # What was made ready already is fetched again.
                state.seek(state.position)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Go on with paused partitions."""
        for partition in partitions:
            self._state(partition).paused = False
        self._fetcher.go_on()
        self._fetcher.arrived.set()

    def _state(self, partition: TopicPartition) -> PartitionState:
        state = self._fetcher.states.get(partition)
        if state is None:
            raise ClientError(f"partition {partition.partition} of topic {partition.topic} is not assigned to us")
        return state

    # The group's offsets

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Commit offsets for the group: these, or the positions of all partitions (what poll has returned is done).

        Raises BrokerError (ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS) if the group has given the
        partitions away meanwhile, or is about to.
        """
        if self._group is None:
            raise ClientError("there is no group to commit for")
        if offsets is None:
            offsets = {
                part: state.position for part, state in self._fetcher.states.items() if state.position is not None
            }
        self._committed_at = self._loop.time()
        if offsets:
            from . import committing

            await committing.commit(self._cluster, self._group, self._membership, offsets)

    async def _commit_quietly(self) -> None:
        """Commit for auto-commit: an error is nobody's to hear, the next commit says the same and more."""
        with contextlib.suppress(ClientError):
            await self.commit()

    async def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Return what the group has committed for partitions, None where it has not."""
        if self._group is None:
            raise ClientError("there is no group that could have committed")
        from . import committing

        return await committing.committed(self._cluster, self._group, list(partitions), stable=self._read_committed)

    # The end

    async def close(self) -> None:
        """Commit if auto-commit is on, leave the group, stop reading; harmless the second time."""
        if self._closed:
            return
        self._closed = True
        self._fetcher.arrived.set()  # for a poll of another task
        try:
            if self._auto_commit_s is not None and self._fetcher.states:
                await self._commit_quietly()
            if self._joining is not None:
                self._joining.cancel()
                await asyncio.gather(self._joining, return_exceptions=True)
            if self._membership is not None:
                await self._membership.close()
        finally:
            self._on_close(self)
            await self._fetcher.close()

    async def __aenter__(self) -> "Consumer":
        """Join the group, or find the partitions: :attr:`assignment` is known afterwards."""
        try:
            await self._begin(self._cluster.deadline(None))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _tell(listener: OnChange | None, partitions: frozenset[TopicPartition]) -> None:
    if listener is not None:
        answer = listener(partitions)
        if inspect.isawaitable(answer):
            await answer


def _default_start(reset: str) -> Start:
    return "beginning" if reset == "earliest" else "end"


def _policy_of(start: Start) -> str:
    if start == "beginning":
        return "earliest"
    return "latest" if start == "end" else NEAREST
