"""The broker that the clients meet: Ottla or Apache Kafka, started here, or one that runs already.

``Brokers.shared()`` is one node for all cases that leave it alone; ``Brokers.own()`` is one for a case that kills it.
"""

import shutil
import tempfile
import threading
from pathlib import Path

from compat.case import NotRun
from compat.reference import Reference
from tests.harness import target
from tests.harness.node import KafkaNode, Node, Settings

SETTINGS: Settings = {"group.initial.rebalance.delay.ms": 0}


def kafka_missing() -> str | None:
    """Why Apache Kafka cannot be started here, or None when it can."""
    if shutil.which("java") is None:
        return "java is missing: install a JDK 17 or newer"
    if target.kafka_libs() is None:
        return "Apache Kafka's jars are missing: tools/setup/setup_clients.sh java fetches them (needs Maven)"
    return None


class Broker:
    """A node of one case, which may kill it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.bootstrap = node.bootstrap

    def kill(self) -> None:
        """kill -9."""
        self._node.kill()

    def start(self) -> None:
        """Start it again on the same folder and port, and wait until it answers."""
        self._node.start()
        self.wait_up()

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._node.stop(timeout_s=30)

    def wait_up(self) -> None:
        """Wait until it answers."""
        reference = Reference(self.bootstrap)
        reference.wait_up()
        reference.close()

    def close(self) -> None:
        """End it and remove its data."""
        self._node.close()
        shutil.rmtree(self._node.folder, ignore_errors=True)


class Brokers:
    """Where nodes come from. ``peer`` is ``ottla`` or ``kafka``; with ``bootstrap``, none is started."""

    def __init__(self, peer: str, *, bootstrap: str | None = None) -> None:
        self.peer = peer
        self._bootstrap = bootstrap
        self._folder = Path(tempfile.mkdtemp(prefix="compat-"))
        self._lock = threading.Lock()
        self._shared: Broker | None = None
        self._count = 0

    def _start(self) -> Broker:
        with self._lock:
            self._count += 1
            folder = self._folder / f"node-{self._count}"
        node: Node
        if self.peer == "kafka":
            node = KafkaNode(folder, SETTINGS)
        else:
            node = Node(folder, SETTINGS)
        # Kafka after a kill -9 takes twelve seconds on a quiet machine.
        node.start(timeout_s=90)
        broker = Broker(node)
        broker.wait_up()
        return broker

    def shared(self) -> str:
        """``HOST:PORT`` of the node that all share."""
        if self._bootstrap is not None:
            return self._bootstrap
        with self._lock:
            shared = self._shared
        if shared is None:
            started = self._start()
            with self._lock:
                shared = self._shared = started
        return shared.bootstrap

    def own(self) -> Broker:
        """A new node. Raises :class:`NotRun` where there is only one, and not ours to kill."""
        if self._bootstrap is not None:
            raise NotRun("kills the broker: not with --bootstrap")
        return self._start()

    def close(self) -> None:
        """End the shared node and remove all folders."""
        if self._shared is not None:
            self._shared.close()
        shutil.rmtree(self._folder, ignore_errors=True)
