"""Medians, ratios and what is shown of them."""

import json
import math

import pytest
from bench.figures import Figure, Figures, geometric_mean, show_number, show_ratio
from hypothesis import given
from hypothesis import strategies as st

POSITIVE = st.floats(min_value=1e-3, max_value=1e6)


def figure(**values: list[float]) -> Figure:
    return Figure(part="throughput", case="a case", metric="produce", values=values)


def test_median_and_spread_of_the_rounds() -> None:
    measured = figure(ottla=[3.0, 1.0, 2.0, 10.0])
    assert measured.median("ottla") == 2.5
    assert measured.spread("ottla") == (1.0, 10.0)
    assert measured.median("kafka") is None
    assert measured.spread("kafka") is None


def test_ratio_is_of_medians_and_needs_both_sides() -> None:
    assert figure(ottla=[4.0, 100.0, 2.0], kafka=[2.0]).ratio() == 2.0
    assert figure(ottla=[4.0]).ratio() is None
    assert figure(ottla=[4.0], kafka=[0.0]).ratio() is None
    assert figure(ottla=[4.0], floor=[8.0]).ratio(base="floor") == 0.5


@given(st.lists(POSITIVE, min_size=1, max_size=9), st.lists(POSITIVE, min_size=1, max_size=9))
def test_ratio_of_the_sides_swapped_is_the_inverse(ottla: list[float], kafka: list[float]) -> None:
    there = figure(ottla=ottla, kafka=kafka).ratio()
    back = figure(ottla=kafka, kafka=ottla).ratio()
    assert there is not None
    assert back is not None
    assert math.isclose(there * back, 1)


@given(st.lists(POSITIVE, min_size=1, max_size=20))
def test_geometric_mean_of_ratios_and_their_inverses_is_one(ratios: list[float]) -> None:
    mean = geometric_mean([*ratios, *(1 / ratio for ratio in ratios)])
    assert mean is not None
    assert math.isclose(mean, 1, rel_tol=1e-9)
    of_these = geometric_mean(ratios)
    assert of_these is not None
    assert min(ratios) * 0.999 <= of_these <= max(ratios) * 1.001


def test_geometric_mean_of_nothing_is_nothing() -> None:
    assert geometric_mean([]) is None


def test_rounds_gather_under_their_case_in_the_order_seen() -> None:
    figures = Figures()
    figures.add("ping", "b", "requests", "kafka", 1)
    figures.add("ping", "a", "requests", "ottla", 2)
    figures.add("ping", "b", "requests", "ottla", 3)
    figures.add("ping", "b", "requests", "kafka", 5)
    assert [(found.case, dict(found.values)) for found in figures] == [
        ("b", {"kafka": [1, 5], "ottla": [3]}),
        ("a", {"ottla": [2]}),
    ]
    assert [found.case for found in figures.select("ping", "requests")] == ["b", "a"]
    assert figures.select("latency") == []
    assert figures.get("ping", "c", "requests") is None


def test_a_metric_that_nobody_described_is_refused() -> None:
    with pytest.raises(AssertionError):
        Figures().add("ping", "a", "bogus", "ottla", 1)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["ottla", "kafka", "floor"]), POSITIVE)))
def test_json_gives_the_same_figures_back(rounds: list[tuple[str, str, float]]) -> None:
    figures = Figures()
    for case, side, value in rounds:
        figures.add("throughput", case, "produce", side, value)
    again = Figures.from_json(json.loads(json.dumps(figures.to_json())))
    assert list(again) == list(figures)
    again.add("throughput", "a", "produce", "ottla", 1)
    assert list(again) != list(figures)


def test_json_says_unit_median_and_ratio_for_other_readers() -> None:
    figures = Figures()
    figures.add("throughput", "a", "produce", "ottla", 6)
    figures.add("throughput", "a", "produce", "kafka", 3)
    assert figures.to_json() == [
        {
            "part": "throughput",
            "case": "a",
            "metric": "produce",
            "unit": "MB/s",
            "ratio_to_kafka": 2.0,
            "median": {"ottla": 6, "kafka": 3},
            "values": {"ottla": [6], "kafka": [3]},
        }
    ]


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (1234.5, 0, "1,234"),
        (0.0, 0, "0"),
        (12.345, 2, "12.35"),
        (0.0654, 2, "0.065"),
        (0.0, 2, "0.00"),
        (None, 2, "–"),
    ],
)
def test_numbers_for_people(value: float | None, decimals: int, shown: str) -> None:
    assert show_number(value, decimals) == shown


@pytest.mark.parametrize(("ratio", "shown"), [(1.714, "1.71"), (0.0321, "0.032"), (12.0, "12.00"), (None, "–")])
def test_ratios_for_people(ratio: float | None, shown: str) -> None:
    assert show_ratio(ratio) == shown
