"""The small parts: deadlines, subscriptions, Java's hash, members."""

import heapq
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.coordinator.group.placement import java_hash, partition_of
from ottla.coordinator.group.subscription import subscribed_topics
from ottla.coordinator.group.timers import Deadlines

steps = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 5), st.integers(0, 100)),
        st.tuples(st.just("cancel"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("wait"), st.just(0), st.integers(0, 40)),
    ),
    max_size=40,
)


@given(steps)
def test_deadlines_are_what_was_said_last(script: list[tuple[str, int, int]]) -> None:
    deadlines: Deadlines[int] = Deadlines()
    expected: dict[int, float] = {}
    now = 0.0
    for step, key, number in script:
        if step == "set":
            deadlines.set(key, now + number)
            expected[key] = now + number
        elif step == "cancel":
            deadlines.cancel(key)
            expected.pop(key, None)
        else:
            now += number
            due = {key for key, deadline in expected.items() if deadline <= now}
            found = list(deadlines.due(now))
            assert set(found) == due
            assert len(found) == len(due)
            assert [expected[key] for key in found] == sorted(expected[key] for key in found)
            expected = {key: deadline for key, deadline in expected.items() if key not in due}
        assert len(deadlines) == len(expected)
        next_ms = deadlines.next_ms()
        if expected:
            assert next_ms is not None
            assert next_ms <= min(expected.values())


def test_what_one_deadline_changes_counts_for_the_others_of_the_same_moment() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for name in ("first", "renewed", "cancelled", "last"):
        deadlines.set(name, 10)
    found = []
    for name in deadlines.due(15):
        found.append(name)
        if name == "first":
            deadlines.set("renewed", 30)
            deadlines.cancel("cancelled")
    assert found == ["first", "last"]
    assert list(deadlines.due(30)) == ["renewed"]


def test_renewals_do_not_fill_the_queue() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for now in range(10_000):
        deadlines.set("session", now + 100)
    assert len(deadlines._heap) == 1
    assert heapq.nsmallest(1, deadlines._heap)[0][0] == 100
    assert list(deadlines.due(100)) == []
    deadlines.clear()
    assert deadlines.next_ms() is None


def subscription(*topics: str, version: int = 1) -> bytes:
    names = [name.encode() for name in topics]
    return struct.pack(">hi", version, len(names)) + b"".join(struct.pack(">h", len(name)) + name for name in names)


@pytest.mark.parametrize(
    ("subscriptions", "topics"),
    [
        ([subscription("a", "b"), subscription("b", "ü", version=3) + b"anything"], {"a", "b", "ü"}),
        ([subscription()], set()),
        ([], set()),
        ([subscription("a"), b""], None),
        ([subscription("a")[:-1]], None),
        ([subscription("a", version=-1)], None),
        ([struct.pack(">hi", 0, -1)], None),
        ([struct.pack(">hi", 0, 2**31 - 1)], None),
        ([struct.pack(">hih", 0, 1, -1)], None),
        ([struct.pack(">hih", 0, 1, 1) + b"\xff"], None),
    ],
)
def test_a_subscription_is_read_as_far_as_version_0_goes(subscriptions: list[bytes], topics: set[str] | None) -> None:
    assert subscribed_topics(subscriptions) == topics


@given(st.binary(max_size=60))
def test_no_bytes_make_a_subscription_fail(data: bytes) -> None:
    assert subscribed_topics([data]) is None or len(data) >= 6


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        ("a", 97),
        ("my-group", -1_906_497_762),
        ("console-consumer-12345", 158_455_506),
        ("grüße", 98_768_023),
        ("\N{GRINNING FACE}", 1_772_899),
        ("polygenelubricants", -(2**31)),
    ],
)
def test_javas_hash(text: str, value: int) -> None:
    assert java_hash(text) == value


def test_a_group_belongs_to_the_partition_that_kafka_gives_it() -> None:
    assert partition_of("polygenelubricants", 50) == 0
    assert partition_of("my-group", 50) == 12
    assert partition_of("console-consumer-12345", 50) == 6
