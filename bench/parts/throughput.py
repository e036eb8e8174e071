"""How many bytes a second go in and out, and the broker's CPU time for them: librdkafka's defaults, acks=all.

Each round makes a topic, produces into it for a fixed time, and reads it back from the beginning. With ten clients,
ten producers write and ten consumers each read everything. MB and GB are those of the values, before compression.
"""

import dataclasses
import re

from bench.brokers import Broker
from bench.programs import load
from bench.stage import Stage
from bench.targets import BASE

SIZES = {100: "100 B", 1024: "1 KiB", 10240: "10 KiB"}
CODECS = ("none", "lz4", "zstd")
PARTITIONS = (1, 16, 100)
CLIENTS = (1, 10)
PART = "throughput"
#: What all consumers together read in a round.
READ_BYTES = 1_500_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What is sent, and how."""

    size: int
    codec: str
    partitions: int
    clients: int

    @property
    def name(self) -> str:
        """What the case is called in tables."""
        return (
            f"{SIZES[self.size]}, {self.codec}, {self.partitions} partition{'s'[: self.partitions != 1]}, "
            f"{self.clients} client{'s'[: self.clients != 1]}"
        )


def cases(*, quick: bool) -> list[Case]:
    """Return every combination; or those that change one thing at a time."""
    everything = [
        Case(size=size, codec=codec, partitions=partitions, clients=clients)
        for clients in CLIENTS
        for partitions in PARTITIONS
        for codec in CODECS
        for size in SIZES
    ]
    if not quick:
        return everything
    return [case for case in everything if (case.codec != "none") + (case.partitions != 1) + (case.clients != 1) <= 1]


def produce_and_consume(stage: Stage) -> None:
    """Measure both directions."""
    _measure(stage, produce=True, consume=True)


def produce(stage: Stage) -> None:
    """Measure producing alone."""
    _measure(stage, produce=True, consume=False)


def consume(stage: Stage) -> None:
    """Measure consuming alone."""
    _measure(stage, produce=False, consume=True)


def _measure(stage: Stage, *, produce: bool, consume: bool) -> None:
    brokers = stage.running()
    for case in cases(quick=stage.effort.quick):
        if not re.search(stage.effort.cases, case.name):
            continue
        is_base = case.name in BASE
        stage.say(case.name)
        rounds = stage.effort.many_rounds if is_base else stage.effort.rounds
        for broker in stage.in_turns(rounds, brokers):
            _one_round(stage, broker, case, seconds=1.5 if is_base else 1, produce=produce, consume=consume)
    for broker in brokers:
        stage.figures.add("memory", "after everything under throughput", "resident", broker.name, broker.resident_mb())


def _one_round(stage: Stage, broker: Broker, case: Case, *, seconds: float, produce: bool, consume: bool) -> None:
    with stage.topic(broker, partitions=case.partitions) as topic:
        options: dict[str, str | float] = {
            "topic": topic,
            "size": case.size,
            "partitions": case.partitions,
            "clients": case.clients,
        }
        made = _one_way(stage, broker, case, produce, "produce", codec=case.codec, seconds=seconds, **options)
        if consume:
            # Until ten seconds have passed, which is long enough for everything on any machine that is not stuck.
            wanted = min(int(made["bytes"]), READ_BYTES // case.clients)
            _one_way(stage, broker, case, consume, "consume", seconds=10, bytes=wanted, **options)


def _one_way(
    stage: Stage, broker: Broker, case: Case, counts: bool, mode: str, **options: str | float
) -> dict[str, float]:
    before = broker.cpu_seconds()
    result = load(broker, mode, **options)
    used = broker.cpu_seconds() - before
    if counts:
        stage.figures.add(PART, case.name, mode, broker.name, result["bytes"] / result["seconds"] / 1e6)
        stage.figures.add(PART, case.name, f"{mode}_cpu", broker.name, used / result["bytes"] * 1e9)
    return result
