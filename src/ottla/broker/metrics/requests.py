"""Requests by API: how many, their errors, and where their time went (Kafka's ``RequestMetrics``)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ottla.broker.metrics.samples import Collected, labelled, single
from ottla.broker.request_figures import SECONDS_BOUNDS, RequestFigures
from ottla.model.error_codes import ErrorCode
from ottla.runtime.metrics import Kind, Metric
from ottla.runtime.metrics_text import Sample, histogram_samples, labels_text

if TYPE_CHECKING:
    from ottla.broker.node import Node

MBEAN = "kafka.network:type=RequestMetrics,name="

REQUESTS = Metric(
    "ottla_requests_total",
    Kind.COUNTER,
    "Requests that came, by API and version.",
    ("api", "version"),
    MBEAN + "RequestsPerSec",
)
REQUEST_BYTES = Metric(
    "ottla_request_bytes_total", Kind.COUNTER, "Bytes of requests, by API.", ("api",), MBEAN + "RequestBytes"
)
ERRORS = Metric(
    "ottla_request_errors_total",
    Kind.COUNTER,
    "Errors told in answers, by API and Kafka's name of the error; an answer for many partitions may tell many.",
    ("api", "error"),
    MBEAN + "ErrorsPerSec",
)
FAILURES = Metric(
    "ottla_request_failures_total",
    Kind.COUNTER,
    "Requests that failed through a fault of the node's own: no answer, a closed connection, a traceback in the log.",
    ("api",),
)
TIMES = (
    (
        "total",
        Metric(
            "ottla_request_duration_seconds",
            Kind.HISTOGRAM,
            "Time of requests from when they could be served until their answer was sent: the sum of the six parts.",
            ("api",),
            MBEAN + "TotalTimeMs",
        ),
    ),
    (
        "queue",
        Metric(
            "ottla_request_queue_seconds",
            Kind.HISTOGRAM,
            "Part of requests' time: waiting for the event loop, which served others.",
            ("api",),
            MBEAN + "RequestQueueTimeMs",
        ),
    ),
    (
        "local",
        Metric(
            "ottla_request_local_seconds",
            Kind.HISTOGRAM,
            "Part of requests' time: the node's own work, the disk's included.",
            ("api",),
            MBEAN + "LocalTimeMs",
        ),
    ),
    (
        "remote",
        Metric(
            "ottla_request_remote_seconds",
            Kind.HISTOGRAM,
            "Part of requests' time: waiting for others, records for a Fetch, members for a JoinGroup or SyncGroup.",
            ("api",),
            MBEAN + "RemoteTimeMs",
        ),
    ),
    (
        "response_queue",
        Metric(
            "ottla_request_response_queue_seconds",
            Kind.HISTOGRAM,
            "Part of requests' time: the answer waiting to be written, in the order of the connection's requests.",
            ("api",),
            MBEAN + "ResponseQueueTimeMs",
        ),
    ),
    (
        "response_send",
        Metric(
            "ottla_request_response_send_seconds",
            Kind.HISTOGRAM,
            "Part of requests' time: waiting until the client had read enough of what was sent to it. 0 as long as "
            "less than ottla.connection.write.buffer.bytes wait.",
            ("api",),
            MBEAN + "ResponseSendTimeMs",
        ),
    ),
)
THROTTLE = Metric(
    "ottla_request_throttle_seconds",
    Kind.SUMMARY,
    "Part of requests' time: held back by a quota. Always 0: there are no quotas yet.",
    ("api",),
    MBEAN + "ThrottleTimeMs",
)
WAITING = Metric(
    "ottla_fetches_waiting",
    Kind.GAUGE,
    "Fetches that wait for records now.",
    (),
    "kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize,delayedOperation=Fetch",
)

METRICS = (REQUESTS, REQUEST_BYTES, ERRORS, FAILURES, *(metric for _, metric in TIMES), THROTTLE, WAITING)


def collect(node: "Node") -> Collected:
    """Yield what is told of requests."""
    versions = node.dispatcher.request_figures
    by_api: dict[str, list[RequestFigures]] = {}
    for figures in versions:
        by_api.setdefault(figures.name, []).append(figures)
    yield REQUESTS, labelled(REQUESTS, (((figures.name, figures.version), figures.count) for figures in versions))
    yield (
        REQUEST_BYTES,
        labelled(
            REQUEST_BYTES, ((api, sum(figures.request_bytes for figures in found)) for api, found in by_api.items())
        ),
    )
    yield ERRORS, labelled(ERRORS, _errors(by_api))
    failures = node.connections.handler_errors
    yield FAILURES, labelled(FAILURES, ((api, failures.get(api, 0)) for api in by_api))
    for part, metric in TIMES:
        yield metric, _times(metric, part, by_api)
    yield THROTTLE, _throttle(by_api)
    yield WAITING, single(len(node.waiting_fetches))


def _errors(by_api: dict[str, list[RequestFigures]]) -> Iterator[tuple[tuple[str, str], int]]:
    for api, found in by_api.items():
        codes = sorted({code for figures in found for code in figures.errors})
        for code in codes:
            yield (api, error_name(code)), sum(figures.errors.get(code, 0) for figures in found)


def error_name(code: int) -> str:
    """Return Kafka's name of an error."""
    return ErrorCode(code).name


def _times(metric: Metric, part: str, by_api: dict[str, list[RequestFigures]]) -> Iterator[Sample]:
    for api, found in by_api.items():
        counts = [sum(counts) for counts in zip(*(figures.buckets(part) for figures in found), strict=True)]
        seconds = sum(figures.seconds(part) for figures in found)
        yield from histogram_samples(labels_text(metric.labels, (api,)), SECONDS_BOUNDS, counts, seconds)


def _throttle(by_api: dict[str, list[RequestFigures]]) -> Iterator[Sample]:
    for api, found in by_api.items():
        labels = labels_text(THROTTLE.labels, (api,))
        yield "_sum", labels, 0
        yield "_count", labels, sum(figures.quick_count + figures.slow_count for figures in found)
