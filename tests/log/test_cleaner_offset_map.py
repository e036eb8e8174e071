"""The map of pass 1 and the winners made of it."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from ottla.log.cleaner.offset_map import OffsetMap, Winners

SMALL = 2_000
"""A budget so small that digests take over after a key or two."""


def put_each(offsets: OffsetMap, keys: list[bytes]) -> int:
    """Put keys at offsets 0, 1, ...; return how many were taken."""
    for offset, key in enumerate(keys):
        if not offsets.put_all([key], [offset]):
            return offset
    return len(keys)


def test_the_last_offset_of_a_key_wins() -> None:
    offsets = OffsetMap(1 << 20)
    assert offsets.put_all([b"a", b"b", b"a"], [1, 2, 5]) == 3
    assert (offsets.get(b"a"), offsets.get(b"b"), offsets.get(b"c")) == (5, 2, -1)
    assert len(offsets) == 2


def test_an_empty_key_is_a_key() -> None:
    offsets = OffsetMap(1 << 20)
    offsets.put_all([b""], [7])
    assert offsets.get(b"") == 7


@given(st.lists(st.binary(max_size=3), max_size=60), st.sampled_from([SMALL, 10_000, 1 << 20]))
def test_it_is_a_dict_of_what_it_took(keys: list[bytes], budget: int) -> None:
    offsets = OffsetMap(budget)
    taken = put_each(offsets, keys)
    model = {key: offset for offset, key in enumerate(keys[:taken])}
    assert {key: offsets.get(key) for key in keys[:taken]} == model
    assert sorted(offsets.offsets()) == sorted(model.values())
    assert len(offsets) == len(model)
    assert taken == len(keys) or len(model) == offsets.capacity


def test_digests_take_over_when_keys_become_many_and_nothing_is_lost() -> None:
    offsets = OffsetMap(1 << 16)
    keys = [b"key %d" % number for number in range(offsets.capacity)]
    assert put_each(offsets, keys) == len(keys)
    assert offsets.compact
    assert [offsets.get(key) for key in keys] == list(range(len(keys)))


def test_a_full_map_refuses_new_keys_and_takes_known_ones() -> None:
    offsets = OffsetMap(SMALL)
    keys = [b"key %d" % number for number in range(offsets.capacity + 1)]
    assert offsets.put_all(keys, list(range(len(keys)))) == offsets.capacity
    assert offsets.put_all([keys[0], b"new"], [100, 101]) == 1
    assert offsets.get(keys[0]) == 100
    assert offsets.get(b"new") == -1


def test_memory_stays_within_the_budget() -> None:
    budget = 4 << 20
    tracemalloc.start()
    try:
        offsets = OffsetMap(budget)
        number = 0
        while offsets.put_all([b"a longer key, number %d" % number], [number * 3]):
            number += 1
        Winners(offsets.offsets())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == offsets.capacity
    assert number > budget // 48
    assert peak < budget * 1.02


def test_offsets_too_far_apart_for_the_winners_fill_the_map() -> None:
    offsets = OffsetMap(SMALL)
    far = 1 << 20
    assert offsets.put_all([b"a", b"b", b"c", b"d", b"e", b"f"], [number * far for number in range(6)]) == 4
    assert offsets.put_all([b"x"], [3 * far + 1]) == 1
    assert offsets.put_all([b"y"], [9 * far]) == 0


@given(st.sets(st.integers(0, 200_000), max_size=30), st.integers(0, 200_000), st.integers(0, 70_000))
def test_winners_are_a_set_of_offsets(wins: set[int], first: int, span: int) -> None:
    winners = Winners(iter(wins))
    assert winners.any_between(first, first + span) == any(first <= offset <= first + span for offset in wins)
    assert all(offset in winners for offset in wins)
    assert (first in winners) == (first in wins)
