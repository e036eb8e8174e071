"""ApiVersions over the wire: what every client asks first (reference 1, 1.1 notes 1, 2, 5 and 8, KIP-511)."""

import struct

import pytest
from tests.harness import batches, calls, target
from tests.harness.node import Node
from tests.harness.wire import Connection, encode_request

FEATURE_TESTS = {
    # Key: (name, the lowest version that librdkafka before 2.11.1 must find inside the range, highest of 4.2).
    0: ("Produce", 0, 13),
    1: ("Fetch", 4, 18),
    2: ("ListOffsets", 1, 11),
    3: ("Metadata", 0, 13),
    8: ("OffsetCommit", 2, 10),
    9: ("OffsetFetch", 1, 10),
    10: ("FindCoordinator", 0, 6),
    11: ("JoinGroup", 0, 9),
    12: ("Heartbeat", 0, 4),
    13: ("LeaveGroup", 0, 5),
    14: ("SyncGroup", 0, 5),
    15: ("DescribeGroups", 0, 6),
    16: ("ListGroups", 0, 5),
    18: ("ApiVersions", 0, 4),
    19: ("CreateTopics", 2, 7),
    20: ("DeleteTopics", 1, 6),
    21: ("DeleteRecords", 0, 2),
    22: ("InitProducerId", 0, 5),
    23: ("OffsetForLeaderEpoch", 2, 4),
    32: ("DescribeConfigs", 1, 4),
    33: ("AlterConfigs", 0, 2),
    35: ("DescribeLogDirs", 1, 4),
    37: ("CreatePartitions", 0, 3),
    42: ("DeleteGroups", 0, 2),
    44: ("IncrementalAlterConfigs", 0, 1),
    47: ("OffsetDelete", 0, 0),
    60: ("DescribeCluster", 0, 2),
    61: ("DescribeProducers", 0, 0),
    74: ("ListConfigResources", 0, 1),
    75: ("DescribeTopicPartitions", 0, 0),
}


@pytest.mark.parametrize("version", range(5))
def test_every_version_names_every_served_api(connection: Connection, version: int) -> None:
    values = {"client_software_name": "ottla-tests", "client_software_version": "1.0"} if version >= 3 else {}
    answer = connection.call("ApiVersions", version, values)
    assert answer["error_code"] == 0
    ranges = {item["api_key"]: (item["min_version"], item["max_version"]) for item in answer["api_keys"]}
    for key, (name, lowest, highest) in FEATURE_TESTS.items():
        assert key in ranges, name
        low, high = ranges[key]
        assert low <= lowest, f"{name} {low}-{high} must reach down to {lowest}"
        assert high == highest, f"{name} {low}-{high} must end at {highest}"


def test_produce_is_advertised_from_zero_but_old_versions_close_the_connection(connection: Connection) -> None:
    answer = connection.call("ApiVersions", 0)
    assert [item["min_version"] for item in answer["api_keys"] if item["api_key"] == 0] == [0]
    body = struct.pack(">hi", -1, 1000) + struct.pack(">i", 0)
    connection.send_frame(struct.pack(">hhih", 0, 2, 7, -1) + body)
    assert connection.wait_closed() == b""


@pytest.mark.parametrize("version", [5, 6, 99, 32767, -1])
def test_unknown_version_is_answered_in_version_0_with_error_35(connection: Connection, version: int) -> None:
    header = struct.pack(">hhih", 18, version, 4711, 4) + b"test"
    connection.send_frame(header + b"\x00" + b"\x04abc\x041.0\x00")
    frame = connection.receive_frame()
    correlation_id, error_code, count = struct.unpack_from(">ihi", frame)
    assert (correlation_id, error_code) == (4711, 35)
    assert len(frame) == 10 + 6 * count, "exactly version 0: no throttle time, no tags"
    entries = [struct.unpack_from(">hhh", frame, 10 + 6 * index) for index in range(count)]
    assert (18, 0, 4) in entries
    assert connection.call("ApiVersions", 0)["error_code"] == 0, "the client tries again on the same connection"


def test_fallback_says_only_what_kip_511_asks_for(connection: Connection) -> None:
    connection.send_frame(struct.pack(">hhih", 18, 100, 1, -1) + b"\x00")
    frame = connection.receive_frame()
    assert frame == struct.pack(">ihi", 1, 35, 1) + struct.pack(">hhh", 18, 0, 4)


