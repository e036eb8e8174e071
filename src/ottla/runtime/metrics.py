"""What there is to say about a metric.

What is counted is an attribute of whoever counts it: ``entry.count += 1`` is all that a hot path does. A
:class:`Metric` describes a figure for those who collect it; ``ottla.broker.metrics`` reads the attributes when it is
asked, and writes them down by these descriptions.
"""

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a figure does."""

    COUNTER = "counter"
    """only grows, from 0 at the start of the process"""
    GAUGE = "gauge"
    """goes up and down"""
    HISTOGRAM = "histogram"
    """counts of figures at or below each of some bounds, with their number and sum"""
    SUMMARY = "summary"
    """number and sum of figures"""


class Metric(NamedTuple):
    """One metric: Prometheus' name of it, with its unit last, and what it says."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    kafka: str = ""
    """What Kafka calls it, or the nearest it has; empty if there is nothing like it."""
