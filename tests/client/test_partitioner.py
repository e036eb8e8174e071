"""Keys go where Kafka's Java client sends them; its hashes were recorded by oracle/ClientVectors.java."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.client.producer.partitioner import Route, murmur2, partition_of_key

VECTORS = json.loads((Path(__file__).parent / "oracle" / "client_vectors.json").read_text())["murmur2"]


def _java_murmur2(data: bytes) -> int:
    """The hash as Utils.murmur2 writes it, byte by byte and with Java's signed 32-bit numbers."""
    mask = 0xFFFFFFFF
    m = 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    for word in range(len(data) // 4):
        k = sum(data[word * 4 + i] << (8 * i) for i in range(4))
        k = (k * m) & mask
        k ^= k >> 24
        k = (k * m) & mask
        h = (h * m) & mask
        h ^= k
    rest = len(data) % 4
    base = len(data) & ~3
    if rest == 3:
        h ^= data[base + 2] << 16
    if rest >= 2:
        h ^= data[base + 1] << 8
    if rest >= 1:
        h ^= data[base]
        h = (h * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    return h ^ (h >> 15)


def test_the_hash_is_the_java_clients() -> None:
    assert [murmur2(bytes.fromhex(key)) for key, _ in VECTORS] == [expected & 0xFFFFFFFF for _, expected in VECTORS]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_the_hash_is_the_plain_one(key: bytes) -> None:
    assert murmur2(key) == _java_murmur2(key)


@settings(deadline=None)
@given(st.binary(max_size=50), st.integers(1, 5000))
def test_a_key_has_one_partition_among_those_there_are(key: bytes, partitions: int) -> None:
    chosen = partition_of_key(key, partitions)
    assert 0 <= chosen < partitions
    assert chosen == (_java_murmur2(key) & 0x7FFFFFFF) % partitions


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=10, unique=True))
def test_records_without_a_key_move_on_to_another_partition_with_a_leader(available: list[int]) -> None:
    route = Route(51, available)
    before = route.sticky
    after = route.move_on()
    assert after in available
    assert after == route.sticky
    assert (after != before) == (len(available) > 1)
