"""The clients that put a broker under load, each a process of its own, and what they print.

``.bench/load`` is the project's program on librdkafka (``bench/clients/*.c``, built by ``make bench``); the others are
Kafka's own tools.
"""

import json
import pathlib
import re
import subprocess

from bench.brokers import ROOT, Broker, java

LOAD = ROOT / ".bench" / "load"
TOOLS = "org.apache.kafka.tools"
CONSUMER_COLUMNS = 10
LIMIT_SECONDS = 300


class ProgramFailed(Exception):
    """A client ended with an error; the message says which and what it said."""


def load(broker: Broker, mode: str, **options: str | float) -> dict[str, float]:
    """Run the project's program against a broker and return what it says."""
    arguments = [f"{name}={value}" for name, value in options.items()]
    output = run([str(LOAD), mode, f"bootstrap={broker.bootstrap}", *arguments], LIMIT_SECONDS)
    result = json.loads(output)
    assert isinstance(result, dict)
    return {str(name): float(value) for name, value in result.items()}


def write_payloads(path: pathlib.Path, size: int) -> None:
    """Write the values that the program sends to a file, each followed by a zero byte."""
    run([str(LOAD), "payloads", f"path={path}", f"size={size}"], 60)


def producer_performance(broker: Broker, topic: str, *, size: int, records: int, warm_up: int) -> float:
    """Run ProducerPerformance with random records and return MB (10^6 bytes) a second once it is warm."""
    output = _tool(
        "ProducerPerformance",
        *("--bootstrap-server", broker.bootstrap, "--topic", topic, "--record-size", str(size)),
        *("--num-records", str(records + warm_up), "--warmup-records", str(warm_up), "--throughput", "-1"),
    )
    return parse_producer_performance(output) * size / 1e6


def parse_producer_performance(output: str) -> float:
    """Return the records a second of the steady state."""
    found = re.search(r"^\d+ steady state records sent, ([\d.]+) records/sec", output, re.MULTILINE)
    if found is None:
        raise ProgramFailed(f"ProducerPerformance said something else:\n{output}")
    return float(found[1])


def consumer_performance(broker: Broker, topic: str, *, size: int, records: int) -> float:
    """Run ConsumerPerformance and return MB (10^6 bytes) a second from the first fetch on."""
    output = _tool(
        "ConsumerPerformance",
        *("--bootstrap-server", broker.bootstrap, "--topic", topic, "--num-records", str(records), "--hide-header"),
    )
    return parse_consumer_performance(output) * size / 1e6


def parse_consumer_performance(output: str) -> float:
    """Return the records a second without the time that joining the group took (``fetch.nMsg.sec``)."""
    for line in output.splitlines():
        columns = line.split(", ")
        if len(columns) == CONSUMER_COLUMNS and columns[0][:1].isdigit():
            return float(columns[9])
    raise ProgramFailed(f"ConsumerPerformance said something else:\n{output}")


def end_to_end_latency(broker: Broker, topic: str, *, size: int, records: int) -> dict[str, float]:
    """Run EndToEndLatency (one record after the other, acks=all): the mean and the percentiles, in ms."""
    output = _tool(
        "EndToEndLatency",
        *("--bootstrap-server", broker.bootstrap, "--topic", topic, "--num-records", str(records)),
        *("--producer-acks", "all", "--record-size", str(size)),
    )
    return parse_end_to_end_latency(output)


def parse_end_to_end_latency(output: str) -> dict[str, float]:
    """Return ``mean``, ``p50``, ``p99`` and ``p99.9`` in ms; all but the mean come in whole ones."""
    mean = re.search(r"^Avg latency: ([\d.]+) ms", output, re.MULTILINE)
    rest = re.search(r"^Percentiles: 50th = (\d+), 99th = (\d+), 99\.9th = (\d+)", output, re.MULTILINE)
    if mean is None or rest is None:
        raise ProgramFailed(f"EndToEndLatency said something else:\n{output}")
    return {"mean": float(mean[1]), "p50": float(rest[1]), "p99": float(rest[2]), "p99.9": float(rest[3])}


def _tool(name: str, *arguments: str) -> str:
    return run([*java(), f"{TOOLS}.{name}", *arguments], LIMIT_SECONDS)


def run(command: list[str], limit_seconds: float) -> str:
    """Run a program to its end and return what it printed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_seconds)
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{_shown(command)} did not end within {limit_seconds:.0f} s") from error
    if done.returncode != 0:
        raise ProgramFailed(f"{_shown(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _shown(command: list[str]) -> str:
    return " ".join(word for word in command if "/libs/" not in word)
