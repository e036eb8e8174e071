"""CreateTopics (19), DeleteTopics (20), CreatePartitions (37): a topic's life and every refusal."""

from typing import Any

from tests.twin.peer import Peer

SETTINGS = {"num.partitions": 2, "delete.topic.enable": "true"}


def _topic(name: str, partitions: int = 1, replicas: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": name, "num_partitions": partitions, "replication_factor": replicas, **more}


def _config(**values: Any) -> list[dict[str, Any]]:
    return [{"name": name.replace("_", "."), "value": value} for name, value in values.items()]


def create_in_every_version(peer: Peer) -> None:
    for version in range(8):
        peer.call("CreateTopics", version, topics=[_topic(f"created-{version}")], timeout_ms=10_000)


def create_with_defaults(peer: Peer) -> None:
    peer.call("CreateTopics", 4, topics=[_topic("defaults-4", -1, -1)])
    peer.call("CreateTopics", 7, topics=[_topic("defaults-7", -1, -1)])
    peer.call("CreateTopics", 3, topics=[_topic("defaults-3", -1, -1)])


def create_with_configs(peer: Peer) -> None:
    configs = _config(retention_ms="60000", cleanup_policy="compact,delete", min_insync_replicas="1")
    peer.call("CreateTopics", 7, topics=[_topic("with-configs", 3, 1, configs=configs)])
    peer.call("CreateTopics", 2, topics=[_topic("with-configs-2", 3, 1, configs=configs)])
    peer.call("CreateTopics", 7, topics=[_topic("null-config", configs=_config(retention_ms=None))])
    peer.call("CreateTopics", 7, topics=[_topic("unknown-config", configs=_config(no_such="1"))])
    peer.call("CreateTopics", 7, topics=[_topic("ill-typed", configs=_config(retention_ms="soon"))])
    peer.call("CreateTopics", 7, topics=[_topic("out-of-range", configs=_config(segment_bytes="13"))])
    peer.call("CreateTopics", 7, topics=[_topic("bad-policy", configs=_config(cleanup_policy="shred"))])
    peer.call("CreateTopics", 7, topics=[_topic("bad-codec", configs=_config(compression_type="brotli"))])
    peer.call("CreateTopics", 7, topics=[_topic("few", configs=_config(min_insync_replicas="5"))])
    lags = _config(min_compaction_lag_ms="10", max_compaction_lag_ms="5")
    peer.call("CreateTopics", 7, topics=[_topic("lags", configs=lags)])
    twice = [*_config(retention_ms="1000"), *_config(retention_ms="2000")]
    peer.call("CreateTopics", 5, topics=[_topic("config-twice", configs=twice)])


def create_only_validated(peer: Peer) -> None:
    peer.call("CreateTopics", 7, topics=[_topic("valid", 3)], validate_only=True)
    peer.call("CreateTopics", 2, topics=[_topic("valid", 3)], validate_only=True)
    peer.call("CreateTopics", 7, topics=[_topic("not/valid")], validate_only=True)
    peer.call("Metadata", 12, topics=[{"name": "valid"}], note="was not created")


def create_refused(peer: Peer) -> None:
    peer.call("CreateTopics", 7, topics=[_topic("exists")])
    peer.call("CreateTopics", 7, topics=[_topic("exists")], note="again")
    for name in ["", ".", "..", "a b", "ä", "x" * 249, "x" * 250, "a/b", "__x"]:
        peer.call("CreateTopics", 7, topics=[_topic(name)], note=f"name {name[:10]!r} of {len(name)}")
    peer.call("CreateTopics", 7, topics=[_topic("dotted.other")])
    peer.call("CreateTopics", 7, topics=[_topic("dotted_other")], note="collide")
    peer.call("CreateTopics", 7, topics=[_topic("twice"), _topic("twice", 2), _topic("single")])
    peer.call("CreateTopics", 7, topics=[_topic("no-partitions", 0)])
    peer.call("CreateTopics", 7, topics=[_topic("minus-two", -2)])
    peer.call("CreateTopics", 7, topics=[_topic("no-replicas", 1, 0)])
    peer.call("CreateTopics", 7, topics=[_topic("two-replicas", 1, 2)])
    peer.call("CreateTopics", 7, topics=[_topic("minus-replicas", 1, -2)])
    peer.call("CreateTopics", 7, topics=[_topic("__cluster_metadata")])
    peer.call("CreateTopics", 7, topics=[])
    peer.call("CreateTopics", 7, topics=[_topic("good"), _topic("b ad"), _topic("many", 0)], note="one good of three")


def create_colliding(peer: Peer) -> None:
    peer.call("CreateTopics", 7, topics=[_topic("dotted.name"), _topic("dotted_name")], note="collide in one request")


def _placed(name: str, *assignments: tuple[int, list[int]], partitions: int = -1, replicas: int = -1) -> dict[str, Any]:
    parts = [{"partition_index": index, "broker_ids": brokers} for index, brokers in assignments]
    return _topic(name, partitions, replicas, assignments=parts)


def create_placed(peer: Peer) -> None:
    peer.call("CreateTopics", 7, topics=[_placed("placed", (0, [1]), (1, [1]))])
    peer.call("CreateTopics", 7, topics=[_placed("gap", (0, [1]), (2, [1]))])
    peer.call("CreateTopics", 7, topics=[_placed("from-one", (1, [1]))])
    peer.call("CreateTopics", 7, topics=[_placed("same-twice", (0, [1]), (0, [1]))])
    peer.call("CreateTopics", 7, topics=[_placed("no-broker", (0, [9]))])
    peer.call("CreateTopics", 7, topics=[_placed("empty-list", (0, []))])
    peer.call("CreateTopics", 7, topics=[_placed("broker-twice", (0, [1, 1]))])
    peer.call("CreateTopics", 7, topics=[_placed("negative", (-1, [1]))])
    peer.call("CreateTopics", 7, topics=[_placed("both", (0, [1]), partitions=1)])
    peer.call("CreateTopics", 7, topics=[_placed("both-replicas", (0, [1]), replicas=1)])


def delete_in_every_version(peer: Peer) -> None:
    for version in range(6):
        peer.create_topic(f"gone-{version}")
        peer.call("DeleteTopics", version, topic_names=[f"gone-{version}"], timeout_ms=10_000)
    peer.create_topic("gone-6")
    peer.call("DeleteTopics", 6, topics=[{"name": "gone-6"}], timeout_ms=10_000)
    topic_id = peer.create_topic("gone-by-id")
    peer.call("DeleteTopics", 6, topics=[{"name": None, "topic_id": topic_id}], timeout_ms=10_000)
    peer.call("Metadata", 12, topics=[{"name": "gone-6"}, {"name": "gone-by-id"}])


def delete_refused(peer: Peer) -> None:
    topic_id = peer.create_topic("kept")
    peer.call("DeleteTopics", 5, topic_names=["unknown"], timeout_ms=1000)
    peer.call("DeleteTopics", 1, topic_names=["unknown"], timeout_ms=1000)
    peer.call("DeleteTopics", 6, topics=[{"name": None, "topic_id": b"u" * 16}], timeout_ms=1000)
    peer.call("DeleteTopics", 6, timeout_ms=10_000, topics=[{"name": "kept", "topic_id": topic_id}], note="both")
    peer.call("DeleteTopics", 6, timeout_ms=10_000, topics=[{"name": None}], note="neither")
    peer.call("DeleteTopics", 6, timeout_ms=10_000, topics=[{"name": "kept"}, {"name": "kept"}], note="twice by name")
    both = [{"name": "kept"}, {"name": None, "topic_id": topic_id}]
    peer.call("DeleteTopics", 6, timeout_ms=10_000, topics=both, note="by name and by id")
    peer.call("DeleteTopics", 6, timeout_ms=10_000, topics=[], note="nothing")
    peer.call("DeleteTopics", 5, topic_names=["__cluster_metadata"], timeout_ms=1000)
    peer.call("Metadata", 12, topics=[{"name": "kept"}], note="what is left")


def recreated(peer: Peer) -> None:
    peer.create_topic("phoenix")
    peer.call("DeleteTopics", 5, topic_names=["phoenix"], timeout_ms=10_000)
    peer.call("CreateTopics", 7, topics=[_topic("phoenix", 2)])
    peer.settle_topic("phoenix", 2)
    peer.call("Metadata", 12, topics=[{"name": "phoenix"}])


def more_partitions(peer: Peer) -> None:
    for version in range(4):
        peer.create_topic(f"grown-{version}")
        peer.call(
            "CreatePartitions",
            version,
            timeout_ms=10_000,
            topics=[{"name": f"grown-{version}", "count": 3, "assignments": None}],
        )
    peer.settle_topic("grown-3", 3)
    peer.call("Metadata", 12, topics=[{"name": "grown-3"}])
    grown = {"name": "grown-0", "count": 4, "assignments": [{"broker_ids": [1]}]}
    peer.call("CreatePartitions", 3, timeout_ms=10_000, topics=[grown], note="placed")
    only = {"name": "grown-1", "count": 9, "assignments": None}
    peer.call("CreatePartitions", 3, timeout_ms=10_000, topics=[only], validate_only=True, note="only validated")
    peer.call("Metadata", 12, topics=[{"name": "grown-1"}])


def more_partitions_refused(peer: Peer) -> None:
    peer.create_topic("steady", partitions=2)

    def ask(note: str, **asked: Any) -> None:
        peer.call(
            "CreatePartitions",
            3,
            timeout_ms=10_000,
            topics=[{"name": "steady", "assignments": None, **asked}],
            note=note,
        )

    ask("same count", count=2)
    ask("fewer", count=1)
    ask("none", count=0)
    ask("negative", count=-1)
    ask("unknown topic", name="unknown", count=3)
    ask("bad name", name="b ad", count=3)
    ask("too few places", count=4, assignments=[{"broker_ids": [1]}])
    ask("too many places", count=3, assignments=[{"broker_ids": [1]}, {"broker_ids": [1]}])
    ask("unknown broker", count=3, assignments=[{"broker_ids": [7]}])
    ask("two replicas", count=3, assignments=[{"broker_ids": [1, 2]}])
    ask("broker twice", count=3, assignments=[{"broker_ids": [1, 1]}])
    ask("no brokers", count=3, assignments=[{"broker_ids": []}])
    ask("empty list of places", count=3, assignments=[])
    twice = [{"name": "steady", "count": count, "assignments": None} for count in (3, 4)]
    peer.call("CreatePartitions", 3, timeout_ms=10_000, topics=twice, note="topic twice")
    peer.call("CreatePartitions", 3, timeout_ms=10_000, topics=[], note="nothing")
