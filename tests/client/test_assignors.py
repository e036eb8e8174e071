"""Who gets what: range and roundrobin as Kafka's own classes say it, sticky by its promises."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.client.consumer.assignors import (
    ASSIGNORS,
    Assignment,
    Member,
    cooperative_sticky_assignor,
    strategies,
)
from ottla.client.protocols import Subscription
from ottla.model.ids import TopicPartition

GROUPS = json.loads((Path(__file__).parent / "oracle" / "client_vectors.json").read_text())["assignments"]


def _member(
    member_id: str, topics: list[str], owned: list[TopicPartition] | None = None, generation: int = -1
) -> Member:
    return Member(member_id, None, Subscription(topics, owned or [], generation))


@pytest.mark.parametrize("name", ["range", "roundrobin"])
def test_it_is_what_kafkas_assignor_says(name: str) -> None:
    for group in GROUPS:
        members = [Member(who, instance, Subscription(topics, [], -1)) for who, instance, topics in group["members"]]
        assignment = ASSIGNORS[name](members, group["topics"])
        assert {who: sorted(map(str, parts)) for who, parts in assignment.items()} == {
            who: sorted(parts) for who, parts in group[name].items()
        }, group


topics = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), min_size=1)


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[Member], dict[str, int]]:
    """Members that want some topics, and claim to own some partitions, as they please."""
    counts = draw(topics)
    wanted = st.lists(st.sampled_from("abcde"), unique=True)
    owned = st.lists(st.builds(TopicPartition, st.sampled_from("abcde"), st.integers(0, 10)), unique=True, max_size=8)
    members = [
        _member(f"m{number}", draw(wanted), draw(owned), draw(st.integers(-1, 3)))
        for number in range(draw(st.integers(1, 6)))
    ]
    return members, counts


def _given_once(members: list[Member], counts: dict[str, int], assignment: Assignment) -> set[TopicPartition]:
    """Check that nobody gets what it does not want, and nothing is given twice; return what nobody got."""
    assert assignment.keys() == {member.member_id for member in members}
    parts = [part for share in assignment.values() for part in share]
    assert len(parts) == len(set(parts))
    wants = {member.member_id: member.subscription.topics for member in members}
    for who, share in assignment.items():
        assert all(part.topic in wants[who] for part in share)
    wanted = {
        TopicPartition(topic, number)
        for topic, count in counts.items()
        for number in range(count)
        if any(topic in member.subscription.topics for member in members)
    }
    assert set(parts) <= wanted
    return wanted - set(parts)


@settings(deadline=None)
@given(groups())
@pytest.mark.parametrize("name", ["range", "roundrobin"])
def test_every_wanted_partition_is_given_once(name: str, group: tuple[list[Member], dict[str, int]]) -> None:
    members, counts = group
    assert not _given_once(members, counts, ASSIGNORS[name](members, counts))


@settings(deadline=None)
@given(groups())
def test_a_cooperative_round_takes_from_nobody_and_the_second_gives_the_rest(
    group: tuple[list[Member], dict[str, int]],
) -> None:
    members, counts = group
    first = cooperative_sticky_assignor(members, counts)
    left_out = _given_once(members, counts, first)
    # Whatever is held back is so because somebody claimed it.
    assert left_out <= {part for member in members for part in member.subscription.owned}
    again = [
        _member(member.member_id, list(member.subscription.topics), first[member.member_id], 7) for member in members
    ]
    second = cooperative_sticky_assignor(again, counts)
    assert not _given_once(members, counts, second)
    for who, share in first.items():
        assert set(share) <= set(second[who]) | left_out or _is_uneven(first)
    third = cooperative_sticky_assignor(
        [_member(m.member_id, list(m.subscription.topics), second[m.member_id], 8) for m in members], counts
    )
    assert third == second, "it stands still once nothing changes"


def _is_uneven(assignment: Assignment) -> bool:
    sizes = [len(share) for share in assignment.values()]
    return max(sizes) - min(sizes) > 1


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(0, 40))
def test_equal_members_get_equal_shares_that_move_little_when_one_leaves(members: int, partitions: int) -> None:
    counts = {"a": partitions}
    all_members = [_member(f"m{number}", ["a"]) for number in range(members + 1)]
    before = cooperative_sticky_assignor(all_members, counts)
    assert not _is_uneven(before)
    stayed = [_member(m.member_id, ["a"], before[m.member_id], 1) for m in all_members[1:]]
    after = cooperative_sticky_assignor(stayed, counts)
    assert not _is_uneven(after)
    for member in stayed:
        assert set(before[member.member_id]) <= set(after[member.member_id])


def test_a_partition_that_two_claim_belongs_to_the_later_generation() -> None:
    part = TopicPartition("a", 0)
    old = _member("m1", ["a"], [part], 3)
    new = _member("m2", ["a"], [part], 4)
    assert cooperative_sticky_assignor([old, new], {"a": 1}) == {"m1": [], "m2": [part]}
    assert cooperative_sticky_assignor([new, old], {"a": 1}) == {"m1": [], "m2": [part]}


def test_strategies_are_named_as_members_or_as_java_name_them() -> None:
    assert strategies("range") == ["range"]
    assert strategies(" org.apache.kafka.clients.consumer.RangeAssignor,cooperative-sticky,range") == [
        "range",
        "cooperative-sticky",
    ]
    with pytest.raises(ValueError, match="there is no assignor 'sticky'"):
        strategies("sticky")
    with pytest.raises(ValueError, match="no assignor is named"):
        strategies(" , ")
