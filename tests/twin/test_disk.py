"""The disk twin: a partition's folder that Ottla wrote is served by Apache Kafka, and the other way round.

One of them writes a topic; the other creates a topic of that name, stops, gets the writer's partition folder in place
of its own (but for ``partition.metadata``, which holds its topic's id), starts again, and must give out the same
batches, find the same offsets by time, know the same producers and epochs, and go on from there (issue 4, 2.3).
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.harness import batches
from tests.harness.batches import Entry
from tests.harness.node import KafkaNode, Node, free_port
from tests.harness.target import java_missing
from tests.twin.messages import plain, plain_batches
from tests.twin.normal import Normaliser, script_clock_ms
from tests.twin.peer import Peer

pytestmark = [
    pytest.mark.java,
    pytest.mark.timeout(300),
    pytest.mark.skipif(java_missing() is not None, reason=str(java_missing())),
]

TOPIC = "moved-topic"
PRODUCER = 4711
SEGMENT_BYTES = 1 << 20
SETTINGS = {
    "node.id": 1,
    "log.segment.bytes": SEGMENT_BYTES,
    "log.index.interval.bytes": 512,
    "group.initial.rebalance.delay.ms": 0,
    "offsets.topic.num.partitions": 1,
}
KINDS: dict[str, dict[str, str]] = {
    "deleted": {"cleanup.policy": "delete"},
    # A ratio of 1 is never exceeded: neither side's cleaner may come between what is written and what is compared.
    "compacted": {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "1.0"},
    "append-time": {"message.timestamp.type": "LogAppendTime"},
}

MakeNode = Callable[[str, str], Node]


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[MakeNode]:
    nodes: list[Node] = []

    def make(kind: str, name: str) -> Node:
        node = KafkaNode(tmp_path / name, SETTINGS) if kind == "kafka" else Node(tmp_path / name, SETTINGS)
        node.port = node.port or free_port()
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.close()


def peer_of(node: Node, t0_ms: int) -> Peer:
    return Peer(node.host, node.port, Normaliser(t0_ms=t0_ms, port=node.port, folder=str(node.folder)))


def create(peer: Peer, configs: dict[str, str]) -> None:
    wanted: dict[str, Any] = {name.replace(".", "_"): value for name, value in configs.items()}
    peer.create_topic(TOPIC, **wanted)


def produce(peer: Peer, records: bytes) -> Any:
    data = [{"name": TOPIC, "partition_data": [{"index": 0, "records": records}]}]
    answer = peer.ask("Produce", 9, acks=-1, timeout_ms=10_000, topic_data=data)
    return answer.responses[0].partition_responses[0]


def fill(peer: Peer) -> None:
    """Every codec, headers, nulls, an idempotent producer, times that go up and down, and more than two segments."""
    t0_ms = peer.t0_ms
    for number in range(60):
        entries = [
            Entry(
                key=b"key %d" % (index % 7),
                value=None if index == 5 else bytes([65 + number % 26]) * (8000 if index == 1 else 50),
                timestamp=t0_ms + 1000 * ((number * 37) % 60) + index,
                headers=[("header", b"value"), ("null", None)] if index == 3 else (),
            )
            for index in range(10)
        ]
        # Compressible records would never fill a segment.
        assert produce(peer, batches.batch(entries, codec=number % 5)).error_code == 0
    for sequence in range(0, 40, 2):
        entries = [Entry(key=b"p%d" % index, value=b"x" * 60_000, timestamp=t0_ms + 90_000) for index in range(2)]
        records = batches.batch(entries, producer_id=PRODUCER, producer_epoch=3, base_sequence=sequence)
        assert produce(peer, records).error_code == 0


def all_batches(peer: Peer) -> list[Any]:
    """The log as it is served, batch by batch, and where each record stands in it."""
    found: list[Any] = []
    offset = 0
    while True:
        part = [{"fetch_offset": offset, "partition_max_bytes": 1 << 24}]
        answer = peer.ask("Fetch", 11, max_wait_ms=0, topics=[{"topic": TOPIC, "partitions": part}])
        data = answer.responses[0].partitions[0]
        assert data.error_code == 0, plain(answer)
        read = plain_batches(bytes(data.records or b""))
        if not read:
            assert offset == data.high_watermark
            return found
        assert all(isinstance(batch, dict) for batch in read), read
        found += read
        offset = read[-1]["base_offset"] + read[-1]["last_offset_delta"] + 1


def facts(peer: Peer) -> dict[str, Any]:
    """What a partition answers beside its records."""
    stamps = [-1, -2, -3, *(peer.t0_ms + 1000 * number + 3 for number in range(-1, 100, 7))]
    by_time = []
    for stamp in stamps:
        part = [{"partition_index": 0, "timestamp": stamp}]
        answer = peer.ask("ListOffsets", 9, replica_id=-1, topics=[{"name": TOPIC, "partitions": part}])
        found = answer.topics[0].partitions[0]
        by_time.append((stamp, found.timestamp, found.offset, found.error_code))
    producers = peer.ask("DescribeProducers", 0, topics=[{"name": TOPIC, "partition_indexes": [0]}])
    epochs = [{"topic": TOPIC, "partitions": [{"partition": 0, "leader_epoch": 0}]}]
    epoch = peer.ask("OffsetForLeaderEpoch", 4, replica_id=-1, topics=epochs).topics[0].partitions[0]
    return {
        "by_time": by_time,
        "producers": [plain(producer) for producer in producers.topics[0].partitions[0].active_producers],
        "epoch": (epoch.leader_epoch, epoch.end_offset),
    }


def move(source: Path, target: Path) -> None:
    """Put a partition's files in the place of another's, which keeps its topic's id."""
    for file in target.iterdir():
        if file.name != "partition.metadata":
            file.unlink()
    for file in source.iterdir():
        if file.name != "partition.metadata":
            shutil.copy2(file, target / file.name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("writer", "reader"), [("ottla", "kafka"), ("kafka", "ottla")])
def test_partition_folder_changes_hands(make_node: MakeNode, writer: str, reader: str, kind: str) -> None:
    t0_ms = script_clock_ms()
    first, second = make_node(writer, "first"), make_node(reader, "second")
    peer = peer_of(first.start(), t0_ms)
    create(peer, KINDS[kind])
    fill(peer)
    served, known = all_batches(peer), facts(peer)
    peer.close_all()
    assert first.stop() == 0
    assert len(list((first.log_dir / f"{TOPIC}-0").glob("*.log"))) > 2

    peer = peer_of(second.start(), t0_ms)
    create(peer, KINDS[kind])
    peer.close_all()
    assert second.stop() == 0
    move(first.log_dir / f"{TOPIC}-0", second.log_dir / f"{TOPIC}-0")

    peer = peer_of(second.start(), t0_ms)
    peer.settle_topic(TOPIC)
    assert all_batches(peer) == served
    assert facts(peer) == known
    goes_on(peer, served[-1]["base_offset"] + 2)
    peer.close_all()


def goes_on(peer: Peer, end_offset: int) -> None:
    """The next sequence of the producer follows, the last one is known, a gap is refused."""
    entry = [Entry(key=b"k", value=b"v", timestamp=peer.t0_ms)]

    def send(sequence: int) -> tuple[int, int]:
        answer = produce(peer, batches.batch(entry, producer_id=PRODUCER, producer_epoch=3, base_sequence=sequence))
        return answer.error_code, answer.base_offset

    assert send(50) == (45, -1)
    assert send(40) == (0, end_offset)
    assert send(40) == (0, end_offset)
    assert send(41) == (0, end_offset + 1)
