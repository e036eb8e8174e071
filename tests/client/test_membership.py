"""A member of a group against a coordinator that throws it out: what it owned is others' then (KIP-429)."""

import asyncio

import pytest
from tests.client.fake import Answer, FakeBroker, until
from tests.client.groups import Coordinator

from ottla.client import BrokerError, Client, ClientClosed, InvalidResponse, TopicPartition
from ottla.client.consumer import Consumer
from ottla.model.error_codes import ErrorCode
from ottla.protocol.api_table import ApiKey
from ottla.protocol.message import Message
from ottla.protocol.messages.find_coordinator import Coordinator as Found
from ottla.protocol.messages.find_coordinator import FindCoordinatorResponse

P0, P1 = TopicPartition("t", 0), TopicPartition("t", 1)
BRISK = {
    "heartbeat.interval.ms": "10",
    "retry.backoff.ms": "5",
    "retry.backoff.max.ms": "10",
    "partition.assignment.strategy": "cooperative-sticky",
}


class Heard:
    """What the listeners of a consumer were told, in order."""

    def __init__(self) -> None:
        self.log: list[tuple[str, list[int]]] = []

    def assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self.log.append(("assigned", sorted(part.partition for part in partitions)))

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self.log.append(("revoked", sorted(part.partition for part in partitions)))

    def lost(self, partitions: frozenset[TopicPartition]) -> None:
        self.log.append(("lost", sorted(part.partition for part in partitions)))


async def _read_some(consumer: Consumer, part: TopicPartition, position: int) -> None:
    async with asyncio.timeout(10):
        while consumer.position(part) != position:
            await consumer.poll(1, 100)


@pytest.mark.parametrize(
    ("api", "code"),
    [
        ("join", ErrorCode.UNKNOWN_MEMBER_ID),
        ("sync", ErrorCode.UNKNOWN_MEMBER_ID),
        ("sync", ErrorCode.ILLEGAL_GENERATION),
    ],
)
async def test_who_is_thrown_out_during_a_join_loses_what_it_owned(fake: FakeBroker, api: str, code: ErrorCode) -> None:
    """Kafka's AbstractCoordinator forgets the generation then, and onJoinPrepare calls onPartitionsLost."""
    fake.topics["t"] = 2
    group = Coordinator(fake, records=100)
    group.share = [P0]
    group.committed = {P0: 0}
    heard = Heard()
    async with (
        Client(fake.address, BRISK) as client,
        client.consumer(
            topics=["t"], group="g", on_assigned=heard.assigned, on_revoked=heard.revoked, on_lost=heard.lost
        ) as consumer,
    ):
        await _read_some(consumer, P0, 5)
        # Somebody else had the partition while we were out, and has committed.
        group.committed = {P0: 50}
        (group.join_codes if api == "join" else group.sync_codes).append(code)
        group.heartbeat_code = ErrorCode.REBALANCE_IN_PROGRESS
        joins = len(group.joins)
        async with asyncio.timeout(10):
            while len(group.joins) < joins + 2 or not consumer.assignment:
                await consumer.poll(1, 20)
        assert [part.owned for _, part in group.joins] == [[], [P0], []], "what is lost is not said to be owned"
        await _read_some(consumer, P0, 60)
        assert heard.log == [("assigned", [0]), ("lost", [0]), ("assigned", [0])]


