"""How far the clients let a broker go: the cases that targets name, beside a broker that keeps nothing.

With client and broker on the same two cores, a client that is busy all the time is as fast as it is with any broker.
"""

import contextlib

from bench.brokers import Broker
from bench.ceiling import TOPIC, Ceiling
from bench.parts.latency import PINGS
from bench.parts.latency import SIZE as PING_SIZE
from bench.parts.throughput import Case
from bench.programs import load
from bench.stage import Stage

PART = "ceiling"
CASES = tuple(Case(size=size, codec="none", partitions=1, clients=1) for size in (100, 1024))


def ceiling(stage: Stage) -> None:
    """Produce, and one record in each request, against all sides in turns."""
    nothing = Ceiling(str(stage.folder / "nothing"))
    nothing.start()
    try:
        sides = [*stage.running(), nothing]
        for case in CASES:
            stage.say(case.name)
            for broker in stage.in_turns(stage.effort.many_rounds, sides):
                with _topic(stage, broker) as topic:
                    made = load(broker, "produce", topic=topic, size=case.size, seconds=1.5)
                stage.figures.add(PART, case.name, "produce", broker.name, made["bytes"] / made["seconds"] / 1e6)
        for window, name in PINGS:
            stage.say(name)
            for broker in stage.in_turns(stage.effort.many_rounds, sides):
                with _topic(stage, broker) as topic:
                    result = load(broker, "ping", topic=topic, size=PING_SIZE, seconds=1.5, window=window)
                stage.figures.add(PART, name, "requests", broker.name, result["requests"] / result["seconds"])
    finally:
        nothing.remove()


def _topic(stage: Stage, broker: Broker) -> contextlib.AbstractContextManager[str]:
    return contextlib.nullcontext(TOPIC) if isinstance(broker, Ceiling) else stage.topic(broker)
