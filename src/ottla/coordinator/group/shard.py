"""One partition's coordinator while it is active: it carries out decisions.

Records are replayed at once and collected into batches; what a decision answers waits in the newest batch that is not
committed yet, so that nobody is told of what may still be lost. One batch is being written at a time, and everything
that is decided meanwhile goes into the next: many commits share one append. Timers run from when they are set.

A failed append means that the state is ahead of the log: the shard then answers everyone with the error, and whoever
owns it makes a new one from the log.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, assert_never

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

from . import session
from .config import GroupConfig
from .decision import CancelTimer, Decision, Reply, SetTimer, TimerKey
from .figures import GroupFigures
from .ports import Clock, Timer
from .records import KeyValue, encode
from .requests import JoinResult, Result, SyncResult
from .state import Groups
from .timers import Deadlines

Answer = Callable[[Any], None]
"""Takes the result of one request; what a token is, seen from outside the machines."""

RECORD_OVERHEAD_BYTES = 40
"""More than a record's own header takes in a batch: lengths, deltas, attributes."""
BATCH_OVERHEAD_BYTES = 61
"""The header of a batch."""
RETRY_MS = 5_000
"""When to come back to a timer whose records did not fit into a batch."""


def coordinator_error(code: ErrorCode) -> ErrorCode:
    """Return what a client is told when the log refused a record with ``code`` (reference section 6)."""
    match code:
        case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION | ErrorCode.NOT_ENOUGH_REPLICAS | ErrorCode.REQUEST_TIMED_OUT:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        case ErrorCode.NOT_LEADER_OR_FOLLOWER | ErrorCode.KAFKA_STORAGE_ERROR:
            return ErrorCode.NOT_COORDINATOR
        case ErrorCode.NETWORK_EXCEPTION:
            return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        case ErrorCode.MESSAGE_TOO_LARGE | ErrorCode.RECORD_LIST_TOO_LARGE | ErrorCode.INVALID_FETCH_SIZE:
            return ErrorCode.UNKNOWN_SERVER_ERROR
        case _:
            return code


class Batch:
    """Records on their way to the log, and the answers that wait for them."""

    __slots__ = ("records", "replies", "size_bytes")

    def __init__(self) -> None:
        self.records: list[KeyValue] = []
        self.replies: list[Reply] = []
        self.size_bytes = BATCH_OVERHEAD_BYTES

    def settle(self, error: ErrorCode = ErrorCode.NONE) -> None:
        """Give the answers, or an error in their place; one that cannot be given keeps nobody else waiting."""
        replies, self.replies = self.replies, []
        faults: list[Exception] = []
        for reply in replies:
            try:
                answer(reply, error)
            except Exception as fault:
                faults.append(fault)
        if faults:
            raise faults[0]


def answer(reply: Reply, error: ErrorCode = ErrorCode.NONE) -> None:
    """Give one answer, or an error in its place."""
    call: Answer = reply.token  # type: ignore[assignment]  # the driver's tokens are what takes the answer
    call(reply.result if error is ErrorCode.NONE else reply.result.__class__(error=error))


