"""The admin handlers in every version they serve, and in clusters that a single node cannot show."""

import asyncio
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ottla.broker.config_schema import SettingsSchema
from ottla.broker.context import RequestContext
from ottla.controller.create_topics import NewTopic, TopicDefaults
from ottla.controller.driver import Controller
from ottla.metadata import keys, records
from ottla.metadata.records import BrokerRecord, Endpoint, PartitionRecord
from ottla.metastore.interface import Put
from ottla.metastore.memory import MemoryMetastore
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError, StorageError
from ottla.protocol.api import ApiKey, api
from ottla.protocol.messages.alter_configs import AlterableConfig, AlterConfigsRequest, AlterConfigsResource
from ottla.protocol.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from ottla.protocol.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from ottla.protocol.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from ottla.protocol.messages.describe_cluster import DescribeClusterRequest
from ottla.protocol.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from ottla.protocol.messages.describe_log_dirs import DescribeLogDirsRequest
from ottla.protocol.messages.describe_topic_partitions import DescribeTopicPartitionsRequest, TopicRequest
from ottla.protocol.messages.incremental_alter_configs import AlterableConfig as Step
from ottla.protocol.messages.incremental_alter_configs import AlterConfigsResource as Steps
from ottla.protocol.messages.incremental_alter_configs import IncrementalAlterConfigsRequest
from ottla.protocol.messages.init_producer_id import InitProducerIdRequest
from ottla.protocol.messages.list_config_resources import ListConfigResourcesRequest
from ottla.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic
from ottla.protocol.versions import SERVED
from ottla.runtime.clock import ManualClock
from ottla.runtime.files.memory import MemoryFiles
from ottla.runtime.settings import BrokerConfig
from ottla.runtime.tasks import Tasks

Ask = Callable[..., Any]
HOME = Endpoint("PLAINTEXT", "home", 9092, "PLAINTEXT")
AWAY = Endpoint("PLAINTEXT", "away", 9092, "PLAINTEXT")
HIDDEN = Endpoint("INTERNAL", "hidden", 9092, "PLAINTEXT")


@pytest.fixture
async def store() -> AsyncIterator[MemoryMetastore]:
    store = MemoryMetastore(clock=ManualClock())
    yield store
    await store.close()


@pytest.fixture
async def node(store: MemoryMetastore) -> AsyncIterator[Any]:
    tasks = Tasks()
    config = BrokerConfig()
    controller = Controller(
        store,
        node_id=1,
        tasks=tasks,
        schema=SettingsSchema(config),
        defaults=lambda: TopicDefaults(partition_count=1, replication_factor=1),
    )
    await controller.start()
    await controller.register_broker(1, incarnation_id=bytes(16), endpoints=[HOME])
    await controller.create_topics([NewTopic(name="t", partition_count=3)])
    yield Node(controller, config)
    await controller.close()
    await tasks.close()


class Node:
    """As much of a node as these handlers ask for."""

    def __init__(self, controller: Controller, config: BrokerConfig) -> None:
        self.controller = controller
        self.config = config
        self.node_id = 1
        files = MemoryFiles()
        files.make_dir("/data")
        self.logs = SimpleNamespace(
            directories=[SimpleNamespace(path="/data", failure=None)],
            context=SimpleNamespace(files=files),
            logs_in=lambda directory: [
                SimpleNamespace(topic_partition=("t", index), size_bytes=100 * index) for index in range(3)
            ],
        )

    @property
    def image(self) -> Any:
        return self.controller.image


def context(node: Any, version: int) -> RequestContext:
    stub = SimpleNamespace(
        node=node,
        api_version=version,
        listener="PLAINTEXT",
        client_host="/127.0.0.1",
        advertised_endpoint=lambda: ("dialled", 1234),
    )
    return cast("RequestContext", stub)


@pytest.fixture
def ask(node: Any) -> Ask:
    async def ask_one(key: ApiKey, version: int, request: Any) -> Any:
        """Handle a request after a way through the codec, and send the answer through it too."""
        codec = import_module(f"ottla.protocol.messages.{api(key).module}")
        handler = import_module(f"ottla.broker.handlers.{api(key).module}")
        out = bytearray()
        codec.encode_request(request, version, out)
        answer = handler.handle(codec.decode_request(bytes(out), 0, version), context(node, version))
        if asyncio.iscoroutine(answer):
            answer = await answer
        out = bytearray()
        codec.encode_response(answer, version, out)
        return codec.decode_response(bytes(out), 0, version)

    return ask_one


def named(version: int, *names: str) -> list[MetadataRequestTopic]:
    return [MetadataRequestTopic(name=name) for name in names]


