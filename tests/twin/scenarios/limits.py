"""A node with narrow settings: what is switched off, too large, too few, or full."""

from typing import Any

from tests.harness import batches
from tests.harness.batches import Entry
from tests.twin.peer import Peer

SETTINGS: dict[str, object] = {
    "delete.topic.enable": "false",
    "message.max.bytes": 2000,
    "default.replication.factor": 1,
    "num.partitions": 3,
    "log.message.timestamp.type": "LogAppendTime",
    "compression.type": "lz4",
    "log.cleanup.policy": "compact",
    "offset.metadata.max.bytes": 10,
    "fetch.max.bytes": 3000,
    "group.max.session.timeout.ms": 10_000,
}


def _send(peer: Peer, topic: str, size: int, note: str, *, acks: int = -1, **more: Any) -> None:
    records = batches.batch([Entry(key=b"k", value=bytes(range(256)) * (size // 256), timestamp=peer.t0_ms)], **more)
    data = [{"name": topic, "partition_data": [{"index": 0, "records": records}]}]
    peer.call("Produce", 9, acks=acks, timeout_ms=5000, topic_data=data, note=note)


def defaults_of_topics(peer: Peer) -> None:
    wanted: dict[str, Any] = {"name": "default", "num_partitions": -1, "replication_factor": -1}
    peer.call("CreateTopics", 7, topics=[wanted], timeout_ms=10_000)
    peer.settle_topic("default", 3)
    resource: dict[str, Any] = {"resource_type": 2, "resource_name": "default", "configuration_keys": None}
    peer.call("DescribeConfigs", 4, resources=[resource], include_synonyms=True)
    _send(peer, "default", 256, "append time, another codec")
    part = [{"fetch_offset": 0, "partition_max_bytes": 1 << 20}]
    peer.call("Fetch", 11, topics=[{"topic": "default", "partitions": part}])


def deletion_is_off(peer: Peer) -> None:
    for version in (1, 3, 4, 5):
        peer.call("DeleteTopics", version, topic_names=["default"], timeout_ms=10_000)
    peer.call("DeleteTopics", 6, topics=[{"name": "default"}], timeout_ms=10_000)
    peer.call("DeleteTopics", 6, topics=[{"name": "nowhere"}], timeout_ms=10_000)
    peer.call("Metadata", 9, topics=[{"name": "default"}])


def creation_is_off(peer: Peer) -> None:
    peer.call("Metadata", 9, topics=[{"name": "unasked"}], allow_auto_topic_creation=True)
    peer.call("Metadata", 9, topics=[{"name": "b ad"}], allow_auto_topic_creation=True)


def batches_are_small(peer: Peer) -> None:
    peer.create_topic("small")
    _send(peer, "small", 1536, "fits")
    _send(peer, "small", 2048, "does not fit")
    _send(peer, "small", 2048, "does not fit, packed it does", codec=1)


def answers_are_small(peer: Peer) -> None:
    peer.create_topic("answered", compression_type="producer", message_timestamp_type="CreateTime")
    for number in range(4):
        _send(peer, "answered", 1280, f"batch {number}")
    part = [{"fetch_offset": 0, "partition_max_bytes": 1 << 20}]
    peer.call("Fetch", 11, max_bytes=1 << 20, topics=[{"topic": "answered", "partitions": part}], note="two of four")


def too_few_in_sync(peer: Peer) -> None:
    peer.create_topic("fewer", min_insync_replicas=2)
    for acks in (-1, 1):
        _send(peer, "fewer", 256, f"acks {acks}", acks=acks)
    change = [{"name": "min.insync.replicas", "config_operation": 1}]
    peer.ask(
        "IncrementalAlterConfigs", 1, resources=[{"resource_type": 2, "resource_name": "fewer", "configs": change}]
    )


def settings_change(peer: Peer) -> None:
    peer.create_topic("changing", compression_type="producer", message_timestamp_type="CreateTime")

    def alter(name: str, value: str) -> None:
        change = [{"name": name, "value": value}]
        resource = {"resource_type": 2, "resource_name": "changing", "configs": change}
        peer.call("IncrementalAlterConfigs", 1, resources=[resource])

    _send(peer, "changing", 1024, "before")
    alter("max.message.bytes", "500")
    peer.settle(lambda: _refused(peer, "changing", 1024), "the smaller limit")
    _send(peer, "changing", 1024, "over the new limit")
    _send(peer, "changing", 256, "under it")
    alter("compression.type", "gzip")
    alter("message.timestamp.type", "LogAppendTime")
    alter("max.message.bytes", "3000")
    peer.settle(lambda: not _refused(peer, "changing", 1024), "the larger limit")
    _send(peer, "changing", 1024, "append time, gzip")


def _refused(peer: Peer, topic: str, size: int) -> bool:
    records = batches.batch([Entry(key=b"k", value=b"s" * size, timestamp=peer.t0_ms)])
    data = [{"name": topic, "partition_data": [{"index": 0, "records": records}]}]
    answer = peer.ask("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
    return bool(answer.responses[0].partition_responses[0].error_code)


def groups_are_narrow(peer: Peer) -> None:
    peer.settle_coordinator("narrow")
    join: dict[str, Any] = {
        "group_id": "narrow",
        "rebalance_timeout_ms": 30_000,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": b"meta"}],
    }
    peer.call("JoinGroup", 3, session_timeout_ms=10_001, note="session too long", **join)
    peer.call("JoinGroup", 3, session_timeout_ms=5999, note="session too short", **join)
    part = {"partition_index": 0, "committed_offset": 5}
    for metadata in ("x" * 10, "x" * 11, "ä" * 10):
        topics = [{"name": "default", "partitions": [{**part, "committed_metadata": metadata}]}]
        peer.call("OffsetCommit", 7, group_id="metadata", topics=topics, note=f"metadata of {len(metadata)}")


def no_time(peer: Peer) -> None:
    for name in ("hurried", "hurried-too"):
        topic = {"name": name, "num_partitions": 1, "replication_factor": 1}
        peer.call("CreateTopics", 4, topics=[topic], timeout_ms=0)
    peer.create_topic("calm", cleanup_policy="delete")
    more = [{"name": "calm", "count": 2, "assignments": None}]
    peer.call("CreatePartitions", 2, topics=more, timeout_ms=0)
    part = [{"partition_index": 0, "offset": 0}]
    peer.call("DeleteRecords", 2, topics=[{"name": "calm", "partitions": part}], timeout_ms=0)
