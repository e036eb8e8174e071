"""What a node says of itself in the log when it is ready: what it is, where it listens, what it promises."""

import logging
import os
import sys
from typing import TYPE_CHECKING

from ottla import __version__
from ottla.cli.build_kind import build_kind

if TYPE_CHECKING:
    from ottla.broker.node import Node

logger = logging.getLogger("ottla")


def log_banner(node: "Node", *, elapsed_ms: float) -> None:
    """Log it, a few lines for people, each with its figures for machines; ``elapsed_ms`` is how long the start took."""
    python = f"{sys.implementation.name} {sys.version.split()[0]}"
    build = build_kind()
    listeners = [str(listener) for listener in node.listeners]
    data, promise = node.storage.place(node.config), node.storage.promise(node.config)
    topics, partitions = len(node.image.topics), len(node.replicas)
    _say(
        f"Ottla {__version__} ({build}) on {python}, process {os.getpid()}, started in {elapsed_ms:.0f} ms",
        version=__version__,
        build=build,
        python=python,
        pid=os.getpid(),
        start_ms=round(elapsed_ms),
    )
    metrics = "" if node.metrics_url is None else f"; metrics on {node.metrics_url}"
    _say(f"listens on {', '.join(listeners)}{metrics}", listeners=listeners, metrics=node.metrics_url)
    _say(
        f"node {node.node_id} of cluster {node.cluster_id}, data in {data}: {topics} topics, {partitions} partitions",
        node_id=node.node_id,
        cluster_id=node.cluster_id,
        data=data,
        topics=topics,
        partitions=partitions,
    )
    _say(f"what an acknowledgement means: {promise}", acknowledged=promise)


def _say(message: str, **fields: object) -> None:
    logger.info("%s", message, extra={"fields": fields})
