"""Every administrative call that the Python libraries have for what one node serves (issue 3, 2.1)."""

from collections.abc import Iterator

import pytest
from tests.harness import batches, calls, client_list
from tests.harness.clients import ClientError, Record, numbered
from tests.harness.library_client import LibraryClient
from tests.harness.node import Node
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module", params=sorted(client_list.LIBRARIES))
def library(
    request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LibraryClient]:
    made = client_list.make_client(request.param, node.bootstrap, tmp_path_factory.mktemp("admin"))
    assert isinstance(made, LibraryClient)
    yield made
    made.close()


@pytest.fixture
def topic(library: LibraryClient, connection: Connection) -> str:
    name = calls.unique("admin")
    library.admin("create_topic", name=name, partitions=2, configs={"retention.ms": "3600000"})
    calls.wait_for_topic(connection, name, 2)
    return name


def refused(library: LibraryClient, code: int, call: str, **args: object) -> None:
    with pytest.raises(ClientError) as caught:
        library.admin(call, **args)
    assert caught.value.code == code, caught.value


def test_topics_are_created_listed_described_and_deleted(library: LibraryClient, topic: str) -> None:
    assert topic in library.admin("list_topics")
    described = library.admin("describe_topic", name=topic)
    assert set(described) == {"0", "1"}
    leader = described["0"]["leader"]
    assert described["0"] == {"leader": leader, "replicas": [leader], "isr": [leader]}
    refused(library, 36, "create_topic", name=topic, partitions=1, configs={})
    refused(library, 17, "create_topic", name="in/valid", partitions=1, configs={})
    refused(library, 40, "create_topic", name=calls.unique("bad"), partitions=1, configs={"retention.ms": "soon"})
    library.admin("delete_topic", name=topic)
    eventually(lambda: topic not in library.admin("list_topics"), "the topic is gone")
    refused(library, 3, "delete_topic", name=topic)


def test_partitions_are_added(library: LibraryClient, topic: str) -> None:
    library.admin("create_partitions", name=topic, total=5)
    eventually(lambda: len(library.admin("describe_topic", name=topic)) == 5, "five partitions")
    refused(library, 37, "create_partitions", name=topic, total=3)


def test_configs_are_described_and_altered(library: LibraryClient, topic: str) -> None:
    configs = library.admin("describe_configs", topic=topic)
    assert (configs["retention.ms"], configs["cleanup.policy"]) == ("3600000", "delete")
    library.admin("alter_config", topic=topic, name="retention.ms", value="7200000")
    eventually(
        lambda: library.admin("describe_configs", topic=topic)["retention.ms"] == "7200000", "the new value is shown"
    )
    refused(library, 40, "alter_config", topic=topic, name="retention.ms", value="later")


def test_cluster_is_described(library: LibraryClient, connection: Connection) -> None:
    found = library.admin("describe_cluster")
    metadata = connection.call("Metadata", 9, {"topics": []})
    assert found["cluster_id"] in (metadata["cluster_id"], None)
    assert found["brokers"] == [broker["node_id"] for broker in metadata["brokers"]]


def test_records_are_deleted(library: LibraryClient, connection: Connection, topic: str) -> None:
    library.produce(topic, [Record(key=b"k", value=b"%d" % number, partition=0) for number in range(10)])
    assert library.admin("delete_records", topic=topic, partition=0, before=4) == 4
    assert calls.list_offset(connection, topic, timestamp=-2)["offset"] == 4
    found = library.read(topic, 1, 6)
    assert [record.offset for record in found] == [4, 5, 6, 7, 8, 9]
    assert library.admin("delete_records", topic=topic, partition=0, before=-1) == 10
    refused(library, 1, "delete_records", topic=topic, partition=0, before=11)


def test_offsets_are_listed(library: LibraryClient, topic: str) -> None:
    base = batches.now_ms() - 3_000_000  # The topic keeps an hour.
    stamps = [base, base + 9000, base + 1000]
    for stamp in stamps:
        library.produce(topic, [Record(key=b"k", value=b"v", timestamp=stamp, partition=0)])
    for spec, offset in [("earliest", 0), ("latest", 3), ("max", 1)]:
        assert library.admin("list_offsets", topic=topic, partition=0, spec=spec) == offset


def test_groups_are_listed_described_and_deleted(library: LibraryClient, topic: str) -> None:
    group = calls.unique("admin-group")
    library.produce(topic, list(numbered(0, 50)))
    member = library.join(topic, group)
    described = eventually(
        lambda: library.admin("describe_group", group=group),
        "the group is stable",
        accept=lambda found: found["state"] == "Stable",
        interval_s=0.2,
    )
    assert described["protocol"] == "range"
    (one,) = described["members"]
    assert one["host"] == "/127.0.0.1"
    assert one["client_id"]
    if one["assignment"] is not None:
        assert sorted(one["assignment"]) == [[topic, 0], [topic, 1]]
    assert group in library.admin("list_groups")
    taken = 0

    def take() -> int:
        nonlocal taken
        taken += len(member.take())
        return taken

    eventually(take, "all records", accept=lambda count: count == 50)
    member.leave()
    offsets = library.admin("group_offsets", group=group)
    assert set(offsets) == {f"{topic}-0", f"{topic}-1"}
    assert sum(offsets.values()) == 50
    assert library.admin("describe_group", group=group)["state"] == "Empty"
    library.admin("delete_group", group=group)
    assert group not in library.admin("list_groups")


def test_group_with_members_is_not_deleted(library: LibraryClient, topic: str) -> None:
    group = calls.unique("busy-group")
    member = library.join(topic, group)
    eventually(lambda: library.admin("describe_group", group=group)["state"] == "Stable", "stable", interval_s=0.2)
    try:
        refused(library, 68, "delete_group", group=group)
    finally:
        member.leave()


def test_offsets_of_a_group_are_altered_and_deleted(library: LibraryClient, topic: str) -> None:
    group = calls.unique("offset-group")
    library.produce(topic, list(numbered(0, 10)))
    library.admin("alter_group_offset", group=group, topic=topic, partition=0, offset=3)
    assert library.admin("group_offsets", group=group)[f"{topic}-0"] == 3
    library.admin("delete_offsets", group=group, topic=topic, partition=0)
    assert library.admin("group_offsets", group=group).get(f"{topic}-0", -1) == -1
