"""Kafka's DumpLogSegments reads a whole data folder of ours, ``__consumer_offsets`` decoded, without complaint."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.harness import batches
from tests.harness.batches import Entry
from tests.harness.node import Node
from tests.harness.process import BrokerProcess
from tests.harness.target import java_missing, kafka_libs
from tests.twin.normal import Normaliser, script_clock_ms
from tests.twin.peer import Peer

pytestmark = [
    pytest.mark.java,
    pytest.mark.timeout(300),
    pytest.mark.skipif(java_missing() is not None, reason=str(java_missing())),
]

SETTINGS = {
    "node.id": 1,
    "log.segment.bytes": 1 << 20,
    "log.index.interval.bytes": 200,
    "group.initial.rebalance.delay.ms": 0,
    "offsets.topic.num.partitions": 2,
}
COMPLAINTS = re.compile(
    r"isvalid: false|mismatch|out of order|non-consecutive|exception|error|corrupt|invalid|failed|not found|truncated",
    re.IGNORECASE,
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "node", SETTINGS)
    yield node
    node.close()


def use(node: Node) -> None:
    """Produce with every codec, roll, delete records, commit, join, leave, delete a group."""
    peer = Peer(node.host, node.port, Normaliser(t0_ms=script_clock_ms(), port=node.port, folder=str(node.folder)))
    for topic, configs in (("plain", {}), ("appended", {"message_timestamp_type": "LogAppendTime"})):
        peer.create_topic(topic, partitions=2, **configs)
        for number in range(40):
            entries = [
                Entry(key=b"k%d" % index, value=b"%d" % number * 20_000, timestamp=peer.t0_ms + number * 37 % 50 * 1000)
                for index in range(3)
            ]
            identity: dict[str, Any] = {"producer_id": 7, "producer_epoch": 0, "base_sequence": number * 3}
            data = batches.batch(entries, codec=number % 5, **identity)
            part = [{"index": 0, "records": data}]
            peer.ask("Produce", 9, acks=-1, timeout_ms=5000, topic_data=[{"name": topic, "partition_data": part}])
    shorter = [{"name": "plain", "partitions": [{"partition_index": 0, "offset": 50}]}]
    peer.ask("DeleteRecords", 2, topics=shorter, timeout_ms=5000)
    peer.settle_coordinator("group-0")
    for number in range(5):
        group = f"group-{number}"
        topics = [{"name": "plain", "partitions": [{"partition_index": 1, "committed_offset": number}]}]
        peer.ask("OffsetCommit", 7, group_id=group, topics=topics)
        protocols = [{"name": "range", "metadata": b"\0\0\0\0\0\1\0\5plain\xff\xff\xff\xff"}]
        joined = peer.ask(
            "JoinGroup",
            3,
            group_id=group,
            session_timeout_ms=30_000,
            rebalance_timeout_ms=30_000,
            protocol_type="consumer",
            protocols=protocols,
        )
        part = [{"member_id": joined.member_id, "assignment": b"\0\0\0\0\0\1\0\5plain\0\0\0\1\0\0\0\1\xff\xff\xff\xff"}]
        peer.ask("SyncGroup", 1, group_id=group, generation_id=1, member_id=joined.member_id, assignments=part)
        if number > 2:
            peer.ask("LeaveGroup", 1, group_id=group, member_id=joined.member_id)
    peer.ask("DeleteGroups", 1, groups_names=["group-4"])
    peer.close_all()


def dump(folder: Path, files: Sequence[Path], *options: str) -> str:
    command = ["java", "-cp", f"{kafka_libs()}/*", "kafka.tools.DumpLogSegments", *options]
    process = BrokerProcess([*command, "--files", ",".join(map(str, files))], folder=folder)
    assert process.wait(120) == 0, process.tail()
    return process.stdout


def complaints(output: str) -> list[str]:
    return [line for line in output.splitlines() if COMPLAINTS.search(line.replace("isvalid: true", ""))]


@pytest.mark.parametrize("killed", [False, True])
def test_kafka_reads_a_whole_folder(node: Node, tmp_path: Path, killed: bool) -> None:
    use(node.start())
    if killed:
        node.kill()
        node.start()
    assert node.stop() == 0
    logs = sorted(node.log_dir.glob("*-*/*.log"))
    offsets = [path for path in logs if path.parent.name.startswith("__consumer_offsets-")]
    others = [path for path in logs if path not in offsets]
    assert len(offsets) == 2
    assert len(others) > 4

    records = dump(tmp_path, others, "--deep-iteration", "--print-data-log")
    assert complaints(records) == []
    assert len(re.findall(r"^\| offset: ", records, re.MULTILINE)) > 100

    groups = dump(tmp_path, offsets, "--deep-iteration", "--offsets-decoder")
    assert complaints(groups) == []
    assert set(re.findall(r"\bgroup(?:Id)?\W+(group-\d)\b", groups)) == {f"group-{number}" for number in range(5)}

    sides = sorted(path for kind in ("index", "timeindex", "snapshot") for path in node.log_dir.glob(f"*-*/*.{kind}"))
    assert {path.suffix for path in sides} == {".index", ".timeindex", ".snapshot"}
    assert complaints(dump(tmp_path, sides)) == []
    indexes = [path for path in sides if path.suffix != ".snapshot"]
    assert complaints(dump(tmp_path, indexes, "--index-sanity-check")) == []
    assert json.loads((node.log_dir / ".kafka_cleanshutdown").read_text())["version"] == 0
