"""Consumers against a whole node: where they begin, what they read, and how groups share."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.client.fake import until
from tests.harness.calls import unique
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node

from ottla.client import BrokerError, Client, ClientError, NewTopic, TopicPartition
from ottla.client.consumer import ConsumedRecord, Consumer
from ottla.client.results import raise_errors
from ottla.model.error_codes import ErrorCode

START_MS = 1_700_000_000_000
BRISK = {"heartbeat.interval.ms": "50", "fetch.max.wait.ms": "100", "retry.backoff.ms": "10"}


async def _fill(client: Client, partitions: int, records: int, *, each: int = 1) -> str:
    """A topic with numbered records, a second apart and spread over its partitions in turn; they are old, and stay."""
    name = unique("topic")
    created = await client.admin.create_topics([NewTopic(name, partitions, configs={"retention.ms": "-1"})])
    raise_errors(topic.error for topic in created.values())
    async with client.producer() as producer:
        for number in range(records):
            await producer.queue(
                name, b"%d" % number, partition=number % partitions, timestamp_ms=START_MS + number * 1000
            )
            if number % each == each - 1:
                await producer.flush()
    return name


def _numbers(records: list[ConsumedRecord]) -> list[int]:
    return [int(record.value or b"") for record in records]


async def _read(consumer: Consumer, count: int) -> list[ConsumedRecord]:
    records: list[ConsumedRecord] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            records += await consumer.poll(count - len(records), 500)
    return records


async def test_a_whole_topic_until_its_end(node: Node) -> None:
    async with Client(node.bootstrap) as client:
        topic = await _fill(client, 3, 50, each=7)
        async with client.consumer(topics=[topic], from_="beginning") as consumer:
            assert consumer.assignment == {TopicPartition(topic, number) for number in range(3)}
            records = [record async for record in consumer.records(until_end=True)]
            assert sorted(_numbers(records)) == list(range(50))
            for number in range(3):
                mine = [record.offset for record in records if record.partition == number]
                assert mine == list(range(len(mine)))
                assert consumer.position(TopicPartition(topic, number)) == len(mine)
                assert consumer.high_watermark(TopicPartition(topic, number)) == len(mine)
            assert await consumer.poll(timeout_ms=50) == []
            assert [record async for record in consumer.records(until_end=True)] == []


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("beginning", 0),
        (7, 7),
        (datetime.fromtimestamp(START_MS / 1000 + 4.5, UTC), 5),
        ("end", 10),
        (datetime.fromtimestamp(START_MS / 1000 + 3600, UTC), 10),
        (99, 10),
    ],
)
async def test_where_a_consumer_begins(node: Node, start: object, first: int) -> None:
    async with Client(node.bootstrap, BRISK) as client:
        topic = await _fill(client, 1, 10)
        part = TopicPartition(topic, 0)
        async with client.consumer(partitions=[part], from_=start) as consumer:  # type: ignore[arg-type]  # any of Start
            reading = asyncio.create_task(_read(consumer, 1))
            await until(lambda: consumer.high_watermark(part) is not None)
            async with client.producer() as producer:
                await producer.send(topic, b"10")
            assert _numbers(await reading) == [first]


async def test_an_offset_that_was_deleted(node: Node) -> None:
    async with Client(node.bootstrap, BRISK) as client:
        topic = await _fill(client, 1, 10)
        part = TopicPartition(topic, 0)
        await client.admin.delete_records({part: 6})
        async with client.consumer(partitions=[part], from_=2) as consumer:
            assert _numbers(await _read(consumer, 1)) == [6], "the nearest that there is"
        async with client.consumer(partitions=[part], from_="end", auto_offset_reset="earliest") as consumer:
            await consumer.seek(part, 99)
            assert _numbers(await _read(consumer, 1)) == [6]
        async with client.consumer(partitions=[part], from_=2, auto_offset_reset="none") as consumer:
            with pytest.raises(BrokerError, match=r"OFFSET_OUT_OF_RANGE.*there is no offset 2"):
                await _read(consumer, 1)


async def test_seeking_goes_anywhere_at_any_time(node: Node) -> None:
    async with Client(node.bootstrap, BRISK) as client:
        topic = await _fill(client, 1, 100)
        part = TopicPartition(topic, 0)
        async with client.consumer(partitions=[part], from_="beginning") as consumer:
            seen = []
            async for record in consumer:
                seen.append(record.offset)
                if seen == [0, 1, 2]:
                    await consumer.seek(part, 90)
                if len(seen) == 5:
                    break
            assert seen == [0, 1, 2, 90, 91]
            assert consumer.position(part) == 92
            assert _numbers(await _read(consumer, 2)) == [92, 93], "what the loop left is not lost"
            await consumer.seek(part, "beginning")
            assert _numbers(await _read(consumer, 1)) == [0]
            await consumer.seek(part, datetime.fromtimestamp(START_MS / 1000 + 50, UTC))
            assert _numbers(await _read(consumer, 1)) == [50]
            with pytest.raises(ClientError, match="is not assigned"):
                await consumer.seek(TopicPartition(topic, 1), 0)


async def test_a_paused_partition_is_silent_until_it_is_resumed(node: Node) -> None:
    async with Client(node.bootstrap, BRISK) as client:
        topic = await _fill(client, 2, 20)
        quiet = TopicPartition(topic, 0)
        async with client.consumer(topics=[topic], from_="beginning") as consumer:
            consumer.pause([quiet])
            assert {record.partition for record in await _read(consumer, 10)} == {1}
            assert await consumer.poll(timeout_ms=100) == []
            consumer.resume([quiet])
            assert {record.partition for record in await _read(consumer, 10)} == {0}
        async with client.consumer(partitions=[quiet], from_="beginning") as consumer:
            async for record in consumer:
                if record.offset == 3:
                    break
            consumer.pause([quiet])
            assert await consumer.poll(timeout_ms=100) == [], "nor what was ready before"
            consumer.resume([quiet])
            assert [record.offset for record in await _read(consumer, 6)] == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_what_is_compressed_is_read(node: Node, compression: str) -> None:
    async with Client(node.bootstrap) as client:
        topic = await _fill(client, 1, 0)
        async with client.producer(compression_type=compression, linger_ms=50) as producer:
            for number in range(1000):
                await producer.queue(topic, b"%d" % number, headers=[("n", b"%d" % number)])
        async with client.consumer(topics=[topic], from_="beginning", max_poll_records=7) as consumer:
            records = [record async for record in consumer.records(until_end=True)]
        assert _numbers(records) == list(range(1000))
        assert records[17].headers == [("n", b"17")]


async def test_a_batch_larger_than_a_fetch_is_read(node: Node) -> None:
    async with Client(node.bootstrap) as client:
        topic = await _fill(client, 1, 0)
        async with client.producer() as producer:
            for number in range(5):
                await producer.send(topic, b"%d" % number + bytes(200_000))
        async with client.consumer(
            topics=[topic], from_="beginning", max_partition_fetch_bytes=1000, fetch_max_bytes=1000
        ) as consumer:
            records = [record async for record in consumer.records(until_end=True)]
        assert [(record.value or b"")[:1] for record in records] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_topic_or_partition_that_is_not_there(node: Node, topic: str) -> None:
    async with Client(node.bootstrap) as client:
        with pytest.raises(BrokerError, match="topic nowhere: UNKNOWN_TOPIC_OR_PARTITION"):
            async with client.consumer(topics=["nowhere"]):
                pass
        with pytest.raises(BrokerError, match="it has 1 partitions, no 4"):
            async with client.consumer(partitions=[TopicPartition(topic, 4)]):
                pass
        consumer = client.consumer(topics=[topic])
        with pytest.raises(ClientError, match="no group"):
            await consumer.commit({TopicPartition(topic, 0): 1})


@pytest.mark.parametrize("in_group", [False, True])
async def test_a_topic_that_is_deleted_while_it_is_read(node: Node, in_group: bool) -> None:
    """It was said after default.api.timeout.ms only, a minute of silence."""
    async with Client(node.bootstrap, {**BRISK, "retry.backoff.max.ms": "100"}) as client:
        topic = await _fill(client, 1, 1)
        group = unique("group") if in_group else None
        async with client.consumer(topics=[topic], group=group, from_="beginning") as consumer:
            await _read(consumer, 1)
            await client.admin.delete_topics([topic])
            async with asyncio.timeout(30):
                with pytest.raises(BrokerError, match=f"topic {topic}: .*the topic is gone: it was deleted") as raised:
                    await _read(consumer, 1)
            assert raised.value.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            created = await client.admin.create_topics([NewTopic(topic, 1)])
            raise_errors(one.error for one in created.values())
            async with client.producer() as producer:
                for value in (b"1", b"2"):
                    await producer.send(topic, value)
            assert _numbers(await _read(consumer, 1)) == [2], "a caller who goes on may find another of its name"


async def test_offsets_are_kept_for_a_group_without_members(node: Node) -> None:
    group = unique("group")
    async with Client(node.bootstrap) as client:
        topic = await _fill(client, 1, 10)
        part = TopicPartition(topic, 0)
        async with client.consumer(partitions=[part], group=group, from_="beginning") as consumer:
            assert await consumer.committed([part]) == {part: None}
            assert _numbers(await _read(consumer, 4)) == [0, 1, 2, 3]
            await consumer.commit()
            assert await consumer.committed([part]) == {part: 4}
        async with client.consumer(partitions=[part], group=group, from_="beginning") as consumer:
            assert _numbers(await _read(consumer, 1)) == [4]
            await consumer.commit({part: 8})
        async with client.consumer(partitions=[part], group=group) as consumer:
            assert _numbers(await _read(consumer, 1)) == [8]


class Reader:
    """A member of a group that reads in a task of its own and commits what it has read."""

    def __init__(self, client: Client, topic: str, group: str) -> None:
        self.consumer = client.consumer(
            topics=[topic],
            group=group,
            from_="beginning",
            on_assigned=lambda parts: self.log.append(("+", sorted(part.partition for part in parts))),
            on_revoked=lambda parts: self.log.append(("-", sorted(part.partition for part in parts))),
        )
        self.log: list[tuple[str, list[int]]] = []
        self.seen: list[int] = []
        self._stopping = False
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.consumer as consumer:
            while not self._stopping:
                records = await consumer.poll(timeout_ms=50)
                self.seen += _numbers(records)
                if records:
                    try:
                        await consumer.commit()
                    except BrokerError:
                        continue

    @property
    def share(self) -> list[int]:
        return sorted(part.partition for part in self.consumer.assignment)

    def __repr__(self) -> str:
        return f"Reader(share={self.share}, seen={len(self.seen)}, log={self.log}, task={self.task})"

    async def stop(self) -> None:
        self._stopping = True
        async with asyncio.timeout(20):
            await self.task


async def _shared(readers: list[Reader], sizes: list[int], *, partitions: int = 4) -> None:
    """Wait until the readers have shares of these sizes, all partitions together."""

    def settled() -> bool:
        for reader in readers:
            if reader.task.done():
                reader.task.result()
        shares = [reader.share for reader in readers]
        everything = sorted(number for share in shares for number in share)
        return everything == list(range(partitions)) and sorted(map(len, shares)) == sorted(sizes)

    await until(settled, shown=lambda: readers)


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
async def test_members_share_the_partitions_as_they_come_and_go(node: Node, strategy: str) -> None:
    group = unique("group")
    async with Client(node.bootstrap, {**BRISK, "partition.assignment.strategy": strategy}) as client:
        topic = await _fill(client, 4, 100)
        first = Reader(client, topic, group)
        await _shared([first], [4])
        await until(lambda: len(first.seen) >= 100, shown=lambda: first)
        second = Reader(client, topic, group)
        await _shared([first, second], [2, 2])
        third = Reader(client, topic, group)
        await _shared([first, second, third], [1, 1, 2])
        described = (await client.admin.describe_groups([group]))[group]
        assert (described.state, described.assignor, len(described.members)) == ("Stable", strategy, 3)
        assert {member.member_id for member in described.members} == {
            reader.consumer.member_id for reader in (first, second, third)
        }
        for member in described.members:
            assert member.subscription == [topic]
        assert sorted(part.partition for member in described.members for part in member.assignment or []) == [
            0,
            1,
            2,
            3,
        ]
        await first.stop()
        await _shared([second, third], [2, 2])
        await second.stop()
        await _shared([third], [4])
        await third.stop()
        assert sorted(first.seen + second.seen + third.seen) == list(range(100)), "every record once"
        if strategy == "cooperative-sticky":
            assert all(len(parts) < 4 for sign, parts in first.log[1:] if sign == "-"), "not all was let go of"
        described = (await client.admin.describe_groups([group]))[group]
        assert described.state == "Empty"


async def test_a_poll_that_is_given_up_loses_no_share(node: Node, topic: str) -> None:
    """Cancelled while the new share is being taken over, in the callback for one: the next poll takes it over."""
    is_there = asyncio.Event()
    seen: list[int] = []

    async def slow_the_first_time(partitions: object) -> None:
        seen.append(1)
        if len(seen) == 1:
            is_there.set()
            await asyncio.sleep(3600)

    async with Client(node.bootstrap, BRISK) as client:
        consumer = client.consumer(topics=[topic], group=unique("g"), on_assigned=slow_the_first_time)
        polling = asyncio.create_task(consumer.poll(timeout_ms=20_000))
        await asyncio.wait_for(is_there.wait(), 20)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await consumer.poll(timeout_ms=100)
        assert len(seen) == 2
        assert consumer.assignment == {TopicPartition(topic, 0)}
        await consumer.close()


async def test_a_member_that_is_silent_is_thrown_out_and_comes_back(node: Node) -> None:
    group = unique("group")
    async with Client(node.bootstrap, BRISK) as client:
        topic = await _fill(client, 2, 10)
        silent = client.consumer(topics=[topic], group=group, from_="beginning", max_poll_interval_ms=300)
        async with silent:
            assert len(await _read(silent, 10)) == 10
            other = Reader(client, topic, group)
            await _shared([other], [2], partitions=2)
            with pytest.raises(BrokerError, match="UNKNOWN_MEMBER_ID"):
                await silent.commit()
            async with asyncio.timeout(20):
                while len(silent.assignment) != 1 or len(other.share) != 1:
                    await silent.poll(timeout_ms=50)
            await other.stop()


async def test_a_static_member_keeps_its_place(node: Node) -> None:
    group = unique("group")
    async with Client(node.bootstrap, BRISK) as client:
        topic = await _fill(client, 2, 10)
        async with client.consumer(topics=[topic], group=group, from_="beginning", group_instance_id="one") as consumer:
            generation = consumer.generation
            await _read(consumer, 10)
            await consumer.commit()
        async with client.consumer(topics=[topic], group=group, group_instance_id="one") as consumer:
            assert consumer.generation == generation
            assert len(consumer.assignment) == 2
        with pytest.raises(BrokerError, match=r"NON_EMPTY_GROUP"):
            raise_errors((await client.admin.delete_groups([group])).values())


async def test_auto_commit_commits_what_was_read_before(node: Node) -> None:
    group = unique("group")
    async with Client(node.bootstrap, {**BRISK, "enable.auto.commit": "true"}) as client:
        topic = await _fill(client, 1, 10)
        part = TopicPartition(topic, 0)
        async with client.consumer(topics=[topic], group=group, from_="beginning") as consumer:
            await _read(consumer, 3)
        assert (await client.admin.group_offsets(group))[part].offset == 3
        async with client.consumer(topics=[topic], group=group, auto_commit_interval_ms=0) as consumer:
            await _read(consumer, 4)
            await consumer.poll(1)
            assert (await client.admin.group_offsets(group))[part].offset == 7


async def test_a_group_of_another_kind_is_an_error(node: Node, topic: str) -> None:
    group = unique("group")
    async with (
        Client(node.bootstrap, BRISK) as client,
        client.consumer(topics=[topic], group=group, partition_assignment_strategy="range"),
    ):
        with pytest.raises(BrokerError, match="INCONSISTENT_GROUP_PROTOCOL"):
            async with client.consumer(topics=[topic], group=group, partition_assignment_strategy="roundrobin"):
                pass


async def test_a_topic_that_grows_is_read_whole(node: Node) -> None:
    async with Client(node.bootstrap, {**BRISK, "metadata.max.age.ms": "50"}) as client:
        topic = await _fill(client, 1, 1)
        member = Reader(client, topic, unique("group"))
        await _shared([member], [1], partitions=1)
        async with client.consumer(topics=[topic], from_="beginning") as alone:
            await client.admin.create_partitions({topic: 3})
            async with client.producer() as producer:
                await producer.send(topic, b"1", partition=2)
            assert sorted(_numbers(await _read(alone, 2))) == [0, 1]
            assert len(alone.assignment) == 3
        await _shared([member], [3], partitions=3)
        await member.stop()


async def test_a_topic_that_only_another_member_reads_may_grow(node: Node) -> None:
    """It is the group's leader that finds the new partitions, and shares them out."""
    settings = {**BRISK, "metadata.max.age.ms": "50"}
    group = unique("group")
    async with Client(node.bootstrap, settings) as client:
        topic, other = await _fill(client, 1, 0), await _fill(client, 1, 0)
        async with client.consumer(topics=[topic], group=group, from_="beginning") as leader:
            reading = asyncio.ensure_future(_read(leader, 1))
            async with client.consumer(topics=[other], group=group, from_="beginning") as member:
                await client.admin.create_partitions({other: 2})
                async with client.producer() as producer:
                    await producer.send(other, b"1", partition=1)
                    assert _numbers(await _read(member, 1)) == [1]
                    await producer.send(topic, b"2")
                assert _numbers(await reading) == [2]