REQUESTS: dict[ApiKey, Callable[[int], Any]] = {
    ApiKey.CREATE_TOPICS: lambda version: CreateTopicsRequest(
        topics=[
            CreatableTopic(
                name="new",
                num_partitions=2,
                replication_factor=1,
                configs=[CreatableTopicConfig(name="retention.ms", value="5")],
            ),
            CreatableTopic(name="t", num_partitions=1, replication_factor=1),
        ]
    ),
    ApiKey.DELETE_TOPICS: lambda version: (
        DeleteTopicsRequest(topic_names=["t", "nope"])
        if version < 6
        else DeleteTopicsRequest(topics=[DeleteTopicState(name="t"), DeleteTopicState(name="nope")])
    ),
    ApiKey.CREATE_PARTITIONS: lambda version: CreatePartitionsRequest(
        topics=[
            CreatePartitionsTopic(name="t", count=4, assignments=None),
            CreatePartitionsTopic(name="nope", count=4, assignments=None),
        ]
    ),
    ApiKey.DESCRIBE_CONFIGS: lambda version: DescribeConfigsRequest(
        resources=[
            DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=None)
            for kind, name in ((2, "t"), (4, "1"), (4, ""), (8, "1"), (16, "m"), (32, "g"), (2, "nope"), (99, "x"))
        ],
        include_synonyms=version >= 1,
        include_documentation=version >= 3,
    ),
    ApiKey.ALTER_CONFIGS: lambda version: AlterConfigsRequest(
        resources=[
            AlterConfigsResource(
                resource_type=2, resource_name=name, configs=[AlterableConfig(name="retention.ms", value="7")]
            )
            for name in ("t", "nope")
        ]
    ),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: lambda version: IncrementalAlterConfigsRequest(
        resources=[
            Steps(resource_type=2, resource_name=name, configs=[Step(name="retention.ms", value="7")])
            for name in ("t", "nope")
        ]
    ),
    ApiKey.LIST_CONFIG_RESOURCES: lambda version: ListConfigResourcesRequest(),
    ApiKey.DESCRIBE_CLUSTER: lambda version: DescribeClusterRequest(include_fenced_brokers=version >= 2),
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: lambda version: DescribeTopicPartitionsRequest(topics=[TopicRequest(name="t")]),
    ApiKey.METADATA: lambda version: MetadataRequest(
        topics=named(version, "t", "auto"), include_topic_authorized_operations=version >= 8
    ),
    ApiKey.DESCRIBE_LOG_DIRS: lambda version: DescribeLogDirsRequest(topics=None),
    ApiKey.INIT_PRODUCER_ID: lambda version: InitProducerIdRequest(transactional_id=None),
}


def codes(answer: Any) -> list[int]:
    for field in ("topics", "responses", "results", "config_resources", "brokers"):
        items = getattr(answer, field, None)
        if items is not None:
            return [getattr(item, "error_code", 0) for item in items]
    return [answer.error_code]


EXPECTED = {
    ApiKey.CREATE_TOPICS: [0, 36],
    ApiKey.DELETE_TOPICS: [0, 3],
    ApiKey.CREATE_PARTITIONS: [0, 3],
    ApiKey.ALTER_CONFIGS: [0, 3],
    ApiKey.INCREMENTAL_ALTER_CONFIGS: [0, 3],
    ApiKey.DESCRIBE_CONFIGS: [0, 0, 0, 0, 0, 0, 3, 42],
}
CASES = [(key, version) for key in REQUESTS for version in range(SERVED[key][0], SERVED[key][1] + 1)]


@pytest.mark.parametrize(("key", "version"), CASES, ids=lambda value: getattr(value, "name", str(value)))
async def test_every_version_is_answered(ask: Ask, key: ApiKey, version: int) -> None:
    answer = await ask(key, version, REQUESTS[key](version))
    expected = EXPECTED.get(key)
    if expected is None:
        assert set(codes(answer)) <= {0}
    else:
        assert sorted(codes(answer)) == sorted(expected)


async def test_version_0_of_describe_configs_says_default_or_not(ask: Ask, node: Any) -> None:
    await ask(ApiKey.ALTER_CONFIGS, 0, REQUESTS[ApiKey.ALTER_CONFIGS](0))
    request = DescribeConfigsRequest(
        resources=[
            DescribeConfigsResource(
                resource_type=2, resource_name="t", configuration_keys=["retention.ms", "segment.bytes"]
            )
        ]
    )
    (result,) = (await ask(ApiKey.DESCRIBE_CONFIGS, 0, request)).results
    assert {(one.name, one.value, one.is_default) for one in result.configs} == {
        ("retention.ms", "7", False),
        ("segment.bytes", "1073741824", True),
    }


