"""Counters, gauges, histograms, families with a bounded number of children, and their text form."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.runtime.metrics import OTHER, Histogram, Registry
from ottla.runtime.metrics_text import render


def test_counter_and_gauge() -> None:
    registry = Registry()
    requests = registry.counter("ottla_requests_total", "Requests answered.")
    connections = registry.gauge("ottla_connections", "Connections open now.")
    requests.value += 3
    connections.value = 2
    connections.value -= 1
    assert [(found.name, found.kind, found.samples[0].value) for found in registry.collect()] == [
        ("ottla_connections", "gauge", 1),
        ("ottla_requests_total", "counter", 3),
    ]


def test_family_children_are_kept_apart_and_reused() -> None:
    family = Registry().counters("requests", "Requests by API.", "api", "error")
    family.labels("Produce", "NONE").value += 2
    family.labels("Fetch", "NONE").value += 1
    assert family.labels("Produce", "NONE").value == 2
    assert family.labels("Produce", "NONE") is family.labels("Produce", "NONE")
    family.remove("Fetch", "NONE")
    family.remove("Fetch", "NONE")
    assert [values for values, _ in family.children()] == [("Produce", "NONE")]


def test_family_is_bounded() -> None:
    family = Registry().counters("by_client", "Requests by client.", "client")
    family.max_children = 3
    for number in range(100):
        family.labels(f"client-{number}").value += 1
    assert len(list(family.children())) == 4
    assert family.labels(OTHER).value == 97


def test_wrong_number_of_labels_is_our_fault() -> None:
    with pytest.raises(AssertionError):
        Registry().counters("a", "A.", "x").labels("1", "2")


def test_a_name_is_taken_once() -> None:
    registry = Registry()
    registry.counter("a", "A.")
    with pytest.raises(AssertionError):
        registry.read("a", "A.", lambda: 1)


def test_figures_read_when_asked() -> None:
    registry = Registry()
    open_files = {"used": 3.0, "free": 7.0}
    registry.read("files", "Files by state.", lambda: open_files, "state")
    registry.read("up", "Whether it runs.", lambda: 1)
    registry.read("pairs", "Pairs.", lambda: {("a", "b"): 1.0}, "x", "y", kind="counter")
    open_files["used"] = 4.0
    assert render(registry) == (
        '# HELP files Files by state.\n# TYPE files gauge\nfiles{state="used"} 4\nfiles{state="free"} 7\n'
        '# HELP pairs Pairs.\n# TYPE pairs counter\npairs{x="a",y="b"} 1\n'
        "# HELP up Whether it runs.\n# TYPE up gauge\nup 1\n"
    )


@given(st.lists(st.floats(0, 100), max_size=50))
def test_histogram_counts_every_figure_once(figures: list[float]) -> None:
    histogram = Histogram((1.0, 10.0, 50.0))
    for figure in figures:
        histogram.observe(figure)
    assert histogram.count == len(figures)
    assert histogram.sum == pytest.approx(sum(figures))
    cumulative = [value for name, bound, value in histogram.samples("h") if name == "h_bucket"]
    assert cumulative == [sum(figure <= bound for figure in figures) for bound in (1, 10, 50, math.inf)]


def test_quantiles() -> None:
    histogram = Histogram((1.0, 10.0, 50.0))
    for figure in (0.5, 0.5, 0.5, 9, 1000):
        histogram.observe(figure)
    assert histogram.quantile(0.5) == 1.0
    assert histogram.quantile(0.8) == 10.0
    assert histogram.quantile(1) == math.inf


def test_text_form() -> None:
    registry = Registry()
    histogram = registry.histograms("wait_ms", "Waits\nby \\ name.", "name", bounds=(0.5, 20.0)).labels('a"b\\\n')
    histogram.observe(0.25)
    registry.gauge("odd", "Odd figures.").value = math.nan
    assert render(registry).splitlines() == [
        "# HELP odd Odd figures.",
        "# TYPE odd gauge",
        "odd NaN",
        "# HELP wait_ms Waits\\nby \\\\ name.",
        "# TYPE wait_ms histogram",
        'wait_ms_bucket{name="a\\"b\\\\\\n",le="0.5"} 1',
        'wait_ms_bucket{name="a\\"b\\\\\\n",le="20"} 1',
        'wait_ms_bucket{name="a\\"b\\\\\\n",le="+Inf"} 1',
        'wait_ms_sum{name="a\\"b\\\\\\n"} 0.25',
        'wait_ms_count{name="a\\"b\\\\\\n"} 1',
    ]
    assert render(Registry()) == ""
