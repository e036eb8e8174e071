"""ListOffsets (2), OffsetForLeaderEpoch (23), DeleteRecords (21)."""

from typing import Any

from tests.harness import batches
from tests.harness.batches import Entry
from tests.twin.peer import Peer


def _produce(peer: Peer, topic: str, *stamps: int, codec: int = 0, partition: int = 0) -> None:
    entries = [Entry(value=b"v%d" % stamp, timestamp=peer.t0_ms + stamp) for stamp in stamps]
    data = [{"name": topic, "partition_data": [{"index": partition, "records": batches.batch(entries, codec=codec)}]}]
    peer.ask("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)


def _list(peer: Peer, topic: str, timestamp: int, version: int = 11, note: str = "", **more: Any) -> None:
    part: dict[str, Any] = {"partition_index": 0, "timestamp": timestamp, **more}
    timeout = {"timeout_ms": 5000} if version >= 10 else {}
    topics = [{"name": topic, "partitions": [part]}]
    peer.call("ListOffsets", version, replica_id=-1, topics=topics, note=note, **timeout)


def every_version(peer: Peer) -> None:
    peer.create_topic("versions")
    _produce(peer, "versions", 0, 10, 20)
    for version in range(1, 12):
        for timestamp in (-1, -2, peer.t0_ms + 5):
            _list(peer, "versions", timestamp, version)


def special_times(peer: Peer) -> None:
    peer.create_topic("special")
    for timestamp in (-1, -2, -3, -4, -5, -6, -7):
        _list(peer, "special", timestamp, note="empty partition")
    _produce(peer, "special", 0, 30, 20)
    _produce(peer, "special", 10)
    for timestamp in (-1, -2, -3, -4, -5, -6, -7, -100):
        _list(peer, "special", timestamp)
    for version, timestamp in ((6, -3), (7, -4), (8, -5), (10, -6), (1, -3)):
        _list(peer, "special", timestamp, version, note="before its version")


def by_time(peer: Peer) -> None:
    peer.create_topic("timed")
    _produce(peer, "timed", 0, 30, 20)
    _produce(peer, "timed", 10, 15)
    _produce(peer, "timed", 40, 25, codec=1)
    for stamp in (-5, 0, 1, 12, 20, 21, 30, 31, 40, 41, 600_000):
        _list(peer, "timed", peer.t0_ms + stamp)
    _list(peer, "timed", 0)
    peer.create_topic("same-times")
    for _ in range(3):
        _produce(peer, "same-times", 7, 7)
    _list(peer, "same-times", peer.t0_ms + 7)
    _list(peer, "same-times", -3, note="first of the greatest")
    peer.create_topic("append-time", message_timestamp_type="LogAppendTime")
    _produce(peer, "append-time", 1, 2)
    _list(peer, "append-time", -3)
    _list(peer, "append-time", peer.t0_ms)


def list_refused(peer: Peer) -> None:
    peer.create_topic("refused")
    for version in (1, 5, 11):
        _list(peer, "nowhere", -1, version)
        _list(peer, "refused", -1, version, partition_index=3)
    _list(peer, "b ad", -1)
    for epoch in (0, 1, 7, -5):
        _list(peer, "refused", -1, 5, current_leader_epoch=epoch, note=f"leader epoch {epoch}")
    twice = [{"partition_index": 0, "timestamp": stamp} for stamp in (-1, -2)]
    peer.call("ListOffsets", 5, replica_id=-1, topics=[{"name": "refused", "partitions": twice}], note="twice")
    one = [{"name": "refused", "partitions": [{"partition_index": 0, "timestamp": -1}]}]
    peer.call("ListOffsets", 5, replica_id=-1, isolation_level=1, topics=one, note="read committed")
    peer.call("ListOffsets", 5, replica_id=-2, topics=one, note="debugging replica")
    peer.call("ListOffsets", 5, replica_id=1, topics=one, note="as a follower")
    peer.call("ListOffsets", 5, replica_id=-1, isolation_level=9, topics=one, note="no such isolation")
    peer.call("ListOffsets", 5, replica_id=-1, topics=[], note="nothing")


def leader_epochs(peer: Peer) -> None:
    peer.create_topic("epochs")
    _produce(peer, "epochs", 1, 2, 3)

    def ask(version: int, note: str, topic: str = "epochs", **more: Any) -> None:
        part = {"partition": 0, "leader_epoch": 0, **more}
        replica = {"replica_id": -1} if version >= 3 else {}
        asked = [{"topic": topic, "partitions": [part]}]
        peer.call("OffsetForLeaderEpoch", version, topics=asked, note=note, **replica)

    for version in (2, 3, 4):
        ask(version, "epoch 0")
    for epoch in (-1, 1, 5, -2):
        ask(4, f"epoch {epoch}", leader_epoch=epoch)
    for epoch in (0, 1, -5):
        ask(4, f"current epoch {epoch}", current_leader_epoch=epoch)
    ask(4, "unknown partition", partition=3)
    ask(4, "unknown topic", topic="nowhere")
    ask(2, "unknown topic", topic="nowhere")
    peer.call("OffsetForLeaderEpoch", 4, replica_id=-1, topics=[], note="nothing")


def delete_records(peer: Peer) -> None:
    peer.create_topic("shortened")
    for _ in range(3):
        _produce(peer, "shortened", 1, 2)

    def ask(offset: int, note: str = "", version: int = 2, topic: str = "shortened", partition: int = 0) -> None:
        topics = [{"name": topic, "partitions": [{"partition_index": partition, "offset": offset}]}]
        peer.call("DeleteRecords", version, topics=topics, timeout_ms=5000, note=note)

    ask(0, "nothing", version=0)
    ask(1, "within a batch", version=1)
    part = [{"fetch_offset": 0, "partition_max_bytes": 1 << 20}]
    peer.call("Fetch", 11, topics=[{"topic": "shortened", "partitions": part}], note="before the start")
    part = [{"fetch_offset": 1, "partition_max_bytes": 1 << 20}]
    peer.call("Fetch", 11, topics=[{"topic": "shortened", "partitions": part}], note="at the start")
    _list(peer, "shortened", -2)
    _list(peer, "shortened", -4)
    _list(peer, "shortened", peer.t0_ms)
    ask(1, "again")
    ask(0, "backwards")
    ask(7, "past the end")
    ask(-2, "negative")
    ask(-1, "all")
    _list(peer, "shortened", -2)
    _list(peer, "shortened", -3, note="the largest timestamp, of what is deleted")
    _list(peer, "shortened", peer.t0_ms)
    ask(6, "at the end")
    asked = [{"topic": "shortened", "partitions": [{"partition": 0, "leader_epoch": 0}]}]
    peer.call("OffsetForLeaderEpoch", 4, replica_id=-1, topics=asked)
    _produce(peer, "shortened", 9)
    part = [{"fetch_offset": 6, "partition_max_bytes": 1 << 20}]
    peer.call("Fetch", 11, topics=[{"topic": "shortened", "partitions": part}], note="goes on")
    ask(0, "unknown topic", topic="nowhere")
    ask(0, "unknown partition", partition=5)
    ask(0, "bad name", topic="b ad")
    peer.create_topic("compact-only", cleanup_policy="compact")
    ask(0, "compacted", topic="compact-only")
    peer.create_topic("compact-delete", cleanup_policy="compact,delete")
    ask(0, "compacted and deleted", topic="compact-delete")
    peer.call("DeleteRecords", 2, topics=[], timeout_ms=5000, note="nothing at all")
