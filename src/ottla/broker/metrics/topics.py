"""What goes in and out of topics (Kafka's ``BrokerTopicMetrics``); the sum over all topics is that of the node."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ottla.broker.metrics.requests import error_name
from ottla.broker.metrics.samples import OTHER, Collected, labelled
from ottla.replica.figures import TopicFigures
from ottla.runtime.metrics import Kind, Metric

if TYPE_CHECKING:
    from ottla.broker.node import Node

MBEAN = "kafka.server:type=BrokerTopicMetrics,name="


def _counter(name: str, help: str, kafka: str, *more_labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, help, ("topic", *more_labels), MBEAN + kafka)


BYTES_IN = _counter(
    "ottla_topic_bytes_in_total", "Bytes of record batches that were appended, as they lie in the log.", "BytesInPerSec"
)
MESSAGES_IN = _counter("ottla_topic_messages_in_total", "Records that were appended.", "MessagesInPerSec")
BYTES_OUT = _counter("ottla_topic_bytes_out_total", "Bytes of record batches that fetches got.", "BytesOutPerSec")
PRODUCED = _counter(
    "ottla_topic_produce_requests_total",
    "Partitions of produce requests, appended or refused.",
    "TotalProduceRequestsPerSec",
)
FETCHED = _counter("ottla_topic_fetch_requests_total", "Partitions of fetch requests.", "TotalFetchRequestsPerSec")
PRODUCE_ERRORS = _counter(
    "ottla_topic_produce_errors_total",
    "Partitions of produce requests that were refused, by Kafka's name of the error.",
    "FailedProduceRequestsPerSec",
    "error",
)
FETCH_ERRORS = _counter(
    "ottla_topic_fetch_errors_total",
    "Partitions of fetch requests that got an error, by Kafka's name of it.",
    "FailedFetchRequestsPerSec",
    "error",
)
REJECTED = _counter(
    "ottla_topic_bytes_rejected_total", "Bytes of batches that were larger than allowed.", "BytesRejectedPerSec"
)

PLAIN: tuple[tuple[Metric, Callable[[TopicFigures], int]], ...] = (
    (BYTES_IN, lambda figures: figures.bytes_in),
    (MESSAGES_IN, lambda figures: figures.messages_in),
    (BYTES_OUT, lambda figures: figures.bytes_out),
    (PRODUCED, lambda figures: figures.batches_in + sum(figures.produce_errors.values())),
    (FETCHED, lambda figures: figures.fetches),
    (REJECTED, lambda figures: figures.bytes_rejected),
)
BY_ERROR: tuple[tuple[Metric, Callable[[TopicFigures], dict[int, int]]], ...] = (
    (PRODUCE_ERRORS, lambda figures: figures.produce_errors),
    (FETCH_ERRORS, lambda figures: figures.fetch_errors),
)

METRICS = (*(metric for metric, _ in PLAIN), *(metric for metric, _ in BY_ERROR))


def collect(node: "Node") -> Collected:
    """Yield what is told of topics; those that share their counters come last, if there is anything to tell."""
    figures = node.replicas.figures
    topics = list(figures.by_topic.items())
    for metric, value_of in PLAIN:
        yield metric, labelled(metric, _plain(topics, figures.other, value_of))
    for metric, errors_of in BY_ERROR:
        yield metric, labelled(metric, _by_error([*topics, (OTHER, figures.other)], errors_of))


def _plain(
    topics: list[tuple[str, TopicFigures]], other: TopicFigures, value_of: Callable[[TopicFigures], int]
) -> Iterator[tuple[str, int]]:
    for topic, figures in topics:
        yield topic, value_of(figures)
    if value_of(other):
        yield OTHER, value_of(other)


def _by_error(
    topics: list[tuple[str, TopicFigures]], errors_of: Callable[[TopicFigures], dict[int, int]]
) -> Iterator[tuple[tuple[str, str], int]]:
    for topic, figures in topics:
        for code, count in list(errors_of(figures).items()):
            yield (topic, error_name(code)), count
