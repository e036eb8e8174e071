"""Histograms, and metrics as text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.runtime.histogram import Histogram
from ottla.runtime.metrics import Kind, Metric
from ottla.runtime.metrics_text import (
    head_lines,
    histogram_samples,
    labels_text,
    sample_line,
    wants_openmetrics,
)


@given(st.lists(st.floats(0, 100), max_size=50))
def test_a_histogram_counts_every_figure_once(figures: list[float]) -> None:
    histogram = Histogram((1.0, 10.0, 50.0))
    for figure in figures:
        histogram.observe(figure)
    assert histogram.count == len(figures)
    assert histogram.sum == pytest.approx(sum(figures))
    samples = list(histogram_samples("", histogram.bounds, histogram.counts, histogram.sum))
    buckets = [value for suffix, _, value in samples if suffix == "_bucket"]
    assert buckets == [sum(figure <= bound for figure in figures) for bound in (1, 10, 50, math.inf)]
    assert [(suffix, value) for suffix, _, value in samples[4:]] == [("_sum", histogram.sum), ("_count", len(figures))]


def test_bounds_must_be_in_order() -> None:
    with pytest.raises(AssertionError):
        Histogram((2.0, 1.0))


def test_what_stands_before_a_metric() -> None:
    counter = Metric("x_total", Kind.COUNTER, 'Says "so" \\ and\nso.')
    assert head_lines(counter, openmetrics=False) == '# HELP x_total Says "so" \\\\ and\\nso.\n# TYPE x_total counter\n'
    assert head_lines(counter, openmetrics=True) == '# HELP x Says \\"so\\" \\\\ and\\nso.\n# TYPE x counter\n'
    gauge = Metric("x_total", Kind.GAUGE, "Odd.")
    assert "# TYPE x_total gauge" in head_lines(gauge, openmetrics=True)


def test_labels_are_escaped() -> None:
    assert labels_text(("a", "b"), ('say "x"\n', 7)) == 'a="say \\"x\\"\\n",b="7"'
    assert labels_text(("a",), ("c:\\",)) == 'a="c:\\\\"'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (2.5, "2.5"),
        (1e300, "1e+300"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (0.0, "0.0"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert sample_line("x", "", value) == f"x {text}\n"
    assert sample_line("x", 'a="b"', value) == f'x{{a="b"}} {text}\n'


def test_bounds_are_written_as_numbers_with_a_point() -> None:
    labels = [labels for _, labels, _ in histogram_samples('a="b"', (0.5, 1), [1, 0, 2], 9.0)]
    assert labels == ['a="b",le="0.5"', 'a="b",le="1.0"', 'a="b",le="+Inf"', 'a="b"', 'a="b"']


def test_who_wants_openmetrics_says_so() -> None:
    assert wants_openmetrics("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert not wants_openmetrics("text/plain")
    assert not wants_openmetrics("")
