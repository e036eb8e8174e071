"""A member of a classic group: joins, takes its share, says that it is alive, leaves.

:class:`Membership` speaks to the coordinator and knows nothing of what is read; the consumer asks it to :meth:`join`
whenever :attr:`must_join` says so, and applies what it gets. The state is one of:

- OUT: not a member, or thrown out: what was owned is lost, and the next join begins without a member id if the
  coordinator has forgotten it;
- JOINING: the coordinator waits for the others, or the leader is at work;
- STABLE: a task heartbeats; it may learn that the group rebalances, which makes ``must_join`` true.
"""

import asyncio
from collections.abc import Callable, Collection
from enum import Enum
from typing import Final, NamedTuple

from ottla.client.cluster import Cluster, coordinator_moved
from ottla.client.deadline import Deadline
from ottla.client.errors import BrokerError, ClientError, InvalidResponse, SettingsError, check
from ottla.client.protocols import (
    CONSUMER_PROTOCOL,
    Subscription,
    decode_assignment,
    decode_subscription,
    encode_assignment,
    encode_subscription,
)
from ottla.client.settings import ClientSettings
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import MalformedMessage
from ottla.model.ids import TopicPartition
from ottla.protocol.api_table import ApiKey
from ottla.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.protocol.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from ottla.protocol.messages.leave_group import LeaveGroupRequest, MemberIdentity
from ottla.protocol.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse

from .assignors import ASSIGNORS, COOPERATIVE, Member, strategies

NO_GENERATION: Final = -1
JOIN_EXTRA_S: Final = 5.0
"""What the answer to a join may take beyond the rebalance timeout."""

LEAVE_WITHIN_S: Final = 3.0

_THROWN_OUT: Final = frozenset({ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION})
_JOIN_AGAIN: Final = _THROWN_OUT | {ErrorCode.REBALANCE_IN_PROGRESS}


class State(Enum):
    """Where the member stands; see the head of the module."""

    OUT = "out"
    JOINING = "joining"
    STABLE = "stable"


class Joined(NamedTuple):
    """What a join brought: the share, and the topics' partitions as the leader saw them (empty for the others)."""

    partitions: frozenset[TopicPartition]
    counts: dict[str, int]


