"""Bytes that are no Kafka request: the connection is closed, and nobody else notices (issue 3, 6.1)."""

import os
import socket
import struct
from collections.abc import Iterator

import pytest
from tests.harness import batches, calls
from tests.harness.node import Node
from tests.harness.wire import Connection, ConnectionClosedError, encode_request

NODE_SETTINGS = {"socket.request.max.bytes": 2_000_000}


@pytest.fixture(autouse=True)
def _others_are_unharmed(node: Node) -> Iterator[None]:
    """A second client works before and after on one connection, and a third can connect."""
    with node.connect() as other:
        assert other.call("Metadata", 9, {"topics": []})["brokers"]
        yield
        assert node.running
        assert other.call("Metadata", 9, {"topics": []})["brokers"]
    with node.connect() as another:
        assert another.call("ApiVersions", 0)["error_code"] == 0


def refused(connection: Connection, data: bytes) -> None:
    """The broker closes the connection without an answer."""
    try:
        connection.send_bytes(data)
    except ConnectionClosedError:
        return
    assert connection.wait_closed() == b""


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"\xff" * 64,
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
    ],
    ids=["http", "tls", "ones", "ssh"],
)
def test_other_protocols_are_closed(connection: Connection, garbage: bytes) -> None:
    refused(connection, garbage)


@pytest.mark.parametrize("size", [-1, -2147483648, 2_000_001, 2147483647])
def test_length_that_cannot_be_closes_at_once(connection: Connection, size: int) -> None:
    refused(connection, struct.pack(">i", size))


def test_frame_of_the_allowed_size_is_read(connection: Connection, topic: str) -> None:
    # A batch over max.message.bytes in a frame that is allowed: refused by its own error, not by closing.
    record = batches.batch([batches.Entry(value=bytes(1_500_000))])
    assert calls.produce(connection, topic, record)["error_code"] == 10


@pytest.mark.parametrize("size", range(8))
def test_frame_shorter_than_a_header_is_closed(connection: Connection, size: int) -> None:
    refused(connection, struct.pack(">i", size) + struct.pack(">hhi", 18, 0, 1)[:size])


def _metadata() -> bytes:
    return encode_request("Metadata", 9, {"topics": [{"name": "some-topic"}]}, correlation_id=1)


def test_every_truncation_of_a_request_is_closed_or_answered(node: Node) -> None:
    """A frame whose length is true but whose body ends too early."""
    whole = _metadata()
    for size in range(8, len(whole)):
        with node.connect() as connection:
            connection.send_frame(whole[:size])
            assert connection.wait_closed() == b"", f"cut to {size} of {len(whole)} bytes"


def test_half_a_request_and_then_the_end(node: Node) -> None:
    frame = struct.pack(">i", len(_metadata())) + _metadata()
    for size in (1, 3, 4, 5, 12, len(frame) - 1):
        with node.connect() as connection:
            connection.send_bytes(frame[:size])
            connection.socket.shutdown(socket.SHUT_WR)
            assert connection.wait_closed() == b""


def test_request_one_byte_at_a_time_is_served(connection: Connection) -> None:
    frame = struct.pack(">i", len(_metadata())) + _metadata()
    for position in range(len(frame)):
        connection.send_bytes(frame[position : position + 1])
    assert connection.receive("Metadata", 9, expect_id=1)["brokers"]