async def test_a_topic_that_comes_after_its_reader_is_found(node: Node) -> None:
    """Also one that only another member of the group wants: it is the leader that shares it out."""
    settings = {**BRISK, "metadata.max.age.ms": "50"}
    topic, late = unique("topic"), unique("topic")
    group = unique("group")
    async with Client(node.bootstrap, settings) as client:
        raise_errors(one.error for one in (await client.admin.create_topics([NewTopic(topic, 1)])).values())
        async with client.consumer(topics=[topic], group=group, from_="beginning") as leader:
            reading = asyncio.ensure_future(_read(leader, 1))
            async with client.consumer(topics=[late], group=group, from_="beginning") as member:
                assert member.assignment == frozenset()
                raise_errors(one.error for one in (await client.admin.create_topics([NewTopic(late, 1)])).values())
                async with client.producer() as producer:
                    await producer.send(late, b"1")
                    assert _numbers(await _read(member, 1)) == [1]
                    await producer.send(topic, b"2")
                assert _numbers(await reading) == [2]


async def test_a_restart_of_the_broker_is_lived_through(make_node: MakeNode) -> None:
    node = make_node().start()
    group = unique("group")
    async with Client(node.bootstrap, BRISK) as client:
        topic = await _fill(client, 2, 10)
        reader = Reader(client, topic, group)
        await until(lambda: len(reader.seen) == 10, shown=lambda: reader)
        async with client.producer(linger_ms=0) as producer:
            await asyncio.to_thread(node.restart, kill=True)
            for number in range(10, 20):
                await producer.send(topic, b"%d" % number)
        await until(lambda: len(set(reader.seen)) == 20, shown=lambda: reader)
        await reader.stop()
        assert sorted(reader.seen) == list(range(20))
