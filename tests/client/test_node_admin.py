"""Every administrative call against a whole node."""

import pytest
from tests.harness.calls import unique
from tests.harness.node import Node

from ottla.client import BrokerError, Client, NewTopic, TopicPartition
from ottla.client.admin.admin import EARLIEST, LATEST, MAX_TIMESTAMP
from ottla.client.results import (
    ConfigChange,
    ConfigOperation,
    ConfigResource,
    ResourceType,
    raise_errors,
)


def _code(error: BrokerError | None) -> str:
    return "" if error is None else error.name


async def test_the_life_of_a_topic(node: Node) -> None:
    name = unique("life")
    async with Client(node.bootstrap) as client:
        admin = client.admin
        tried = await admin.create_topics([NewTopic(name, 2)], validate_only=True)
        assert tried[name].error is None
        assert name not in [topic.name for topic in await admin.list_topics()]
        created = await admin.create_topics([NewTopic(name, 2, 1, {"retention.ms": "77"}), NewTopic("a b")])
        assert (created[name].partitions, created[name].replication_factor) == (2, 1)
        assert created[name].configs["retention.ms"] == "77"
        assert len(created[name].topic_id) == 22
        assert _code(created["a b"].error) == "INVALID_TOPIC_EXCEPTION"
        assert _code((await admin.create_topics([NewTopic(name)]))[name].error) == "TOPIC_ALREADY_EXISTS"
        grown = await admin.create_partitions({name: 3, "nowhere": 3})
        assert grown[name] is None
        assert _code(grown["nowhere"]) == "UNKNOWN_TOPIC_OR_PARTITION"
        described = await admin.describe_topics([name, "nowhere"], offsets=True)
        assert [part.partition for part in described[name].partitions] == [0, 1, 2]
        assert {(part.leader, part.earliest_offset, part.latest_offset) for part in described[name].partitions} == {
            (described[name].partitions[0].leader, 0, 0)
        }
        assert described[name].topic_id == created[name].topic_id
        assert described[name].replication_factor == 1
        assert _code(described["nowhere"].error) == "UNKNOWN_TOPIC_OR_PARTITION"
        deleted = await admin.delete_topics([name, "nowhere"])
        assert deleted[name] is None
        assert _code(deleted["nowhere"]) == "UNKNOWN_TOPIC_OR_PARTITION"
        assert name not in [topic.name for topic in await admin.list_topics()]


async def test_replicas_where_they_are_wanted(node: Node) -> None:
    name = unique("placed")
    async with Client(node.bootstrap) as client:
        (broker,) = (await client.admin.describe_cluster()).brokers
        created = await client.admin.create_topics([NewTopic(name, assignments={0: [broker.id], 1: [broker.id]})])
        raise_errors(topic.error for topic in created.values())
        described = (await client.admin.describe_topics([name]))[name]
        assert [part.replicas for part in described.partitions] == [[broker.id], [broker.id]]
        assert (broker.host, broker.port) == (node.host, node.port)


async def test_offsets_by_time_and_records_deleted(node: Node, topic: str) -> None:
    part = TopicPartition(topic, 0)
    async with Client(node.bootstrap) as client:
        # The records are old, and to stay.
        forever = {ConfigResource(ResourceType.TOPIC, topic): [ConfigChange("retention.ms", "-1")]}
        raise_errors((await client.admin.alter_configs(forever)).values())
        async with client.producer() as producer:
            for number in range(10):
                await producer.send(topic, b"x", partition=0, timestamp_ms=1_700_000_000_000 + number * 1000)

        async def offset(timestamp_ms: int) -> int:
            found = (await client.admin.list_offsets({part: timestamp_ms}))[part]
            raise_errors([found.error])
            return found.offset

        assert [await offset(EARLIEST), await offset(LATEST), await offset(MAX_TIMESTAMP)] == [0, 10, 9]
        assert [await offset(1_700_000_004_000), await offset(1_700_000_004_001), await offset(1_800_000_000_000)] == [
            4,
            5,
            -1,
        ]
        deleted = await client.admin.delete_records({part: 4, TopicPartition(topic, 9): 1})
        assert deleted[part].low_watermark == 4
        assert _code(deleted[TopicPartition(topic, 9)].error) == "UNKNOWN_TOPIC_OR_PARTITION"
        assert await offset(EARLIEST) == 4
        assert _code((await client.admin.delete_records({part: 99}))[part].error) == "OFFSET_OUT_OF_RANGE"
        assert (await client.admin.delete_records({part: -1}))[part].low_watermark == 10
        (producer_state,) = (await client.admin.describe_producers([part]))[part].producers
        assert producer_state.last_sequence == 9


