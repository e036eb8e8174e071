"""OffsetCommit (8), OffsetFetch (9), OffsetDelete (47)."""

import struct
from typing import Any

from tests.twin.peer import Peer

SETTINGS = {"offset.metadata.max.bytes": 100}


def _parts(*offsets: tuple[int, int], **more: Any) -> list[dict[str, Any]]:
    return [{"partition_index": index, "committed_offset": offset, **more} for index, offset in offsets]


def _member(peer: Peer, group: str, *, metadata: bytes = b"meta", sync: bool = True, **more: Any) -> Any:
    asked: dict[str, Any] = {
        "group_id": group,
        "session_timeout_ms": 30_000,
        "rebalance_timeout_ms": 30_000,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": metadata}],
        **more,
    }
    joined = peer.ask("JoinGroup", 5 if more else 3, **asked)
    if sync:
        peer.ask("SyncGroup", 1, group_id=group, generation_id=1, member_id=joined.member_id)
    return joined


def commit_in_every_version(peer: Peer) -> None:
    peer.settle_coordinator("versions")
    topic_id = peer.create_topic("orders", partitions=3)
    for version in range(1, 10):
        topics = [{"name": "orders", "partitions": _parts((0, 10 + version), (2, version))}]
        peer.call("OffsetCommit", version, group_id="versions", topics=topics)
    by_id: list[dict[str, Any]] = [{"topic_id": topic_id, "partitions": _parts((1, 44))}]
    peer.call("OffsetCommit", 10, group_id="versions", topics=by_id)


def fetch_in_every_version(peer: Peer) -> None:
    topic_id = peer.topic_id("orders")
    for version in range(1, 8):
        peer.call(
            "OffsetFetch", version, group_id="versions", topics=[{"name": "orders", "partition_indexes": [0, 1, 7]}]
        )
        peer.call("OffsetFetch", version, group_id="unknown", topics=[{"name": "orders", "partition_indexes": [0]}])
    for version in (8, 9):
        topics = [{"name": "orders", "partition_indexes": [0, 1, 7]}]
        groups: list[dict[str, Any]] = [
            {"group_id": "versions", "topics": topics},
            {"group_id": "unknown", "topics": topics},
        ]
        peer.call("OffsetFetch", version, groups=groups)
        groups = [{"group_id": "versions", "topics": None}, {"group_id": "unknown", "topics": None}]
        peer.call("OffsetFetch", version, groups=groups, note="all")
    by_id: list[dict[str, Any]] = [
        {"topic_id": topic_id, "partition_indexes": [0, 1, 7]},
        {"topic_id": b"u" * 16, "partition_indexes": [0]},
    ]
    peer.call("OffsetFetch", 10, groups=[{"group_id": "versions", "topics": by_id}])
    peer.call("OffsetFetch", 10, groups=[{"group_id": "versions", "topics": None}], note="all")
    for version in (2, 5, 7):
        peer.call("OffsetFetch", version, group_id="versions", topics=None, note="all")
        peer.call("OffsetFetch", version, group_id="versions", topics=[], note="none")
    peer.call("OffsetFetch", 7, group_id="versions", topics=None, require_stable=True)
    peer.call("OffsetFetch", 5, group_id="", topics=None, note="empty group")
    peer.call("OffsetFetch", 1, group_id="", topics=[{"name": "orders", "partition_indexes": [0]}], note="empty group")
    peer.call("OffsetFetch", 8, groups=[], note="no groups")
    twice = [{"group_id": "versions", "topics": None}] * 2
    peer.call("OffsetFetch", 8, groups=twice, note="group twice")
    member = {"group_id": "versions", "member_id": "m", "member_epoch": 3, "topics": None}
    peer.call("OffsetFetch", 9, groups=[member], note="with a member")


def commit_refused(peer: Peer) -> None:
    def commit(note: str, group: str = "simple", name: str = "orders", version: int = 7, **more: Any) -> None:
        part = {"partition_index": 0, "committed_offset": 5}
        part.update({key: more.pop(key) for key in list(more) if key.startswith(("partition", "committed"))})
        topics = [{"name": name, "partitions": [part]}]
        peer.call("OffsetCommit", version, group_id=group, topics=topics, note=note, **more)

    commit("simple consumer")
    commit("empty group", group="")
    commit("empty group", group="", version=2)
    commit("unknown topic", name="nowhere")
    commit("unknown partition", partition_index=9)
    commit("negative partition", partition_index=-1)
    commit("bad name", name="b ad")
    commit("negative offset", committed_offset=-7)
    commit("metadata", committed_metadata="x" * 100)
    commit("metadata too long", committed_metadata="x" * 101)
    commit("null metadata", committed_metadata=None)
    commit("leader epoch", committed_leader_epoch=3)
    commit("generation for a group without", generation_id_or_member_epoch=1, member_id="m")
    commit("member without generation", member_id="m")
    commit("generation of a group that is not", "new", generation_id_or_member_epoch=1, member_id="m")
    peer.call("OffsetFetch", 5, group_id="simple", topics=None)
    peer.call("OffsetCommit", 7, group_id="simple", topics=[], note="nothing")
    peer.call("OffsetCommit", 10, group_id="simple", topics=[{"topic_id": b"u" * 16, "partitions": _parts((0, 1))}])
    peer.call("OffsetCommit", 10, group_id="simple", topics=[{"partitions": _parts((0, 1))}], note="no id")
    many = [{"name": "orders", "partitions": _parts((0, 1), (0, 2), (8, 1))}]
    peer.call("OffsetCommit", 7, group_id="simple", topics=many, note="partition twice")


