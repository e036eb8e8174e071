"""DescribeLogDirs (35)."""

from tests.harness import batches
from tests.harness.batches import Entry
from tests.twin.peer import Peer


def describe(peer: Peer) -> None:
    peer.create_topic("stored", partitions=2)
    records = batches.batch([Entry(value=b"v" * 100, timestamp=peer.t0_ms)])
    data = [{"name": "stored", "partition_data": [{"index": 1, "records": records}]}]
    peer.ask("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
    asked = [{"topic": "stored", "partitions": [0, 1]}]
    for version in range(5):
        peer.call("DescribeLogDirs", version, topics=asked)
    peer.call("DescribeLogDirs", 4, topics=[{"topic": "stored", "partitions": [1]}], note="one partition")
    peer.call("DescribeLogDirs", 4, topics=[{"topic": "stored", "partitions": [9]}], note="unknown partition")
    peer.call("DescribeLogDirs", 4, topics=[{"topic": "nowhere", "partitions": [0]}], note="unknown topic")
    peer.call("DescribeLogDirs", 4, topics=[], note="nothing")
    peer.call("DescribeLogDirs", 4, topics=None, note="all")
