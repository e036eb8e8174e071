"""Whatever bytes a peer sends, decoding gives a message or MalformedMessage, and allocates nothing on its word."""

import random
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.protocol.vectors import Vector, all_vectors

from ottla.model.errors import MalformedMessage, UnsupportedVersion
from ottla.protocol import api
from ottla.protocol.api import ApiKey
from ottla.protocol.versions import SERVED

MODULES = sorted({vector.module for vector in all_vectors()})
EDGES = (0x00, 0x01, 0x7F, 0x80, 0xFF)


def cuts(vector: Vector) -> range:
    """Return where to cut: everywhere in short messages, evenly spread in long ones."""
    return range(0, len(vector.raw), max(1, len(vector.raw) // 150))


@pytest.mark.parametrize("module", MODULES)
def test_a_cut_message_is_malformed(module: str) -> None:
    for vector in all_vectors():
        if vector.module == module:
            for size in cuts(vector):
                with pytest.raises(MalformedMessage):
                    vector.decode(vector.raw[:size])


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Return bytes that were a message: some changed, taken out, put in, or repeated."""
    broken = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(broken) + 1)
        match chance.randrange(5):
            case 0:
                broken[at : at + 1] = bytes((chance.choice(EDGES),))
            case 1:
                broken[at : at + 1] = bytes((chance.randrange(256),))
            case 2:
                del broken[at : at + chance.randint(1, 8)]
            case 3:
                broken[at:at] = bytes(chance.choices(EDGES, k=chance.randint(1, 8)))
            case _:
                broken[at:at] = broken[at : at + chance.randint(1, 40)]
    return bytes(broken)


def decode_anything(vector: Vector, raw: bytes) -> None:
    """Decode; what was read must survive being written and read again."""
    try:
        message = vector.decode(raw)
    except MalformedMessage:
        return
    written = vector.encode(message)
    assert vector.encode(vector.decode(written)) == written, vector.label


@pytest.mark.parametrize("module", MODULES)
def test_a_damaged_message_is_read_or_malformed(module: str) -> None:
    for number, vector in enumerate(all_vectors()):
        if vector.module == module:
            chance = random.Random(number)
            for _ in range(12):
                decode_anything(vector, damaged(vector.raw, chance))


@given(st.integers(0, 2**32))
@example(0)
def test_damage_of_any_seed(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        vector = chance.choice(all_vectors())
        decode_anything(vector, damaged(vector.raw, chance))


@pytest.mark.parametrize("key", sorted(SERVED), ids=lambda key: key.name)
@given(raw=st.binary(max_size=120), version=st.integers(-1, 20))
def test_bytes_that_never_were_a_request(key: ApiKey, raw: bytes, version: int) -> None:
    first, last = api.api(key).request_versions
    if first <= version <= last:
        with suppress(MalformedMessage):
            api.decode_request(key, version, raw, 0)
    else:
        with pytest.raises(UnsupportedVersion):
            api.decode_request(key, version, raw, 0)


MALFORMED = {
    "a count of two thousand million": (ApiKey.METADATA, 1, "7fffffff"),
    "a count of one more than there are bytes": (ApiKey.METADATA, 1, "00000003 0000"),
    "a compact count of 2**28": (ApiKey.METADATA, 9, "ffffff7f 00 00"),
    "a null array in a version that has none": (ApiKey.METADATA, 0, "ffffffff"),
    "a string that ends behind the end": (ApiKey.METADATA, 1, "00000001 0003 6161"),
    "a null string that may not be null": (ApiKey.METADATA, 1, "00000001 ffff"),
    "a compact null string that may not be null": (ApiKey.HEARTBEAT, 4, "00 00000001 02 61 00 00"),
    "text that is not UTF-8": (ApiKey.HEARTBEAT, 0, "0001 ff 00000001 0001 61"),
    "a varint of six bytes": (ApiKey.METADATA, 9, "80 80 80 80 80 00"),
    "a varint of 35 bits": (ApiKey.METADATA, 9, "80 80 80 80 7f"),
    "a compact string of 32,768 bytes": (ApiKey.HEARTBEAT, 4, "81 80 02" + "61" * 0x8000 + "00000001 02 61 00 00"),
    "an unknown tag longer than the message": (ApiKey.METADATA, 12, "01 01 00 01 09 7f aa"),
    "a known tag of another size than it says": (
        ApiKey.FETCH,
        12,
        "ffffffff 00000001 00000001 00000001 00 00000000 ffffffff 01 01 01 01 00 03 02 61 00",
    ),
    "more tags than bytes": (ApiKey.METADATA, 12, "01 01 00 ffff7f"),
    "records longer than the message": (
        ApiKey.PRODUCE,
        3,
        "ffff 0001 00000001 00000001 0001 61 00000001 00000000 00000010 00",
    ),
    "nothing at all": (ApiKey.PRODUCE, 9, ""),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(what: str) -> None:
    key, version, text = MALFORMED[what]
    with pytest.raises(MalformedMessage):
        api.decode_request(key, version, bytes.fromhex(text), 0)


def test_a_lying_count_allocates_nothing() -> None:
    raw = bytes.fromhex("7fffffff") + bytes(1000)
    api.codec(ApiKey.METADATA)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage):
            api.decode_request(ApiKey.METADATA, 1, raw, 0)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


READ = {
    "bytes behind the request, which Kafka ignores": (ApiKey.METADATA, 1, "00000000 ffffff"),
    "a negative count other than -1, which is null to Kafka": (ApiKey.METADATA, 1, "fffffffe"),
    "a negative length other than -1, which is null to Kafka": (ApiKey.HEARTBEAT, 3, "0001 61 00000001 0001 62 fffb"),
    "a bool of two, which is true to Kafka": (ApiKey.METADATA, 4, "00000000 02"),
    "tags out of order and twice, which Kafka takes": (ApiKey.METADATA, 12, "01 01 00 03 09 01 aa 08 01 bb 08 01 cc"),
    "a varint longer than it need be": (ApiKey.METADATA, 12, "81 00 01 00 00"),
}


@pytest.mark.parametrize("what", READ)
def test_odd_but_read(what: str) -> None:
    key, version, text = READ[what]
    api.decode_request(key, version, bytes.fromhex(text), 0)
