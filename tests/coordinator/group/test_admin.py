"""ListGroups and DescribeGroups (reference 6.1, KIP-518, KIP-1043)."""

from typing import Any

import pytest

from ottla.coordinator.group.admin import describe_group, list_groups
from ottla.coordinator.group.requests import OffsetToCommit
from ottla.model.error_codes import ErrorCode


@pytest.fixture
def groups(bench: Any) -> Any:
    bench.stable(1, "stable")
    bench.stable(1, "connect", protocol_type="connect")
    bench.new_member("preparing")
    bench.commit(OffsetToCommit("t", 0, 1), group_id="simple")
    return bench.groups.by_id


@pytest.mark.parametrize(
    ("states", "types", "found"),
    [
        ([], [], {"stable", "connect", "preparing", "simple"}),
        (["Stable"], [], {"stable", "connect"}),
        (["sTABLE", "empty"], [], {"stable", "connect", "simple"}),
        (["PreparingRebalance"], ["classic"], {"preparing"}),
        (["NoSuchState"], [], set()),
        ([], ["Classic", "consumer"], {"stable", "connect", "preparing", "simple"}),
        ([], ["consumer"], set()),
        ([], ["nonsense"], set()),
    ],
)
def test_groups_are_listed_by_state_and_type(groups: Any, states: list[str], types: list[str], found: set[str]) -> None:
    assert {group.group_id for group in list_groups(groups, states, types)} == found


def test_what_a_listing_says(groups: Any) -> None:
    listed = {group.group_id: group for group in list_groups(groups, [], [])}
    assert (listed["connect"].protocol_type, listed["connect"].state) == ("connect", "Stable")
    assert (listed["simple"].protocol_type, listed["simple"].state) == ("", "Empty")
    assert {group.group_type for group in listed.values()} == {"classic"}


def test_a_stable_group_is_described_in_full(groups: Any) -> None:
    described = describe_group(groups, "stable")
    assert (described.error, described.state) == (ErrorCode.NONE, "Stable")
    assert (described.protocol_type, described.protocol) == ("consumer", "range")
    (member,) = described.members
    assert (member.client_id, member.client_host, member.assignment) == ("c", "/h", b"a0")
    assert member.metadata.startswith(b"\0\1")


def test_a_group_that_rebalances_shows_neither_protocol_nor_metadata(groups: Any) -> None:
    described = describe_group(groups, "preparing")
    assert (described.state, described.protocol) == ("PreparingRebalance", "")
    assert [member.metadata for member in described.members] == [b""]


def test_a_group_that_is_not_there_is_dead(groups: Any) -> None:
    described = describe_group(groups, "nobody")
    assert (described.error, described.state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")