class Shard:
    """The groups of one partition, with their timers and unwritten records.

    ``wants_writing`` is called when there is something to write and nobody is writing.
    """

    def __init__(
        self,
        partition: int,
        groups: Groups,
        *,
        clock: Clock,
        config: Callable[[], GroupConfig],
        max_batch_bytes: Callable[[], int],
        wants_writing: Callable[["Shard"], None],
        figures: GroupFigures | None = None,
    ) -> None:
        self.partition = partition
        self.figures = GroupFigures() if figures is None else figures
        self.groups = groups
        self.closed = False
        self._clock = clock
        self._config = config
        self._max_batch_bytes = max_batch_bytes
        self._wants_writing = wants_writing
        self._pending: deque[Batch] = deque()
        self._writing: Batch | None = None
        self._deadlines: Deadlines[TimerKey] = Deadlines()
        self._timer: Timer | None = None
        self._timer_ms = 0.0

    # -- decisions ------------------------------------------------------------------------------------------------

    def carry_out(self, decision: Decision) -> None:
        """Append, replay, set timers, and answer when all that was seen is committed.

        Raises ApiError MESSAGE_TOO_LARGE, with nothing done, when a record does not fit into a batch.
        """
        if decision.records:
            encoded = [encode(record) for record in decision.records]
            limit_bytes = self._max_batch_bytes()
            _check_sizes(encoded, limit_bytes)
            self.groups.apply(decision)
            for key_value in encoded:
                self._collect(key_value, limit_bytes)
        elif decision.volatile is not None:
            self.groups.apply(decision)
        self.figures.count(decision)
        for effect in decision.effects:
            match effect:
                case Reply():
                    self._reply(effect)
                case SetTimer():
                    self.set_timer(effect.key, effect.delay_ms)
                case CancelTimer():
                    self._deadlines.cancel(effect.key)
                case _:
                    assert_never(effect)

    def answer(self, token: Answer, result: Result) -> None:
        """Answer a question about the state once all that it shows is committed."""
        self._reply(Reply(token=token, result=result))

    def _reply(self, reply: Reply) -> None:
        batch = self._pending[-1] if self._pending else self._writing
        if batch is None:
            answer(reply)
        else:
            batch.replies.append(reply)

    def _collect(self, key_value: KeyValue, limit_bytes: int) -> None:
        size_bytes = _record_bytes(*key_value)
        if not self._pending or self._pending[-1].size_bytes + size_bytes > limit_bytes:
            self._pending.append(Batch())
            if self._writing is None and len(self._pending) == 1:
                self._wants_writing(self)
        batch = self._pending[-1]
        batch.records.append(key_value)
        batch.size_bytes += size_bytes

    # -- writing --------------------------------------------------------------------------------------------------

    def next_batch(self) -> Batch | None:
        """Take the next batch to write; the one before must be :meth:`written`."""
        assert self._writing is None
        self._writing = self._pending.popleft() if self._pending else None
        return self._writing

    def written(self) -> None:
        """The batch that was taken is committed: give the answers that waited for it."""
        batch, self._writing = self._writing, None
        assert batch is not None
        try:
            batch.settle()
        except Exception:
            if self._pending:
                self._wants_writing(self)
            raise

    def close(self, error: ErrorCode) -> None:
        """Be the coordinator no longer: every request under way is answered with ``error``; once is enough."""
        if self.closed:
            return
        self.closed = True
        self._deadlines.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batches = [batch for batch in (self._writing, *self._pending) if batch is not None]
        self._pending.clear()
        for batch in batches:
            batch.settle(error)
        for group in self.groups.by_id.values():
            for member in group.members.values():
                for token in (member.join, member.sync):
                    if token is not None:
                        _refuse_parked(token, is_join=token is member.join, error=error)

    # -- timers ---------------------------------------------------------------------------------------------------

    def set_timer(self, key: TimerKey, delay_ms: int) -> None:
        """Decide on ``key`` in ``delay_ms`` milliseconds."""
        now_ms = self._clock.monotonic_ms()
        deadline_ms = now_ms + delay_ms
        self._deadlines.set(key, deadline_ms)
        if self._timer is None or deadline_ms < self._timer_ms:
            self._arm(now_ms)

    def _arm(self, now_ms: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        next_ms = self._deadlines.next_ms()
        if next_ms is not None:
            self._timer_ms = next_ms
            self._timer = self._clock.call_later(max(next_ms - now_ms, 0), self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        for key in self._deadlines.due(self._clock.monotonic_ms()):
            decision = session.decide_timer(self.groups.by_id, key, now_ms=self._clock.now_ms(), config=self._config())
            try:
                self.carry_out(decision)
            except ApiError:
                # The topic's batches have become too small for this group: perhaps they grow again.
                self.set_timer(key, RETRY_MS)
        if not self.closed:
            self._arm(self._clock.monotonic_ms())


def _check_sizes(encoded: list[KeyValue], limit_bytes: int) -> None:
    for key, value in encoded:
        if BATCH_OVERHEAD_BYTES + _record_bytes(key, value) > limit_bytes:
            raise ApiError(ErrorCode.MESSAGE_TOO_LARGE)


def _record_bytes(key: bytes, value: bytes | None) -> int:
    return RECORD_OVERHEAD_BYTES + len(key) + (0 if value is None else len(value))


def _refuse_parked(token: object, *, is_join: bool, error: ErrorCode) -> None:
    result: Result = JoinResult(error=error) if is_join else SyncResult(error=error)
    answer(Reply(token=token, result=result))
