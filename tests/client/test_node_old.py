"""A whole node that offers what Kafka 2.1 offered: the oldest that the client is for."""

from collections.abc import Iterator

import pytest
from tests.harness.calls import unique
from tests.harness.node import Node

from ottla.client import Client, NewTopic, TopicPartition, UnsupportedByBroker
from ottla.client import handshake as handshake_module
from ottla.client.connection import Connection
from ottla.client.results import ConfigChange, ConfigOperation, ConfigResource, ResourceType, raise_errors
from ottla.protocol.api_table import ApiKey

KAFKA_2_1 = {
    ApiKey.PRODUCE: 7,
    ApiKey.FETCH: 10,
    ApiKey.LIST_OFFSETS: 4,
    ApiKey.METADATA: 7,
    ApiKey.OFFSET_COMMIT: 6,
    ApiKey.OFFSET_FETCH: 5,
    ApiKey.FIND_COORDINATOR: 2,
    ApiKey.JOIN_GROUP: 3,
    ApiKey.HEARTBEAT: 2,
    ApiKey.LEAVE_GROUP: 2,
    ApiKey.SYNC_GROUP: 2,
    ApiKey.DESCRIBE_GROUPS: 2,
    ApiKey.LIST_GROUPS: 2,
    ApiKey.API_VERSIONS: 2,
    ApiKey.CREATE_TOPICS: 3,
    ApiKey.DELETE_TOPICS: 3,
    ApiKey.DELETE_RECORDS: 1,
    ApiKey.INIT_PRODUCER_ID: 1,
    ApiKey.DESCRIBE_CONFIGS: 2,
    ApiKey.ALTER_CONFIGS: 1,
    ApiKey.DESCRIBE_LOG_DIRS: 1,
    ApiKey.CREATE_PARTITIONS: 1,
    ApiKey.DELETE_GROUPS: 1,
}
"""The newest version of each request in Kafka 2.1 (``org.apache.kafka.common.protocol.ApiKeys`` of 2.1)."""


@pytest.fixture(autouse=True)
def old(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take from every connection what came after 2.1."""
    connect = handshake_module._agree_on_versions

    async def agree(connection: Connection, tls: object) -> None:
        await connect(connection, None)
        connection.versions = {
            key: (first, min(last, KAFKA_2_1[ApiKey(key)]))
            for key, (first, last) in connection.versions.items()
            if key in KAFKA_2_1
        }

    monkeypatch.setattr(handshake_module, "_agree_on_versions", agree)
    return iter(())


async def test_topics_and_records(node: Node) -> None:
    name = unique("old")
    part = TopicPartition(name, 0)
    async with Client(node.bootstrap) as client:
        admin = client.admin
        created = await admin.create_topics([NewTopic(name, 1, 1, {"retention.ms": "-1"})])
        raise_errors(topic.error for topic in created.values())
        raise_errors((await admin.create_partitions({name: 2})).values())
        async with client.producer(compression_type="zstd") as producer:
            for number in range(100):
                await producer.queue(name, b"%d" % number, partition=0, headers=[("a", b"b")])
        async with client.consumer(topics=[name], from_="beginning") as consumer:
            records = [record async for record in consumer.records(until_end=True)]
        assert [record.value for record in records] == [b"%d" % number for number in range(100)]
        assert (await admin.delete_records({part: 9}))[part].low_watermark == 9
        described = (await admin.describe_topics([name], offsets=True))[name]
        assert [(p.earliest_offset, p.latest_offset) for p in described.partitions] == [(9, 100), (0, 0)]
        assert len((await admin.describe_cluster()).brokers) == 1
        assert (await admin.describe_log_dirs())[0].error is None
        with pytest.raises(UnsupportedByBroker, match="DescribeProducers"):
            await admin.describe_producers([part])
        raise_errors((await admin.delete_topics([name])).values())


async def test_groups(node: Node, topic: str) -> None:
    group = unique("old")
    part = TopicPartition(topic, 0)
    async with Client(node.bootstrap) as client:
        async with client.producer() as producer:
            await producer.send(topic, b"x")
        async with client.consumer(topics=[topic], group=group, from_="beginning") as consumer:
            assert [record.value for record in await consumer.poll(timeout_ms=10_000)] == [b"x"]
            await consumer.commit()
            (member,) = (await client.admin.describe_groups([group]))[group].members
            assert member.assignment == [part]
        assert group in [found.group_id for found in await client.admin.list_groups()]
        assert (await client.admin.group_offsets(group))[part].offset == 1
        assert (await client.admin.group_offsets(group, [part]))[part].offset == 1
        raise_errors((await client.admin.alter_group_offsets(group, {part: 0})).values())
        with pytest.raises(UnsupportedByBroker, match="OffsetDelete"):
            await client.admin.delete_group_offsets(group, [part])
        raise_errors((await client.admin.delete_groups([group])).values())


async def test_settings_change_one_by_one_all_the_same(node: Node, topic: str) -> None:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    nowhere = ConfigResource(ResourceType.TOPIC, "nowhere")
    async with Client(node.bootstrap) as client:

        async def change(*changes: ConfigChange) -> dict[str, str | None]:
            raise_errors((await client.admin.alter_configs({resource: changes})).values())
            entries = (await client.admin.describe_configs([resource]))[resource].entries
            return {name: entry.value for name, entry in entries.items() if entry.source == "topic"}

        assert await change(ConfigChange("segment.ms", "77")) == {"segment.ms": "77"}
        appended = ConfigChange("cleanup.policy", "compact", ConfigOperation.APPEND)
        assert await change(appended) == {"segment.ms": "77", "cleanup.policy": "delete,compact"}
        subtracted = ConfigChange("cleanup.policy", "delete", ConfigOperation.SUBTRACT)
        deleted = ConfigChange("segment.ms", operation=ConfigOperation.DELETE)
        assert await change(subtracted, deleted) == {"cleanup.policy": "compact"}
        both = await client.admin.alter_configs({resource: [deleted], nowhere: [deleted]})
        assert both[resource] is None
        assert both[nowhere] is not None
