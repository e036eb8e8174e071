"""InitProducerId (22), idempotent producing, DescribeProducers (61)."""

from typing import Any

from tests.harness import batches
from tests.harness.batches import Entry
from tests.twin.peer import Peer


def _init(peer: Peer) -> int:
    """A producer id, once the broker has one to give."""
    found: list[int] = []

    def ready() -> bool:
        answer = peer.ask("InitProducerId", 4, transactional_id=None, transaction_timeout_ms=60_000)
        found[:] = [answer.producer_id]
        return not answer.error_code

    peer.settle(ready, "a producer id")
    return found[0]


def init(peer: Peer) -> None:
    _init(peer)
    for version in range(6):
        peer.call("InitProducerId", version, transactional_id=None, transaction_timeout_ms=60_000)
    peer.call("InitProducerId", 4, transactional_id=None, transaction_timeout_ms=0, note="no timeout")
    peer.call("InitProducerId", 4, transactional_id=None, transaction_timeout_ms=-1, note="negative timeout")
    more: dict[str, Any] = {"transactional_id": None, "transaction_timeout_ms": 60_000}
    peer.call("InitProducerId", 4, producer_id=5, producer_epoch=1, note="with an id", **more)
    peer.call("InitProducerId", 4, producer_id=5, note="with an id and no epoch", **more)
    peer.call("InitProducerId", 4, producer_epoch=5, note="with an epoch and no id", **more)
    peer.call("InitProducerId", 4, transactional_id="", transaction_timeout_ms=60_000, note="empty transactional id")


def _send(
    peer: Peer,
    topic: str,
    producer: int,
    sequence: int,
    note: str = "",
    *,
    count: int = 1,
    epoch: int = 0,
    version: int = 9,
) -> None:
    entries = [Entry(value=b"v", timestamp=peer.t0_ms + number) for number in range(count)]
    records = batches.batch(entries, producer_id=producer, producer_epoch=epoch, base_sequence=sequence)
    data = [{"name": topic, "partition_data": [{"index": 0, "records": records}]}]
    peer.call("Produce", version, acks=-1, timeout_ms=5000, topic_data=data, note=note)


def _describe(peer: Peer, topic: str, note: str = "") -> None:
    peer.call("DescribeProducers", 0, topics=[{"name": topic, "partition_indexes": [0]}], note=note)


def sequences(peer: Peer) -> None:
    peer.create_topic("sequences")
    producer = _init(peer)
    _send(peer, "sequences", producer, 0, "first", count=2)
    _send(peer, "sequences", producer, 0, "the same again", count=2)
    _send(peer, "sequences", producer, 2, "next", count=3)
    _send(peer, "sequences", producer, 0, "an older one again", count=2)
    _send(peer, "sequences", producer, 0, "half of an older one")
    _send(peer, "sequences", producer, 1, "the other half")
    _send(peer, "sequences", producer, 9, "a gap")
    _send(peer, "sequences", producer, 4, "an overlap", count=3)
    _describe(peer, "sequences")
    for sequence in range(5, 12):
        _send(peer, "sequences", producer, sequence)
    _send(peer, "sequences", producer, 5, "older than five batches")
    _send(peer, "sequences", producer, 8, "one of the last five")
    _send(peer, "sequences", producer, -1, "no sequence")
    _describe(peer, "sequences")


def epochs(peer: Peer) -> None:
    peer.create_topic("epochs")
    producer = _init(peer)
    _send(peer, "epochs", producer, 0, "epoch 3", epoch=3)
    _send(peer, "epochs", producer, 1, "epoch 2", epoch=2)
    _send(peer, "epochs", producer, 5, "epoch 4 not from 0", epoch=4)
    _send(peer, "epochs", producer, 0, "epoch 4 from 0", epoch=4)
    _send(peer, "epochs", producer, 1, "epoch 3 again", epoch=3)
    _send(peer, "epochs", producer, 0, "epoch 4 from 0 again", epoch=4)
    _send(peer, "epochs", producer, 1, "negative epoch", epoch=-1)
    _describe(peer, "epochs")


def unknown_producer(peer: Peer) -> None:
    peer.create_topic("unknown")
    _send(peer, "unknown", 987_654, 17, "never asked for, not from 0")
    _send(peer, "unknown", 987_654, 18, "goes on")
    _send(peer, "unknown", 987_655, 2_147_483_646, "near the end", count=2)
    _send(peer, "unknown", 987_655, 0, "wraps")
    _send(peer, "unknown", 987_656, 2_147_483_647, "over the end", count=3)
    _send(peer, "unknown", 987_656, 2, "goes on behind")
    _send(peer, "unknown", 987_656, 2_147_483_647, "over the end again", count=3)
    for version in (3, 12):
        _send(peer, "unknown", 987_657, 5, "a gap to be", version=version)
        _send(peer, "unknown", 987_657, 50, "a gap", version=version)
    _describe(peer, "unknown")


def describe(peer: Peer) -> None:
    peer.create_topic("described", partitions=2)
    _describe(peer, "described", "nobody yet")
    _describe(peer, "nowhere", "unknown topic")
    _describe(peer, "b ad", "bad name")
    peer.call("DescribeProducers", 0, topics=[{"name": "described", "partition_indexes": [0, 1, 5]}])
    peer.call("DescribeProducers", 0, topics=[{"name": "described", "partition_indexes": []}])
    peer.call("DescribeProducers", 0, topics=[])
