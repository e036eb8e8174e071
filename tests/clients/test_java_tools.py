"""Kafka's own command-line tools against a node, and on its data folder (issue 3, 3.1, 3.4, 5.3)."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.harness import batches, calls, client_list, target
from tests.harness.clients import Record, numbered
from tests.harness.console_clients import JavaTools, run_tool
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

# Yesterday: retention would take away older records half a minute after the start.
YESTERDAY_MS = batches.now_ms() - 86_400_000

pytestmark = [pytest.mark.clients, pytest.mark.java]


@pytest.fixture(scope="module")
def java(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaTools]:
    tools = client_list.make_client("java", node.bootstrap, tmp_path_factory.mktemp("java"))
    assert isinstance(tools, JavaTools)
    yield tools
    tools.close()


def fill(connection: Connection, topic: str, count: int = 10) -> None:
    for number in range(count):
        entry = batches.Entry(key=b"k%d" % (number % 3), value=b"%d" % number, timestamp=YESTERDAY_MS + number)
        assert calls.produce(connection, topic, batches.batch([entry]))["error_code"] == 0


def test_topic_command(java: JavaTools) -> None:
    topic = calls.unique("cli")
    flags = ["--topic", topic]
    java.run("TopicCommand", "--create", *flags, "--partitions", "3", "--config", "retention.ms=1234567")
    assert topic in java.run("TopicCommand", "--list").split()
    shown = java.run("TopicCommand", "--describe", *flags)
    assert "PartitionCount: 3" in shown
    assert "retention.ms=1234567" in shown
    assert len(re.findall(r"Partition: \d", shown)) == 3
    assert "Isr: " in shown
    java.run("TopicCommand", "--alter", *flags, "--partitions", "5")
    assert "PartitionCount: 5" in java.run("TopicCommand", "--describe", *flags)
    java.run("TopicCommand", "--delete", *flags)
    assert topic not in java.run("TopicCommand", "--list").split()


def test_config_command(java: JavaTools, connection: Connection, topic: str) -> None:
    tool = "kafka.admin.ConfigCommand"
    entity = ["--entity-type", "topics", "--entity-name", topic]
    java.run(tool, "--alter", *entity, "--add-config", "retention.ms=99999,cleanup.policy=[compact,delete]")
    shown = java.run(tool, "--describe", *entity)
    assert "retention.ms=99999" in shown
    assert "cleanup.policy=compact,delete" in shown
    assert "DYNAMIC_TOPIC_CONFIG:retention.ms=99999" in shown
    java.run(tool, "--alter", *entity, "--delete-config", "retention.ms")
    assert "retention.ms" not in java.run(tool, "--describe", *entity)
    (broker,) = connection.call("Metadata", 9, {"topics": []})["brokers"]
    node_entity = ["--entity-type", "brokers", "--entity-name", str(broker["node_id"])]
    assert "log.dirs=" in java.run(tool, "--describe", "--all", *node_entity)
    java.run(tool, "--alter", *node_entity, "--add-config", "log.retention.ms=7654321")
    assert "log.retention.ms=7654321" in java.run(tool, "--describe", *node_entity)
    java.run(tool, "--alter", *node_entity, "--delete-config", "log.retention.ms")


def test_offsets_records_and_folders(java: JavaTools, connection: Connection, topic: str, tmp_path: Path) -> None:
    """GetOffsetShell, DeleteRecordsCommand, LogDirsCommand."""
    fill(connection, topic)
    assert java.run("GetOffsetShell", "--topic", topic).split() == [f"{topic}:0:10"]
    assert java.run("GetOffsetShell", "--topic", topic, "--time", str(YESTERDAY_MS + 4)).split() == [f"{topic}:0:4"]
    plan = tmp_path / "plan.json"
    partitions = [{"topic": topic, "partition": 0, "offset": 4}]
    plan.write_text(json.dumps({"version": 1, "partitions": partitions}))
    assert "low_watermark: 4" in java.run("DeleteRecordsCommand", "--offset-json-file", str(plan))
    assert java.run("GetOffsetShell", "--topic", topic, "--time", "earliest").split() == [f"{topic}:0:4"]
    shown = java.run("LogDirsCommand", "--describe", "--topic-list", topic)
    found = json.loads(next(line for line in shown.splitlines() if line.startswith("{")))
    (folder,) = found["brokers"][0]["logDirs"]
    assert folder["error"] is None
    (partition,) = folder["partitions"]
    assert (partition["partition"], partition["offsetLag"], partition["isFuture"]) == (f"{topic}-0", 0, False)
    assert partition["size"] > 0


def test_consumer_group_command(java: JavaTools, connection: Connection, topic: str) -> None:
    tool, group = "consumer.group.ConsumerGroupCommand", calls.unique("cli-group")
    fill(connection, topic)
    member = java.join(topic, group)
    taken: list[Record] = []

    def take() -> int:
        taken.extend(member.take())
        return len(taken)

    eventually(take, "ten records", accept=lambda count: count == 10, interval_s=0.2, timeout_s=30)
    assert group in java.run(tool, "--list").split()
    shown = java.run(tool, "--describe", "--group", group, "--members", "--verbose")
    assert f"{topic}(0)" in shown.replace("-0", "(0)") or f"{topic}:0" in shown or topic in shown
    assert "/127.0.0.1" in shown
    assert "Stable" in java.run(tool, "--describe", "--group", group, "--state")
    member.leave()
    fill(connection, topic, 3)
    line = next(x for x in java.run(tool, "--describe", "--group", group).splitlines() if topic in x)
    assert line.split()[:6] == [group, topic, "0", "10", "13", "3"], "partition, offset, end, lag"
    reset = ["--reset-offsets", "--to-earliest", "--topic", topic, "--execute"]
    java.run(tool, "--group", group, *reset)
    again = java.join(topic, group)
    taken.clear()

    def take_again() -> int:
        taken.extend(again.take())
        return len(taken)

    eventually(take_again, "all once more", accept=lambda count: count == 13, interval_s=0.2, timeout_s=30)
    again.leave()
    java.run(tool, "--delete-offsets", "--group", group, "--topic", topic)
    java.run(tool, "--delete", "--group", group)
    assert group not in java.run(tool, "--list").split()


def test_groups_command_and_cluster_tool(java: JavaTools, connection: Connection, topic: str) -> None:
    fill(connection, topic)
    group = calls.unique("tool-group")
    member = java.join(topic, group)
    eventually(lambda: len(member.take()), "records", interval_s=0.2, timeout_s=30)
    shown = java.run("GroupsCommand", "--list")
    assert re.search(rf"{group}\s+Classic\s+consumer", shown)
    member.leave()
    cluster_id = connection.call("Metadata", 9, {"topics": []})["cluster_id"]
    command = java.command("ClusterTool", "cluster-id", "--bootstrap-server", java._bootstrap)
    assert cluster_id in run_tool(command).decode()


def test_broker_api_versions(java: JavaTools) -> None:
    shown = java.run("BrokerApiVersionsCommand")
    assert re.search(r"Produce\(0\): 0 to 13 \[usable: 13\]", shown)
    assert re.search(r"Fetch\(1\): 4 to 18 \[usable: 18\]", shown)


def test_performance_tools(java: JavaTools, topic: str) -> None:
    properties = ["--producer-props", f"bootstrap.servers={java._bootstrap}", "acks=all", "compression.type=lz4"]
    load = ["--topic", topic, "--num-records", "20000", "--record-size", "200", "--throughput", "-1"]
    out = run_tool(java.command("ProducerPerformance", *load, *properties)).decode()
    assert "20000 records sent" in out
    read = java.run("ConsumerPerformance", "--topic", topic, "--messages", "20000", "--timeout", "30000")
    assert re.search(r", 20\d{3}, ", read), read


def test_verifiable_producer_and_consumer(java: JavaTools, topic: str) -> None:
    sent = java.run("VerifiableProducer", "--topic", topic, "--max-messages", "500", "--acks", "-1")
    result = json.loads(sent.splitlines()[-1])
    assert (result["name"], result["sent"], result["acked"]) == ("tool_data", 500, 500)
    group = calls.unique("verifiable")
    flags = ["--topic", topic, "--group-id", group, "--max-messages", "500", "--reset-policy", "earliest"]
    lines = [json.loads(line) for line in java.run("VerifiableConsumer", *flags).splitlines() if line.startswith("{")]
    consumed = sum(line["count"] for line in lines if line["name"] == "records_consumed")
    assert consumed == 500
    assert all(line["success"] for line in lines if line["name"] == "offsets_committed")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_log_compaction_tester(make_node: MakeNode, tmp_path: Path) -> None:
    """Kafka's own proof of a compacting log: it writes, waits for the cleaner, reads and compares."""
    settings = {"log.cleaner.backoff.ms": 500, "log.cleaner.min.cleanable.ratio": 0.01, "log.segment.bytes": 1 << 20}
    node = make_node(settings).start()
    tools = JavaTools(node.bootstrap, tmp_path)
    flags = ["--messages", "200000", "--topics", "1", "--percent-deletes", "10", "--sleep", "20"]
    out = run_tool(
        tools.command("LogCompactionTester", "--bootstrap-server", node.bootstrap, *flags), timeout_s=500
    ).decode()
    assert "Validated" in out
    assert "Data verification is completed" in out or "0 mismatches" in out or "mismatches" not in out


