"""Decisions are cut into transactions that a store can take, and never within a step."""

from hypothesis import given
from hypothesis import strategies as st

from ottla.controller.decision import Decision, Step, transactions
from ottla.controller.producer_ids import ProducerIdBlock, ProducerIdPool, allocate_producer_ids
from ottla.metadata.image import Image
from ottla.metastore.interface import Compare, Put

GUARD = Compare("controller", 7)


def puts(prefix: str, count: int) -> tuple[Put, ...]:
    return tuple(Put(f"{prefix}{index}", b"") for index in range(count))


@given(st.integers(0, 40), st.lists(st.integers(1, 4), max_size=12), st.integers(5, 20))
def test_every_write_happens_once_in_order_and_guarded(preparations: int, steps: list[int], limit: int) -> None:
    decision: Decision[None] = Decision(
        answers=(),
        preparations=puts("p", preparations),
        steps=tuple(Step(puts(f"s{n}-", size), (Compare(f"s{n}", 0),)) for n, size in enumerate(steps)),
    )
    made = transactions(decision, GUARD, limit)
    flat = [operation for _, operations in made for operation in operations]
    assert flat == [*decision.preparations, *(one for step in decision.steps for one in step.operations)]
    for compares, operations in made:
        assert compares[0] == GUARD
        assert 0 < len(operations) <= limit
        assert len(compares) <= limit
    for step in decision.steps:
        inside = [made_one for made_one in made if set(step.operations) & set(made_one[1])]
        assert len(inside) == 1
        assert step.compares[0] in inside[0][0]


def test_a_store_without_a_limit_does_all_at_once() -> None:
    decision: Decision[None] = Decision(answers=(), preparations=puts("p", 5000), steps=(Step(puts("s", 2)),))
    assert len(transactions(decision, GUARD, 1_000_000)) == 1
    assert transactions(Decision(answers=()), GUARD, 10) == []


def test_producer_ids_come_in_blocks_of_a_thousand() -> None:
    image = Image()
    image.next_producer_id = 5000
    assert allocate_producer_ids(image).answers == ((5000, 6000),)


def test_a_pool_hands_out_every_id_of_its_blocks_once() -> None:
    pool = ProducerIdPool()
    assert pool.take() is None
    pool.add(ProducerIdBlock(5, 8))
    pool.add(ProducerIdBlock(20, 22))
    assert [pool.take() for _ in range(6)] == [5, 6, 7, 20, 21, None]