class Membership:
    """One member of one group; ``on_change`` is called when the consumer should look at :attr:`must_join` again."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ClientSettings,
        group_id: str,
        topics: Collection[str],
        *,
        on_change: Callable[[], None],
    ) -> None:
        self.group_id = group_id
        self.group_instance_id = settings.text("group.instance.id") or None
        self.member_id = ""
        self.generation = NO_GENERATION
        self.must_join = True
        self.lost = False
        """Whether the coordinator has forgotten us, so that others may have what we own."""
        self.error: ClientError | None = None
        try:
            self._strategies = strategies(settings.text("partition.assignment.strategy"))
        except ValueError as error:
            raise SettingsError(f"partition.assignment.strategy: {error}") from error
        self.cooperative = self._strategies == [COOPERATIVE]
        """Whether partitions are kept through a rebalance; all assignors of a member must agree on that (KIP-429)."""
        self._cluster = cluster
        self.lane = cluster.new_lane()
        """For what may wait for the other members; leaving must not wait behind it."""
        self._topics = sorted(topics)
        self._session_ms = settings.number("session.timeout.ms")
        self._heartbeat_s = settings.seconds("heartbeat.interval.ms")
        self._poll_interval_s = settings.seconds("max.poll.interval.ms")
        self._on_change = on_change
        self._state = State.OUT
        self._heartbeats: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._polled_at = self._loop.time()

    def polled(self) -> None:
        """Note that the reader is alive."""
        self._polled_at = self._loop.time()

    async def join(self, owned: Collection[TopicPartition]) -> Joined | None:
        """Join or join again, with what is still owned, until the group has a share for us.

        None says that we were thrown out and what was owned is lost (``onPartitionsLost`` of Kafka's consumer): the
        next join comes with nothing.
        Raises what is not to be mended by trying again: BrokerError (a group of another kind, a fenced instance id, no
        authorization), AuthenticationFailed ... and what did not pass within ``default.api.timeout.ms``.
        """
        await self._stop_heartbeats()
        self._state = State.JOINING
        self.must_join = False
        backoff = self._cluster.backoff()
        failing: Deadline | None = None
        while True:
            try:
                joined = await self._join_once(owned)
            except BrokerError as error:
                if coordinator_moved(error.code):
                    self._cluster.forget_coordinator(self.group_id)
                elif error.code in _THROWN_OUT:
                    self._forget(error.code)
                    if owned:
                        self._thrown_out()
                        return None
                if error.code == ErrorCode.MEMBER_ID_REQUIRED:
                    continue
                failed: ClientError = error
                passes = error.retriable or error.code in _JOIN_AGAIN
            except ClientError as error:
                failed = error
                passes = error.retriable
            except Exception:
                # A fault of ours: the next poll joins again, rather than read on without heartbeats.
                self._state, self.must_join = State.OUT, True
                raise
            else:
                break
            failing = failing or self._cluster.deadline(None)
            if not passes or failing.over:
                self._state = State.OUT
                self.must_join = True
                raise failed
            await asyncio.sleep(backoff.next_s())
        self._state = State.STABLE
        self.lost = False
        self._heartbeats = self._loop.create_task(self._keep_alive(), name=f"heartbeats of {self.group_id}")
        return joined

    async def _join_once(self, owned: Collection[TopicPartition]) -> Joined:
        subscription = encode_subscription(Subscription(self._topics, list(owned), self.generation))
        request = JoinGroupRequest(
            group_id=self.group_id,
            session_timeout_ms=self._session_ms,
            rebalance_timeout_ms=int(self._poll_interval_s * 1000),
            member_id=self.member_id,
            group_instance_id=self.group_instance_id,
            protocol_type=CONSUMER_PROTOCOL,
            protocols=[JoinGroupRequestProtocol(name=name, metadata=subscription) for name in self._strategies],
        )
        response = await self._cluster.ask_coordinator(
            self.group_id,
            ApiKey.JOIN_GROUP,
            request,
            JoinGroupResponse,
            lane=self.lane,
            timeout_s=self._poll_interval_s + JOIN_EXTRA_S,
        )
        if response.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            self.member_id = response.member_id
        check(response.error_code, subject=f"group {self.group_id}")
        self.member_id = response.member_id
        self.generation = response.generation_id
        shares: dict[str, list[TopicPartition]] = {}
        counts: dict[str, int] = {}
        if response.leader == response.member_id and not response.skip_assignment:
            shares, counts = await self._share_out(response)
        return Joined(await self._sync(response, shares), counts)

    async def _share_out(self, response: JoinGroupResponse) -> tuple[dict[str, list[TopicPartition]], dict[str, int]]:
        """Decide as the group's leader who gets what."""
        members = []
        for entry in response.members:
            try:
                subscription = decode_subscription(entry.metadata)
            except MalformedMessage:
                # A member whose wishes cannot be read gets nothing; the others can go on.
                subscription = Subscription([], [], NO_GENERATION)
            members.append(Member(entry.member_id, entry.group_instance_id, subscription))
        wanted = sorted({topic for member in members for topic in member.subscription.topics})
        topics = await self._cluster.refresh(wanted)
        # A topic that is not there yet has no partitions, and is looked for like a topic that may get more.
        counts = {name: 0 if topic.error_code else len(topic.partitions) for name, topic in topics.items()}
        assignor = ASSIGNORS[response.protocol_name or self._strategies[0]]
        return assignor(members, counts), counts

    async def _sync(
        self, response: JoinGroupResponse, shares: dict[str, list[TopicPartition]]
    ) -> frozenset[TopicPartition]:
        request = SyncGroupRequest(
            group_id=self.group_id,
            generation_id=self.generation,
            member_id=self.member_id,
            group_instance_id=self.group_instance_id,
            protocol_type=CONSUMER_PROTOCOL,
            protocol_name=response.protocol_name,
            assignments=[
                SyncGroupRequestAssignment(member_id=member_id, assignment=encode_assignment(share))
                for member_id, share in shares.items()
            ],
        )
        answer = await self._cluster.ask_coordinator(
            self.group_id,
            ApiKey.SYNC_GROUP,
            request,
            SyncGroupResponse,
            lane=self.lane,
            timeout_s=self._poll_interval_s + JOIN_EXTRA_S,
        )
        check(answer.error_code, subject=f"group {self.group_id}")
        try:
            return frozenset(decode_assignment(answer.assignment)) if answer.assignment else frozenset()
        except MalformedMessage as error:
            raise InvalidResponse(f"group {self.group_id}: the assignment cannot be read: {error}") from error

    async def _keep_alive(self) -> None:
        """Heartbeat, also while the reader has still to join again, unless it seems dead (``max.poll.interval.ms``)."""
        while self._state is State.STABLE:
            await asyncio.sleep(self._heartbeat_s)
            if self._loop.time() - self._polled_at > self._poll_interval_s:
                await self._say_goodbye("the consumer has not polled for max.poll.interval.ms")
                self._thrown_out()
                return
            request = HeartbeatRequest(
                group_id=self.group_id,
                generation_id=self.generation,
                member_id=self.member_id,
                group_instance_id=self.group_instance_id,
            )
            try:
                response = await self._cluster.ask_coordinator(
                    self.group_id,
                    ApiKey.HEARTBEAT,
                    request,
                    HeartbeatResponse,
                    lane=self.lane,
                    timeout_s=self._session_ms / 1000,
                )
            except ClientError as error:
                if error.retriable:
                    continue
                self._failed(error)
                return
            self.answered(response.error_code, request.generation_id)

    def answered(self, code: int, generation: int) -> None:
        """Take the code of a heartbeat's or a commit's answer, and of which generation it was sent.

        During a join, and after it, an answer of before has nothing to say: what became of us the join finds out.
        """
        if code == ErrorCode.NONE:
            return
        if coordinator_moved(code):
            self._cluster.forget_coordinator(self.group_id)
        elif self._state is not State.STABLE or generation != self.generation:
            return
        elif code == ErrorCode.REBALANCE_IN_PROGRESS:
            if not self.must_join:
                self.must_join = True
                self._on_change()
        elif code in _THROWN_OUT:
            self._forget(code)
            self._thrown_out()
        elif not (error := BrokerError(code, subject=f"group {self.group_id}")).retriable:
            self._failed(error)

    def _thrown_out(self) -> None:
        """We are no member any more: what we owned is others' now."""
        self._state = State.OUT
        self.generation = NO_GENERATION
        self.must_join = True
        self.lost = True
        self._on_change()

    def _failed(self, error: ClientError) -> None:
        self.error = error
        self._thrown_out()

    def _forget(self, code: int) -> None:
        """Forget what the coordinator does: our id too, or only that we belong to this generation."""
        if code == ErrorCode.UNKNOWN_MEMBER_ID:
            self.member_id = ""
        self.generation = NO_GENERATION

    async def close(self) -> None:
        """Leave the group, unless we are a static member, whose place is kept; within a few seconds."""
        await self._stop_heartbeats()
        await self._say_goodbye("the consumer is being closed")
        self._state = State.OUT
        await self._cluster.close_lane(self.lane)

    async def _say_goodbye(self, reason: str) -> None:
        member_id, self.member_id = self.member_id, ""
        if not member_id or self.group_instance_id is not None:
            return  # a static member's place is kept for it, the session long
        try:
            connection = await self._cluster.coordinator_node(self.group_id)
            version = connection.version(ApiKey.LEAVE_GROUP)
            if version >= 3:
                identity = MemberIdentity(member_id=member_id, reason=reason if version >= 5 else None)
                request = LeaveGroupRequest(group_id=self.group_id, members=[identity])
            else:
                request = LeaveGroupRequest(group_id=self.group_id, member_id=member_id)
            await connection.request(ApiKey.LEAVE_GROUP, request, timeout_s=LEAVE_WITHIN_S)
        except ClientError:
            # The session will run out.
            return

    async def _stop_heartbeats(self) -> None:
        task, self._heartbeats = self._heartbeats, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
