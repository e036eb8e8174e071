"""The dashboard, the alerts and the examples of monitoring.md ask only for what a node tells."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.harness import batches, calls
from tests.harness.node import Node
from tests.harness.promql import names_in
from tests.harness.waiting import eventually
from tools.generate_dashboard import command

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "dashboards" / "ottla.json").read_text())
ALERTS = ROOT / "dashboards" / "ottla-alerts.yml"
PAGE = (ROOT / "docs" / "monitoring.md").read_text()
OF_PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus itself puts on everything it scrapes."""

Told = dict[str, set[str]]


def queries() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, _, label = variable["definition"].removeprefix("label_values(").removesuffix(")").rpartition(", ")
            yield variable["name"], f"count by ({label}) ({metric})"
    for name, expression in alerts().items():
        yield name, expression
    for number, block in enumerate(re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)):
        for expression in block.strip().split("\n"):
            yield f"monitoring.md {number}", expression


def alerts() -> dict[str, str]:
    """The rules' names and expressions; as much of YAML as the file has."""
    found = re.findall(r"- alert: (\w+)\n +expr: (?:>-\n)?(.*?)\n +(?:for|labels):", ALERTS.read_text(), re.DOTALL)
    return {name: " ".join(expression.split()) for name, expression in found}


def plain(expression: str) -> str:
    """The expression without Grafana's variables."""
    return expression.replace("$__rate_interval", "5m").replace('"$', '"')


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Every sample's name with all its labels, of a node to which everything has happened that the queries ask for."""
    settings = {"ottla.metrics.listener": "127.0.0.1:0", "group.initial.rebalance.delay.ms": 0}
    node = Node(tmp_path_factory.mktemp("node"), settings).start()
    try:
        live(node)
        with node.connect() as connection:
            connection.call("ApiVersions", 3, {"client_software_name": "us", "client_software_version": "1"})
            text = scrape(node)
    finally:
        node.close()
    found: Told = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def url_of(node: Node) -> str:
    return next(word for word in node.process.stdout.split() if word.startswith("metrics=")).removeprefix("metrics=")


def scrape(node: Node) -> str:
    with urllib.request.urlopen(url_of(node), timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def live(node: Node) -> None:
    with node.connect() as connection:
        calls.create_topic(connection, "t")
        records = batches.batch([batches.Entry(value=b"v")] * 10)
        calls.produce(connection, "t", records)
        too_large = batches.batch([batches.Entry(value=b"v" * 2_000_000)])
        calls.produce(connection, "t", too_large)
        calls.fetch(connection, "t", 0)
        connection.call("Fetch", 12, calls.fetch_request("t", 1_000_000))
        connection.call("FindCoordinator", 1, {"key": "g", "key_type": 0})
        topics = [{"name": "t", "partitions": [{"partition_index": 0, "committed_offset": 4}]}]
        eventually(
            lambda: connection.call("OffsetCommit", 2, {"group_id": "g", "topics": topics}),
            "the offset is committed",
            accept=lambda answer: answer["topics"][0]["partitions"][0]["error_code"] == 0,
        )
    with node.connect() as garbage:
        garbage.send_bytes(b"\xff" * 100)
        garbage.wait_closed()
    eventually(lambda: 'reason="protocol"' in scrape(node), "the closed connection is told")


def test_there_is_something_to_check() -> None:
    assert len(list(queries())) > 60
    assert len(alerts()) == ALERTS.read_text().count("- alert:")
    assert "```promql" in PAGE


@pytest.mark.parametrize(("where", "expression"), list(queries()))
def test_a_query_asks_for_what_is_told(told: Told, where: str, expression: str) -> None:
    found = names_in(plain(expression))
    selectors = {name: labels for name, labels in found.selectors.items() if name != "up"}
    assert selectors or "up" in found.selectors, where
    known: set[str] = set(OF_PROMETHEUS)
    for name, labels in selectors.items():
        assert name in told, f"{where}: the node tells no {name}"
        assert labels <= told[name] | OF_PROMETHEUS, f"{where}: {name} has the labels {told[name]}"
        known |= told[name]
    assert found.groupings <= known, where


def test_legends_name_labels_of_their_queries() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            names = names_in(plain(target["expr"]))
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                grouped = "by (" in target["expr"]
                assert label in names.groupings or not grouped, (panel["title"], label)


def test_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_the_file_is_as_generated() -> None:
    assert command.main(["--check"]) == 0


def promtool(*arguments: str, said: str = "") -> str:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: it comes with Debian's package prometheus")
    done = subprocess.run(["promtool", *arguments], input=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_reads_the_alerts() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(ALERTS))


def test_prometheus_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    node = Node(tmp_path, {"ottla.metrics.listener": "127.0.0.1:0"}).start()
    try:
        live(node)
        assert promtool("check", "metrics", said=scrape(node)) == ""
    finally:
        node.close()


@pytest.mark.parametrize(
    ("expression", "selectors", "groupings"),
    [
        ("a", {"a": set()}, set()),
        ('a{b="c", d=~"e{f}"} > 5', {"a": {"b", "d"}}, set()),
        (
            "sum by (x, le) (rate(a_bucket[5m])) / on (y) group_left () b",
            {"a_bucket": set(), "b": set()},
            {"x", "le", "y"},
        ),
        (
            'histogram_quantile(0.9, sum without (z) (rate(a{b!~"c"}[1h]))) and b offset 5m',
            {"a": {"b"}, "b": set()},
            {"z"},
        ),
        ('time() - max(a{b="say \\"hi\\""})', {"a": {"b"}}, set()),
    ],
)
def test_names_are_found(expression: str, selectors: dict[str, set[str]], groupings: set[str]) -> None:
    assert names_in(expression) == (selectors, groupings)
