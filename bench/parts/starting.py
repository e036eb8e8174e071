"""From process start to the first answer, and what a node takes of memory."""

import shutil
import signal
import time

from bench import processes
from bench.brokers import Broker
from bench.client import Client, create_topic, has_leaders
from bench.programs import load
from bench.stage import Stage, wait_for

GIGABYTE = 1_000_000_000
TOPIC = "bench"


def start(stage: Stage) -> None:
    """Fresh, after a clean stop, after a kill -9 with a gigabyte of log in one partition.

    The first answer is one to a Metadata request, asked for every 2 ms. Kafka's folder is formatted beforehand.
    """
    for index in range(stage.effort.rounds):
        for broker in stage.in_turns(1, stage.fresh(f"start-{index}")):
            stage.say(f"{broker.name}, round {index + 1}")
            try:
                _starts(stage, broker)
            finally:
                broker.remove()


def _starts(stage: Stage, broker: Broker) -> None:
    def measured(case: str) -> None:
        stage.figures.add("start", case, "start", broker.name, broker.start().first_answer_seconds)

    measured("fresh")
    _make_topic(broker)
    stage.figures.add("start", "clean stop", "seconds", broker.name, broker.stop())
    measured("after a clean stop")
    load(broker, "produce", topic=TOPIC, size=1024, seconds=120, bytes=GIGABYTE)
    broker.stop(signal.SIGKILL)
    measured("after a kill -9 with 1 GB of log")


def memory(stage: Stage) -> None:
    """Resident memory: idle, after ten million records of 100 B, after these were read."""
    for broker in stage.fresh("memory"):
        stage.say(broker.name)
        try:
            broker.start()
            time.sleep(2)
            stage.figures.add("memory", "idle", "resident", broker.name, broker.resident_mb())
            _make_topic(broker)
            load(broker, "produce", topic=TOPIC, size=100, seconds=120, bytes=GIGABYTE)
            stage.figures.add("memory", "after 10 million records", "resident", broker.name, broker.resident_mb())
            load(broker, "consume", topic=TOPIC, size=100, seconds=120, bytes=GIGABYTE)
            case = "after 10 million records, all read"
            stage.figures.add("memory", case, "resident", broker.name, broker.resident_mb())
        finally:
            broker.remove()


def _make_topic(broker: Broker) -> None:
    client = Client("127.0.0.1", broker.port)
    create_topic(client, TOPIC)
    wait_for(lambda: has_leaders(client, [TOPIC], 1), 30)
    client.close()
    time.sleep(0.2)


def partitions(stage: Stage) -> None:
    """5,000 partitions in fifty topics: made, left alone, stopped, started again until all of them have a leader."""
    names = [f"bench-{index}" for index in range(50)]
    for broker in stage.fresh("partitions"):
        stage.say(broker.name)
        try:
            broker.start()
            _partitions(stage, broker, names)
        finally:
            broker.remove()
            shutil.rmtree(broker.folder, ignore_errors=True)


def _partitions(stage: Stage, broker: Broker, names: list[str]) -> None:
    def add(case: str, metric: str, value: float) -> None:
        stage.figures.add("partitions", case, metric, broker.name, value)

    client = Client("127.0.0.1", broker.port)
    begin = time.perf_counter()
    for name in names:
        create_topic(client, name, partitions=100)
    wait_for(lambda: has_leaders(client, names, 100), 120)
    add("5,000 partitions created", "seconds", time.perf_counter() - begin)
    time.sleep(2)
    add("with 5,000 partitions", "resident", broker.resident_mb())
    before = broker.cpu_seconds()
    begin = time.perf_counter()
    time.sleep(5)
    add("idle with 5,000 partitions", "percent", (broker.cpu_seconds() - before) / (time.perf_counter() - begin) * 100)
    add("idle with 5,000 partitions", "files", processes.descriptors(broker.pid))
    client.close()
    add("clean stop with 5,000 partitions", "seconds", broker.stop())
    begin = time.perf_counter()
    broker.start()
    add("5,000 partitions, after a clean stop", "start", broker.first_answer_seconds)
    client = Client("127.0.0.1", broker.port)
    wait_for(lambda: has_leaders(client, names, 100), 120)
    add("5,000 partitions started again, all with a leader", "seconds", time.perf_counter() - begin)
    client.close()