def commit_as_member(peer: Peer) -> None:
    peer.settle_coordinator("members")
    joined = _member(peer, "members")

    def commit(note: str, generation: int, member: str, **more: Any) -> None:
        topics = [{"name": "orders", "partitions": _parts((0, 5))}]
        who = {"generation_id_or_member_epoch": generation, "member_id": member}
        peer.call("OffsetCommit", more.pop("version", 7), group_id="members", topics=topics, note=note, **who, **more)

    commit("right", 1, joined.member_id)
    commit("earlier generation", 0, joined.member_id)
    commit("later generation", 2, joined.member_id)
    commit("unknown member", 1, "somebody")
    commit("no member, no generation", -1, "")
    commit("member, no generation", -1, joined.member_id)
    commit("unknown instance", 1, joined.member_id, group_instance_id="i")
    commit("later generation in 9", 2, joined.member_id, version=9)
    completing = _member(peer, "completing", sync=False)
    topics = [{"name": "orders", "partitions": _parts((0, 5))}]
    who = {"generation_id_or_member_epoch": 1, "member_id": completing.member_id}
    peer.call("OffsetCommit", 7, group_id="completing", topics=topics, note="before the assignment", **who)
    fetched = [{"group_id": "members", "member_id": "m", "member_epoch": 7, "topics": None}]
    peer.call("OffsetFetch", 9, groups=fetched, note="member of a classic group")
    static = _member(peer, "static", group_instance_id="i1")
    who = {"generation_id_or_member_epoch": 1, "member_id": static.member_id}
    peer.call("OffsetCommit", 7, group_id="static", topics=topics, group_instance_id="i1", note="static", **who)
    who["member_id"] = "other"
    peer.call("OffsetCommit", 7, group_id="static", topics=topics, group_instance_id="i1", note="fenced", **who)


def _subscription(*topics: str) -> bytes:
    names = b"".join(struct.pack(">h", len(topic)) + topic.encode() for topic in topics)
    return struct.pack(">hi", 0, len(topics)) + names + struct.pack(">i", -1)


def delete(peer: Peer) -> None:
    peer.settle_coordinator("deleting")
    peer.create_topic("bills")
    for group in ("deleting", "watching"):
        for topic in ("orders", "bills"):
            topics = [{"name": topic, "partitions": _parts((0, 5))}]
            peer.ask("OffsetCommit", 7, group_id=group, topics=topics)

    def ask(note: str, group: str, topic: str, *partitions: int) -> None:
        parts = [{"partition_index": index} for index in partitions]
        peer.call("OffsetDelete", 0, group_id=group, topics=[{"name": topic, "partitions": parts}], note=note)

    ask("one", "deleting", "orders", 0)
    ask("again", "deleting", "orders", 0)
    ask("never committed", "deleting", "orders", 1)
    ask("unknown partition", "deleting", "orders", 9)
    ask("unknown topic", "deleting", "nowhere", 0)
    ask("bad name", "deleting", "b ad", 0)
    ask("unknown group", "unknown", "orders", 0)
    ask("empty group", "", "orders", 0)
    ask("no partitions", "deleting", "orders")
    peer.call("OffsetDelete", 0, group_id="deleting", topics=[], note="nothing")
    peer.call("OffsetFetch", 5, group_id="deleting", topics=None)
    _member(peer, "watching", metadata=_subscription("orders"))
    ask("subscribed", "watching", "orders", 0)
    ask("not subscribed", "watching", "bills", 0)
    _member(peer, "opaque", metadata=b"\xff\xff")
    ask("subscription that cannot be read", "opaque", "orders", 0)
    _member(peer, "worker", protocol_type="connect", group_instance_id=None)
    ask("group of another type", "worker", "orders", 0)


def topic_deleted(peer: Peer) -> None:
    peer.create_topic("short-lived")
    topics = [{"name": "short-lived", "partitions": _parts((0, 5))}]
    peer.call("OffsetCommit", 7, group_id="after", topics=topics)
    peer.ask("DeleteTopics", 5, topic_names=["short-lived"], timeout_ms=10_000)
    peer.settle(lambda: not peer.ask("OffsetFetch", 5, group_id="after", topics=None).topics, "its offsets' end")
    peer.call("OffsetFetch", 5, group_id="after", topics=[{"name": "short-lived", "partition_indexes": [0]}])
    peer.call("DescribeGroups", 4, groups=["after"])
