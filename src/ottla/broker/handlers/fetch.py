"""Fetch (1), versions 4-18: read whole batches from some partitions, waiting for them if need be.

- 4: isolation level, last stable offset; 5: log start offset; 7: incremental sessions (KIP-227).
- 9: leader epoch check (KIP-320); 11: rack and preferred replica (KIP-392); 12: flexible, diverging epoch (KIP-595).
- 13: topics by id (KIP-516); 15: replica state; 16: new leader in the answer (KIP-951); 17-18: for followers.

An answer leaves at once when it holds ``min_bytes``, an error, or when nothing may be waited for; otherwise a
:class:`FetchWaiter` stands at each partition until enough has come or ``max_wait_ms`` is over. No broker follows
this one yet, so a replica id is refused. This is the hot path.
"""

from ottla.broker.context import Deferred, RequestContext
from ottla.broker.fetch_sessions import FetchedPartition, FetchPlan, TopicKey
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.messages.fetch import (
    EpochEndOffset,
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from ottla.replica.figures import TopicFigures
from ottla.replica.partition import Partition
from ottla.runtime.clock import Timer

READ_COMMITTED = 1
FROM_DISK = "fetch from disk"
EMPTY = b""


class NotInMemory(Exception):
    """What is asked for is not in the page cache."""


def handle(request: FetchRequest, context: RequestContext) -> FetchResponse | Deferred:
    """Read what is there, or wait for it."""
    node = context.node
    try:
        plan = node.fetch_sessions.plan(request, context.api_version, now_ms=node.clock.monotonic_ms())
    except ApiError as error:
        return FetchResponse(error_code=error.code, session_id=0)
    fetch = Fetch(request, context, plan)
    try:
        fetch.read(nowait=True)
    except NotInMemory:
        deferred = context.defer()
        context.spawn(_read_in_thread(fetch, context, deferred), deferred, name=FROM_DISK)
        return deferred
    if fetch.is_complete:
        return fetch.response()
    return FetchWaiter(fetch, context).start()


async def _read_in_thread(fetch: "Fetch", context: RequestContext, deferred: Deferred) -> None:
    """Read what is not in the page cache without holding the event loop."""
    await context.node.tasks.in_thread(fetch.read, nowait=False)
    deferred.complete(fetch.response())


class Fetch:
    """One fetch request under way: what it asks for and what was read for it."""

    __slots__ = (
        "answers",
        "context",
        "has_diverging_epoch",
        "has_error",
        "max_bytes",
        "max_wait_ms",
        "min_bytes",
        "partitions",
        "plan",
        "read_bytes",
        "read_committed",
        "replica_id",
        "size_bytes",
    )

    def __init__(self, request: FetchRequest, context: RequestContext, plan: FetchPlan) -> None:
        self.context = context
        self.plan = plan
        self.max_wait_ms = request.max_wait_ms
        self.max_bytes = min(request.max_bytes, context.node.limits.fetch_max_bytes)
        # More than fits an answer is not waited for.
        self.min_bytes = min(request.min_bytes, self.max_bytes)
        self.read_committed = request.isolation_level == READ_COMMITTED
        replica_state = request.replica_state
        self.replica_id = (
            request.replica_id if replica_state is None else max(request.replica_id, replica_state.replica_id)
        )
        self.answers: list[tuple[FetchedPartition, PartitionData]] = []
        self.partitions: list[Partition] = []
        self.read_bytes: list[tuple[TopicFigures, int]] = []
        self.size_bytes = 0
        self.has_error = False
        self.has_diverging_epoch = False

    def read(self, *, nowait: bool) -> None:
        """Read every partition in turn, until the answer is full; may be called in a thread.

        With ``nowait`` NotInMemory is raised when the disk would have to be waited for.
        """
        self.answers = []
        self.partitions = []
        self.read_bytes = []
        self.size_bytes = 0
        self.has_error = False
        self.has_diverging_epoch = False
        replicas = self.context.node.replicas
        for fetched in self.plan.partitions:
            answer = PartitionData(partition_index=fetched.partition, high_watermark=-1, records=EMPTY)
            self.answers.append((fetched, answer))
            try:
                partition = replicas.partition(fetched.topic, fetched.partition)
                self._read_partition(partition, fetched, answer, nowait=nowait)
            except ApiError as error:
                answer.error_code = error.code
                self.has_error = True
            except (StorageError, FileNotFoundError):
                # A file that is gone: its topic was deleted while a thread was reading, or somebody removed it.
                answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
                self.has_error = True

    def _read_partition(
        self, partition: Partition, fetched: FetchedPartition, answer: PartitionData, *, nowait: bool
    ) -> None:
        if self.replica_id >= 0:
            raise ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        if fetched.current_leader_epoch >= 0:
            partition.check_leader_epoch(fetched.current_leader_epoch)
        log = partition.log
        self.partitions.append(partition)
        high_watermark = log.high_watermark
        offset = fetched.fetch_offset
        diverging = None
        if fetched.last_fetched_epoch >= 0:
            diverging = _diverging_epoch(partition, fetched)
        if diverging is None and (offset < log.log_start_offset or offset > log.log_end_offset):
            raise ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
        answer.high_watermark = high_watermark
        answer.last_stable_offset = high_watermark
        answer.log_start_offset = log.log_start_offset
        if diverging is not None:
            answer.diverging_epoch = diverging
            self.has_diverging_epoch = True
            return
        if self.read_committed:
            answer.aborted_transactions = []
        if offset >= high_watermark:
            return
        left = self.max_bytes - self.size_bytes
        if left <= 0 and self.size_bytes:
            return
        found = partition.read(
            offset, min(fetched.max_bytes, left), min_one_message=self.size_bytes == 0, nowait=nowait
        )
        if found is None:
            raise NotInMemory
        if found.size_bytes:
            answer.records = found.buffers
            self.size_bytes += found.size_bytes
            self.read_bytes.append((partition.figures, found.size_bytes))

    @property
    def is_complete(self) -> bool:
        """Whether the answer is not to wait (``DelayedFetch``, reference section 5.2)."""
        return (
            self.size_bytes >= self.min_bytes
            or self.has_error
            or self.has_diverging_epoch
            or self.max_wait_ms <= 0
            or not self.plan.partitions
        )

    def response(self) -> FetchResponse:
        """Return the answer; in an incremental session without the partitions that have nothing new."""
        plan = self.plan
        self._count()
        incremental = plan.incremental
        topics: dict[TopicKey, FetchableTopicResponse] = {}
        for fetched, answer in self.answers:
            has_records = answer.records is not EMPTY
            if plan.session is not None:
                changed = (
                    has_records
                    or answer.error_code != 0
                    or answer.diverging_epoch is not None
                    or answer.high_watermark != fetched.high_watermark
                    or answer.log_start_offset != fetched.log_start_offset
                )
                if not changed and incremental:
                    continue
                # After an error the partition is told again, whatever its offsets are then.
                fetched.high_watermark = answer.high_watermark if answer.error_code == 0 else -1
                fetched.log_start_offset = answer.log_start_offset
                if has_records:
                    plan.served(fetched)
            topic = topics.get(fetched.topic)
            if topic is None:
                topic = topics[fetched.topic] = _topic(fetched.topic)
            topic.partitions.append(answer)
        return FetchResponse(session_id=plan.session_id, responses=list(topics.values()))

    def _count(self) -> None:
        for partition in self.partitions:
            partition.figures.fetches += 1
        for figures, size_bytes in self.read_bytes:
            figures.bytes_out += size_bytes
        if self.has_error:
            context = self.context
            for fetched, answer in self.answers:
                if answer.error_code:
                    context.count_error(answer.error_code)
                    context.node.replicas.figures_of(fetched.topic).fetch_refused(answer.error_code)


def _diverging_epoch(partition: Partition, fetched: FetchedPartition) -> EpochEndOffset | None:
    """Where the log parts from that of who fetches, if it does (KIP-595; reference section 5.2, 2).

    Raises ApiError OFFSET_OUT_OF_RANGE for an epoch that this log knows nothing of.
    """
    log = partition.log
    epoch, end_offset = log.leader_epochs.end_offset_for(fetched.last_fetched_epoch, log.log_end_offset)
    if epoch < 0 or end_offset < 0 or fetched.fetch_offset < log.log_start_offset:
        raise ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
    if epoch < fetched.last_fetched_epoch or end_offset < fetched.fetch_offset:
        return EpochEndOffset(epoch=epoch, end_offset=end_offset)
    return None


def _topic(key: TopicKey) -> FetchableTopicResponse:
    if isinstance(key, str):
        return FetchableTopicResponse(topic=key)
    return FetchableTopicResponse(topic_id=key)


class FetchWaiter:
    """A fetch that waits at its partitions; reads again when it is worth it."""

    __slots__ = ("_arrived_bytes", "_context", "_deferred", "_fetch", "_is_over", "_scheduled", "_timer")

    def __init__(self, fetch: Fetch, context: RequestContext) -> None:
        self._fetch = fetch
        self._context = context
        self._deferred = context.defer(waits=True)
        self._arrived_bytes = fetch.size_bytes
        self._scheduled = False
        self._is_over = False
        self._timer: Timer | None = None

    def start(self) -> Deferred:
        """Stand at every partition, for ``max_wait_ms`` at the most."""
        for partition in self._fetch.partitions:
            partition.add_waiter(self)
        node = self._context.node
        self._timer = node.clock.call_later(self._fetch.max_wait_ms, self._finish)
        self._deferred.slot.on_abandoned = self._leave
        node.waiting_fetches.add(self)
        return self._deferred

    def readable(self, size_bytes: int) -> None:
        """Note that more can be read, and finish with the loop's next turn once it is enough."""
        self._arrived_bytes += size_bytes
        if self._arrived_bytes >= self._fetch.min_bytes and not self._scheduled:
            # Not at once: the producer that brought the records is answered first, and what else has come in with
            # them goes into the same answer.
            self._scheduled = True
            self._context.node.call_soon(self._finish)

    def disturbed(self) -> None:
        """Look again at once: a partition is not what it was."""
        self.readable(self._fetch.min_bytes + 1)

    def finish_now(self) -> None:
        """Answer with what there is: the node is going down."""
        self._finish()

    def _leave(self) -> None:
        self._is_over = True
        for partition in self._fetch.partitions:
            partition.remove_waiter(self)
        if self._timer is not None:
            self._timer.cancel()
        self._context.node.waiting_fetches.discard(self)

    def _finish(self) -> None:
        if self._is_over:  # answered, being read in a thread, or nobody is there any more
            return
        self._leave()
        fetch, context, deferred = self._fetch, self._context, self._deferred
        try:
            fetch.read(nowait=True)
            deferred.complete(fetch.response())
        except NotInMemory:
            context.spawn(_read_in_thread(fetch, context, deferred), deferred, name=FROM_DISK)
        except Exception as error:
            context.failed(deferred, error, name="fetch that waited")
