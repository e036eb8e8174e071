"""What this node is: version, settings that matter, whether it serves."""

import platform
from typing import TYPE_CHECKING

from ottla import __version__
from ottla.broker.metrics.samples import Collected, labelled, single
from ottla.runtime.metrics import Kind, Metric

if TYPE_CHECKING:
    from ottla.broker.node import Node

BUILD = Metric(
    "ottla_build_info",
    Kind.GAUGE,
    "Version of Ottla, and what it runs on.",
    ("version", "python", "system", "loop"),
    "kafka.server:type=app-info,name=version",
)
NODE = Metric(
    "ottla_node_info",
    Kind.GAUGE,
    "Id of the node and of its cluster, and what an acknowledgement means (the flush policy).",
    ("node_id", "cluster_id", "acknowledged"),
)
READY = Metric(
    "ottla_ready",
    Kind.GAUGE,
    "1 if the node serves as it should, as /readyz says.",
    (),
    "kafka.server:type=KafkaServer,name=BrokerState",
)

METRICS = (BUILD, NODE, READY)


def collect(node: "Node") -> Collected:
    """Yield what the node is."""
    loop = type(node.loop).__module__.partition(".")[0]
    build = __version__, platform.python_version(), f"{platform.system()} {platform.machine()}", loop
    yield BUILD, labelled(BUILD, [(build, 1)])
    yield NODE, labelled(NODE, [((node.node_id, node.cluster_id, node.storage.promise(node.config)), 1)])
    yield READY, single(int(node.not_ready is None))
