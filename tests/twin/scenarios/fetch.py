"""Fetch (1): versions, limits, errors, and incremental sessions (KIP-227)."""

from typing import Any

from tests.harness import batches
from tests.harness.batches import Entry
from tests.twin.peer import Peer

LIMIT = 1 << 20


def _fill(peer: Peer, topic: str, count: int = 3, *, partition: int = 0, size_bytes: int = 0) -> None:
    for number in range(count):
        value = (b"v%d" % number).ljust(size_bytes, b".")
        records = batches.batch([Entry(value=value, timestamp=peer.t0_ms + number)] * 2)
        data = [{"name": topic, "partition_data": [{"index": partition, "records": records}]}]
        peer.ask("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)


def _part(partition: int = 0, offset: int = 0, **more: Any) -> dict[str, Any]:
    return {"partition": partition, "fetch_offset": offset, "partition_max_bytes": LIMIT, **more}


def _topic(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"topic": name, "partitions": list(parts) or [_part()]}


def every_version(peer: Peer) -> None:
    topic_id = peer.create_topic("versions")
    _fill(peer, "versions")
    for version in range(4, 13):
        peer.call("Fetch", version, topics=[_topic("versions", _part(offset=2))])
    for version in range(13, 19):
        peer.call("Fetch", version, topics=[{"topic_id": topic_id, "partitions": [_part(offset=2)]}])


def offsets(peer: Peer) -> None:
    peer.create_topic("offsets")
    _fill(peer, "offsets")
    for offset in (0, 1, 5, 6, 7, 1000, -1, -2):
        for version in (4, 12):
            peer.call("Fetch", version, topics=[_topic("offsets", _part(offset=offset))], note=f"offset {offset}")


def limits(peer: Peer) -> None:
    peer.create_topic("limits", partitions=3)
    for partition in range(3):
        _fill(peer, "limits", partition=partition, size_bytes=1000)
    parts = [_part(partition) for partition in range(3)]
    for max_bytes in (0, 1, 2200, 5000, 1 << 20):
        peer.call("Fetch", 11, max_bytes=max_bytes, topics=[_topic("limits", *parts)], note=f"max {max_bytes}")
    for part_bytes in (0, 1, 2200, 5000):
        parts = [_part(partition, partition_max_bytes=part_bytes) for partition in range(3)]
        peer.call("Fetch", 11, topics=[_topic("limits", *parts)], note=f"partition max {part_bytes}")
    peer.call("Fetch", 11, max_bytes=-1, topics=[_topic("limits")], note="negative max")
    peer.call("Fetch", 11, topics=[_topic("limits", _part(partition_max_bytes=-1))], note="negative partition max")
    peer.call("Fetch", 11, min_bytes=1 << 20, max_wait_ms=1, topics=[_topic("limits")], note="waits for more")
    peer.call("Fetch", 11, min_bytes=-1, max_wait_ms=-1, topics=[_topic("limits", _part(offset=6))], note="negatives")
    peer.call("Fetch", 11, max_wait_ms=1, min_bytes=1, topics=[_topic("limits", _part(offset=6))], note="at the end")
    peer.call("Fetch", 11, topics=[], note="nothing")
    peer.call("Fetch", 11, topics=[{"topic": "limits"}], note="no partitions")


def unknown_places(peer: Peer) -> None:
    topic_id = peer.create_topic("place")
    _fill(peer, "place")
    for version in (4, 12):
        peer.call("Fetch", version, topics=[_topic("nowhere")], note="unknown topic")
        peer.call("Fetch", version, topics=[_topic("place", _part(1))], note="unknown partition")
        peer.call("Fetch", version, topics=[_topic("place", _part(-1))], note="negative partition")
        peer.call("Fetch", version, topics=[_topic("b ad")], note="bad name")
    peer.call("Fetch", 13, topics=[{"topic_id": b"u" * 16, "partitions": [_part()]}], note="unknown id")
    peer.call("Fetch", 18, topics=[{"topic_id": b"u" * 16, "partitions": [_part()]}], note="unknown id")
    peer.call("Fetch", 13, topics=[{"partitions": [_part()]}], note="zero id")
    peer.call("Fetch", 13, topics=[{"topic_id": topic_id, "partitions": [_part(1)]}], note="unknown partition")
    peer.call("Fetch", 12, topics=[_topic("place"), _topic("nowhere")], note="known and unknown")
    peer.call("Fetch", 12, topics=[_topic("place", _part(), _part(offset=2))], note="partition twice")


def epochs(peer: Peer) -> None:
    peer.create_topic("epochs")
    _fill(peer, "epochs")
    for epoch in (-1, 0, 1, 5, -2):
        part = _part(current_leader_epoch=epoch)
        peer.call("Fetch", 11, topics=[_topic("epochs", part)], note=f"current leader epoch {epoch}")
    for epoch in (0, 1, 5):
        for offset in (0, 6, 9):
            part = _part(offset=offset, last_fetched_epoch=epoch)
            peer.call("Fetch", 12, topics=[_topic("epochs", part)], note=f"last fetched epoch {epoch} at {offset}")


def replicas(peer: Peer) -> None:
    peer.create_topic("replicated")
    _fill(peer, "replicated")
    for replica_id in (-2, 1, 2, -3):
        peer.call("Fetch", 11, replica_id=replica_id, topics=[_topic("replicated")], note=f"replica {replica_id}")
    peer.call("Fetch", 11, isolation_level=1, topics=[_topic("replicated")], note="read committed")
    peer.call("Fetch", 4, isolation_level=1, topics=[_topic("replicated")], note="read committed")
    peer.call("Fetch", 11, isolation_level=7, topics=[_topic("replicated")], note="no such isolation")
    peer.call("Fetch", 11, rack_id="r1", topics=[_topic("replicated")], note="rack")
    peer.call("Fetch", 12, cluster_id="another", topics=[_topic("replicated")], note="another cluster")


def session(peer: Peer) -> None:
    peer.create_topic("session", partitions=3)
    for partition in range(2):
        _fill(peer, "session", 1, partition=partition)

    def ask(note: str, epoch: int, *parts: dict[str, Any], session_id: int = 0, **more: Any) -> Any:
        topics = [_topic("session", *parts)] if parts else []
        return peer.call(
            "Fetch", 11, session_id=session_id, session_epoch=epoch, topics=topics, min_bytes=0, note=note, **more
        )

    session_id = ask("new", 0, *(_part(partition) for partition in range(3))).session_id
    ask("nothing has changed but the offsets", 1, _part(0, 2), _part(1, 2), session_id=session_id)
    ask("nothing new", 2, session_id=session_id)
    _fill(peer, "session", 1, partition=2)
    ask("records in the third", 3, session_id=session_id)
    ask("same again: not read on", 4, session_id=session_id)
    ask("read on", 5, _part(2, 2), session_id=session_id)
    ask("an error shows", 6, _part(1, 99), session_id=session_id)
    ask("and shows again", 7, session_id=session_id)
    forgotten = [{"topic": "session", "partitions": [1]}]
    ask("forget it", 8, session_id=session_id, forgotten_topics_data=forgotten)
    ask("a partition that is not", 9, _part(7), session_id=session_id)
    ask("still not", 10, session_id=session_id)
    ask("wrong epoch", 12, session_id=session_id)
    ask("epoch of before", 10, session_id=session_id)
    ask("right epoch", 11, session_id=session_id)
    ask("closed", -1, session_id=session_id)
    ask("gone", 12, session_id=session_id)


def session_errors(peer: Peer) -> None:
    peer.create_topic("errors")
    for session_id, epoch in ((12345, 1), (12345, 0), (12345, -1), (0, 1), (0, -1), (-1, 0), (12345, -2), (0, -2)):
        peer.call(
            "Fetch",
            11,
            session_id=session_id,
            session_epoch=epoch,
            min_bytes=0,
            topics=[_topic("errors")],
            note=f"session {'unknown' if session_id > 0 else session_id} epoch {epoch}",
        )
    for version in (7, 12):
        peer.call(
            "Fetch", version, session_epoch=0, min_bytes=0, topics=[_topic("nowhere")], note="only unknown topics"
        )
    peer.call("Fetch", 11, session_epoch=0, min_bytes=0, topics=[], note="empty session")
    found = peer.call("Fetch", 7, session_epoch=0, min_bytes=0, topics=[_topic("errors")], note="replaced")
    peer.call(
        "Fetch", 7, session_id=found.session_id, session_epoch=0, min_bytes=0, topics=[_topic("errors")], note="anew"
    )
    peer.call("Fetch", 7, session_id=found.session_id, session_epoch=1, min_bytes=0, note="the old one is gone")


def session_by_id(peer: Peer) -> None:
    topic_id = peer.create_topic("by-id", partitions=2)
    _fill(peer, "by-id", 1)

    def ask(note: str, epoch: int, topics: list[dict[str, Any]], session_id: int = 0, version: int = 15) -> Any:
        return peer.call(
            "Fetch", version, session_id=session_id, session_epoch=epoch, topics=topics, min_bytes=0, note=note
        )

    both = [{"topic_id": topic_id, "partitions": [_part(0), _part(1)]}]
    session_id = ask("new", 0, both).session_id
    ask("read on", 1, [{"topic_id": topic_id, "partitions": [_part(0, 2)]}], session_id)
    ask("an unknown id joins", 2, [{"topic_id": b"u" * 16, "partitions": [_part(0)]}], session_id)
    ask("and stays", 3, [], session_id)
    ask("by name in a session by id", 4, [_topic("by-id")], session_id, version=12)
    peer.call("DeleteTopics", 5, topic_names=["by-id"], timeout_ms=10_000)
    peer.settle(lambda: bool(peer.ask("Metadata", 9, topics=[{"name": "by-id"}]).topics[0].error_code), "deletion")
    ask("after its deletion", 4, [], session_id)


def waiting(peer: Peer) -> None:
    peer.create_topic("waiting")
    reader = peer.client("reader")
    reader.send("Fetch", 11, max_wait_ms=8000, min_bytes=1, topics=[_topic("waiting")], note="wakes at once")
    _fill(peer, "waiting", 1)
    reader.receive()
    reader.send("Fetch", 11, max_wait_ms=8000, min_bytes=1, topics=[_topic("waiting", _part(offset=2)), _topic("none")])
    reader.receive()
