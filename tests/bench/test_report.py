"""The page and the chart say what was measured, and are well formed whatever that is."""

import pathlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import pytest
from bench.about import kafka_version, memory_goes_back
from bench.figures import METRICS, Figures
from bench.targets import BASE, TARGETS
from hypothesis import given
from hypothesis import strategies as st

from bench import chart, report, table

ABOUT: Mapping[str, object] = {
    "date": "2026-01-02 03:04 UTC",
    "seconds": 1800,
    "machine": {"cpu": "A <Processor> & Co", "cores": 2, "memory_gb": 24.0, "system": "Linux 6.1"},
    "versions": {
        "ottla": "abc1234",
        "python": "CPython 3.11.7",
        "kafka": "4.2.0",
        "java": "17.0.15",
        "librdkafka": "2.0.2",
    },
    "kafka_jvm": "-Xmx1G",
}


def everything() -> Figures:
    figures = Figures()
    for target in TARGETS:
        good = target.limit * (2 if METRICS[target.metric].higher_is_better else 0.5)
        for case in target.cases:
            for factor in (0.9, 1.0, 1.1):
                figures.add(target.part, case, target.metric, "ottla", good * 100 * factor)
                figures.add(target.part, case, target.metric, "kafka", 100)
    figures.add("raw", "1 KiB records, 1 MB batches", "produce", "ottla", 800)
    figures.add("raw", "1 KiB records, 1 MB batches", "produce", "floor", 1000)
    return figures


def test_page_shows_targets_reached_and_not() -> None:
    figures = everything()
    page = report.page(ABOUT, figures)
    rows = re.findall(r"^\| (.+?) \|.*\| (\**[a-z ]+\**) \|$", page.partition("## Throughput")[0], re.MULTILINE)
    assert dict(rows) == {target.title: "reached" for target in TARGETS}
    for _ in range(9):
        figures.add("throughput", BASE[0], "produce", "ottla", 1)
    assert "**not reached**" in report.page(ABOUT, figures)
    assert report.page(ABOUT, Figures()).count("not measured") == len(TARGETS)


def test_page_shows_what_the_clients_allow() -> None:
    figures = everything()
    assert "100 B: 1.05<br>1 KiB: 2.50" not in report.page(ABOUT, figures)
    for case, kept_nothing in zip(BASE, (105, 250), strict=True):
        figures.add("ceiling", case, "produce", "kafka", 100)
        figures.add("ceiling", case, "produce", "ceiling", kept_nothing)
    page = report.page(ABOUT, figures)
    assert "| produce, MB/s | at least 1.7 | 100 B: 3.40<br>1 KiB: 3.40 | 100 B: 1.05<br>1 KiB: 2.50 |" in page
    assert "keeps nothing" in page.partition("## How far")[2]


def test_page_says_when_freed_memory_goes_back_to_the_host(tmp_path: pathlib.Path) -> None:
    setting = tmp_path / "page_reporting_order"
    assert not memory_goes_back(setting)
    for order, goes_back in ((9, True), (11, False)):
        setting.write_text(f"{order}\n")
        assert memory_goes_back(setting) is goes_back
    assert "back to the host" not in report.page(ABOUT, everything())
    machine = {"cpu": "A", "cores": 2, "memory_gb": 24.0, "system": "Linux", "memory_goes_back": True}
    assert "24.0 GB; what is freed goes back to the host" in report.page({**ABOUT, "machine": machine}, everything())


def test_page_names_machine_versions_and_settings() -> None:
    page = report.page(ABOUT, everything())
    for part in (
        "A <Processor> & Co",
        "24.0 GB",
        "abc1234",
        "CPython 3.11.7",
        "4.2.0",
        "2.0.2",
        "-Xmx1G",
        "30 minutes",
    ):
        assert part in page


def test_page_says_of_how_many_runs_it_is() -> None:
    assert "in one run" in report.page(ABOUT, everything())
    page = report.page({**ABOUT, "runs": 2}, everything())
    assert "in 2 runs, each part in one of them" in page
    assert "in one run" not in page


def test_tables_of_the_page_have_as_many_cells_as_their_head() -> None:
    for block in report.page(ABOUT, everything()).split("\n\n"):
        if block.startswith("|"):
            assert len({line.count(" |") for line in block.splitlines() if not line.startswith("|--")}) == 1, block


def test_floor_has_columns_where_it_was_measured() -> None:
    page = report.page(ABOUT, everything())
    assert "| 1 KiB records, 1 MB batches: produce, MB/s | 800 | – | – | 1,000 | 0.80 |" in page


def test_terminal_shows_each_figure_once_and_the_targets() -> None:
    text = table.plain(everything())
    for target in TARGETS:
        assert any(line.lstrip().startswith("reached") and target.title in line for line in text.splitlines())
    assert text.count("to the floor 0.80") == 1


def bars(svg: str) -> list[float]:
    root = ET.fromstring(svg)
    return [
        float(bar.attrib["width"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect") if bar.get("rx") == "1.5"
    ]


def test_chart_draws_bars_in_proportion() -> None:
    figures = Figures()
    figures.add("ping", "one in flight", "requests", "ottla", 300)
    figures.add("ping", "one in flight", "requests", "kafka", 100)
    ottla, kafka = bars(chart.draw(figures, "A & B <C>"))
    assert ottla == pytest.approx(3 * kafka, rel=0.01)


def test_chart_leaves_out_what_was_not_measured() -> None:
    assert bars(chart.draw(Figures(), "nothing")) == []
    figures = Figures()
    figures.add("ping", "one in flight", "requests", "ottla", 300)
    assert len(bars(chart.draw(figures, "one side"))) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from([row for panel in chart.PANELS for row in panel.rows]),
            st.sampled_from(["ottla", "kafka"]),
            st.just(0.0) | st.floats(min_value=1e-6, max_value=1e9),
        ),
        max_size=40,
    )
)
def test_chart_stays_inside_its_frame(values: list[tuple[chart.Row, str, float]]) -> None:
    figures = Figures()
    for row, side, value in values:
        figures.add(row.part, row.case, row.metric, side, value)
    root = ET.fromstring(chart.draw(figures, "any"))
    height = float(root.attrib["height"])
    for element in root.iter():
        for name, limit in (("x", chart.WIDTH), ("x2", chart.WIDTH), ("y", height), ("y2", height)):
            assert 0 <= float(element.get(name, 0)) <= limit
        assert float(element.get("x", 0)) + float(element.get("width", 0)) <= chart.WIDTH


def test_version_of_kafka_comes_from_its_jar() -> None:
    assert kafka_version("kafka_2.13-4.2.0.jar") == "4.2.0"
    assert kafka_version("") == "not measured"
