"""A target is reached when each case that it names reaches it."""

import pytest
from bench.figures import Figures
from bench.parts.throughput import cases
from bench.targets import BASE, TARGETS, Outcome, outcomes


def measured(part: str, metric: str, ratios: dict[str, float]) -> Figures:
    figures = Figures()
    for case, ratio in ratios.items():
        figures.add(part, case, metric, "ottla", ratio * 10)
        figures.add(part, case, metric, "kafka", 10)
    return figures


def outcome(figures: Figures, part: str, metric: str) -> Outcome:
    return next(found for found in outcomes(figures) if found.target.part == part and found.target.metric == metric)


def test_more_is_better_for_rates() -> None:
    assert outcome(measured("throughput", "produce", dict.fromkeys(BASE, 1.7)), "throughput", "produce").reached
    below = measured("throughput", "produce", {BASE[0]: 5, BASE[1]: 1.69})
    assert outcome(below, "throughput", "produce").reached is False


def test_less_is_better_for_time_and_memory() -> None:
    assert outcome(measured("throughput", "produce_cpu", dict.fromkeys(BASE, 0.5)), "throughput", "produce_cpu").reached
    above = measured("throughput", "produce_cpu", {BASE[0]: 0.1, BASE[1]: 0.51})
    assert outcome(above, "throughput", "produce_cpu").reached is False


def test_a_case_that_was_not_measured_leaves_it_open() -> None:
    partly = outcome(measured("throughput", "produce", {BASE[0]: 5}), "throughput", "produce")
    assert partly.reached is None
    assert partly.ratios == {BASE[0]: 5}
    assert all(found.reached is None for found in outcomes(Figures()))


def test_one_side_alone_is_no_ratio() -> None:
    figures = Figures()
    figures.add("throughput", BASE[0], "produce", "ottla", 10)
    assert outcome(figures, "throughput", "produce").ratios == {}


def test_the_other_cases_count_for_the_mean_alone() -> None:
    found = outcome(
        measured("throughput", "produce", {BASE[0]: 2, BASE[1]: 2, "something else": 0.25}), "throughput", "produce"
    )
    assert found.reached
    assert found.mean_of_all == pytest.approx(1)


@pytest.mark.parametrize("quick", [True, False])
def test_the_cases_named_for_throughput_are_measured(quick: bool) -> None:
    names = {case.name for case in cases(quick=quick)}
    for target in TARGETS:
        if target.part == "throughput":
            assert names.issuperset(target.cases)


def test_a_whole_run_has_every_combination_once() -> None:
    names = [case.name for case in cases(quick=False)]
    assert len(names) == len(set(names)) == 3 * 3 * 3 * 2
    assert len(cases(quick=True)) < len(names) / 2
