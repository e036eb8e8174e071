"""``__consumer_offsets``: what a client may do to it, and what not."""

from typing import Any

from tests.harness import batches
from tests.harness.batches import Entry
from tests.twin.peer import Client, Peer

OFFSETS = "__consumer_offsets"


def _produce(client: Client, peer: Peer, topic: str, note: str) -> None:
    records = batches.batch([Entry(key=b"\xff\xff", value=b"v", timestamp=peer.t0_ms)])
    data = [{"name": topic, "partition_data": [{"index": 0, "records": records}]}]
    client.call("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data, note=note)


def before_it_is_there(peer: Peer) -> None:
    peer.call("Metadata", 9, topics=[{"name": OFFSETS}], allow_auto_topic_creation=False)
    peer.call("ListGroups", 4, note="no groups yet")
    peer.call("DescribeGroups", 5, groups=["nobody"], note="coordinator unknown")


def shown(peer: Peer) -> None:
    peer.settle_coordinator("somebody")
    topics = [{"name": "orders", "partitions": [{"partition_index": 0, "committed_offset": 5}]}]
    peer.create_topic("orders")
    peer.ask("OffsetCommit", 7, group_id="somebody", topics=topics)
    peer.call("Metadata", 9, topics=[{"name": OFFSETS}])
    peer.call("DescribeTopicPartitions", 0, topics=[{"name": OFFSETS}])
    keys = ["cleanup.policy", "compression.type", "segment.bytes", "retention.ms", "min.insync.replicas"]
    resource: dict[str, Any] = {"resource_type": 2, "resource_name": OFFSETS, "configuration_keys": keys}
    peer.call("DescribeConfigs", 4, resources=[resource], include_synonyms=True)
    latest = [{"name": OFFSETS, "partitions": [{"partition_index": 0, "timestamp": -2}]}]
    peer.call("ListOffsets", 6, replica_id=-1, topics=latest)
    peer.call("DescribeLogDirs", 4, topics=[{"topic": OFFSETS, "partitions": [0]}])


def committed_records(peer: Peer) -> None:
    """The records of a commit as they stand in the log: keys and values of Kafka's versions."""
    part = [{"fetch_offset": 0, "partition_max_bytes": 1 << 20}]
    peer.call("Fetch", 11, topics=[{"topic": OFFSETS, "partitions": part}])


def written_to(peer: Peer) -> None:
    _produce(peer, peer, OFFSETS, "as a client")
    _produce(peer.client("__admin_client"), peer, OFFSETS, "as an admin client")
    shorter = [{"name": OFFSETS, "partitions": [{"partition_index": 0, "offset": 0}]}]
    peer.call("DeleteRecords", 2, topics=shorter, timeout_ms=5000)
    _produce(peer, peer, "__transaction_state", "not there")


def administered(peer: Peer) -> None:
    topic = {"name": OFFSETS, "num_partitions": 1, "replication_factor": 1}
    peer.call("CreateTopics", 5, topics=[topic], timeout_ms=10_000)
    peer.call("CreateTopics", 5, topics=[{**topic, "name": "__other"}], timeout_ms=10_000)
    peer.settle_topic("__other")
    _produce(peer, peer, "__other", "two underscores make no internal topic")
    peer.call("Metadata", 9, topics=[{"name": "__other"}])
    more = [{"name": OFFSETS, "count": 2, "assignments": None}]
    peer.call("CreatePartitions", 2, topics=more, timeout_ms=10_000, validate_only=True)
    configs = [{"name": "segment.bytes", "value": "2000000"}]
    change = [{"resource_type": 2, "resource_name": OFFSETS, "configs": configs}]
    peer.call("IncrementalAlterConfigs", 1, resources=change, validate_only=True)