# The data folder.


def dump(tools: JavaTools, *files: Path, extra: tuple[str, ...] = ("--deep-iteration", "--print-data-log")) -> str:
    command = tools.command("kafka.tools.DumpLogSegments", *extra, "--files", ",".join(map(str, files)))
    return run_tool(command).decode()


COMPLAINTS = ("mismatch", "Mismatch", "invalid", "isvalid: false", "Found", "Exception", "out of order", "corrupt")


def complaints(text: str) -> list[str]:
    return [line for line in text.splitlines() if any(word in line for word in COMPLAINTS)]


@pytest.mark.parametrize("kill", [False, True], ids=["stop", "kill"])
def test_kafka_reads_our_folder(make_node: MakeNode, tmp_path: Path, kill: bool) -> None:
    """DumpLogSegments finds nothing to complain about in logs, indexes, snapshots and the offsets topic."""
    node = make_node({"log.index.interval.bytes": 512, "offsets.topic.num.partitions": 1}).start()
    tools = JavaTools(node.bootstrap, tmp_path)
    topic = "dumped"
    with node.connect() as connection:
        calls.create_topic(connection, topic, configs={"segment.bytes": 1 << 20})
        producer = calls.init_producer_id(connection)
        for number in range(300):
            made = batches.batch(
                [batches.Entry(key=b"k", value=os.urandom(1000)) for _ in range(5)],
                producer_id=producer[0],
                producer_epoch=producer[1],
                base_sequence=5 * number,
                codec=(batches.NONE, batches.GZIP, batches.LZ4, batches.ZSTD)[number % 4],
            )
            assert calls.produce(connection, topic, made)["error_code"] == 0
    client = client_list.make_client("confluent-kafka", node.bootstrap, tmp_path)
    member = client.join(topic, "dump-group")
    eventually(lambda: len(member.take()) > 0, "records", interval_s=0.2)
    member.leave()
    client.close()
    node.kill() if kill else node.stop()
    folder = node.log_dir / f"{topic}-0"
    logs = sorted(folder.glob("*.log"))
    assert len(logs) > 1
    shown = dump(tools, *logs, extra=("--deep-iteration",))
    assert complaints(shown) == []
    assert len(re.findall(r"baseOffset: \d+", shown)) == 300
    indexes = [*folder.glob("*.index"), *folder.glob("*.timeindex")]
    assert complaints(dump(tools, *indexes, extra=("--verify-index-only",))) == []
    checked = dump(tools, *sorted(indexes), extra=())
    assert complaints(checked) == []
    assert re.search(r"offset: \d+ position: \d+", checked)
    snapshots = sorted(folder.glob("*.snapshot"))
    assert snapshots
    told = dump(tools, *snapshots, extra=())
    assert f"producerId: {producer[0]}" in told
    (offsets,) = node.log_dir.glob("__consumer_offsets-0")
    decoded = dump(tools, *sorted(offsets.glob("*.log")), extra=("--offsets-decoder",))
    assert "dump-group" in decoded
    assert complaints(decoded) == []
    assert re.search(r'"topic":\s*"dumped"', decoded)