async def test_version_0_of_metadata_means_all_by_nothing(ask: Ask) -> None:
    assert [topic.name for topic in (await ask(ApiKey.METADATA, 0, MetadataRequest(topics=[]))).topics] == ["t"]
    assert (await ask(ApiKey.METADATA, 1, MetadataRequest(topics=[]))).topics == []
    assert [topic.name for topic in (await ask(ApiKey.METADATA, 1, MetadataRequest(topics=None))).topics] == ["t"]


async def test_auto_creation_can_be_switched_off(ask: Ask, node: Any) -> None:
    node.config.set_dynamic({})
    node.config.values["auto.create.topics.enable"] = False
    (topic,) = (await ask(ApiKey.METADATA, 12, MetadataRequest(topics=named(12, "new")))).topics
    assert topic.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert "new" not in node.image.topics


async def test_the_offsets_topic_is_made_as_the_settings_say(ask: Ask, node: Any) -> None:
    node.config.values["offsets.topic.num.partitions"] = 7
    request = MetadataRequest(topics=named(12, "__consumer_offsets", "__transaction_state"))
    made, absent = (await ask(ApiKey.METADATA, 12, request)).topics
    assert (made.error_code, made.is_internal, len(made.partitions)) == (0, True, 7)
    assert node.image.topic_config("__consumer_offsets")["cleanup.policy"] == "compact"
    assert (absent.error_code, absent.is_internal) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, True)


async def test_deletion_can_be_switched_off(ask: Ask, node: Any) -> None:
    node.config.values["delete.topic.enable"] = False
    for version, code in ((1, ErrorCode.INVALID_REQUEST), (3, ErrorCode.TOPIC_DELETION_DISABLED)):
        (answer,) = (await ask(ApiKey.DELETE_TOPICS, version, DeleteTopicsRequest(topic_names=["t"]))).responses
        assert answer.error_code == code
    assert "t" in node.image.topics


async def add_brokers(node: Any, store: MemoryMetastore) -> None:
    """Broker 2 is alive elsewhere, 3 is fenced, 4 has no listener for these clients."""
    others = [
        BrokerRecord(id=2, epoch=1, incarnation_id=bytes(16), endpoints=(AWAY,), rack="r"),
        BrokerRecord(id=3, epoch=1, incarnation_id=bytes(16), endpoints=(AWAY,), fenced=True),
        BrokerRecord(id=4, epoch=1, incarnation_id=bytes(16), endpoints=(HIDDEN,)),
    ]
    puts = [Put(keys.broker(one.id), records.encode_broker(one)) for one in others]
    topic_id = node.image.topics["t"].id
    states = [
        PartitionRecord(replicas=(2, 3), isr=(2,), leader=2, leader_epoch=4),
        PartitionRecord(replicas=(3,), isr=(3,), leader=3, elr=(3,), last_known_elr=(3,)),
        PartitionRecord(replicas=(1,), isr=(), leader=-1, leader_epoch=9),
    ]
    puts += [
        Put(keys.partition(topic_id, index), records.encode_partition(state)) for index, state in enumerate(states)
    ]
    await node.controller.metadata.wait_for((await store.transact([], puts)).revision)


async def test_a_larger_cluster_is_shown_as_its_clients_can_reach_it(
    ask: Ask, node: Any, store: MemoryMetastore
) -> None:
    await add_brokers(node, store)
    answer = await ask(ApiKey.METADATA, 12, MetadataRequest(topics=named(12, "t")))
    assert [(one.node_id, one.host, one.port, one.rack) for one in answer.brokers] == [
        (1, "dialled", 1234, None),
        (2, "away", 9092, "r"),
    ]
    assert answer.controller_id == 1
    shown = [
        (one.error_code, one.leader_id, one.leader_epoch, one.replica_nodes, one.isr_nodes, one.offline_replicas)
        for one in answer.topics[0].partitions
    ]
    assert shown == [
        (0, 2, 4, [2, 3], [2], [3]),
        (ErrorCode.LEADER_NOT_AVAILABLE, -1, 0, [3], [3], [3]),
        (ErrorCode.LEADER_NOT_AVAILABLE, -1, 9, [1], [], []),
    ]
    described = await ask(
        ApiKey.DESCRIBE_TOPIC_PARTITIONS, 0, DescribeTopicPartitionsRequest(topics=[TopicRequest(name="t")])
    )
    assert [one.eligible_leader_replicas for one in described.topics[0].partitions] == [[], [3], []]
    assert [one.leader_id for one in described.topics[0].partitions] == [2, -1, -1]
    for fenced_too, ids in ((False, [1, 2]), (True, [1, 2, 3])):
        cluster = await ask(ApiKey.DESCRIBE_CLUSTER, 2, DescribeClusterRequest(include_fenced_brokers=fenced_too))
        assert [one.broker_id for one in cluster.brokers] == ids
        assert [one.is_fenced for one in cluster.brokers] == [one == 3 for one in ids]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StorageError("database or disk is full"), ErrorCode.KAFKA_STORAGE_ERROR),
        (ApiError(ErrorCode.NOT_CONTROLLER), ErrorCode.NOT_CONTROLLER),
    ],
)
@pytest.mark.parametrize(
    "key",
    [
        ApiKey.CREATE_TOPICS,
        ApiKey.DELETE_TOPICS,
        ApiKey.CREATE_PARTITIONS,
        ApiKey.ALTER_CONFIGS,
        ApiKey.INCREMENTAL_ALTER_CONFIGS,
        ApiKey.INIT_PRODUCER_ID,
    ],
)
async def test_every_item_is_told_when_nothing_can_be_written(
    ask: Ask, store: MemoryMetastore, monkeypatch: pytest.MonkeyPatch, key: ApiKey, error: Exception, code: ErrorCode
) -> None:
    async def fails(compares: object, operations: object) -> object:
        raise error

    monkeypatch.setattr(store, "transact", fails)
    version = SERVED[key][1]
    answer = await ask(key, version, REQUESTS[key](version))
    told = codes(answer)
    assert set(told) == {code}
    assert len(told) == (1 if key == ApiKey.INIT_PRODUCER_ID else 2)


