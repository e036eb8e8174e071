"""Incremental fetch sessions (KIP-227): what a consumer fetches is remembered, so that it only names changes.

A session belongs to the client that knows its id; its epoch counts its requests. A full fetch (epoch 0) makes one when
there is room: a cache of ``max.incremental.fetch.session.cache.slots``, in which a new session may take the place of
one that was not used for two minutes, or of a smaller one that is older than that (``FetchSession.scala``). A request
of epoch -1 wants none. Topics are named throughout (Fetch 12 and below) or identified (13 and above); a session
never changes from one to the other (reference section 5.2).
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError

if TYPE_CHECKING:
    from ottla.protocol.messages.fetch import FetchRequest

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
MAX_EPOCH = 2**31 - 1
EVICTION_MS = 120_000
TOPIC_IDS_FROM_VERSION = 13

TopicKey = str | bytes
PartitionKey = tuple[TopicKey, int]


class FetchedPartition:
    """One partition that a client fetches, and what it was told of it last."""

    __slots__ = (
        "current_leader_epoch",
        "fetch_offset",
        "high_watermark",
        "last_fetched_epoch",
        "log_start_offset",
        "max_bytes",
        "partition",
        "topic",
    )

    def __init__(self, topic: TopicKey, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.fetch_offset = 0
        self.max_bytes = 0
        self.current_leader_epoch = -1
        self.last_fetched_epoch = -1
        self.high_watermark = -1
        self.log_start_offset = -1


class Session:
    """What one client fetches, in the order in which it is served."""

    __slots__ = ("created_ms", "epoch", "id", "last_used_ms", "partitions", "uses_topic_ids")

    def __init__(self, session_id: int, *, uses_topic_ids: bool, now_ms: float) -> None:
        self.id = session_id
        self.epoch = 1
        self.uses_topic_ids = uses_topic_ids
        self.partitions: dict[PartitionKey, FetchedPartition] = {}
        self.created_ms = now_ms
        self.last_used_ms = now_ms


class FetchPlan:
    """What one request fetches: ``partitions``, whether the answer may leave out what has not changed
    (``incremental``), and the session id to answer with.
    """

    __slots__ = ("incremental", "partitions", "session")

    def __init__(self, partitions: list[FetchedPartition], session: Session | None, *, incremental: bool) -> None:
        self.partitions = partitions
        self.session = session
        self.incremental = incremental

    @property
    def session_id(self) -> int:
        """Id of the session, 0 for none."""
        return NO_SESSION if self.session is None else self.session.id

    def served(self, partition: FetchedPartition) -> None:
        """Put a partition that was given records behind the others, so that each has its turn."""
        if self.session is not None:
            partitions = self.session.partitions
            key = (partition.topic, partition.partition)
            if key in partitions:
                partitions[key] = partitions.pop(key)


class FetchSessions:
    """The sessions of one node."""

    def __init__(self, *, slots: int, random_below: Callable[[int], int]) -> None:
        self.slots = slots
        self.evictions = 0
        self._random_below = random_below
        self._sessions: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def plan(self, request: "FetchRequest", version: int, *, now_ms: float) -> FetchPlan:
        """Say what ``request`` fetches, and keep its session.

        Raises ApiError FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or FETCH_SESSION_TOPIC_ID_ERROR,
        which answer the whole request.
        """
        epoch = request.session_epoch
        uses_topic_ids = version >= TOPIC_IDS_FROM_VERSION
        if epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            self._sessions.pop(request.session_id, None)
            fetched = _fetched_partitions(request, uses_topic_ids=uses_topic_ids)
            if epoch == FINAL_EPOCH:
                return FetchPlan(list(fetched.values()), None, incremental=False)
            session = self._open(fetched, uses_topic_ids=uses_topic_ids, now_ms=now_ms)
            return FetchPlan(list(fetched.values()), session, incremental=False)
        return self._continue(request, uses_topic_ids=uses_topic_ids, now_ms=now_ms)

    def _continue(self, request: "FetchRequest", *, uses_topic_ids: bool, now_ms: float) -> FetchPlan:
        session = self._sessions.get(request.session_id)
        if session is None:
            raise ApiError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != request.session_epoch:
            raise ApiError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.uses_topic_ids != uses_topic_ids:
            raise ApiError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        partitions = session.partitions
        for topic in request.topics:
            key_of_topic: TopicKey = topic.topic_id if uses_topic_ids else topic.topic
            for asked in topic.partitions:
                key = (key_of_topic, asked.partition)
                known = partitions.get(key)
                if known is None:
                    known = partitions[key] = FetchedPartition(key_of_topic, asked.partition)
                known.fetch_offset = asked.fetch_offset
                known.max_bytes = asked.partition_max_bytes
                known.current_leader_epoch = asked.current_leader_epoch
                known.last_fetched_epoch = asked.last_fetched_epoch
        for forgotten in request.forgotten_topics_data:
            key_of_topic = forgotten.topic_id if uses_topic_ids else forgotten.topic
            for index in forgotten.partitions:
                partitions.pop((key_of_topic, index), None)
        if not partitions:
            # Nothing left to fetch: Kafka drops the session and answers as if there had been none.
            del self._sessions[session.id]
            return FetchPlan([], None, incremental=False)
        session.epoch = 1 if session.epoch == MAX_EPOCH else session.epoch + 1
        session.last_used_ms = now_ms
        return FetchPlan(list(partitions.values()), session, incremental=True)

    def _open(
        self, partitions: dict[PartitionKey, FetchedPartition], *, uses_topic_ids: bool, now_ms: float
    ) -> Session | None:
        if len(self._sessions) >= self.slots and not self._evict(len(partitions), now_ms=now_ms):
            return None
        session = Session(self._take_id(), uses_topic_ids=uses_topic_ids, now_ms=now_ms)
        session.partitions = partitions
        self._sessions[session.id] = session
        return session

    def _evict(self, size: int, *, now_ms: float) -> bool:
        """Make room for a session of ``size`` partitions, if one may go."""
        if not self._sessions:
            return False
        oldest = min(self._sessions.values(), key=lambda session: session.last_used_ms)
        smallest = min(self._sessions.values(), key=lambda session: (len(session.partitions), session.last_used_ms))
        if now_ms - oldest.last_used_ms > EVICTION_MS:
            gone = oldest
        elif len(smallest.partitions) < size and now_ms - smallest.created_ms > EVICTION_MS:
            gone = smallest
        else:
            return False
        del self._sessions[gone.id]
        self.evictions += 1
        return True

    def _take_id(self) -> int:
        # Drawn at random, so that a client that remembers a session of before a restart does not meet another's.
        while True:
            session_id = 1 + self._random_below(MAX_EPOCH)
            if session_id not in self._sessions:
                return session_id

    @property
    def partition_count(self) -> int:
        """How many partitions all sessions hold together."""
        return sum(len(session.partitions) for session in self._sessions.values())


def _fetched_partitions(request: "FetchRequest", *, uses_topic_ids: bool) -> dict[PartitionKey, FetchedPartition]:
    fetched: dict[PartitionKey, FetchedPartition] = {}
    for topic in request.topics:
        key_of_topic: TopicKey = topic.topic_id if uses_topic_ids else topic.topic
        for asked in topic.partitions:
            partition = fetched[key_of_topic, asked.partition] = FetchedPartition(key_of_topic, asked.partition)
            partition.fetch_offset = asked.fetch_offset
            partition.max_bytes = asked.partition_max_bytes
            partition.current_leader_epoch = asked.current_leader_epoch
            partition.last_fetched_epoch = asked.last_fetched_epoch
    return fetched


def group_by_topic(partitions: Iterable[FetchedPartition]) -> dict[TopicKey, list[FetchedPartition]]:
    """Gather partitions under their topics, both in the order given."""
    topics: dict[TopicKey, list[FetchedPartition]] = {}
    for partition in partitions:
        topics.setdefault(partition.topic, []).append(partition)
    return topics
