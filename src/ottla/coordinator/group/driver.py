"""The group coordinator of a node: finds a group's partition, loads what this node leads, and keeps the machines going.

A group belongs to partition |hash(group id)| modulo the number of partitions of ``__consumer_offsets`` (Java's string
hash), and whoever leads that partition coordinates it. When this node becomes the leader of one, its records are read
back; a partition without records is ready at once. Requests meanwhile get COORDINATOR_LOAD_IN_PROGRESS, except
heartbeats, which are let through so that nobody's session is lost to a load. Elsewhere NOT_COORDINATOR is said.

Answers are given by calling what the request brought along, at once or later, exactly once each.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.model.ids import Uuid
from ottla.runtime.clock import Clock, Timer
from ottla.runtime.tasks import Tasks

from . import admin, commit, expiry, join, leave, session, sync
from .classic import ClassicGroup
from .config import GroupConfig
from .decision import Decision, TimerKey, TimerKind
from .figures import GroupFigures
from .gathered import Gathered
from .loading import Loader
from .placement import partition_of
from .ports import Journal
from .records import CommittedOffset, OffsetDeleted
from .requests import (
    CommitRequest,
    CommitResult,
    DeleteGroupResult,
    DeleteOffsetsResult,
    FetchResult,
    GroupDescription,
    GroupListing,
    JoinRequest,
    JoinResult,
    LeaveResult,
    LeavingMember,
    ListResult,
    SyncRequest,
    SyncResult,
)
from .shard import Batch, Shard, coordinator_error
from .state import Groups

logger = logging.getLogger(__name__)

R = TypeVar("R")

Topics = Sequence[tuple[str, Uuid, Sequence[int]]]

LOADING_SLICE = 500
"""How many records are replayed before the event loop gets a turn."""


class GroupCoordinator:
    """What the group APIs are made of; one for each node.

    ``partition_count`` says how many partitions ``__consumer_offsets`` has, 0 while it does not exist; ``fresh_id``
                        gives the
    random text of a new member id. ``config`` may be replaced at any time.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        tasks: Tasks,
        partition_count: Callable[[], int],
        fresh_id: Callable[[], str],
        config: GroupConfig | None = None,
    ) -> None:
        self.config = GroupConfig() if config is None else config
        self.figures = GroupFigures()
        self.fresh_id = fresh_id
        self._journal = journal
        self._clock = clock
        self._tasks = tasks
        self._partition_count = partition_count
        self._shards: dict[int, Shard] = {}
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._expiry_timer: Timer | None = None
        self._closed = False

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look for expired offsets now and then."""
        self._expiry_timer = self._clock.call_later(self.config.offsets_retention_check_interval_ms, self._expire_later)

    def elected(self, partition: int) -> None:
        """This node leads a partition of ``__consumer_offsets`` now; harmless when it knew."""
        if self._closed or partition in self._shards or partition in self._loading:
            return
        if self._journal.is_empty(partition):
            self._activate(partition, Groups())
        else:
            self._load(partition)

    def resigned(self, partition: int) -> None:
        """Another node leads a partition now: its requests under way are told so."""
        task = self._loading.pop(partition, None)
        if task is not None:
            task.cancel()
        shard = self._shards.pop(partition, None)
        if shard is not None:
            shard.close(ErrorCode.NOT_COORDINATOR)

    def close(self) -> None:
        """Answer whatever is under way and take nothing more."""
        self._closed = True
        if self._expiry_timer is not None:
            self._expiry_timer.cancel()
        for partition in [*self._loading, *self._shards]:
            self.resigned(partition)

    def topics_deleted(self, topics: Iterable[tuple[str, Uuid]]) -> None:
        """Forget the offsets of (topic, topic id) pairs that exist no more."""
        gone = list(topics)
        for shard in list(self._shards.values()):
            self._tasks.spawn(self._forget_topics(shard, gone), name=f"forget-offsets-{shard.partition}")

    @property
    def is_loading(self) -> bool:
        """Whether a partition is still being read."""
        return bool(self._loading)

    def partition_for(self, group_id: str) -> int | None:
        """Return the partition that a group belongs to; None while there are none."""
        count = self._partition_count()
        return partition_of(group_id, count) if count else None

    def groups_and_offsets(self) -> Iterator[tuple[ClassicGroup, Mapping[str, Mapping[int, CommittedOffset]]]]:
        """Yield every group with its committed offsets by topic and partition, as they are when their turn comes.

        The caller may let the event loop turn between them; nothing that is yielded may be changed.
        """
        for shard in list(self._shards.values()):
            for group_id in list(shard.groups.by_id):
                group = shard.groups.by_id.get(group_id)
                if group is not None:
                    yield group, shard.groups.offsets.of_group(group_id)

    # -- membership -----------------------------------------------------------------------------------------------

    def join(self, request: JoinRequest, answer: Callable[[JoinResult], None]) -> None:
        """Answer a JoinGroup, perhaps much later."""
        if not request.group_id:
            answer(JoinResult(error=ErrorCode.INVALID_GROUP_ID, member_id=request.member_id))
            return
        shard = self._shard(request.group_id)
        if not isinstance(shard, Shard):
            answer(JoinResult(error=shard, member_id=request.member_id))
            return
        decision = join.decide_join(
            shard.groups.by_id, request, answer, now_ms=self._clock.now_ms(), config=self.config
        )
        _carry_out(shard, decision, answer, JoinResult)

    def sync(self, request: SyncRequest, answer: Callable[[SyncResult], None]) -> None:
        """Answer a SyncGroup, perhaps later."""
        if not request.group_id:
            answer(SyncResult(error=ErrorCode.INVALID_GROUP_ID))
            return
        shard = self._shard(request.group_id)
        if not isinstance(shard, Shard):
            answer(SyncResult(error=shard))
            return
        now_ms = self._clock.now_ms()
        groups = shard.groups.by_id
        decision = sync.decide_sync(groups, request, answer, now_ms=now_ms, config=self.config)
        refused = _carry_out(shard, decision, answer, SyncResult)
        if refused is not ErrorCode.NONE:
            group = groups[request.group_id]
            shard.carry_out(sync.decide_store_failed(group, refused, now_ms=now_ms, config=self.config))

    def heartbeat(self, group_id: str, generation_id: int, member_id: str, instance_id: str | None) -> ErrorCode:
        """Answer a Heartbeat."""
        if not group_id:
            return ErrorCode.INVALID_GROUP_ID
        shard = self._shard(group_id)
        if not isinstance(shard, Shard):
            return ErrorCode.NONE if shard is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS else shard
        error, session_timeout_ms = session.check_heartbeat(
            shard.groups.by_id.get(group_id), member_id, instance_id, generation_id
        )
        if session_timeout_ms:
            shard.set_timer(TimerKey(TimerKind.SESSION, group_id, member_id), session_timeout_ms)
        return error

    def leave(self, group_id: str, members: Sequence[LeavingMember], answer: Callable[[LeaveResult], None]) -> None:
        """Answer a LeaveGroup."""
        if not group_id:
            answer(LeaveResult(error=ErrorCode.INVALID_GROUP_ID))
            return
        shard = self._shard(group_id)
        if not isinstance(shard, Shard):
            answer(LeaveResult(error=shard))
            return
        decision = leave.decide_leave(
            shard.groups.by_id, group_id, members, answer, now_ms=self._clock.now_ms(), config=self.config
        )
        _carry_out(shard, decision, answer, LeaveResult)

    # -- offsets --------------------------------------------------------------------------------------------------

    def commit_offsets(self, request: CommitRequest, answer: Callable[[CommitResult], None]) -> None:
        """Answer an OffsetCommit of partitions that exist, when it is in the log."""
        shard = self._shard(request.group_id)
        if not isinstance(shard, Shard):
            answer(CommitResult(error=shard))
            return
        decision = commit.decide_commit(
            shard.groups.by_id, request, answer, now_ms=self._clock.now_ms(), config=self.config
        )
        if _carry_out(shard, decision, answer, CommitResult) is ErrorCode.NONE:
            self.figures.offset_commits += len(decision.records)

    def fetch_offsets(
        self, group_id: str, topics: Topics | None, *, require_stable: bool, answer: Callable[[FetchResult], None]
    ) -> None:
        """Answer an OffsetFetch for one group; of everything it has committed when ``topics`` is None."""
        shard = self._shard(group_id)
        if not isinstance(shard, Shard):
            answer(FetchResult(error=shard))
            return
        groups = shard.groups
        if topics is None:
            result = commit.fetch_all_offsets(groups.by_id, groups.offsets, group_id, require_stable=require_stable)
        else:
            result = commit.fetch_offsets(groups.by_id, groups.offsets, group_id, topics, require_stable=require_stable)
        shard.answer(answer, result)

    def delete_offsets(
        self,
        group_id: str,
        topics: Sequence[tuple[str, Sequence[int]]],
        answer: Callable[[DeleteOffsetsResult], None],
    ) -> None:
        """Answer an OffsetDelete."""
        if not group_id:
            answer(DeleteOffsetsResult(error=ErrorCode.INVALID_GROUP_ID))
            return
        shard = self._shard(group_id)
        if not isinstance(shard, Shard):
            answer(DeleteOffsetsResult(error=shard))
            return
        groups = shard.groups
        decision = admin.decide_delete_offsets(groups.by_id, groups.offsets, group_id, topics, answer)
        _carry_out(shard, decision, answer, DeleteOffsetsResult)

    # -- administration -------------------------------------------------------------------------------------------

    def delete_groups(self, group_ids: Sequence[str], answer: Callable[[list[tuple[str, ErrorCode]]], None]) -> None:
        """Answer a DeleteGroups with an error code for each group."""
        gathered: Gathered[DeleteGroupResult] = Gathered(
            len(group_ids),
            lambda results: answer(
                [(group_id, result.error) for group_id, result in zip(group_ids, results, strict=True)]
            ),
        )
        for index, group_id in enumerate(group_ids):
            place = gathered.place(index)
            shard = self._shard(group_id)
            if not isinstance(shard, Shard):
                place(DeleteGroupResult(error=shard))
                continue
            groups = shard.groups
            decision = admin.decide_delete_group(groups.by_id, groups.offsets, group_id, place)
            _carry_out(shard, decision, place, DeleteGroupResult)

    def describe_groups(self, group_ids: Sequence[str], answer: Callable[[list[GroupDescription]], None]) -> None:
        """Answer a DescribeGroups, in the order asked for."""
        gathered: Gathered[GroupDescription] = Gathered(len(group_ids), answer)
        for index, group_id in enumerate(group_ids):
            place = gathered.place(index)
            shard = self._shard(group_id)
            if isinstance(shard, Shard):
                shard.answer(place, admin.describe_group(shard.groups.by_id, group_id))
            else:
                place(GroupDescription(group_id=group_id, error=shard))

    def list_groups(
        self, states: Collection[str], types: Collection[str], answer: Callable[[ListResult], None]
    ) -> None:
        """Answer a ListGroups with the groups that this node coordinates; while it is loading, it says so."""
        if self._closed or self._loading:
            answer(ListResult(error=self._absent()))
            return
        shards = list(self._shards.values())
        gathered: Gathered[ListResult] = Gathered(len(shards), lambda results: answer(_merge(results)))
        for index, shard in enumerate(shards):
            shard.answer(gathered.place(index), ListResult(groups=admin.list_groups(shard.groups.by_id, states, types)))

    # -- inside ---------------------------------------------------------------------------------------------------

    def _shard(self, group_id: str) -> Shard | ErrorCode:
        count = self._partition_count()
        if not count or self._closed:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE if self._closed else ErrorCode.NOT_COORDINATOR
        partition = partition_of(group_id, count)
        shard = self._shards.get(partition)
        if shard is not None:
            return shard
        if partition in self._loading:
            return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        return ErrorCode.NOT_COORDINATOR

    def _absent(self) -> ErrorCode:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE if self._closed else ErrorCode.COORDINATOR_LOAD_IN_PROGRESS

    def _activate(self, partition: int, groups: Groups) -> None:
        shard = Shard(
            partition,
            groups,
            clock=self._clock,
            config=lambda: self.config,
            max_batch_bytes=partial(self._journal.max_batch_bytes, partition),
            wants_writing=self._write_soon,
            figures=self.figures,
        )
        self._shards[partition] = shard
        now_ms = self._clock.now_ms()
        for group in list(groups.by_id.values()):
            if group.members:
                shard.carry_out(session.decide_loaded(group, now_ms=now_ms, config=self.config))

    def _load(self, partition: int) -> None:
        self._loading[partition] = self._tasks.spawn(self._read_back(partition), name=f"load-groups-{partition}")

    async def _read_back(self, partition: int) -> None:
        started_ms = self._clock.monotonic_ms()
        loader = Loader()
        turn = 0
        try:
            async for batch in self._journal.load(partition):
                loader.take(batch)
                turn += len(batch.records)
                if turn >= LOADING_SLICE:
                    turn = 0
                    await asyncio.sleep(0)
        except (StorageError, ApiError) as error:
            logger.error("group coordinator cannot read partition %d: %s", partition, error)
            return
        finally:
            if self._loading.get(partition) is asyncio.current_task():
                del self._loading[partition]
        _report(partition, loader, self._clock.monotonic_ms() - started_ms)
        self._activate(partition, loader.groups)

    def _write_soon(self, shard: Shard) -> None:
        self._tasks.spawn(self._write(shard), name=f"write-groups-{shard.partition}")

    async def _write(self, shard: Shard) -> None:
        """Write batch after batch until there is none; commits that come during one append share the next."""
        while not shard.closed:
            batch = shard.next_batch()
            if batch is None:
                return
            watch = self._clock.call_later(self.config.offsets_commit_timeout_ms, partial(_give_up, batch))
            try:
                await self._journal.append(shard.partition, batch.records, self._clock.now_ms())
            except (ApiError, StorageError) as error:
                self._lost(shard, error.code)
                return
            except Exception:
                # A fault of ours; it is reported where the task ends, and nobody shall wait for it.
                self._lost(shard, ErrorCode.UNKNOWN_SERVER_ERROR)
                raise
            finally:
                watch.cancel()
            if not shard.closed:
                shard.written()

    def _lost(self, shard: Shard, code: ErrorCode) -> None:
        """An append failed: what was replayed may not be in the log, so the log is asked again."""
        logger.warning("group coordinator of partition %d starts over: append failed, %s", shard.partition, code.name)
        if self._shards.get(shard.partition) is shard:
            del self._shards[shard.partition]
            if not self._closed:
                self._load(shard.partition)
        shard.close(coordinator_error(code))

    # -- what goes by itself --------------------------------------------------------------------------------------

    def _expire_later(self) -> None:
        self.start()
        for shard in list(self._shards.values()):
            self._tasks.spawn(self.expire(shard.partition), name=f"expire-offsets-{shard.partition}")

    async def expire(self, partition: int) -> int:
        """Let go of the expired offsets and idle groups of a partition; return how many records that took."""
        shard = self._shards.get(partition)
        count = 0
        for group_id in [] if shard is None else list(shard.groups.by_id):
            while shard is not None and not shard.closed:
                group = shard.groups.by_id.get(group_id)
                if group is None:
                    break
                decision = expiry.decide_expiry(
                    group, shard.groups.offsets, now_ms=self._clock.now_ms(), config=self.config
                )
                shard.carry_out(decision)
                count += len(decision.records)
                self.figures.expired_offsets += sum(isinstance(record, OffsetDeleted) for record in decision.records)
                if len(decision.records) < expiry.MAX_TOMBSTONES:
                    break
                await asyncio.sleep(0)
        if count:
            logger.info("group coordinator of partition %d let go of %d offsets and groups", partition, count)
        return count

    async def _forget_topics(self, shard: Shard, topics: list[tuple[str, Uuid]]) -> None:
        for turn, group_id in enumerate(list(shard.groups.offsets.groups)):
            if shard.closed:
                return
            shard.carry_out(expiry.decide_topics_deleted(shard.groups.offsets, group_id, topics))
            if turn % 100 == 99:
                await asyncio.sleep(0)


def _carry_out(shard: Shard, decision: Decision, answer: Callable[[R], None], result: Callable[..., R]) -> ErrorCode:
    """Carry a decision out, or answer with the error that is returned when the log has no room for its records."""
    try:
        shard.carry_out(decision)
    except ApiError as error:
        code = coordinator_error(error.code)
        answer(result(error=code))
        return code
    return ErrorCode.NONE


def _merge(results: Sequence[ListResult]) -> ListResult:
    groups: list[GroupListing] = []
    for result in results:
        if result.error is not ErrorCode.NONE:
            return result
        groups += result.groups
    return ListResult(groups=tuple(groups))


def _give_up(batch: Batch) -> None:
    """The append takes too long: those who wait are told so, though it may still succeed."""
    batch.settle(ErrorCode.COORDINATOR_NOT_AVAILABLE)


def _report(partition: int, loader: Loader, elapsed_ms: float) -> None:
    for complaint in loader.corrupt:
        logger.error("partition %d of __consumer_offsets: %s", partition, complaint)
    for record_type, count in sorted(loader.unknown.items()):
        logger.warning(
            "partition %d of __consumer_offsets has %d records of type %d, which this node does not serve",
            partition,
            count,
            record_type,
        )
    logger.info(
        "loaded partition %d of __consumer_offsets: %d groups from %d records in %.0f ms",
        partition,
        len(loader.groups.by_id),
        loader.count,
        elapsed_ms,
    )
