"""Every metric of a node, in the order in which they are told and in which the page ``docs/metrics.md`` lists them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ottla.broker.metrics import connections, groups, overview, partitions, process, requests, topics
from ottla.broker.metrics.outside import Outside
from ottla.broker.metrics.samples import Collected, Samples
from ottla.runtime.metrics import Metric

if TYPE_CHECKING:
    from ottla.broker.metrics.watch import Watch
    from ottla.broker.node import Node

SECTIONS: tuple[tuple[str, tuple[Metric, ...]], ...] = (
    ("The node", overview.METRICS),
    ("Topics", topics.METRICS),
    ("Requests", requests.METRICS),
    ("Partitions, logs and their folders", partitions.METRICS),
    ("Groups", groups.METRICS),
    ("Connections", connections.METRICS),
    ("The process", process.METRICS),
)


def collect(node: "Node", watch: "Watch", outside: Outside) -> Iterator[tuple[Metric, Samples]]:
    """Yield every metric with its samples, which have to be taken before the next one is asked for."""
    parts: tuple[Collected, ...] = (
        overview.collect(node),
        topics.collect(node),
        requests.collect(node),
        partitions.collect(node, outside),
        groups.collect(node),
        connections.collect(node),
        process.collect(watch, outside),
    )
    for part in parts:
        yield from part
