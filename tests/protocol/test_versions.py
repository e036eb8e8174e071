"""What is served and what is advertised (reference table of the clients' needs, KIP-896, KAFKA-18659)."""

import pytest

from ottla.protocol import api
from ottla.protocol.api import ApiKey
from ottla.protocol.versions import ADVERTISED, SERVED, is_served

LIBRDKAFKA_FEATURES = {
    # Versions of which one has to be in the advertised range, or librdkafka before 2.11.1 turns a feature off.
    "MSGVER1": {ApiKey.PRODUCE: (2, 2), ApiKey.FETCH: (2, 4)},
    "MSGVER2": {ApiKey.PRODUCE: (3, 3), ApiKey.FETCH: (4, 4)},
    "BROKER_BALANCED_CONSUMER": {
        ApiKey.FIND_COORDINATOR: (0, 0),
        ApiKey.OFFSET_COMMIT: (1, 2),
        ApiKey.OFFSET_FETCH: (1, 1),
        ApiKey.JOIN_GROUP: (0, 0),
        ApiKey.SYNC_GROUP: (0, 0),
        ApiKey.HEARTBEAT: (0, 0),
        ApiKey.LEAVE_GROUP: (0, 0),
    },
    "OFFSET_TIME": {ApiKey.LIST_OFFSETS: (1, 1)},
    "IDEMPOTENT": {ApiKey.INIT_PRODUCER_ID: (0, 0)},
    "ZSTD": {ApiKey.PRODUCE: (7, 7), ApiKey.FETCH: (10, 10)},
    "compression at all": {ApiKey.PRODUCE: (0, 0)},
}


@pytest.mark.parametrize("feature", LIBRDKAFKA_FEATURES)
def test_old_librdkafka_finds_its_features(feature: str) -> None:
    for key, (first, last) in LIBRDKAFKA_FEATURES[feature].items():
        assert ADVERTISED[key][0] <= last
        assert ADVERTISED[key][1] >= first


@pytest.mark.parametrize("key", sorted(SERVED), ids=lambda key: key.name)
def test_what_is_served_can_be_decoded(key: ApiKey) -> None:
    first, last = api.api(key).request_versions
    assert first <= SERVED[key][0] <= SERVED[key][1] <= last


def test_what_is_advertised_is_served_but_for_old_produce() -> None:
    assert ADVERTISED.keys() == SERVED.keys()
    for key, (first, last) in ADVERTISED.items():
        if key is not ApiKey.PRODUCE:
            assert is_served(key, first)
        assert is_served(key, last)
    assert ADVERTISED[ApiKey.PRODUCE] == (0, 13)


@pytest.mark.parametrize(
    ("key", "version", "served"),
    [
        (0, 2, False),
        (0, 3, True),
        (0, 13, True),
        (0, 14, False),
        (8, 0, False),
        (8, 1, True),
        (22, 6, False),
        (24, 0, False),
        (93, 0, False),
        (-1, 0, False),
    ],
)
def test_is_served(key: int, version: int, served: bool) -> None:
    assert is_served(key, version) is served


def test_what_comes_later_is_not_advertised() -> None:
    later = {24, 25, 26, 27, 28, 29, 30, 31, 38, 39, 40, 41, 45, 46, 48, 49, 50, 51, 65, 66, 68, 69}
    assert not (later | set(range(76, 93))) & set(ADVERTISED)
