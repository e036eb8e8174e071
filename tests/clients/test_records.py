"""The console tools write and read records of every shape with every codec (issue 3, 'Done when'; 4.1, 4.2, 4.4)."""

from collections import Counter
from collections.abc import Sequence

import pytest
from tests.harness import batches, calls
from tests.harness.clients import Client, Record, numbered
from tests.harness.wire import Connection

pytestmark = pytest.mark.clients

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 4
NODE_SETTINGS = {"num.partitions": PARTITIONS}


@pytest.fixture
def topic(client: Client) -> str:
    """Created by the client itself, with four partitions."""
    name = calls.unique("records")
    client.create_topic(name, PARTITIONS)
    return name


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
    return Counter((record.key, record.value) for record in records)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(client: Client, connection: Connection, topic: str, codec: str) -> None:
    sent = [Record(key=b"key-%d" % (n % 7), value=b"value %d " % n + b"abcdefgh" * 30) for n in range(100)]
    client.produce(topic, sent, codec=codec)
    assert contents(client.read(topic, PARTITIONS, len(sent))) == contents(sent)
    headers = stored(connection, topic)
    assert {header.codec for header in headers} == {CODECS.index(codec)}, "what the client sent is what is stored"
    assert sum(header.count for header in headers) == len(sent)


def test_headers_and_nulls(client: Client, topic: str) -> None:
    sent = [
        Record(key=b"k", value=b"plain"),
        Record(key=b"", value=b"empty key"),
        Record(key=b"empty value", value=b""),
        Record(key=b"one header", value=b"v", headers=(("h", b"1"),)),
        Record(key=b"headers", value=b"v", headers=(("h", b"1"), ("i", b""), ("h", b"2"))),
        Record(key=None, value=b"null key"),
        Record(key=b"null value", value=None),
    ]
    before = batches.now_ms()
    client.produce(topic, sent)
    found = client.read(topic, PARTITIONS, len(sent))

    def shapes(records: Sequence[Record]) -> list[str]:
        return sorted(repr((record.key, record.value, record.headers)) for record in records)

    assert shapes(found) == shapes(sent)
    assert all(before - 5000 <= (record.timestamp or 0) <= batches.now_ms() + 5000 for record in found)


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_records_of_nothing_and_near_the_limit(client: Client, topic: str, codec: str) -> None:
    """message.max.bytes is 1048588 for a whole batch; the tool's own max.request.size leaves a little less."""
    large = (b"abcdefghijklmnopqrstuvwxyz0123456789" * 30_000)[: 1_048_400 - 2000]
    sent = [Record(key=b"large", value=large), Record(key=b"nothing", value=b""), Record(key=b"small", value=b"x")]
    client.produce(topic, sent, codec=codec)
    found = {record.key: record.value or b"" for record in client.read(topic, PARTITIONS, len(sent), timeout_s=30)}
    assert found == {record.key: record.value for record in sent}


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
    """Enough of them, for the tool fills one batch before it turns to the next partition."""
    sent = [Record(key=None, value=b"%d " % number + bytes(1000).hex().encode()) for number in range(100)]
    client.produce(topic, sent)
    found = client.read(topic, PARTITIONS, len(sent))
    assert len(found) == len(sent)
    assert len({record.partition for record in found}) > 1, "all in one partition"


def test_idempotent_producer(client: Client, connection: Connection, topic: str) -> None:
    client.produce(topic, list(numbered(0, 200)), idempotence=True)
    client.produce(topic, list(numbered(200, 300)), idempotence=True)
    assert len(client.read(topic, PARTITIONS, 300)) == 300
    assert all(each.producer_id >= 0 and each.base_sequence >= 0 for each in stored(connection, topic))
