"""A whole node and its settings: what a client changes is at work at once, and again after a restart."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from ottla.broker.internal_topics import OFFSETS_TOPIC, offsets_topic
from ottla.broker.journal import PartitionJournal
from ottla.broker.node import Node
from ottla.controller.alter_configs import Alteration, ConfigChange
from ottla.controller.create_topics import NewTopic
from ottla.controller.delete_topics import TopicReference
from ottla.metadata.keys import ConfigResourceType
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, OttlaError
from ottla.record.batch import BatchHeader, iter_batches
from ottla.record.compress import Codec
from ottla.record.validate import Depth
from ottla.replica.partition import Partition
from ottla.runtime.settings import BrokerConfig, Settings
from ottla.runtime.settings.model import Effect, UpdateMode
from ottla.runtime.settings.table import BROKER, BROKER_SETTING_OF_TOPIC

METADATA_REQUEST = struct.pack(">ihhih", 14, 3, 1, 7, -1) + struct.pack(">i", 0)
SET = 0


@contextlib.asynccontextmanager
async def running(folder: Path, given: Mapping[str, str] | None = None) -> AsyncIterator[Node]:
    texts = {"listeners": "PLAINTEXT://127.0.0.1:0", "log.dirs": str(folder), **(given or {})}
    node = Node(BrokerConfig(Settings(texts)))
    try:
        await node.start()
        yield node
    finally:
        await node.close()


async def alter(node: Node, kind: ConfigResourceType, name: str, settings: Mapping[str, str]) -> ApiError | None:
    changes = tuple(ConfigChange(name=key, operation=SET, value=text) for key, text in settings.items())
    (answer,) = await node.controller.alter_configs(
        [Alteration(resource_type=kind, resource_name=name, changes=changes)]
    )
    return answer.error


async def alter_brokers(node: Node, settings: Mapping[str, str], *, name: str = "") -> ApiError | None:
    return await alter(node, ConfigResourceType.BROKER, name, settings)


async def make_topic(node: Node, name: str = "t", **settings: str) -> None:
    configs = tuple((key.replace("_", "."), text) for key, text in settings.items())
    topic = NewTopic(name=name, partition_count=1, replication_factor=1, configs=configs)
    (created,) = await node.controller.create_topics([topic])
    assert created.error is None


def partition(node: Node, topic: str = "t") -> Partition:
    return node.replicas.partition(topic, 0)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def is_served(self) -> bool:
        """Whether the node answers, which it does unless it hangs up."""
        async with asyncio.timeout(10):
            try:
                self._writer.write(METADATA_REQUEST)
                return len(await self._reader.readexactly(8)) == 8
            except (ConnectionError, asyncio.IncompleteReadError):
                return False

    def close(self) -> None:
        self._writer.transport.abort()


async def visit(node: Node) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", node.listeners[0].port))


# -- every dynamic setting


OF_TOPICS = {
    "log.cleanup.policy": "compact,delete",
    "log.retention.bytes": "1234567",
    "log.retention.ms": "7654321",
    "log.segment.delete.delay.ms": "4321",
    "log.index.interval.bytes": "8192",
    "log.index.size.max.bytes": "131072",
    "log.preallocate": "true",
    "log.roll.jitter.ms": "99",
    "log.roll.ms": "98765",
    "log.segment.bytes": "2097152",
    "log.flush.interval.messages": "17",
    "log.flush.interval.ms": "1717",
    "log.cleaner.delete.retention.ms": "5151",
    "log.cleaner.max.compaction.lag.ms": "616161",
    "log.cleaner.min.cleanable.ratio": "0.25",
    "log.cleaner.min.compaction.lag.ms": "61",
    "compression.gzip.level": "7",
    "compression.lz4.level": "8",
    "compression.type": "zstd",
    "compression.zstd.level": "9",
    "log.message.timestamp.after.max.ms": "10101",
    "log.message.timestamp.before.max.ms": "20202",
    "log.message.timestamp.type": "LogAppendTime",
    "message.max.bytes": "54321",
}
"""Settings that are the defaults of topics' own, with values that are not Kafka's."""

TOPIC_SETTING = {broker: topic for topic, broker in BROKER_SETTING_OF_TOPIC.items()}

OF_THE_NODE: dict[str, tuple[str, Callable[[Node], object], object]] = {
    "num.recovery.threads.per.data.dir": ("4", lambda node: node.logs.config.num_recovery_threads_per_data_dir, 4),
    "max.connections": ("77", lambda node: node.connections.quota.total, 77),
    "max.connections.per.ip": ("76", lambda node: node.connections.quota.per_host, 76),
    "max.connections.per.ip.overrides": (
        "127.0.0.9:5",
        lambda node: node.connections.quota.overrides,
        {"127.0.0.9": 5},
    ),
    "max.connection.creation.rate": ("75", lambda node: node.connections.quota.rate, 75),
    "log.cleaner.backoff.ms": ("1001", lambda node: node.cleaner.config.backoff_ms, 1001),
    "log.cleaner.dedupe.buffer.size": ("2097152", lambda node: node.cleaner.config.dedupe_buffer_size, 2_097_152),
    "log.cleaner.io.buffer.load.factor": ("0.5", lambda node: node.cleaner.config.io_buffer_load_factor, 0.5),
    "log.cleaner.io.buffer.size": ("65536", lambda node: node.cleaner.config.io_buffer_size, 65_536),
    "log.cleaner.io.max.bytes.per.second": ("9999", lambda node: node.cleaner.config.io_max_bytes_per_second, 9999.0),
    "log.cleaner.threads": ("2", lambda node: node.cleaner.config.threads, 2),
    "producer.id.expiration.ms": ("123456", lambda node: partition(node).log.producers.expiration_ms, 123_456),
    "ottla.log.slow.request.ms": ("250", lambda node: node.dispatcher.slow.limit_seconds, 0.25),
    "ottla.produce.validation": ("records", lambda node: partition(node).depth, Depth.RECORDS),
}
"""The others: a value, who goes by it, and what that one then says."""


def test_no_dynamic_setting_is_left_out() -> None:
    dynamic = {
        name
        for name, setting in BROKER.items()
        if setting.update_mode is not UpdateMode.READ_ONLY and setting.effect is Effect.ACTIVE
    }
    assert dynamic == OF_TOPICS.keys() | OF_THE_NODE.keys()


def assert_in_force(node: Node) -> None:
    for name, (_, read, expected) in OF_THE_NODE.items():
        assert read(node) == expected, name
    config = partition(node).log.config
    defaults = node.config.topic_defaults
    for name, text in OF_TOPICS.items():
        topic_name = TOPIC_SETTING[name]
        found: object = getattr(config, topic_name.replace(".", "_"))
        if isinstance(found, frozenset):
            assert found == set(text.split(",")), name
        else:
            assert str(found).lower() == text.lower(), name
        assert node.logs.default_config != type(config)(), name
        assert topic_name in defaults
    rules = partition(node).rules
    assert (rules.max_message_bytes, rules.compression, rules.compression_level) == (54_321, Codec.ZSTD, 9)
    assert (rules.before_max_ms, rules.after_max_ms, rules.compacted) == (20_202, 10_101, True)


@pytest.mark.parametrize("resource", ["", "1"], ids=["all brokers", "this broker"])
async def test_a_dynamic_setting_is_in_force_at_once_and_after_a_restart(tmp_path: Path, resource: str) -> None:
    wanted = {**OF_TOPICS, **{name: text for name, (text, _, _) in OF_THE_NODE.items()}}
    async with running(tmp_path) as node:
        await make_topic(node)
        assert await alter_brokers(node, wanted, name=resource) is None
        assert_in_force(node)
        assert len(node.cleaner._loops) == 2
    async with running(tmp_path) as node:
        assert_in_force(node)
        assert len(node.cleaner._loops) == 2


async def test_what_is_taken_back_is_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path, {"max.connections": "9", "log.retention.ms": "5000"}) as node:
        await make_topic(node)
        assert await alter_brokers(node, {"max.connections": "3", "log.retention.ms": "6000"}) is None
        assert (node.connections.quota.total, partition(node).log.config.retention_ms) == (3, 6000)
        removal = Alteration(resource_type=ConfigResourceType.BROKER, resource_name="", replacement=())
        await node.controller.alter_configs([removal])
        assert (node.connections.quota.total, partition(node).log.config.retention_ms) == (9, 5000)


async def test_a_topics_own_settings_survive_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        await make_topic(node, flush_messages="1", max_message_bytes="777")
        await make_topic(node, "plain")
        assert await alter(node, ConfigResourceType.TOPIC, "t", {"retention.ms": "12345"}) is None
    async with running(tmp_path) as node:
        config = partition(node).log.config
        assert (config.flush_messages, config.max_message_bytes, config.retention_ms) == (1, 777, 12_345)
        assert partition(node).rules.max_message_bytes == 777
        assert partition(node, "plain").log.config.retention_ms == 604_800_000


@pytest.mark.parametrize(
    "settings",
    [
        {"listeners": "PLAINTEXT://127.0.0.1:0,B://127.0.0.1:0"},
        {"listener.security.protocol.map": "B:PLAINTEXT"},
        {"log.cleaner.threads": "0"},
        {"num.io.threads": "1000"},
        {"max.connection.creation.rate": "0"},
        {"socket.request.max.bytes": "1000"},
    ],
)
async def test_what_cannot_change_while_the_node_runs_is_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    async with running(tmp_path) as node:
        before = dict(node.config.values)
        error = await alter_brokers(node, settings, name="1")
        assert error is not None
        assert error.code is ErrorCode.INVALID_REQUEST
        assert error.message
        assert node.config.values == before


# -- connections


async def test_fewer_connections_from_now_on(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        first = await visit(node)
        assert await first.is_served()
        assert await alter_brokers(node, {"max.connections": "1"}) is None
        second = await visit(node)
        assert not await second.is_served()
        assert await first.is_served()
        assert (
            await alter_brokers(node, {"listener.name.plaintext.max.connections": "1", "max.connections": "5"}) is None
        )
        third = await visit(node)
        assert not await third.is_served()
        assert node.connections.refused == 2
        for client in (first, second, third):
            client.close()
    async with running(tmp_path) as node:
        first, second = await visit(node), await visit(node)
        assert [await first.is_served(), await second.is_served()] == [True, False]
        first.close()
        second.close()


async def test_new_connections_take_their_turn(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        assert await alter_brokers(node, {"max.connection.creation.rate": "5"}) is None
        began = asyncio.get_running_loop().time()
        clients = [await visit(node) for _ in range(8)]
        assert all(await asyncio.gather(*(client.is_served() for client in clients)))
        assert asyncio.get_running_loop().time() - began > 0.5, "five at once, three more in 0.6 seconds"
        assert 1 <= node.connections.delayed <= 3
        for client in clients:
            client.close()


# -- the coordinator's batches


@pytest.mark.parametrize("codec", Codec)
async def test_the_coordinator_compresses_what_it_writes(tmp_path: Path, codec: Codec) -> None:
    async with running(tmp_path, {"offsets.topic.compression.codec": str(codec.value)}) as node:
        await node.controller.create_topics([offsets_topic(node.config, node.image)])
        journal = PartitionJournal(node.replicas, node.tasks, node.config)
        await journal.append(0, [(b"key", b"value" * 1000)], node.clock.now_ms())
        assert [header.codec for header in headers(partition(node, OFFSETS_TOPIC))] == [codec]
        batches = [batch async for batch in journal.load(0)]
        assert [list(batch.records) for batch in batches] == [[(b"key", b"value" * 1000)]]


async def test_the_topics_own_codec_goes_first(tmp_path: Path) -> None:
    async with running(tmp_path, {"offsets.topic.compression.codec": "1"}) as node:
        await node.controller.create_topics([offsets_topic(node.config, node.image)])
        journal = PartitionJournal(node.replicas, node.tasks, node.config)
        for name in ("lz4", "uncompressed", "producer"):
            assert await alter(node, ConfigResourceType.TOPIC, OFFSETS_TOPIC, {"compression.type": name}) is None
            await journal.append(0, [(b"key", b"value" * 1000)], node.clock.now_ms())
        found = [header.codec for header in headers(partition(node, OFFSETS_TOPIC))]
        assert found == [Codec.LZ4, Codec.NONE, Codec.GZIP]


def headers(found: Partition) -> list[BatchHeader]:
    read = found.read(0, 1 << 20, min_one_message=True, nowait=False)
    assert read is not None
    return [header for buffer in read.buffers for _, header in iter_batches(buffer)]


# -- logs that go, and a start that fails


async def test_the_cleaner_forgets_the_logs_of_a_deleted_topic(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        await make_topic(node, cleanup_policy="compact")
        await make_topic(node, "other")
        gone, stays = partition(node).log, partition(node, "other").log
        node.cleaner.uncleanable |= {gone, stays}
        await node.controller.delete_topics([TopicReference(name="t")])
        assert node.cleaner.uncleanable == {stays}


async def test_a_start_that_fails_for_its_metadata_says_nothing_about_the_logs(tmp_path: Path) -> None:
    """The marker of the clean stop and the checkpoints are those of the run before."""
    async with running(tmp_path) as node:
        await make_topic(node)
    before = {
        name: (tmp_path / name).read_bytes() for name in (".kafka_cleanshutdown", "recovery-point-offset-checkpoint")
    }
    assert b"t 0 " in before["recovery-point-offset-checkpoint"]
    kept = (tmp_path / "metadata.db").read_bytes()
    for rest in ("metadata.db-wal", "metadata.db-shm"):
        (tmp_path / rest).unlink(missing_ok=True)
    (tmp_path / "metadata.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(OttlaError):
        async with running(tmp_path):
            pass
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    (tmp_path / "metadata.db").write_bytes(kept)
    async with running(tmp_path) as node:
        assert partition(node).log.log_end_offset == 0
