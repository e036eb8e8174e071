"""What a node tells of itself on ottla.metrics.listener, after things have happened to it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from tests.harness import batches, calls
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node
from tests.harness.waiting import eventually
from tests.harness.wire import Connection

from ottla.broker.metrics.catalogue import SECTIONS

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]

ROUNDS = 15
"""How many topics and groups of each of three clients come and go under scrapes."""

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def url_of(node: Node) -> str:
    (line,) = [line for line in node.process.stdout.splitlines() if line.startswith("ready ")]
    (word,) = [word for word in line.split() if word.startswith("metrics=")]
    return word.removeprefix("metrics=")


def get(node: Node, path: str = "/metrics", **headers: str) -> tuple[int, str]:
    address = url_of(node).removesuffix("/metrics") + path
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def figures_of(node: Node) -> Figures:
    status, text = get(node)
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


def figure(figures: Figures, name: str, **labels: str) -> float:
    return figures[name, frozenset(labels.items())]


@pytest.fixture
def watched(make_node: MakeNode, only_ottla: None) -> Iterator[Node]:
    node = make_node({"ottla.metrics.listener": "127.0.0.1:0", "group.initial.rebalance.delay.ms": 0}).start()
    yield node
    assert "Traceback" not in node.process.stderr


def produce(node: Node, topic: str, count: int = 10, *, value_bytes: int = 100) -> None:
    with node.connect() as connection:
        calls.create_topic(connection, topic)
        records = batches.batch([batches.Entry(value=b"v" * value_bytes)] * count)
        assert calls.produce(connection, topic, records)["error_code"] == 0


def coordinated(connection: Connection, group: str) -> None:
    connection.call("FindCoordinator", 1, {"key": group, "key_type": 0})


def test_every_metric_is_told_with_its_labels(watched: Node) -> None:
    produce(watched, "t")
    with watched.connect() as connection:
        connection.call("ApiVersions", 3, {"client_software_name": "us", "client_software_version": "1"})
        connection.call("ListGroups", 4, {})
    described = {metric.name: metric for _, metrics in SECTIONS for metric in metrics}
    for openmetrics in (False, True):
        status, text = get(watched, **({"Accept": OPENMETRICS} if openmetrics else {}))
        assert status == 200
        families = list((parse_openmetrics if openmetrics else parse_text)(text))
        names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
        assert names == described.keys()
        for family in families:
            metric = described[family.name + ("_total" if family.type == "counter" else "")]
            assert family.type == metric.kind.value
            assert family.documentation == metric.help
            for sample in family.samples:
                assert sample.labels.keys() - {"le"} == set(metric.labels), sample


def test_what_went_in_and_out_is_told_by_topic(watched: Node) -> None:
    produce(watched, "in", 10)
    produce(watched, "out", 3)
    with watched.connect() as connection:
        answer = calls.fetch(connection, "out", 0)
        assert answer["error_code"] == 0
        too_large = batches.batch([batches.Entry(value=b"v" * 2_000_000)])
        assert calls.produce(connection, "in", too_large)["error_code"] == 10
        assert calls.produce(connection, "nowhere", too_large)["error_code"] == 3
    figures = figures_of(watched)
    assert figure(figures, "ottla_topic_messages_in_total", topic="in") == 10
    assert figure(figures, "ottla_topic_messages_in_total", topic="out") == 3
    assert figure(figures, "ottla_topic_bytes_in_total", topic="out") == len(answer["records"])
    assert figure(figures, "ottla_topic_bytes_out_total", topic="out") == len(answer["records"])
    assert figure(figures, "ottla_topic_bytes_out_total", topic="in") == 0
    assert figure(figures, "ottla_topic_produce_requests_total", topic="in") == 2
    assert figure(figures, "ottla_topic_fetch_requests_total", topic="out") == 1
    assert figure(figures, "ottla_topic_produce_errors_total", topic="in", error="MESSAGE_TOO_LARGE") == 1
    assert figure(figures, "ottla_topic_bytes_rejected_total", topic="in") == len(too_large)
    assert figure(figures, "ottla_request_errors_total", api="Produce", error="MESSAGE_TOO_LARGE") == 1
    assert figure(figures, "ottla_request_errors_total", api="Produce", error="UNKNOWN_TOPIC_OR_PARTITION") == 1
    assert figure(figures, "ottla_partition_log_end_offset", topic="in", partition="0") == 10
    assert figure(figures, "ottla_partition_log_size_bytes", topic="out", partition="0") == len(answer["records"])
    assert figure(figures, "ottla_log_unflushed_records") == 13


def test_a_deleted_topic_is_not_told_any_more(watched: Node) -> None:
    produce(watched, "gone")
    with watched.connect() as connection:
        connection.call("DeleteTopics", 3, {"topic_names": ["gone"], "timeout_ms": 5000})
    assert not [key for key in figures_of(watched) if ("topic", "gone") in key[1]]
    produce(watched, "gone", 1)
    assert figure(figures_of(watched), "ottla_topic_messages_in_total", topic="gone") == 1


def test_requests_are_counted_and_timed_by_api(watched: Node) -> None:
    produce(watched, "t")
    with watched.connect() as connection:
        calls.fetch(connection, "t", 10, max_wait_ms=120, min_bytes=1)
        connection.call("ListOffsets", 1, {"replica_id": -1, "topics": [{"name": "no", "partitions": [{}]}]})
    figures = figures_of(watched)
    assert sum(value for (name, labels), value in figures.items() if name == "ottla_requests_total") >= 4
    for part in ("duration", "queue", "local", "remote", "response_queue", "response_send"):
        assert figure(figures, f"ottla_request_{part}_seconds_count", api="Fetch") == 1
    assert 0.1 < figure(figures, "ottla_request_remote_seconds_sum", api="Fetch") < 5
    assert figure(figures, "ottla_request_duration_seconds_sum", api="Fetch") > 0.1
    assert figure(figures, "ottla_request_remote_seconds_sum", api="Produce") == 0
    assert figure(figures, "ottla_request_errors_total", api="ListOffsets", error="UNKNOWN_TOPIC_OR_PARTITION") == 1


def test_connections_are_told_by_listener_and_by_why_they_are_gone(watched: Node) -> None:
    with watched.connect() as connection:
        connection.call("ApiVersions", 3, {"client_software_name": "our-test", "client_software_version": "1.0"})
        assert figure(figures_of(watched), "ottla_client_connections", software="our-test 1.0") == 1
    with watched.connect() as garbage:
        garbage.send_bytes(b"\xff" * 100)
        garbage.wait_closed()

    def told() -> bool:
        figures = figures_of(watched)
        closed = {dict(labels)["reason"]: value for (name, labels), value in figures.items() if "closed_total" in name}
        return closed.get("protocol") == 1 and closed.get("peer", 0) >= 1

    eventually(told, "the closed connections are told")
    figures = figures_of(watched)
    assert figure(figures, "ottla_connections", listener="PLAINTEXT") == 0
    assert sum(value for (name, _), value in figures.items() if name == "ottla_peer_errors_total") == 1


def test_lag_is_what_a_group_has_not_committed(watched: Node) -> None:
    produce(watched, "t", 10)
    group = 'with "quotes" \\ and\na line'
    with watched.connect() as connection:
        coordinated(connection, group)
        answer = connection.call(
            "OffsetCommit",
            2,
            {
                "group_id": group,
                "topics": [{"name": "t", "partitions": [{"partition_index": 0, "committed_offset": 4}]}],
            },
        )
        assert answer["topics"][0]["partitions"][0]["error_code"] == 0
    figures = figures_of(watched)
    assert figure(figures, "ottla_group_partition_lag_records", group=group, topic="t", partition="0") == 6
    assert figure(figures, "ottla_group_partition_committed_offset", group=group, topic="t", partition="0") == 4
    assert figure(figures, "ottla_group_lag_records", group=group) == 6
    assert figure(figures, "ottla_groups", state="Empty") == 1
    assert figure(figures, "ottla_group_offset_commits_total") == 1


def test_what_is_too_much_is_summed_up(make_node: MakeNode, only_ottla: None) -> None:
    node = make_node({"ottla.metrics.listener": "127.0.0.1:0", "ottla.metrics.max.series": 2}).start()
    for number in range(4):
        produce(node, f"t{number}", 10)
    with node.connect() as connection:
        coordinated(connection, "g")
        for number in range(4):
            topics = [{"name": "t0", "partitions": [{"partition_index": 0, "committed_offset": number}]}]
            connection.call("OffsetCommit", 2, {"group_id": f"g{number}", "topics": topics})
    figures = figures_of(node)
    messages = {dict(labels)["topic"]: value for (name, labels), value in figures.items() if "messages_in" in name}
    assert messages == {"t0": 10, "t1": 10, "(other)": 24}, "twenty records, and four commits"
    ends = {dict(labels)["topic"]: value for (name, labels), value in figures.items() if "log_end_offset" in name}
    assert ends == messages
    lags = {
        dict(labels)["group"]: value for (name, labels), value in figures.items() if name == "ottla_group_lag_records"
    }
    assert len(lags) == 3
    assert sum(lags.values()) == 10 + 9 + 8 + 7
    of_partitions = [value for (name, _), value in figures.items() if name == "ottla_group_partition_lag_records"]
    assert len(of_partitions) == 3
    assert sum(of_partitions) == 10 + 9 + 8 + 7


def come_and_go(node: Node, number: int, rounds: int) -> None:
    """Topics that are made, written to and deleted, and groups that join, commit and are deleted, one by one."""
    with node.connect() as connection:
        for turn in range(rounds):
            topic, group = f"topic-{number}-{turn % 3}", f"group-{number}-{turn % 3}"
            calls.create_topic(connection, topic, partitions=3)
            assert calls.produce(connection, topic, batches.batch([batches.Entry(value=b"v")]))["error_code"] == 0
            partitions = [{"partition_index": index, "committed_offset": 0} for index in range(3)]
            body = {"group_id": group, "topics": [{"name": topic, "partitions": partitions}]}
            connection.call("OffsetCommit", 2, body)
            join = {"group_id": group, "session_timeout_ms": 10_000, "rebalance_timeout_ms": 10_000}
            protocols = [{"name": "range", "metadata": b""}]
            joined = connection.call("JoinGroup", 2, {**join, "protocol_type": "consumer", "protocols": protocols})
            connection.call("LeaveGroup", 1, {"group_id": group, "member_id": joined["member_id"]})
            connection.call("DeleteTopics", 3, {"topic_names": [topic], "timeout_ms": 5000})
            answer = connection.call("DeleteGroups", 1, {"groups_names": [group]})
            assert answer["results"][0]["error_code"] in (0, 69)  # with its topic its last offsets may have gone


def test_what_comes_and_goes_neither_breaks_a_scrape_nor_leaves_anything_in_it(watched: Node) -> None:
    with watched.connect() as connection:
        coordinated(connection, "g")
    come_and_go(watched, 0, 3)
    figures_of(watched)
    before = {key for key in figures_of(watched) if key[0] != "ottla_peer_errors_total"}
    with ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(come_and_go, watched, number, ROUNDS) for number in range(3)]
        scrapes = 0
        while not all(client.done() for client in clients):
            status, text = get(watched)
            lines = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
            assert (status, len(set(lines))) == (200, len(lines)), "every series once"
            scrapes += 1
        for client in clients:
            client.result()
    assert scrapes > 1
    assert set(figures_of(watched)) - before <= {("ottla_request_errors_total", key[1]) for key in figures_of(watched)}


def test_what_the_node_is(watched: Node) -> None:
    figures = figures_of(watched)
    (build,) = [dict(labels) for name, labels in figures if name == "ottla_build_info"]
    assert build["loop"] == "uvloop"
    (node,) = [dict(labels) for name, labels in figures if name == "ottla_node_info"]
    assert node["node_id"] == "1"
    assert node["acknowledged"].startswith("page-cache")
    assert figure(figures, "ottla_ready") == 1
    assert 1e6 < figure(figures, "process_resident_memory_bytes") < 1e9
    assert figure(figures, "process_open_fds") > 3
    assert abs(watched.process.rss_bytes() - figure(figures, "process_resident_memory_bytes")) < 20e6


def test_the_other_pages(watched: Node) -> None:
    assert get(watched, "/healthz") == (200, "ok\n")
    assert get(watched, "/readyz") == (200, "ready\n")
    status, index = get(watched, "/")
    assert status == 200
    assert "/metrics" in index
    assert get(watched, "/nowhere")[0] == 404


def test_clients_notice_nothing_of_hostile_visitors(watched: Node) -> None:
    import socket

    host, port = url_of(watched).removeprefix("http://").removesuffix("/metrics").split(":")
    visitors = []
    for said in (b"", b"GET / HTT", b"\x00" * 9000, b"GET /metrics HTTP/1.1\r\n\r\n" * 50) * 20:
        visitor = socket.create_connection((host, int(port)), timeout=10)
        visitor.sendall(said)
        visitors.append(visitor)
    produce(watched, "t")
    assert get(watched, "/healthz")[0] == 200
    for visitor in visitors:
        visitor.close()


def test_no_listener_without_the_setting(make_node: MakeNode, only_ottla: None) -> None:
    node = make_node().start()
    assert "metrics=" not in node.process.stdout


def test_the_listener_is_named_in_the_log(watched: Node) -> None:
    lines = [json.loads(line) for line in watched.process.stderr.splitlines()]
    assert url_of(watched) in [line.get("metrics") for line in lines]
    assert {line["logger"] for line in lines} == {"ottla"}
    (first, *_) = lines
    assert first["pid"] == watched.process.pid
    assert {"version", "python", "listeners", "data", "acknowledged"} <= {name for line in lines for name in line}