async def test_auto_creation_that_fails_says_why(
    ask: Ask, store: MemoryMetastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(compares: object, operations: object) -> object:
        raise StorageError("database or disk is full")

    monkeypatch.setattr(store, "transact", fails)
    answer = await ask(ApiKey.METADATA, 12, MetadataRequest(topics=named(12, "t", "new")))
    assert [topic.error_code for topic in answer.topics] == [0, ErrorCode.KAFKA_STORAGE_ERROR]


async def test_log_levels_are_shown_and_changed(ask: Ask) -> None:
    import logging

    logger = logging.getLogger("ottla.test_admin")
    change = Steps(resource_type=8, resource_name="1", configs=[Step(name="ottla.test_admin", value="DEBUG")])
    other = Steps(resource_type=8, resource_name="2", configs=[Step(name="ottla.test_admin", value="DEBUG")])
    request = IncrementalAlterConfigsRequest(resources=[change, other], validate_only=True)
    answer = await ask(ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, request)
    assert codes(answer) == [0, ErrorCode.INVALID_REQUEST]
    assert logger.level == logging.NOTSET
    await ask(ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest(resources=[change]))
    assert logger.level == logging.DEBUG
    asked = DescribeConfigsRequest(
        resources=[DescribeConfigsResource(resource_type=8, resource_name="1", configuration_keys=["ottla.test_admin"])]
    )
    (result,) = (await ask(ApiKey.DESCRIBE_CONFIGS, 4, asked)).results
    assert [(one.name, one.value, one.config_source) for one in result.configs] == [("ottla.test_admin", "DEBUG", 6)]
    twice = await ask(ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, IncrementalAlterConfigsRequest(resources=[change, change]))
    assert codes(twice) == [ErrorCode.INVALID_REQUEST] * 2
    logger.setLevel(logging.NOTSET)


async def test_a_folder_that_is_offline_is_shown_so(ask: Ask, node: Any) -> None:
    node.logs.directories.append(SimpleNamespace(path="/bad", failure=StorageError("I/O error")))
    good, bad = (await ask(ApiKey.DESCRIBE_LOG_DIRS, 4, DescribeLogDirsRequest(topics=None))).results
    assert (good.error_code, good.log_dir) == (0, "/data")
    assert [(one.partition_index, one.partition_size) for one in good.topics[0].partitions] == [
        (0, 0),
        (1, 100),
        (2, 200),
    ]
    assert good.total_bytes > 0
    assert (bad.error_code, bad.log_dir, bad.topics) == (ErrorCode.KAFKA_STORAGE_ERROR, "/bad", [])


async def test_producer_ids_are_all_different(ask: Ask) -> None:
    answers = [await ask(ApiKey.INIT_PRODUCER_ID, 4, InitProducerIdRequest(transactional_id=None)) for _ in range(1100)]
    assert len({answer.producer_id for answer in answers}) == 1100
    assert {(answer.error_code, answer.producer_epoch) for answer in answers} == {(0, 0)}


def test_one_handler_one_file() -> None:
    """Every handler says its key and the versions that are served."""
    folder = Path(import_module("ottla.broker.handlers").__file__ or "").parent
    for key in REQUESTS:
        head = (folder / f"{api(key).module}.py").read_text().splitlines()[0]
        first, last = SERVED[key]
        said = f"version {first}" if first == last else f"versions {first}-{last}"
        assert f"{api(key).name} ({int(key)}), {said}:" in head