LYING = {
    "metadata v1 array": struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", 0x7FFFFFFF),
    "metadata v1 array, a little too long": struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">ih", 2, 1) + b"a",
    "metadata v1 string": struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">ih", 1, 32767) + b"a",
    "metadata v1 null topic name": struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">ih", 1, -1),
    "metadata v9 compact array": struct.pack(">hhih", 3, 9, 1, -1) + b"\x00\xff\xff\xff\xff\x07\x00\x00\x00\x00",
    "metadata v9 overlong varint": struct.pack(">hhih", 3, 9, 1, -1) + b"\x00\xff\xff\xff\xff\xff\xff\xff\x01",
    "metadata v9 compact string": struct.pack(">hhih", 3, 9, 1, -1) + b"\x00\x02\xff\xff\x03a\x00\x00\x00\x00\x00",
    "metadata v9 tag section": struct.pack(">hhih", 3, 9, 1, -1) + b"\x00\x01\x01\x00\x00\xff\xff\xff\xff\x07",
    "header tag size": struct.pack(">hhih", 3, 9, 1, -1) + b"\x01\x00\xff\xff\xff\x7f",
    "client id length": struct.pack(">hhih", 3, 1, 1, 30000) + b"abc",
    "produce v7 topics": struct.pack(">hhih", 0, 7, 1, -1) + struct.pack(">hhii", -1, 1, 1000, 1_000_000_000),
    "produce v7 records": struct.pack(">hhih", 0, 7, 1, -1)
    + struct.pack(">hhi", -1, 1, 1000)
    + struct.pack(">ih", 1, 1)
    + b"a"
    + struct.pack(">iii", 1, 0, 2147483647),
    "fetch v4 topics": struct.pack(">hhih", 1, 4, 1, -1) + struct.pack(">iiiibi", -1, 0, 0, 1000, 0, 0x7FFFFFF0),
    "join group v0 protocols": struct.pack(">hhih", 11, 0, 1, -1)
    + struct.pack(">h1sih", 1, b"g", 10000, 0)
    + struct.pack(">h1si", 1, b"c", 0x10000000),
    "join group v0 metadata": struct.pack(">hhih", 11, 0, 1, -1)
    + struct.pack(">h1sih", 1, b"g", 10000, 0)
    + struct.pack(">h1sih1si", 1, b"c", 1, 1, b"p", 0x7FFFFFFF),
    "create topics v2": struct.pack(">hhih", 19, 2, 1, -1) + struct.pack(">i", 0x40000000),
    "api versions v3 name": struct.pack(">hhih", 18, 3, 1, -1) + b"\x00\xff\xff\xff\xff\x07",
}


@pytest.mark.parametrize("lie", LYING)
def test_lying_length_closes_the_connection_and_costs_nothing(node: Node, connection: Connection, lie: str) -> None:
    before = node.process.rss_bytes()
    payload = LYING[lie]
    refused(connection, struct.pack(">i", len(payload)) + payload)
    assert node.process.rss_bytes() - before < 50 << 20


def test_any_negative_array_length_means_null(connection: Connection, topic: str) -> None:
    """Kafka reads -2 like -1: here, all topics."""
    connection.send_frame(struct.pack(">hhihi", 3, 1, 1, -1, -2))
    assert topic in {found["name"] for found in connection.receive("Metadata", 1, expect_id=1)["topics"]}


def test_invalid_utf8_does_not_kill_the_node(node: Node) -> None:
    payload = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">ih", 1, 4) + b"\xff\xfe\xc3\x28"
    with node.connect() as connection:
        connection.send_frame(payload)
        try:
            (found,) = connection.receive("Metadata", 1)["topics"]
        except ConnectionClosedError:
            return
        assert found["error_code"] == 17


def test_bytes_behind_a_request_do_not_harm(connection: Connection) -> None:
    """Kafka ignores what follows the last field of a request inside its frame."""
    connection.send_frame(_metadata() + b"trailing")
    assert connection.receive("Metadata", 9, expect_id=1)["brokers"]


def test_garbage_after_a_good_request_is_closed_after_the_answer(connection: Connection) -> None:
    connection.send_frame(_metadata())
    connection.send_bytes(struct.pack(">i", -5))
    assert connection.receive("Metadata", 9, expect_id=1)["brokers"]
    assert connection.wait_closed() == b""


def test_random_frames_never_kill_the_node(node: Node) -> None:
    """Two hundred frames of noise behind every API key's header."""
    for seed in range(200):
        noise = os.urandom(64)
        payload = struct.pack(">hhih", seed % 75, seed % 12, seed, -1) + noise
        with node.connect() as connection:
            connection.send_frame(payload)
            connection.socket.shutdown(socket.SHUT_WR)
            connection.wait_closed()
    assert node.running
