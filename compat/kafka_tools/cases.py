"""What Kafka's tools do beyond the operations of a driver, tool by tool.

Where ``tests/clients/test_java_tools.py`` tests a tool already, the case is that test, with the driver's archive of
classes for a quicker start.
"""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from compat.case import Case, Context
from compat.cases.data import now_ms, numbered
from compat.kafka_tools.admin import GROUPS, rows
from compat.kafka_tools.tool import Tools, call
from tests.clients import test_java_tools as tests
from tests.harness.clients import Record

TIMEOUT_S = 90
HOUR_MS = 3_600_000


def tools_of(context: Context) -> Tools:
    """The tools; their logs are kept until the run ends."""
    context.driver()  # tells the version
    return Tools(context.bootstrap, Path(tempfile.mkdtemp(prefix="kafka-tools-")))


def topics(context: Context) -> None:
    """Create, list, describe, alter, delete."""
    tests.test_topic_command(tools_of(context))


def configs(context: Context) -> None:
    """Of topics and brokers."""
    tests.test_config_command(tools_of(context), context.reference.connection, context.topic())


def offsets(context: Context) -> None:
    """Offsets, deleting records, folders."""
    with tempfile.TemporaryDirectory() as folder:
        tests.test_offsets_records_and_folders(
            tools_of(context), context.reference.connection, context.topic(), Path(folder)
        )


def consumer_groups(context: Context) -> None:
    """With a console consumer inside and gone."""
    tests.test_consumer_group_command(tools_of(context), context.reference.connection, context.topic())


def groups_and_cluster(context: Context) -> None:
    """The list of all groups, the cluster's id."""
    tests.test_groups_command_and_cluster_tool(tools_of(context), context.reference.connection, context.topic())


def api_versions(context: Context) -> None:
    """What the tool finds usable."""
    tests.test_broker_api_versions(tools_of(context))


def performance(context: Context) -> None:
    """Producing and consuming 20,000 records."""
    tests.test_performance_tools(tools_of(context), context.topic())


def verifiable(context: Context) -> None:
    """500 records through both, and what they tell of them."""
    tests.test_verifiable_producer_and_consumer(tools_of(context), context.topic())


def end_to_end_latency(context: Context) -> None:
    """One record after the other, there and back."""
    tools, topic = tools_of(context), context.topic()
    command = tools.command("EndToEndLatency")
    shown = call([*command, context.bootstrap, topic, "200", "all", "100"], timeout_s=TIMEOUT_S)
    assert re.search(r"Percentiles: 50th = \d+", shown), shown
    assert context.reference.end_offset(topic) == 200


def reset_offsets(context: Context) -> None:
    """Every way that kafka-consumer-groups has: a plan first, then done."""
    tools, topic, group = tools_of(context), context.topic(partitions=2), context.name("g")
    start = now_ms() - 20 * HOUR_MS
    for partition in range(2):
        entries = [record.entry() for record in numbered(0, 20)]
        stamped = [type(entry)(value=entry.value, timestamp=start + HOUR_MS * at) for at, entry in enumerate(entries)]
        context.reference.write(topic, stamped, partition=partition)
    context.reference.commit(group, topic, {0: 10, 1: 10})
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime((start + 5.5 * HOUR_MS) / 1000))
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.csv"
        plan.write_text(f"{topic},0,3\n{topic},1,4\n")
        ways = {
            ("--to-earliest",): (0, 0),
            ("--to-latest",): (20, 20),
            ("--to-offset", "7"): (7, 7),
            ("--shift-by", "-2"): (5, 5),
            ("--to-current",): (5, 5),
            ("--to-datetime", moment): (6, 6),
            ("--by-duration", "PT9H30M"): (11, 11),
            ("--from-file", str(plan)): (3, 4),
        }
        for way, wanted in ways.items():
            where = [] if way[0] == "--from-file" else ["--topic", topic]
            before = context.reference.committed(group, topic, 2)
            reset = ["--group", group, "--reset-offsets", *way, *where]
            planned = tools.call(GROUPS, *reset, "--dry-run", timeout_s=TIMEOUT_S)
            assert context.reference.committed(group, topic, 2) == before, f"{way[0]}: a plan changed something"
            shown = {int(each["PARTITION"]): int(each["NEW-OFFSET"]) for each in rows(planned)}
            tools.call(GROUPS, *reset, "--execute", timeout_s=TIMEOUT_S)
            after = context.reference.committed(group, topic, 2)
            assert shown == after == dict(enumerate(wanted)), f"{way[0]}: plan {shown}, committed {after}"


def group_settings(context: Context) -> None:
    """Settings of a group: set, shown, listed, removed."""
    tools, group = tools_of(context), context.name("g")
    entity = ["--entity-type", "groups", "--entity-name", group]
    tool = "kafka.admin.ConfigCommand"
    tools.call(tool, "--alter", *entity, "--add-config", "consumer.session.timeout.ms=51000", timeout_s=TIMEOUT_S)
    shown = tools.call(tool, "--describe", *entity, timeout_s=TIMEOUT_S)
    assert "consumer.session.timeout.ms=51000" in shown, shown
    listed = tools.call(tool, "--describe", "--entity-type", "groups", timeout_s=TIMEOUT_S)
    assert group in listed, listed
    tools.call(tool, "--alter", *entity, "--delete-config", "consumer.session.timeout.ms", timeout_s=TIMEOUT_S)
    assert "51000" not in tools.call(tool, "--describe", *entity, timeout_s=TIMEOUT_S)


def console(context: Context) -> None:
    """From the console producer to the console consumer, all codecs, keys, headers and nulls."""
    tools, topic = tools_of(context), context.topic()
    sent: list[Record] = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        records = [
            Record(key=b"k", value=codec.encode(), headers=(("h", b"1"), ("n", None))),
            Record(key=None, value=b"\xc3\xa4"),
            Record(key=b"gone", value=None),
        ]
        tools.produce(topic, records, codec=codec, idempotence=codec == "none")
        sent += records
    found = tools.read(topic, 1, len(sent))
    assert [(each.key, each.value, each.headers) for each in found] == [
        (each.key, each.value, each.headers) for each in sent
    ]


def _case(name: str, title: str, run: Callable[[Context], None]) -> Case:
    return Case(id=f"tools/{name}", title=title, run=run, quick=False)


CASES = (
    _case("console", "kafka-console-producer to kafka-console-consumer", console),
    _case("topics", "kafka-topics", topics),
    _case("configs", "kafka-configs: topics, brokers", configs),
    _case("group-configs", "kafka-configs: groups", group_settings),
    _case("offsets", "kafka-get-offsets, kafka-delete-records, kafka-log-dirs", offsets),
    _case("consumer-groups", "kafka-consumer-groups", consumer_groups),
    _case("reset-offsets", "kafka-consumer-groups --reset-offsets, every way", reset_offsets),
    _case("groups", "kafka-groups, kafka-cluster", groups_and_cluster),
    _case("api-versions", "kafka-broker-api-versions", api_versions),
    _case("performance", "kafka-producer-perf-test, kafka-consumer-perf-test", performance),
    _case("end-to-end", "kafka-e2e-latency", end_to_end_latency),
    _case("verifiable", "kafka-verifiable-producer, kafka-verifiable-consumer", verifiable),
)
