"""Every client writes and reads records of every shape with every codec (issue 3, 'Done when'; 4.1, 4.2, 4.4)."""

import time
from collections import Counter
from collections.abc import Sequence

import pytest
from tests.harness import batches, calls, client_list, target
from tests.harness.clients import Client, ClientError, Record, numbered
from tests.harness.node import Node
from tests.harness.wire import Connection

pytestmark = pytest.mark.clients

# Yesterday: retention would take away older records half a minute after the start.
YESTERDAY_MS = batches.now_ms() - 86_400_000
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 4
NODE_SETTINGS = {"num.partitions": PARTITIONS}


@pytest.fixture
def topic(client: Client) -> str:
    """Created by the client itself, with four partitions."""
    name = calls.unique("records")
    client.create_topic(name, PARTITIONS)
    return name


def needs(client: Client, feature: str) -> None:
    if feature not in client.features:
        pytest.skip(f"{client.name} has no such feature: {feature}")


def stored(connection: Connection, topic: str) -> list[batches.Header]:
    """The headers of everything that the broker holds of the topic."""
    found = []
    for partition in range(PARTITIONS):
        end = calls.end_offset(connection, topic, partition=partition)
        offset = 0
        while offset < end:
            result = calls.fetch(connection, topic, offset, partition=partition)
            headers = batches.headers_of(result["records"])
            found += headers
            offset = headers[-1].last_offset + 1
    return found


def contents(records: Sequence[Record]) -> Counter[tuple[bytes | None, bytes | None]]:
    return Counter(record.content() for record in records)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(client: Client, connection: Connection, topic: str, codec: str) -> None:
    sent = [Record(key=b"key-%d" % (n % 7), value=b"value %d " % n + b"abcdefgh" * 30) for n in range(100)]
    client.produce(topic, sent, codec=codec)
    assert contents(client.read(topic, PARTITIONS, len(sent))) == contents(sent)
    headers = stored(connection, topic)
    assert {header.codec for header in headers} == {CODECS.index(codec)}, "what the client sent is what is stored"
    assert sum(header.count for header in headers) == len(sent)


def test_headers_timestamps_and_nulls(client: Client, topic: str) -> None:
    base = batches.now_ms() - 100_000
    sent = [
        Record(key=b"k", value=b"plain"),
        Record(key=b"", value=b"empty key"),
        Record(key=b"empty value", value=b""),
        Record(key=b"one header", value=b"v", headers=(("h", b"1"),)),
        Record(key=b"headers", value=b"v", headers=(("h", b"1"), ("i", b""), ("h", b"2"))),
    ]
    if "null values" in client.features:
        sent += [Record(key=None, value=b"null key"), Record(key=b"null value", value=None)]
    if "binary" in client.features:
        sent += [Record(key=bytes(range(256)), value=b"\x00\n\t\xff" * 10)]
        nothing = b"" if client.name.startswith("kafka-python") else None  # It refuses a null header itself.
        sent += [Record(key=b"null header", value=b"v", headers=(("n", nothing), ("ü", b"\xff")))]
    if client.name == "confluent":
        sent += [Record(key=None, value=None)]  # The others refuse that themselves.
    if "timestamps" in client.features:
        sent = [
            Record(key=each.key, value=each.value, headers=each.headers, timestamp=base + number)
            for number, each in enumerate(sent)
        ]
    before = batches.now_ms()
    client.produce(topic, sent)
    found = client.read(topic, PARTITIONS, len(sent))

    def shape(record: Record) -> tuple[object, ...]:
        key = record.key
        if client.name == "kcat" and not key:
            key = None  # It cannot tell an empty key from none.
        value = record.value
        if client.name == "kcat" and not value:
            value = None
        headers = tuple(
            (name, data or None) if client.name == "kcat" else (name, data) for name, data in record.headers
        )
        stamp = record.timestamp if "timestamps" in client.features else None
        return key, value, headers, stamp

    assert sorted(map(repr, map(shape, found))) == sorted(map(repr, map(shape, sent)))
    if "timestamps" not in client.features:
        assert all(before - 5000 <= (record.timestamp or 0) <= batches.now_ms() + 5000 for record in found)


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_records_of_nothing_and_near_the_limit(client: Client, topic: str, codec: str) -> None:
    """message.max.bytes is 1048588 for a whole batch."""
    alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789"
    large = (alphabet * 30_000)[:1_048_400]
    if client.name == "java":
        large = large[: 1_048_400 - 2000]  # Its own max.request.size leaves a little less.
    sent = [Record(key=b"large", value=large), Record(key=b"nothing", value=b""), Record(key=b"small", value=b"x")]
    # The large one alone, so that no client puts another into its batch.
    for part in [sent] if client.name == "java" else [sent[:1], sent[1:]]:
        client.produce(topic, part, codec=codec)
    found = {record.key: record.value or b"" for record in client.read(topic, PARTITIONS, len(sent), timeout_s=30)}
    assert found == {record.key: record.value for record in sent}


