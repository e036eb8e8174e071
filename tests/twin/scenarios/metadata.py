"""Metadata (3), DescribeTopicPartitions (75), DescribeCluster (60)."""

from typing import Any

from tests.twin.peer import Peer

SETTINGS = {"auto.create.topics.enable": "true", "num.partitions": 2}


def every_version(peer: Peer) -> None:
    peer.create_topic("known", partitions=2)
    for version in range(14):
        peer.call("Metadata", version, topics=[{"name": "known"}])


def all_or_none(peer: Peer) -> None:
    peer.create_topic("another")
    peer.call("Metadata", 0, topics=[], note="all, in the old way")
    peer.call("Metadata", 1, topics=[], note="none")
    peer.call("Metadata", 1, topics=None, note="all")
    peer.call("Metadata", 13, topics=None, note="all")
    peer.call("Metadata", 13, topics=[], note="none")
    peer.call("Metadata", 7, topics=[{"name": "known"}, {"name": "known"}], note="twice")


def by_id(peer: Peer) -> None:
    topic_id = peer.topic_id("known")
    peer.call("Metadata", 12, topics=[{"name": None, "topic_id": topic_id}])
    peer.call("Metadata", 13, topics=[{"name": None, "topic_id": topic_id}])
    peer.call("Metadata", 12, topics=[{"name": None, "topic_id": b"u" * 16}], note="unknown id")
    peer.call("Metadata", 12, topics=[{"name": "known", "topic_id": topic_id}], note="both")
    peer.call("Metadata", 12, topics=[{"name": None}], note="neither")
    peer.call("Metadata", 10, topics=[{"name": None, "topic_id": topic_id}], note="by id before 12")
    mixed: list[dict[str, Any]] = [{"name": "known"}, {"name": None, "topic_id": topic_id}]
    peer.call("Metadata", 12, topics=mixed, note="a name and an id")


def operations(peer: Peer) -> None:
    asked = [{"name": "known"}]
    peer.call("Metadata", 8, topics=asked, include_topic_authorized_operations=True)
    peer.call("Metadata", 8, topics=asked, include_cluster_authorized_operations=True)
    peer.call("Metadata", 13, topics=asked, include_topic_authorized_operations=True)


def created_by_asking(peer: Peer) -> None:
    peer.call("Metadata", 13, topics=[{"name": "unknown"}], allow_auto_topic_creation=False)
    peer.call("Metadata", 4, topics=[{"name": "unknown"}], allow_auto_topic_creation=False)
    for name in ["b ad", "", ".", "x" * 250]:
        peer.call("Metadata", 13, topics=[{"name": name}], note=f"name {name[:10]!r}")
        peer.call("Metadata", 3, topics=[{"name": name}], note=f"name {name[:10]!r}")
    peer.call("Metadata", 13, topics=[{"name": "asked-for"}], note="created")
    peer.settle_topic("asked-for", 2)
    peer.call("Metadata", 13, topics=[{"name": "asked-for"}], note="is there")


def topic_partitions(peer: Peer) -> None:
    peer.create_topic("wide", partitions=5)
    peer.call("DescribeTopicPartitions", 0, topics=[{"name": "wide"}, {"name": "known"}])
    peer.call("DescribeTopicPartitions", 0, topics=[{"name": "wide"}], response_partition_limit=2, note="first page")
    peer.call(
        "DescribeTopicPartitions",
        0,
        topics=[{"name": "wide"}],
        response_partition_limit=2,
        cursor={"topic_name": "wide", "partition_index": 2},
        note="second page",
    )
    peer.call(
        "DescribeTopicPartitions",
        0,
        topics=[{"name": "wide"}],
        response_partition_limit=2,
        cursor={"topic_name": "wide", "partition_index": 4},
        note="last page",
    )
    peer.call(
        "DescribeTopicPartitions",
        0,
        topics=[{"name": "known"}, {"name": "wide"}],
        response_partition_limit=3,
        note="over two topics",
    )
    peer.call(
        "DescribeTopicPartitions",
        0,
        topics=[{"name": "known"}, {"name": "wide"}],
        cursor={"topic_name": "wide", "partition_index": 0},
        note="the first topic is done",
    )


def topic_partitions_refused(peer: Peer) -> None:
    def ask(note: str, **asked: Any) -> None:
        peer.call("DescribeTopicPartitions", 0, note=note, **asked)

    ask("unknown", topics=[{"name": "nowhere"}])
    ask("bad name", topics=[{"name": "b ad"}])
    ask("twice", topics=[{"name": "wide"}, {"name": "wide"}])
    ask("limit of 0", topics=[{"name": "wide"}], response_partition_limit=0)
    ask("negative limit", topics=[{"name": "wide"}], response_partition_limit=-1)
    ask("negative cursor", topics=[{"name": "wide"}], cursor={"topic_name": "wide", "partition_index": -1})
    ask("cursor past the end", topics=[{"name": "wide"}], cursor={"topic_name": "wide", "partition_index": 9})
    ask("cursor on another", topics=[{"name": "known"}], cursor={"topic_name": "wide", "partition_index": 1})
    ask("cursor before", topics=[{"name": "wide"}], cursor={"topic_name": "known", "partition_index": 1})
    ask("page ends between", topics=[{"name": "known"}, {"name": "wide"}], response_partition_limit=2)
    ask("all", topics=[])
    ask("all from a cursor", topics=[], cursor={"topic_name": "known", "partition_index": 1})
    ask("known and unknown", topics=[{"name": "known"}, {"name": "nowhere"}])


def cluster(peer: Peer) -> None:
    for version in range(3):
        peer.call("DescribeCluster", version)
    peer.call("DescribeCluster", 0, include_cluster_authorized_operations=True)
    peer.call("DescribeCluster", 2, include_cluster_authorized_operations=True, include_fenced_brokers=True)
    peer.call("DescribeCluster", 1, endpoint_type=2, note="controllers")
    peer.call("DescribeCluster", 1, endpoint_type=3, note="unknown type")