async def test_who_hears_of_lost_partitions_as_revoked_ones_need_not_ask_for_more(fake: FakeBroker) -> None:
    """As Kafka's onPartitionsLost, which calls onPartitionsRevoked unless it is overridden."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0, P1]
    group.committed = {P0: 0, P1: 0}
    heard = Heard()
    async with (
        Client(fake.address, BRISK) as client,
        client.consumer(topics=["t"], group="g", on_assigned=heard.assigned, on_revoked=heard.revoked) as consumer,
    ):
        group.share = [P1]
        group.heartbeat_code = ErrorCode.UNKNOWN_MEMBER_ID
        async with asyncio.timeout(10):
            while consumer.assignment != {P1}:
                await consumer.poll(1, 20)
        assert heard.log == [("assigned", [0, 1]), ("revoked", [0, 1]), ("assigned", [1])]


async def test_a_rebalance_during_a_join_takes_nothing_away(fake: FakeBroker) -> None:
    fake.topics["t"] = 2
    group = Coordinator(fake, records=100)
    group.share = [P0]
    group.committed = {P0: 0}
    heard = Heard()
    async with (
        Client(fake.address, BRISK) as client,
        client.consumer(
            topics=["t"], group="g", on_assigned=heard.assigned, on_revoked=heard.revoked, on_lost=heard.lost
        ) as consumer,
    ):
        await _read_some(consumer, P0, 5)
        group.sync_codes = [ErrorCode.REBALANCE_IN_PROGRESS]
        group.heartbeat_code = ErrorCode.REBALANCE_IN_PROGRESS
        async with asyncio.timeout(10):
            while group.generation < 3:
                await consumer.poll(1, 20)
        assert [part.owned for _, part in group.joins] == [[], [P0], [P0]]
        assert (consumer.position(P0) or 0) >= 5
        assert ("lost", [0]) not in heard.log
        assert ("revoked", [0]) not in heard.log


async def test_a_commit_that_comes_too_late_for_a_join_takes_nothing_away(fake: FakeBroker) -> None:
    """The join is under way in the background when the caller commits; the group has gone on without that commit."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0]
    group.committed = {P0: 5}
    heard = Heard()
    async with (
        Client(fake.address, BRISK) as client,
        client.consumer(topics=["t"], group="g", on_assigned=heard.assigned, on_lost=heard.lost) as consumer,
    ):
        group.may_join.clear()
        group.heartbeat_code = ErrorCode.REBALANCE_IN_PROGRESS
        async with asyncio.timeout(10):
            while len(group.joins) < 2:
                await consumer.poll(1, 20)
        group.commit_code = ErrorCode.ILLEGAL_GENERATION
        with pytest.raises(BrokerError, match="ILLEGAL_GENERATION"):
            await consumer.commit({P0: 6})
        group.may_join.set()
        async with asyncio.timeout(10):
            while consumer.generation < 2:
                await consumer.poll(1, 20)
        await consumer.poll(1, 20)
        assert [part.owned for _, part in group.joins] == [[], [P0]]
        assert heard.log == [("assigned", [0]), ("assigned", [])]


async def test_a_static_member_that_is_not_read_keeps_its_place(fake: FakeBroker) -> None:
    """Kafka's maybeLeaveGroup lets only dynamic members leave: the others are waited for, the session long."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0]
    group.committed = {P0: 5}
    heard = Heard()
    async with (
        Client(fake.address, {**BRISK, "max.poll.interval.ms": "50"}) as client,
        client.consumer(
            topics=["t"], group="g", group_instance_id="one", on_assigned=heard.assigned, on_lost=heard.lost
        ) as consumer,
    ):
        await until(lambda: consumer.generation < 0)
        await consumer.poll(1, 20)
        assert heard.log == [("assigned", [0]), ("lost", [0]), ("assigned", [0])]
    assert not fake.of(ApiKey.LEAVE_GROUP)


async def test_a_poll_that_waits_is_a_sign_of_life(fake: FakeBroker) -> None:
    """As in Kafka's consumer: who waits longer than max.poll.interval.ms for a record that does not come is alive."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0]
    group.committed = {P0: 5}
    async with (
        Client(fake.address, {**BRISK, "max.poll.interval.ms": "1000"}) as client,
        client.consumer(topics=["t"], group="g") as consumer,
    ):
        await consumer.poll(1, 2000)
        assert consumer.generation == 1
        assert not fake.of(ApiKey.LEAVE_GROUP)


async def test_a_poll_that_waits_commits_what_was_read_before(fake: FakeBroker) -> None:
    fake.topics["t"] = 2
    group = Coordinator(fake, records=6)
    group.share = [P0]
    group.committed = {P0: 5}
    settings = {**BRISK, "enable.auto.commit": "true", "auto.commit.interval.ms": "50"}
    async with (
        Client(fake.address, settings) as client,
        client.consumer(topics=["t"], group="g") as consumer,
    ):
        await _read_some(consumer, P0, 6)
        polling = asyncio.create_task(consumer.poll(1, 60_000))
        await until(lambda: group.committed[P0] == 6)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)


async def test_a_coordinator_that_is_away_for_a_while_takes_nothing_away(fake: FakeBroker) -> None:
    """Nobody has thrown us out: the heartbeats go on when it is there again."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0]
    group.committed = {P0: 5}
    asked: list[int] = []

    def nowhere(request: Message, version: int) -> Answer:
        asked.append(version)
        if len(asked) == 3:
            del fake.handlers[ApiKey.FIND_COORDINATOR]
            group.heartbeat_code = 0
        found = Found(key="g", node_id=-1, error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
        return FindCoordinatorResponse(coordinators=[found])

    async with (
        Client(fake.address, BRISK) as client,
        client.consumer(topics=["t"], group="g") as consumer,
    ):
        fake.handlers[ApiKey.FIND_COORDINATOR] = nowhere
        group.heartbeat_code = ErrorCode.NOT_COORDINATOR
        async with asyncio.timeout(10):
            while len(asked) < 3:
                await consumer.poll(1, 20)
        beats = len(fake.of(ApiKey.HEARTBEAT))
        await until(lambda: len(fake.of(ApiKey.HEARTBEAT)) > beats + 1)
        await consumer.poll(1, 20)
        assert (consumer.generation, len(group.joins)) == (1, 1)


async def test_closing_ends_a_poll_that_waits_for_the_group(fake: FakeBroker) -> None:
    """With ClientClosed: the task that polls was not cancelled."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.may_join.clear()
    async with Client(fake.address, BRISK) as client:
        consumer = client.consumer(topics=["t"], group="g")
        polling = asyncio.create_task(consumer.poll(1, 60_000))
        await until(lambda: bool(group.joins))
        await consumer.close()
        async with asyncio.timeout(5):
            with pytest.raises(ClientClosed):
                await polling
        group.may_join.set()


