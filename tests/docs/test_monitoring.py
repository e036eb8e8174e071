"""The examples of monitoring.md: its commands run, its log lines look as they do there, its alerts exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.docs.test_dashboard import ALERTS, PAGE, alerts, promtool, url_of
from tests.harness import batches, calls
from tests.harness.node import Node
from tests.harness.waiting import eventually

ADDRESS = "127.0.0.1:9464"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_commands_work(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (serve,) = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("ottla serve")]
    name, _, value = serve.removeprefix("ottla serve --set ").partition("=")
    assert value == ADDRESS
    node = Node(tmp_path, {name: "127.0.0.1:0"}).start()
    try:
        with node.connect() as connection:
            calls.create_topic(connection, "t")
            calls.produce(connection, "t", batches.batch([batches.Entry(value=b"v")]))
        address = url_of(node).removeprefix("http://").removesuffix("/metrics")
        commands = [line.replace(ADDRESS, address) for block in blocks("sh") for line in block.splitlines()]
        said = [
            subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
            for line in commands
            if line.startswith("curl")
        ]
    finally:
        node.close()
    assert said[0] == "ready\n"
    assert 'ottla_topic_messages_in_total{topic="t"} 1' in said[1]


def test_prometheus_takes_the_configuration(tmp_path: Path) -> None:
    (block,) = blocks("yaml")
    assert ADDRESS in block
    file = tmp_path / "prometheus.yml"
    file.write_text(block)
    assert "SUCCESS" in promtool("check", "config", str(file))


def test_every_alert_is_explained_and_every_explained_alert_exists() -> None:
    table = PAGE[: PAGE.index("### Traffic")]
    assert set(re.findall(r"Ottla[A-Z]\w+", table)) == alerts().keys(), ALERTS


def test_every_metric_that_is_named_exists() -> None:
    from ottla.broker.metrics.catalogue import SECTIONS

    known = {metric.name for _, metrics in SECTIONS for metric in metrics}
    named = set(re.findall(r"`((?:ottla|process)_\w+)`", PAGE))
    assert len(named) > 20
    assert named <= known


def test_a_slow_request_is_logged_as_shown(tmp_path: Path) -> None:
    (block,) = blocks("json")
    shown = json.loads(block)
    node = Node(tmp_path, {"ottla.log.slow.request.ms": 0}).start()
    try:
        with node.connect() as connection:
            calls.create_topic(connection, "t")
            calls.fetch(connection, "t", 0, max_wait_ms=20)

        def lines() -> list[dict[str, object]]:
            found = map(json.loads, node.process.stderr.splitlines())
            return [line for line in found if line["logger"] == shown["logger"]]

        eventually(lambda: bool(lines()), "a slow request is logged")
        (first, *_) = lines()
    finally:
        node.close()
    assert shown.keys() <= first.keys()
    assert first["level"] == shown["level"]
    parts = [first[name] for name in ("queue_ms", "local_ms", "remote_ms", "response_queue_ms", "response_send_ms")]
    assert sum(float(str(part)) for part in parts) == pytest.approx(float(str(first["total_ms"])), abs=0.5)
