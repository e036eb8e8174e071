"""What is written is read back, what is not known is kept, and what cannot be read is named."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.metadata import keys, records
from ottla.metadata.keys import ConfigResource, ConfigResourceType
from ottla.metadata.records import BrokerRecord, Endpoint, PartitionRecord, TopicRecord
from ottla.model.errors import CorruptData, OperatorError

IDS = st.binary(min_size=16, max_size=16)
BROKERS = st.lists(st.integers(0, 2**31 - 1), unique=True, max_size=4).map(tuple)
EPOCHS = st.integers(0, 2**31 - 1)
TEXT = st.text(max_size=20)


@given(st.builds(TopicRecord, IDS, st.integers(1, 10_000), st.just(records.NOTHING)))
def test_topics(record: TopicRecord) -> None:
    assert records.decode_topic("topics/t", records.encode_topic(record)) == record


@given(
    st.builds(
        PartitionRecord,
        replicas=BROKERS.filter(bool),
        isr=BROKERS,
        leader=st.integers(-1, 5),
        leader_epoch=EPOCHS,
        partition_epoch=EPOCHS,
        leader_recovery_state=st.integers(0, 1),
        elr=BROKERS,
        last_known_elr=BROKERS,
        adding_replicas=BROKERS,
        removing_replicas=BROKERS,
        extra=st.just(records.NOTHING),
    )
)
def test_partitions(record: PartitionRecord) -> None:
    assert records.decode_partition("partitions/x/0", records.encode_partition(record)) == record


@given(
    st.builds(
        BrokerRecord,
        id=st.just(7),
        epoch=EPOCHS,
        incarnation_id=IDS,
        endpoints=st.lists(st.builds(Endpoint, TEXT, TEXT, st.integers(0, 65535), TEXT), max_size=3).map(tuple),
        rack=st.none() | TEXT,
        fenced=st.booleans(),
        in_controlled_shutdown=st.booleans(),
        extra=st.just(records.NOTHING),
    )
)
def test_brokers(record: BrokerRecord) -> None:
    assert records.decode_broker(keys.broker(7), records.encode_broker(record)) == record


@given(st.dictionaries(TEXT, TEXT))
def test_settings(values: dict[str, str]) -> None:
    assert records.decode_config("configs/topic/t", records.encode_config(values)) == values


def test_small_records() -> None:
    controller = records.ControllerRecord(3, 9)
    assert records.decode_controller("controller", records.encode_controller(controller)) == controller
    assert records.decode_cluster("cluster", records.encode_cluster("abc")) == "abc"
    assert records.decode_producer_ids("producer_ids", records.encode_producer_ids(5000)) == 5000
    levels = {"metadata.version": 29}
    assert records.decode_features("features", records.encode_features(levels)) == levels


@pytest.mark.parametrize(
    ("decode", "encode", "value"),
    [
        (records.decode_topic, records.encode_topic, {"v": 1, "id": "A" * 22, "partitions": 1}),
        (records.decode_partition, records.encode_partition, {"v": 1, "replicas": [1], "isr": [1], "leader": 1}),
        (records.decode_broker, records.encode_broker, {"v": 1, "epoch": 1, "incarnation_id": "A" * 22}),
    ],
)
def test_fields_of_a_newer_node_are_written_back(
    decode: Callable[[str, bytes], Any], encode: Callable[[Any], bytes], value: dict[str, Any]
) -> None:
    newer = {**value, "colour": "blue", "more": {"deep": [1, 2]}}
    rewritten = json.loads(encode(decode("brokers/1", json.dumps(newer).encode())))
    assert rewritten["colour"] == "blue"
    assert rewritten["more"] == {"deep": [1, 2]}


DECODERS = [
    records.decode_topic,
    records.decode_partition,
    records.decode_broker,
    records.decode_config,
    records.decode_controller,
    records.decode_cluster,
    records.decode_producer_ids,
    records.decode_features,
]


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"[]", b"{}", b'{"v":1}', b'{"v":"1"}', b'{"v":1,"id":5,"replicas":3}']
)
def test_a_damaged_value_is_named(decode: Callable[[str, bytes], object], value: bytes) -> None:
    with pytest.raises(CorruptData, match="brokers/1"):
        decode("brokers/1", value)


@pytest.mark.parametrize("decode", DECODERS)
def test_a_newer_form_is_refused(decode: Callable[[str, bytes], object]) -> None:
    with pytest.raises(OperatorError, match="newer Ottla"):
        decode("brokers/1", b'{"v":2}')


RESOURCES = st.builds(
    ConfigResource,
    st.sampled_from([ConfigResourceType.TOPIC, ConfigResourceType.GROUP, ConfigResourceType.CLIENT_METRICS]),
    st.text(min_size=1, max_size=10),
) | st.builds(ConfigResource, st.just(ConfigResourceType.BROKER), st.sampled_from(["", "1", "2"]))


@given(RESOURCES)
def test_resources_have_keys(resource: ConfigResource) -> None:
    assert keys.parse_config(keys.config(resource)) == resource


def test_a_resource_of_a_type_that_is_not_known_is_passed_over() -> None:
    assert keys.parse_config("configs/colour/blue") is None


@given(IDS, st.integers(0, 100_000))
def test_partitions_have_keys(topic_id: bytes, index: int) -> None:
    key = keys.partition(topic_id, index)
    text, parsed = keys.parse_partition(key)
    assert (keys.topic_id_from_text(text), parsed) == (topic_id, index)
    assert key.startswith(keys.partitions(topic_id))
