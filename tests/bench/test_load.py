"""The load program on librdkafka against a node: what it sends arrives, and what it says adds up."""

import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from bench.brokers import ROOT, Ottla
from bench.ceiling import TOPIC, Ceiling
from bench.client import Client, create_topic

from bench import programs

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """Compile it; where that is not possible, say so."""
    compiler = shutil.which("cc")
    if compiler is None or not pathlib.Path("/usr/include/librdkafka/rdkafka.h").exists():
        pytest.skip("no C compiler or no librdkafka-dev: tools/setup/setup_clients.sh librdkafka")
    path = tmp_path_factory.mktemp("load") / "load"
    sources = sorted(map(str, (ROOT / "bench" / "clients").glob("*.c")))
    warnings = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *warnings, "-o", str(path), *sources, "-lrdkafka", "-lpthread"], check=True)
    usual, programs.LOAD = programs.LOAD, path
    yield path
    programs.LOAD = usual


@pytest.fixture(scope="module")
def node(program: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ottla]:
    node = Ottla(str(tmp_path_factory.mktemp("bench") / "data"), "group.initial.rebalance.delay.ms=0")
    node.start()
    yield node
    node.remove()


def topic(node: Ottla, name: str, partitions: int = 1) -> str:
    client = Client("127.0.0.1", node.port)
    create_topic(client, name, partitions=partitions)
    client.close()
    return name


@pytest.mark.parametrize(("codec", "partitions", "clients"), [("none", 1, 1), ("zstd", 3, 2), ("lz4", 2, 1)])
def test_what_is_produced_is_consumed(node: Ottla, codec: str, partitions: int, clients: int) -> None:
    name = topic(node, f"through-{codec}", partitions)
    shape: dict[str, str | float] = {"topic": name, "size": 1000, "partitions": partitions, "clients": clients}
    made = programs.load(node, "produce", codec=codec, bytes=500_000, seconds=20, **shape)
    assert made["bytes"] == clients * 500_000
    assert made["records"] == clients * 500
    assert made["seconds"] > 0
    read = programs.load(node, "consume", bytes=int(made["bytes"]), seconds=20, **shape)
    # Each client reads everything.
    assert read["bytes"] == clients * made["bytes"]


def test_producing_ends_with_its_time(node: Ottla) -> None:
    made = programs.load(node, "produce", topic=topic(node, "timed"), size=1000, seconds=0.1)
    assert made["records"] > 0
    assert made["seconds"] >= 0.1


@pytest.mark.parametrize("window", [1, 10])
def test_ping_counts_requests(node: Ottla, window: int) -> None:
    result = programs.load(node, "ping", topic=topic(node, f"ping-{window}"), size=100, seconds=0.3, window=window)
    assert result["requests"] > 10
    assert 0 < result["p50_ms"] <= result["p99_ms"] <= result["p999_ms"] <= result["max_ms"]


def test_latency_sends_at_its_rate(node: Ottla) -> None:
    result = programs.load(node, "latency", topic=topic(node, "latency"), size=100, seconds=0.5, rate=400)
    assert result["records"] == 200
    assert 0 < result["p50_ms"] <= result["p99_ms"] <= result["p999_ms"] <= result["max_ms"]


def test_a_group_settles_and_settles_again(node: Ottla) -> None:
    result = programs.load(node, "group", topic=topic(node, "group", 4), clients=3, partitions=4, seconds=30)
    assert result["members"] == 3
    assert result["join_seconds"] > 0
    assert result["leave_seconds"] > 0


def test_payloads_are_text_of_one_size_and_not_all_the_same(program: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "payloads"
    programs.write_payloads(path, 1024)
    values = path.read_bytes().split(b"\0")[:-1]
    assert {len(value) for value in values} == {1024}
    assert len(values) * 1024 >= 32 << 20
    assert len(set(values)) == len(values)
    assert all(value.startswith(b'{"user":') for value in values)


def test_a_wrong_option_is_refused(node: Ottla) -> None:
    with pytest.raises(programs.ProgramFailed, match="bogus=1 is not an option"):
        programs.load(node, "produce", bogus=1)


def test_against_a_broker_that_keeps_nothing_records_are_acknowledged(
    program: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    nothing = Ceiling(str(tmp_path / "nothing"))
    nothing.start()
    try:
        made = programs.load(nothing, "produce", topic=TOPIC, size=1000, bytes=500_000, seconds=20)
        assert made["records"] == 500
        asked = programs.load(nothing, "ping", topic=TOPIC, size=100, seconds=0.2)
        assert asked["requests"] > 0
        assert not list(pathlib.Path(nothing.folder).glob("**/*.log"))
    finally:
        nothing.remove()
