"""Kafka's own performance tools, which use Kafka's Java client."""

from bench.programs import consumer_performance, end_to_end_latency, producer_performance
from bench.stage import Stage

PART = "tools"
#: Record size in bytes, its name, records that count, and records before them.
SIZES = ((100, "100 B", 1_500_000, 1_000_000), (1024, "1 KiB", 300_000, 200_000))


def java_tools(stage: Stage) -> None:
    """Run ProducerPerformance, ConsumerPerformance and EndToEndLatency against each side in turn."""
    for size, name, records, warm_up in SIZES:
        stage.say(f"ProducerPerformance, ConsumerPerformance, {name}")
        for broker in stage.in_turns(stage.effort.rounds, stage.running()):
            with stage.topic(broker) as topic:
                rate = producer_performance(broker, topic, size=size, records=records, warm_up=warm_up)
                stage.figures.add(PART, f"ProducerPerformance, {name}", "produce", broker.name, rate)
                rate = consumer_performance(broker, topic, size=size, records=records + warm_up)
                stage.figures.add(PART, f"ConsumerPerformance, {name}", "consume", broker.name, rate)
    stage.say("EndToEndLatency")
    for broker in stage.in_turns(stage.effort.rounds, stage.running()):
        with stage.topic(broker) as topic:
            found = end_to_end_latency(broker, topic, size=100, records=5000)
        for metric in ("mean", "p99", "p99.9"):  # its p50 is 0 or 1 ms
            stage.figures.add(PART, "EndToEndLatency, 100 B, acks=all", metric, broker.name, found[metric])