def test_kafka_serves_our_folder_and_we_serve_kafkas(make_node: MakeNode, tmp_path: Path, only_ottla: None) -> None:
    """A partition folder of a stopped node moves to the other kind of node, and every record comes out of it."""
    from tests.harness.node import KafkaNode

    if (reason := target.java_missing()) is not None:
        pytest.skip(reason)
    ours = make_node().start()
    kafka = KafkaNode(tmp_path / "kafka").start()
    try:
        sent = {}
        for node in (ours, kafka):
            with node.connect() as connection:
                calls.create_topic(connection, "moving")
                for number in range(50):
                    entries = batches.values(3, prefix=f"{node.kind}-{number}-")
                    calls.produce(connection, "moving", batches.batch(entries, codec=number % 5))
            client = client_list.make_client("confluent-kafka", node.bootstrap, tmp_path)
            sent[node.kind] = [(r.offset, r.value) for r in client.read("moving", 1, 150)]
            client.close()
            node.stop()
        _swap(ours.log_dir / "moving-0", kafka.log_dir / "moving-0")
        for node, origin in ((ours, "kafka"), (kafka, "ottla")):
            node.start()
            with node.connect() as connection:
                calls.wait_for_topic(connection, "moving")
                assert calls.end_offset(connection, "moving") == 150
            client = client_list.make_client("confluent-kafka", node.bootstrap, tmp_path)
            assert [(r.offset, r.value) for r in client.read("moving", 1, 150)] == sent[origin]
            client.produce("moving", list(numbered(0, 3)))
            assert len(client.read("moving", 1, 153)) == 153
            client.close()
    finally:
        kafka.close()


def _swap(one: Path, other: Path) -> None:
    """Exchange two partition folders; each keeps the topic id of the node that it moves to."""
    names = (one / "partition.metadata", other / "partition.metadata")
    first, second = (path.read_bytes() for path in names)
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    names[0].write_bytes(first)
    names[1].write_bytes(second)
