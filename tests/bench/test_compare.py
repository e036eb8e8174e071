"""Two commits side by side, and the order in which sides take turns."""

import pathlib
from collections import Counter

import pytest
from bench.brokers import Ottla
from bench.compare import judge, show
from bench.figures import Figures
from bench.stage import Effort, Stage, wait_for
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ((10, 12), (13, 20), "better"),
        ((10, 12), (5, 9), "worse"),
        ((10, 12), (11, 20), ""),
        ((10, 12), (12, 20), ""),
        (None, (12, 20), ""),
        ((10, 12), None, ""),
    ],
)
def test_only_rounds_that_do_not_overlap_part_them(
    first: tuple[float, float] | None, second: tuple[float, float] | None, word: str
) -> None:
    assert judge(first, second, higher_is_better=True) == word
    opposite = {"better": "worse", "worse": "better", "": ""}[word]
    assert judge(first, second, higher_is_better=False) == opposite


def test_the_second_is_held_against_the_first() -> None:
    figures = Figures()
    for value in (10, 11, 12):
        figures.add("ping", "one in flight", "requests", "A:main", value)
        figures.add("ping", "one in flight", "requests", "B:.", value * 2)
    line = show(figures, ["A:main", "B:."])
    assert line.startswith("one in flight: requests, /s")
    assert line.endswith("2.00 better")


def stage(folder: pathlib.Path) -> Stage:
    return Stage(folder, Figures(), Effort(), [Ottla, Ottla, Ottla])


@given(rounds=st.integers(min_value=0, max_value=6))
def test_each_side_has_each_round_once_and_none_is_always_first(
    tmp_path_factory: pytest.TempPathFactory, rounds: int
) -> None:
    brokers = [Ottla(f"folder-{index}") for index in range(3)]
    order = [broker.folder for broker in stage(tmp_path_factory.getbasetemp()).in_turns(rounds, brokers)]
    assert all(count == rounds for count in Counter(order).values())
    assert len(order) == 3 * rounds
    if rounds > 1:
        assert order[0] != order[3]


def test_brokers_of_one_name_have_folders_of_their_own(tmp_path: pathlib.Path) -> None:
    folders = [broker.folder for broker in stage(tmp_path).fresh("start")]
    assert len(set(folders)) == 3
    assert all(folder.startswith(str(tmp_path)) for folder in folders)


def test_waiting_ends_with_the_condition_or_the_limit() -> None:
    answers = iter([False, False, True])
    assert wait_for(lambda: next(answers), 10, step_seconds=0) < 10
    with pytest.raises(TimeoutError, match="in vain"):
        wait_for(lambda: False, 0.01, step_seconds=0)
