"""Many, silent, slow and greedy connections (issue 3, 2.3 and 6.1)."""

import resource
import socket
import struct
import threading

import pytest
from tests.harness import batches, calls, target
from tests.harness.fixtures import MakeNode
from tests.harness.node import Node
from tests.harness.waiting import Stopwatch, eventually
from tests.harness.wire import Connection, ConnectionClosedError, encode_request

MB = 1 << 20
# With the default of 50 the kernel drops some of a thousand hasty connections for a second each, Kafka's too.
NODE_SETTINGS = {"socket.listen.backlog.size": 1024}


def alive(connection: Connection) -> bool:
    return bool(connection.call("Metadata", 9, {"topics": []})["brokers"])


def fill(connection: Connection, topic: str, count: int, size_bytes: int) -> None:
    for _ in range(count):
        entries = batches.batch(batches.values(1, size_bytes=size_bytes))
        assert calls.produce(connection, topic, entries)["error_code"] == 0


def test_answers_come_in_the_order_of_the_requests(node: Node, connection: Connection, topic: str) -> None:
    """A hundred requests at once, slow ones (long polls) among quick ones."""
    with node.connect(timeout_s=30) as pipelined:
        sent: list[tuple[str, int, int]] = []
        for number in range(100):
            if number % 25 == 10:
                request = calls.fetch_request(topic, 0, max_wait_ms=150, min_bytes=10 * MB)
                sent.append(("Fetch", 12, pipelined.send("Fetch", 12, request)))
            elif number % 3 == 0:
                entry = batches.batch([batches.Entry(value=b"%d" % number)])
                sent.append(("Produce", 9, pipelined.send("Produce", 9, calls.produce_request(topic, entry))))
            else:
                sent.append(("Metadata", 9, pipelined.send("Metadata", 9, {"topics": [{"name": topic}]})))
        for api, version, correlation_id in sent:
            pipelined.receive(api, version, expect_id=correlation_id)
    written = batches.records_of(calls.fetch(connection, topic, 0)["records"])
    assert [record.value for record in written] == [b"%d" % n for n in range(100) if n % 3 == 0 and n % 25 != 10]


def test_pipelined_produces_keep_their_order(connection: Connection, topic: str) -> None:
    ids = [
        connection.send("Produce", 9, calls.produce_request(topic, batches.batch([batches.Entry(value=b"%d" % n)])))
        for n in range(200)
    ]
    offsets = []
    for correlation_id in ids:
        answer = connection.receive("Produce", 9, expect_id=correlation_id)
        offsets.append(answer["responses"][0]["partition_responses"][0]["base_offset"])
    assert offsets == list(range(200))


def test_silent_connections_cost_the_others_nothing(node: Node, connection: Connection) -> None:
    silent = [node.connect() for _ in range(50)]
    for number, opened in enumerate(silent):
        opened.send_bytes(b"\x00\x00\x00\x64"[: number % 5])
    watch = Stopwatch()
    assert alive(connection)
    assert watch.seconds() < 2
    for opened in silent:
        opened.close()