async def test_settings_of_a_topic(node: Node, topic: str) -> None:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    nowhere = ConfigResource(ResourceType.TOPIC, "nowhere")
    async with Client(node.bootstrap) as client:
        admin = client.admin
        changes = [
            ConfigChange("retention.ms", "123"),
            ConfigChange("cleanup.policy", "compact", ConfigOperation.APPEND),
        ]
        altered = await admin.alter_configs({resource: changes, nowhere: [ConfigChange("retention.ms", "1")]})
        assert altered[resource] is None
        assert _code(altered[nowhere]) == "UNKNOWN_TOPIC_OR_PARTITION"
        entries = (await admin.describe_configs([resource], documentation=True))[resource].entries
        assert (entries["retention.ms"].value, entries["retention.ms"].source) == ("123", "topic")
        assert not entries["retention.ms"].is_default
        assert entries["retention.ms"].documentation
        assert entries["cleanup.policy"].value == "delete,compact"
        assert entries["segment.bytes"].is_default
        assert entries["segment.bytes"].type == "int"
        changes = [
            ConfigChange("retention.ms", operation=ConfigOperation.DELETE),
            ConfigChange("cleanup.policy", "delete", ConfigOperation.SUBTRACT),
        ]
        assert await admin.alter_configs({resource: changes}) == {resource: None}
        some = (await admin.describe_configs([resource], names=["retention.ms", "cleanup.policy"]))[resource].entries
        assert {name: entry.value for name, entry in some.items()} == {
            "retention.ms": "604800000",
            "cleanup.policy": "compact",
        }
        wrong = await admin.alter_configs({resource: [ConfigChange("retention.ms", "x")]}, validate_only=True)
        assert _code(wrong[resource]) == "INVALID_CONFIG"
        described = await admin.describe_configs([nowhere])
        assert _code(described[nowhere].error) == "UNKNOWN_TOPIC_OR_PARTITION"


async def test_settings_of_a_broker(node: Node) -> None:
    async with Client(node.bootstrap) as client:
        (broker,) = (await client.admin.describe_cluster()).brokers
        resource = ConfigResource(ResourceType.BROKER, str(broker.id))
        found = (await client.admin.describe_configs([resource]))[resource]
        assert found.error is None
        assert found.entries["log.dirs"].read_only
        assert str(resource) == f"broker {broker.id}"


async def test_offsets_of_a_group(node: Node, topic: str) -> None:
    group = unique("group")
    part, other = TopicPartition(topic, 0), TopicPartition("nowhere", 0)
    async with Client(node.bootstrap) as client:
        admin = client.admin
        altered = await admin.alter_group_offsets(group, {part: 5, other: 5}, metadata="by hand")
        assert altered[part] is None
        assert _code(altered[other]) == "UNKNOWN_TOPIC_OR_PARTITION"
        (entry,) = (await admin.group_offsets(group)).values()
        assert (entry.offset, entry.metadata) == (5, "by hand")
        asked = await admin.group_offsets(group, [part, TopicPartition(topic, 1)])
        assert [found.offset for found in asked.values()] == [5, -1]
        listed = {found.group_id: found for found in await admin.list_groups()}
        assert listed[group].state == "Empty"
        assert group not in [found.group_id for found in await admin.list_groups(states=["Stable"])]
        described = await admin.describe_groups([group, "nobody"])
        assert (described[group].state, described[group].members) == ("Empty", [])
        assert described["nobody"].state == "Dead"
        assert await admin.delete_group_offsets(group, [part]) == {part: None}
        assert await admin.group_offsets(group) == {}
        await admin.alter_group_offsets(group, {part: 5})
        gone = await admin.delete_groups([group, "nobody"])
        assert gone[group] is None
        assert _code(gone["nobody"]) == "GROUP_ID_NOT_FOUND"


async def test_log_directories(node: Node, topic: str) -> None:
    async with Client(node.bootstrap) as client:
        (log_dir,) = await client.admin.describe_log_dirs()
        assert log_dir.error is None
        assert (topic, 0) in [(replica.topic, replica.partition) for replica in log_dir.replicas]
        assert log_dir.total_bytes > 0


async def test_an_error_can_be_raised(node: Node) -> None:
    async with Client(node.bootstrap) as client:
        with pytest.raises(BrokerError, match="topic nowhere: UNKNOWN_TOPIC_OR_PARTITION"):
            raise_errors((await client.admin.delete_topics(["nowhere"])).values())