@pytest.mark.parametrize(
    ("name", "version"),
    [("", "1"), ("name", ""), ("-name", "1"), ("name-", "1"), ("na me", "1"), ("name", "1/2"), ("näme", "1")],
)
def test_invalid_software_name_is_an_invalid_request(connection: Connection, name: str, version: str) -> None:
    values = {"client_software_name": name, "client_software_version": version}
    answer = connection.call("ApiVersions", 3, values)
    assert answer["error_code"] == 42


@pytest.mark.parametrize("version", [3, 4])
def test_supported_and_finalized_features_are_told(connection: Connection, version: int) -> None:
    values = {"client_software_name": "a.b-c", "client_software_version": "0-9.x"}
    answer = connection.call("ApiVersions", version, values)
    assert answer["error_code"] == 0
    for feature in answer["supported_features"] or []:
        assert feature["min_version"] <= feature["max_version"]
        if version < 4:
            assert feature["min_version"] > 0, "KAFKA-17492"


def test_version_0_probe_with_metadata_right_behind_it(connection: Connection) -> None:
    """kafka-python up to 2.0 and aiokafka up to 0.12 probe like this: both answers, in order."""
    first = connection.send("ApiVersions", 0)
    second = connection.send("Metadata", 0, {"topics": []})
    assert connection.receive("ApiVersions", 0, expect_id=first)["error_code"] == 0
    assert connection.receive("Metadata", 0, expect_id=second)["brokers"]


@pytest.mark.parametrize("key", [4, 5, 6, 7, 93, 500, 32767, -1])
def test_unknown_api_closes_the_connection(connection: Connection, key: int) -> None:
    connection.send_frame(struct.pack(">hhih", key, 0, 1, -1))
    assert connection.wait_closed() == b""


@pytest.mark.parametrize(("api", "version"), [("Metadata", 14), ("Fetch", 3), ("Fetch", 19), ("Heartbeat", -1)])
def test_unsupported_version_closes_the_connection(connection: Connection, api: str, version: int) -> None:
    key = {"Metadata": 3, "Fetch": 1, "Heartbeat": 12}[api]
    connection.send_frame(struct.pack(">hhih", key, version, 1, -1) + bytes(40))
    assert connection.wait_closed() == b""


def test_client_id_may_be_null_or_empty(connection: Connection) -> None:
    for client_id in (None, "", "x" * 1000):
        connection.send_frame(encode_request("Metadata", 9, {"topics": []}, correlation_id=5, client_id=client_id))
        assert connection.receive("Metadata", 9, expect_id=5)["brokers"]


def test_unknown_tagged_fields_are_accepted(connection: Connection) -> None:
    """A newer client may send tags that this broker does not know, in the header and in the body."""
    tags = b"\x01\x63\x03abc"
    header = struct.pack(">hhih", 18, 3, 9, -1) + tags
    connection.send_frame(header + b"\x05name\x021" + tags)
    assert connection.receive("ApiVersions", 3, expect_id=9)["error_code"] == 0


def test_what_comes_later_is_not_advertised(connection: Connection) -> None:
    """Issue 3, 2.1: neither advertised nor stubbed. Apache Kafka serves all of it."""
    if target.is_kafka():
        pytest.skip("Apache Kafka serves transactions, KIP-848 and share groups")
    keys = {item["api_key"] for item in connection.call("ApiVersions", 0)["api_keys"]}
    later = {24, 25, 26, 28, 29, 30, 31, 38, 39, 40, 41, 45, 46, 48, 49, 50, 51, 65, 66, 68, 69, *range(76, 80), 88, 89}
    assert not keys & later


def test_served_versions_of_metadata_all_answer(node: Node, topic: str) -> None:
    for version in range(14):
        with node.connect() as connection:
            answer = connection.call("Metadata", version, {"topics": [{"name": topic}]})
        (found,) = answer["topics"]
        assert (found["error_code"], found["name"]) == (0, topic)
        (broker,) = answer["brokers"]
        assert (broker["host"], broker["port"]) == (node.host, node.port)


@pytest.mark.parametrize("version", range(3, 13))
def test_served_versions_of_produce_all_append(connection: Connection, topic: str, version: int) -> None:
    result = calls.produce(connection, topic, batches.batch(batches.values(2)), version=version)
    assert (result["error_code"], result["base_offset"]) == (0, 0)


@pytest.mark.parametrize("version", range(4, 13))
def test_served_versions_of_fetch_all_read(connection: Connection, topic: str, version: int) -> None:
    calls.produce(connection, topic, batches.batch(batches.values(2)))
    result = calls.fetch(connection, topic, 0, version=version)
    assert [record.value for record in batches.records_of(result["records"])] == [b"v0", b"v1"]