def test_too_large_a_record_is_refused(client: Client, topic: str) -> None:
    """The batch goes out (the clients' own limits are raised) and the broker says MESSAGE_TOO_LARGE."""
    if client.name in ("kcat", "java"):
        pytest.skip("kcat and the console producer check it themselves")
    with pytest.raises(ClientError) as caught:
        client.produce(topic, [Record(key=b"k", value=bytes(1_200_000))])
    assert caught.value.code in (10, None)
    client.produce(topic, [Record(key=b"k", value=b"fits")])
    assert contents(client.read(topic, PARTITIONS, 1)) == {(b"k", b"fits"): 1}


def test_one_key_stays_in_one_partition_and_in_order(client: Client, topic: str) -> None:
    sent = list(numbered(0, 300, keys=9))
    for start in (0, 150):
        client.produce(topic, sent[start : start + 150])
    found = client.read(topic, PARTITIONS, len(sent))
    assert len({record.partition for record in found}) > 1
    for key in {record.key for record in sent}:
        mine = sorted((r for r in found if r.key == key), key=lambda record: record.offset or 0)
        assert len({record.partition for record in mine}) == 1
        assert [r.value for r in mine] == [r.value for r in sent if r.key == key]


def test_records_without_a_key_spread(client: Client, topic: str) -> None:
    """Enough of them that clients which fill one batch before they turn to the next partition do so as well."""
    sent = [Record(key=None, value=b"%d " % number + bytes(1000).hex().encode()) for number in range(100)]
    client.produce(topic, sent)
    found = client.read(topic, PARTITIONS, len(sent))
    assert len(found) == len(sent)
    assert len({record.partition for record in found}) > 1, "all in one partition"


def test_partition_chosen_by_the_caller(client: Client, topic: str) -> None:
    needs(client, "partition")
    sent = [Record(key=b"k", value=b"%d" % number, partition=number % PARTITIONS) for number in range(8)]
    client.produce(topic, sent)
    found = client.read(topic, PARTITIONS, len(sent))
    assert {(record.value, record.partition) for record in found} == {(r.value, r.partition) for r in sent}


def test_idempotent_producer(client: Client, connection: Connection, topic: str) -> None:
    needs(client, "idempotence")
    sent = list(numbered(0, 200))
    client.produce(topic, sent, idempotence=True)
    client.produce(topic, list(numbered(200, 300)), idempotence=True)
    assert len(client.read(topic, PARTITIONS, 300)) == 300
    headers = stored(connection, topic)
    assert all(
        header.producer_id >= 0 and header.producer_epoch == 0 and header.base_sequence >= 0 for header in headers
    )


def test_seek_by_time(client: Client, topic: str) -> None:
    needs(client, "timestamps")
    base = YESTERDAY_MS
    sent = [Record(key=b"k", value=b"%d" % n, timestamp=base + n * 1000, partition=1) for n in range(20)]
    for record in sent:
        client.produce(topic, [record])
    call = client.call  # type: ignore[attr-defined]  # only libraries have the feature
    for stamp, offset in [(base, 0), (base + 1, 1), (base + 5000, 5), (base + 19_000, 19), (base + 19_001, None)]:
        assert call("offset_for_time", topic=topic, partition=1, timestamp=stamp) == offset
    read = call("read_from_time", topic=topic, partition=1, timestamp=base + 15_500, count=4, timeout_s=20)
    assert [item["offset"] for item in read] == [16, 17, 18, 19]


def test_kcat_seeks_by_time(node: Node, connection: Connection, tmp_path_factory: pytest.TempPathFactory) -> None:
    kcat = client_list.make_client("kcat", node.bootstrap, tmp_path_factory.mktemp("kcat"))
    topic = calls.unique("by-time")
    calls.create_topic(connection, topic)
    base = YESTERDAY_MS
    for number in range(5):
        entry = batches.Entry(value=b"%d" % number, timestamp=base + number * 1000)
        calls.produce(connection, topic, batches.batch([entry]))
    found = kcat.read_from_time(topic, base + 2500)  # type: ignore[attr-defined]  # kcat's own
    assert [record.value for record in found] == [b"3", b"4"]


def test_everybody_reads_what_everybody_wrote(node: Node, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each client writes with each codec into one topic; each reads all of it."""
    folder = tmp_path_factory.mktemp("together")
    topic = calls.unique("together")
    with node.connect() as connection:
        calls.create_topic(connection, topic, partitions=PARTITIONS)
    names = [name for name in client_list.NAMES if name != "java" or target.java_missing() is None]
    clients = [client_list.make_client(name, node.bootstrap, folder) for name in names]
    try:
        sent: list[Record] = []
        for one in clients:
            for codec in CODECS if one.name != "java" else ["zstd"]:
                mine = [Record(key=b"%s" % one.name.encode(), value=f"{codec} {n}".encode()) for n in range(5)]
                one.produce(topic, mine, codec=codec)
                sent += mine
        for one in clients:
            assert contents(one.read(topic, PARTITIONS, len(sent))) == contents(sent), one.name
    finally:
        for one in clients:
            one.close()


def test_a_client_finds_a_topic_that_was_just_made(client: Client) -> None:
    """Creation, the first record and the first read follow at once."""
    start = time.monotonic()
    for _ in range(1 if client.name == "java" else 3):
        name = calls.unique("just-made")
        client.create_topic(name, PARTITIONS)
        client.produce(name, [Record(key=b"k", value=b"v")])
        assert contents(client.read(name, PARTITIONS, 1)) == {(b"k", b"v"): 1}
    assert time.monotonic() - start < 60