async def test_closing_ends_a_poll_that_waits_for_records(fake: FakeBroker) -> None:
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0]
    group.committed = {P0: 5}
    async with Client(fake.address, BRISK) as client:
        consumer = client.consumer(topics=["t"], group="g")
        polling = asyncio.create_task(consumer.poll(1, 60_000))
        await until(lambda: bool(fake.of(ApiKey.FETCH)))
        await consumer.close()
        async with asyncio.timeout(5):
            with pytest.raises(ClientClosed):
                await polling


async def test_closing_while_positions_are_looked_for_leaves_nothing_behind(fake: FakeBroker) -> None:
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0]
    group.committed = {P0: 5}
    answered = asyncio.Event()
    usual = fake.handlers[ApiKey.OFFSET_FETCH]

    async def slow(request: Message, version: int) -> Answer:
        await answered.wait()
        answer = usual(request, version)
        assert isinstance(answer, Message)
        return answer

    fake.handlers[ApiKey.OFFSET_FETCH] = slow
    async with Client(fake.address, BRISK) as client:
        consumer = client.consumer(topics=["t"], group="g")
        polling = asyncio.create_task(consumer.poll(1, 60_000))
        await until(lambda: bool(fake.of(ApiKey.OFFSET_FETCH)))
        await consumer.close()
        answered.set()
        await asyncio.wait([polling], timeout=5)
        assert isinstance(polling.exception(), ClientClosed)
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "ottla consumer"]


async def test_an_assignment_that_cannot_be_read_is_no_membership(fake: FakeBroker) -> None:
    """It went on reading what it had had, without heartbeats."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0]
    group.committed = {P0: 5, P1: 5}
    async with (
        Client(fake.address, BRISK) as client,
        client.consumer(topics=["t"], group="g") as consumer,
    ):
        group.assignment = b"\0\1\xff"
        group.heartbeat_code = ErrorCode.REBALANCE_IN_PROGRESS
        async with asyncio.timeout(10):
            with pytest.raises(InvalidResponse, match="group g: the assignment cannot be read"):
                await _poll_for_ever(consumer)
        group.share = [P1]
        async with asyncio.timeout(10):
            while consumer.assignment != {P1}:
                await consumer.poll(1, 20)


async def _poll_for_ever(consumer: Consumer) -> None:
    while True:
        await consumer.poll(1, 20)


async def test_a_listener_that_fails_is_asked_again(fake: FakeBroker) -> None:
    """Its error comes out of poll; the partitions are neither read on nor forgotten."""
    fake.topics["t"] = 2
    group = Coordinator(fake)
    group.share = [P0, P1]
    group.committed = {P0: 5, P1: 5}
    heard = Heard()
    failures = [True, True]

    def assigned(partitions: frozenset[TopicPartition]) -> None:
        heard.assigned(partitions)
        if failures:
            failures.pop()
            raise OSError("assigned")

    def revoked(partitions: frozenset[TopicPartition]) -> None:
        heard.revoked(partitions)
        if failures:
            failures.pop()
            raise OSError("revoked")

    async with Client(fake.address, BRISK) as client:
        consumer = client.consumer(topics=["t"], group="g", on_assigned=assigned, on_revoked=revoked)
        with pytest.raises(OSError, match="assigned"):
            await consumer.poll(1, 5000)
        failures.pop()
        await consumer.poll(1, 20)
        assert heard.log == [("assigned", [0, 1]), ("assigned", [0, 1])]
        heard.log.clear()
        failures.append(True)
        group.share = [P1]
        group.heartbeat_code = ErrorCode.REBALANCE_IN_PROGRESS
        async with asyncio.timeout(10):
            with pytest.raises(OSError, match="revoked"):
                await _poll_for_ever(consumer)
        async with asyncio.timeout(10):
            while group.generation < 3:
                await consumer.poll(1, 20)
        await consumer.poll(1, 20)
        assert consumer.assignment == {P1}
        assert heard.log[:3] == [("revoked", [0]), ("revoked", [0]), ("assigned", [])]
        await consumer.close()
