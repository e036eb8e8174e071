"""How long one thing takes: a record in a request of its own, and a record from its producer to a consumer."""

from bench.programs import load
from bench.stage import Stage

RATES = (1000, 5000, 20000)
#: Records of 100 B: what is measured is the way, not the load.
SIZE = 100
#: How many records the library has at hand, and what the case is called.
PINGS = ((100, "one in flight"), (1, "one after the other"))


def ping(stage: Stage) -> None:
    """One record in each request, one request under way, acks=all.

    ``one after the other`` waits in the application for each acknowledgement; ``one in flight`` has the next record at
    hand in the library, so that its threads do not hand over to each other in between.
    """
    for window, case in PINGS:
        stage.say(case)
        for broker in stage.in_turns(stage.effort.many_rounds, stage.running()):
            with stage.topic(broker) as topic:
                result = load(broker, "ping", topic=topic, size=SIZE, seconds=1.5, window=window)
            stage.figures.add("ping", case, "requests", broker.name, result["requests"] / result["seconds"])
            if window == 1:
                _add_percentiles(stage, "ping", case, broker.name, result)


def end_to_end(stage: Stage) -> None:
    """Records that are due at a fixed rate, from when they were due to when a consumer has them (linger.ms=0)."""
    for rate in RATES:
        case = f"{rate:,} records/s"
        stage.say(case)
        for broker in stage.in_turns(3 if stage.effort.quick else 5, stage.running()):
            with stage.topic(broker) as topic:
                seconds = 2 if stage.effort.quick else 5
                result = load(broker, "latency", topic=topic, size=SIZE, seconds=seconds, rate=rate)
            _add_percentiles(stage, "latency", case, broker.name, result)


def _add_percentiles(stage: Stage, part: str, case: str, side: str, result: dict[str, float]) -> None:
    for metric, name in (("p50", "p50_ms"), ("p99", "p99_ms"), ("p99.9", "p999_ms")):
        stage.figures.add(part, case, metric, side, result[name])
