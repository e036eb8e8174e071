"""Incremental fetch sessions by the rules of KIP-227 (``FetchSession.scala``)."""

import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.broker.fetch_sessions import EVICTION_MS, FINAL_EPOCH, INITIAL_EPOCH, MAX_EPOCH, FetchSessions
from ottla.model.error_codes import ErrorCode
from ottla.model.errors import ApiError
from ottla.protocol.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic

NAMED = 12
IDENTIFIED = 13


def sessions(slots: int = 10) -> FetchSessions:
    numbers = itertools.count()
    return FetchSessions(slots=slots, random_below=lambda limit: next(numbers) % limit)


def request(
    partitions: Iterable[tuple[str, int, int]] = (),
    *,
    session_id: int = 0,
    epoch: int = INITIAL_EPOCH,
    forgotten: Iterable[tuple[str, int]] = (),
) -> FetchRequest:
    return FetchRequest(
        session_id=session_id,
        session_epoch=epoch,
        topics=[
            FetchTopic(topic=topic, topic_id=topic.encode().ljust(16), partitions=[_partition(index, offset)])
            for topic, index, offset in partitions
        ],
        forgotten_topics_data=[
            ForgottenTopic(topic=topic, topic_id=topic.encode().ljust(16), partitions=[index])
            for topic, index in forgotten
        ],
    )


def _partition(index: int, offset: int) -> FetchPartition:
    return FetchPartition(partition=index, fetch_offset=offset, partition_max_bytes=1000)


def code_of(call: Callable[[], object]) -> ErrorCode:
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.code


def test_a_full_fetch_opens_a_session_that_is_then_continued() -> None:
    cache = sessions()
    plan = cache.plan(request([("a", 0, 5), ("b", 1, 7)]), NAMED, now_ms=0)
    assert not plan.incremental
    assert plan.session_id > 0
    again = cache.plan(request([("b", 1, 9)], session_id=plan.session_id, epoch=1), NAMED, now_ms=1)
    assert again.incremental
    assert [(each.topic, each.partition, each.fetch_offset) for each in again.partitions] == [
        ("a", 0, 5),
        ("b", 1, 9),
    ]


def test_forgotten_partitions_leave_and_an_empty_session_ends() -> None:
    cache = sessions()
    plan = cache.plan(request([("a", 0, 5), ("b", 1, 7)]), NAMED, now_ms=0)
    plan = cache.plan(request(session_id=plan.session_id, epoch=1, forgotten=[("a", 0)]), NAMED, now_ms=0)
    assert [each.topic for each in plan.partitions] == ["b"]
    plan = cache.plan(request(session_id=plan.session_id, epoch=2, forgotten=[("b", 1)]), NAMED, now_ms=0)
    assert plan.session_id == 0
    assert len(cache) == 0


def test_without_a_session_nothing_is_kept() -> None:
    cache = sessions()
    plan = cache.plan(request([("a", 0, 5)], epoch=FINAL_EPOCH), NAMED, now_ms=0)
    assert plan.session_id == 0
    assert len(cache) == 0


def test_the_final_epoch_closes_its_session() -> None:
    cache = sessions()
    plan = cache.plan(request([("a", 0, 5)]), NAMED, now_ms=0)
    cache.plan(request([("a", 0, 5)], session_id=plan.session_id, epoch=FINAL_EPOCH), NAMED, now_ms=0)
    assert len(cache) == 0


def test_an_unknown_session_and_a_wrong_epoch_are_refused() -> None:
    cache = sessions()
    assert code_of(lambda: cache.plan(request(session_id=7, epoch=1), NAMED, now_ms=0)) == (
        ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    )
    plan = cache.plan(request([("a", 0, 5)]), NAMED, now_ms=0)
    assert code_of(lambda: cache.plan(request(session_id=plan.session_id, epoch=2), NAMED, now_ms=0)) == (
        ErrorCode.INVALID_FETCH_SESSION_EPOCH
    )
    assert cache.plan(request(session_id=plan.session_id, epoch=1), NAMED, now_ms=0).incremental


def test_names_and_ids_do_not_mix() -> None:
    cache = sessions()
    plan = cache.plan(request([("a", 0, 5)]), NAMED, now_ms=0)
    assert code_of(lambda: cache.plan(request(session_id=plan.session_id, epoch=1), IDENTIFIED, now_ms=0)) == (
        ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
    )


def test_the_epoch_wraps_to_one() -> None:
    cache = sessions()
    plan = cache.plan(request([("a", 0, 5)]), NAMED, now_ms=0)
    assert plan.session is not None
    plan.session.epoch = MAX_EPOCH
    plan = cache.plan(request(session_id=plan.session_id, epoch=MAX_EPOCH), NAMED, now_ms=0)
    assert plan.session is not None
    assert plan.session.epoch == 1


def test_a_full_cache_refuses_until_a_session_is_stale() -> None:
    cache = sessions(slots=1)
    first = cache.plan(request([("a", 0, 0)]), NAMED, now_ms=0)
    assert cache.plan(request([("b", 0, 0)]), NAMED, now_ms=EVICTION_MS).session_id == 0
    second = cache.plan(request([("b", 0, 0)]), NAMED, now_ms=EVICTION_MS + 1)
    assert second.session_id not in (0, first.session_id)
    assert cache.evictions == 1
    assert len(cache) == 1


def test_a_larger_session_takes_the_place_of_a_smaller_old_one() -> None:
    cache = sessions(slots=1)
    small = cache.plan(request([("a", 0, 0)]), NAMED, now_ms=0)
    now_ms = EVICTION_MS + 1
    cache.plan(request(session_id=small.session_id, epoch=1), NAMED, now_ms=now_ms)
    assert cache.plan(request([("b", 0, 0)]), NAMED, now_ms=now_ms).session_id == 0
    assert cache.plan(request([("b", 0, 0), ("c", 0, 0)]), NAMED, now_ms=now_ms).session_id > 0


def test_who_was_served_goes_to_the_end() -> None:
    cache = sessions()
    plan = cache.plan(request([("a", 0, 0), ("b", 0, 0), ("c", 0, 0)]), NAMED, now_ms=0)
    plan.served(plan.partitions[0])
    plan = cache.plan(request(session_id=plan.session_id, epoch=1), NAMED, now_ms=0)
    assert [each.topic for each in plan.partitions] == ["b", "c", "a"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 9), st.booleans()), max_size=30))
def test_a_session_holds_what_was_added_and_not_forgotten(steps: list[tuple[str, int, int, bool]]) -> None:
    cache = sessions()
    plan = cache.plan(request([("always", 0, 0)]), IDENTIFIED, now_ms=0)
    model = {("always", 0): 0}
    for epoch, (topic, index, offset, forget) in enumerate(steps, 1):
        if forget:
            model.pop((topic, index), None)
            step = request(session_id=plan.session_id, epoch=epoch, forgotten=[(topic, index)])
        else:
            model[topic, index] = offset
            step = request([(topic, index, offset)], session_id=plan.session_id, epoch=epoch)
        plan = cache.plan(step, IDENTIFIED, now_ms=0)
    held = {(name_of(each.topic), each.partition): each.fetch_offset for each in plan.partitions}
    assert held == model


def name_of(topic: str | bytes) -> str:
    return topic if isinstance(topic, str) else topic.decode().strip()