def test_thousand_idle_connections(node: Node, connection: Connection) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        if hard < 4096:
            pytest.skip(f"only {hard} descriptors allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    before = node.process.rss_bytes()
    opened = [node.connect() for _ in range(1000)]
    try:
        for one in opened[::50]:
            assert alive(one)
        watch = Stopwatch()
        assert alive(connection)
        assert watch.seconds() < 2
        grown = node.process.rss_bytes() - before
        assert grown < 100 * MB, f"{grown // 1000} bytes for each connection"
    finally:
        for one in opened:
            one.close()
    assert alive(connection)


def test_client_that_never_reads_is_held_back(node: Node, connection: Connection, topic: str) -> None:
    """It asks for a megabyte again and again and takes none of it: memory stays bounded, others are served."""
    fill(connection, topic, 10, 100_000)
    before = node.process.rss_bytes()
    frame = encode_request("Fetch", 12, calls.fetch_request(topic, 0))
    greedy = Connection(node.host, node.port, timeout_s=1, receive_buffer=4096)
    sent = 0
    try:
        greedy.socket.settimeout(0.5)
        try:
            for _ in range(20_000):
                greedy.socket.sendall(struct.pack(">i", len(frame)) + frame)
                sent += 1
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
        watch = Stopwatch()
        for _ in range(20):
            assert alive(connection)
        assert watch.seconds() < 4
        grown = node.process.rss_bytes() - before
        assert grown < (200 if target.is_kafka() else 32) * MB, f"{grown} bytes after {sent} requests"
    finally:
        greedy.close()


def test_many_clients_that_never_read(node: Node, connection: Connection, topic: str) -> None:
    fill(connection, topic, 10, 100_000)
    before = node.process.rss_bytes()
    frame = encode_request("Fetch", 12, calls.fetch_request(topic, 0))
    greedy = [Connection(node.host, node.port, timeout_s=5, receive_buffer=4096) for _ in range(20)]
    try:
        for one in greedy:
            one.send_bytes((struct.pack(">i", len(frame)) + frame) * 20)
        for _ in range(20):
            assert alive(connection)
        grown = node.process.rss_bytes() - before
        assert grown < (300 if target.is_kafka() else 100) * MB, f"{grown} bytes"
    finally:
        for one in greedy:
            one.close()


def test_slow_reader_gets_everything_in_the_end(connection: Connection, node: Node, topic: str) -> None:
    fill(connection, topic, 30, 100_000)
    with Connection(node.host, node.port, timeout_s=30, receive_buffer=4096) as slow:
        ids = [slow.send("Fetch", 12, calls.fetch_request(topic, 0)) for _ in range(3)]
        assert alive(connection)
        for correlation_id in ids:
            answer = slow.receive("Fetch", 12, expect_id=correlation_id)
            found = batches.headers_of(answer["responses"][0]["partitions"][0]["records"])
            assert len(found) == 30


def test_client_that_goes_away_in_a_long_poll(node: Node, connection: Connection, topic: str) -> None:
    for _ in range(30):
        with node.connect() as leaving:
            leaving.send("Fetch", 12, calls.fetch_request(topic, 0, max_wait_ms=20_000))
    fill(connection, topic, 1, 10)
    assert len(batches.records_of(calls.fetch(connection, topic, 0)["records"])) == 1


def test_reset_in_the_middle_of_a_large_produce(node: Node, connection: Connection, topic: str) -> None:
    payload = encode_request(
        "Produce", 9, calls.produce_request(topic, batches.batch(batches.values(1, size_bytes=900_000)))
    )
    for _ in range(10):
        with node.connect() as leaving:
            leaving.send_bytes(struct.pack(">i", len(payload)) + payload[: len(payload) // 2])
            leaving.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert calls.end_offset(connection, topic) == 0


def test_large_frames_that_trickle_hold_no_memory_they_did_not_send(
    node: Node, connection: Connection, only_ottla: None
) -> None:
    """Fifty clients announce 90 MB each and send a few bytes. Kafka sets the memory aside and dies of it."""
    before = node.process.rss_bytes()
    opened = [node.connect() for _ in range(50)]
    try:
        for one in opened:
            one.send_bytes(struct.pack(">i", 90 * MB) + b"\x00\x00\x00\x09")
        assert alive(connection)
        assert node.process.rss_bytes() - before < 64 * MB
    finally:
        for one in opened:
            one.close()


def test_produce_and_fetch_go_on_while_others_misbehave(node: Node, connection: Connection, topic: str) -> None:
    stop = threading.Event()

    def misbehave() -> None:
        while not stop.is_set():
            try:
                with node.connect() as bad:
                    bad.send_bytes(b"\xff\xff\xff\xffgarbage")
                    bad.wait_closed()
            except (ConnectionClosedError, OSError):
                continue

    thread = threading.Thread(target=misbehave)
    thread.start()
    try:
        fill(connection, topic, 100, 1000)
        result = calls.fetch(connection, topic, 0)
        assert len(batches.headers_of(result["records"])) == 100
    finally:
        stop.set()
        thread.join()


def test_idle_connections_are_closed_when_told_to(make_node: MakeNode) -> None:
    node = make_node({"connections.max.idle.ms": 1000}).start()
    with node.connect() as idle:
        assert alive(idle)
        assert idle.wait_closed(timeout_s=20) == b""


def test_descriptors_are_given_back(node: Node, connection: Connection) -> None:
    assert alive(connection)
    before = node.process.open_files()
    for _ in range(100):
        with node.connect() as one:
            assert alive(one)
    eventually(lambda: node.process.open_files() <= before + 5, "closed connections' descriptors are free")
