"""Connections: how many, from whom, and why they are gone (Kafka's ``socket-server-metrics``)."""

from collections import Counter
from typing import TYPE_CHECKING

from ottla.broker.connections import CLOSE_REASONS
from ottla.broker.metrics.samples import OTHER, Collected, Samples, labelled, single
from ottla.runtime.metrics import Kind, Metric
from ottla.runtime.metrics_text import labels_text

if TYPE_CHECKING:
    from ottla.broker.node import Node

MBEAN = "kafka.server:type=socket-server-metrics,name="

OPEN = Metric(
    "ottla_connections", Kind.GAUGE, "Open connections, by listener.", ("listener",), MBEAN + "connection-count"
)
CLIENTS = Metric(
    "ottla_client_connections",
    Kind.GAUGE,
    "Open connections by what the client's software calls itself; unknown if it does not.",
    ("software",),
    MBEAN + "connections",
)
OPENED = Metric(
    "ottla_connections_opened_total",
    Kind.COUNTER,
    "Connections that were taken in.",
    (),
    MBEAN + "connection-creation-total",
)
CLOSED = Metric(
    "ottla_connections_closed_total",
    Kind.COUNTER,
    "Connections that are gone, by why: peer (the client hung up), idle (connections.max.idle.ms), protocol (what it "
    "sent cannot be understood or is not served, or a produce without acks failed), internal (a fault of the node's "
    "own), stopping.",
    ("reason",),
    MBEAN + "connection-close-total",
)
REFUSED = Metric(
    "ottla_connections_refused_total", Kind.COUNTER, "Connections beyond max.connections or another limit of them."
)
DELAYED = Metric(
    "ottla_connections_delayed_total", Kind.COUNTER, "Connections that waited for max.connection.creation.rate."
)
PEER_ERRORS = Metric(
    "ottla_peer_errors_total", Kind.COUNTER, "Connections that were closed for what the client did, by kind.", ("kind",)
)
WAITING_FOR_MEMORY = Metric(
    "ottla_requests_waiting_for_memory",
    Kind.GAUGE,
    "Large requests that wait for queued.max.request.bytes.",
    (),
    "kafka.network:type=SocketServer,name=MemoryPoolUsed",
)
SESSIONS = Metric(
    "ottla_fetch_sessions",
    Kind.GAUGE,
    "Incremental fetch sessions.",
    (),
    "kafka.server:type=FetchSessionCache,name=NumIncrementalFetchSessions",
)
SESSION_PARTITIONS = Metric(
    "ottla_fetch_session_partitions",
    Kind.GAUGE,
    "Partitions in them.",
    (),
    "kafka.server:type=FetchSessionCache,name=NumIncrementalFetchPartitionsCached",
)

METRICS = (
    OPEN,
    CLIENTS,
    OPENED,
    CLOSED,
    REFUSED,
    DELAYED,
    PEER_ERRORS,
    WAITING_FOR_MEMORY,
    SESSIONS,
    SESSION_PARTITIONS,
)


def collect(node: "Node") -> Collected:
    """Yield what is told of connections."""
    connections = node.connections
    of_listeners = connections.by_listener()
    yield OPEN, labelled(OPEN, ((one.name, of_listeners.get(one.name, 0)) for one in node.listeners))
    yield CLIENTS, _clients(node)
    yield OPENED, single(connections.opened_count)
    yield CLOSED, labelled(CLOSED, ((reason, connections.closed_by[reason]) for reason in CLOSE_REASONS))
    yield REFUSED, single(connections.refused)
    yield DELAYED, single(connections.delayed)
    yield PEER_ERRORS, labelled(PEER_ERRORS, list(connections.peer_errors.items()))
    yield WAITING_FOR_MEMORY, single(node.large_buffers.waiting_count)
    yield SESSIONS, single(len(node.fetch_sessions))
    yield SESSION_PARTITIONS, single(node.fetch_sessions.partition_count)


def _clients(node: "Node") -> Samples:
    limit = node.config.int("ottla.metrics.max.series")
    counts: Counter[str] = Counter()
    for connection in node.connections.all():
        software = str(connection.state.get("software", "unknown"))
        counts[software if software in counts or len(counts) < limit else OTHER] += 1
        yield None
    for software, count in counts.items():
        yield "", labels_text(CLIENTS.labels, (software,)), count
