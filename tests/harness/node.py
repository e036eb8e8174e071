"""A whole node to test: started, stopped, killed and started again on the same folder and port."""

import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.harness import target
from tests.harness.process import BrokerProcess
from tests.harness.waiting import eventually
from tests.harness.wire import Connection, ConnectionClosedError

Settings = Mapping[str, object]

READY_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0


def ottla_environment() -> dict[str, str]:
    """The environment in which ``python -m ottla`` finds this checkout."""
    environment = dict(os.environ)
    source = str(target.ROOT / "src")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [source, environment.get("PYTHONPATH")]))
    return environment


def ottla_command(*arguments: str) -> list[str]:
    """A command line of Ottla run by the tests' own interpreter."""
    return [sys.executable, "-m", "ottla", *arguments]


def ottla_serve_command(settings: Settings) -> list[str]:
    """``ottla serve`` with every setting as ``--set key=value``."""
    pairs = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    return ottla_command("serve", *pairs)


def ready_address(stdout: str) -> tuple[str, int] | None:
    """The first PLAINTEXT listener that the ``ready`` line names, or None while there is no such line."""
    for line in stdout.splitlines(keepends=True):
        if line.startswith("ready ") and line.endswith("\n"):
            start = line.index("PLAINTEXT://") + len("PLAINTEXT://")
            address = ""
            for character in line[start:]:
                if not (character.isalnum() or character in ".:-[]_"):
                    break
                address += character
            host, _, port = address.rpartition(":")
            return host, int(port)
    return None


class Node:
    """A broker that the tests own. ``settings`` are Kafka's names; ``folder`` holds data and output."""

    kind = "ottla"

    def __init__(self, folder: Path, settings: Settings | None = None, *, log_dir: Path | None = None) -> None:
        self.folder = folder
        self.log_dir = log_dir or folder / "data"
        self.settings = dict(settings or {})
        self.host = "127.0.0.1"
        self.port = 0
        self._process: BrokerProcess | None = None

    @property
    def bootstrap(self) -> str:
        """``host:port`` for a client's bootstrap setting."""
        return f"{self.host}:{self.port}"

    @property
    def process(self) -> BrokerProcess:
        """The running (or last) process."""
        assert self._process is not None, "the node was never started"
        return self._process

    @property
    def running(self) -> bool:
        """Whether there is a process and it has not ended."""
        return self._process is not None and self._process.exit_code is None

    def _command(self) -> list[str]:
        own: Settings = {"listeners": f"PLAINTEXT://127.0.0.1:{self.port}", "log.dirs": str(self.log_dir)}
        return ottla_serve_command({**own, **self.settings})

    def _environment(self) -> dict[str, str]:
        return ottla_environment()

    def _ready(self) -> bool:
        address = ready_address(self.process.stdout)
        if address is not None:
            self.host, self.port = address
        return address is not None

    def start(self, *, timeout_s: float = READY_TIMEOUT_S) -> "Node":
        """Start the process and wait until it is usable."""
        assert not self.running
        self._process = BrokerProcess(self._command(), folder=self.folder, environment=self._environment())
        deadline = time.monotonic() + timeout_s * target.slow_factor()
        while not self._ready():
            code = self._process.exit_code
            if code is not None:
                raise AssertionError(f"the node ended with {code} instead of getting ready\n{self._process.tail()}")
            if time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError(f"the node was not ready within {timeout_s} s\n{self._process.tail()}")
            time.sleep(0.005)
        return self

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S, number: signal.Signals = signal.SIGTERM) -> int:
        """SIGTERM (or ``number``), and the exit code; fails if it takes longer than ``timeout_s``."""
        self.process.send_signal(number)
        return self.process.wait(timeout_s * target.slow_factor())

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def restart(self, *, kill: bool = False) -> None:
        """Stop (or kill -9) and start again on the same folder and port."""
        if kill:
            self.kill()
        else:
            self.stop()
        self.start()

    def close(self) -> None:
        """End the process, however; for teardown."""
        if self._process is not None:
            self._process.kill_group()

    def connect(self, *, timeout_s: float = 10.0) -> Connection:
        """A raw connection to the node."""
        return Connection(self.host, self.port, timeout_s=timeout_s * target.slow_factor())


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class KafkaNode(Node):
    """Apache Kafka itself, one combined broker and controller."""

    kind = "kafka"
    HEAP = ("-Xmx512m", "-Xms96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")

    def __init__(
        self,
        folder: Path,
        settings: Settings | None = None,
        *,
        log_dir: Path | None = None,
        template: Path | None = None,
    ) -> None:
        super().__init__(folder, settings, log_dir=log_dir)
        self.port = free_port()
        self._controller_port = free_port()
        self._template = template

    def _java(self, main: str, *arguments: str) -> list[str]:
        libs = target.kafka_libs()
        assert libs is not None, "Apache Kafka's jars are missing"
        return ["java", *self.HEAP, "-cp", f"{libs}/*", main, *arguments]

    def _properties(self) -> Path:
        mine: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.log_dir,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 5,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
        }
        known = {key: value for key, value in self.settings.items() if not key.startswith("ottla.")}
        path = self.folder / "server.properties"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{key}={value}\n" for key, value in {**mine, **known}.items()))
        return path

    def _format(self, properties: Path) -> None:
        if (self.log_dir / "meta.properties").exists():
            return
        template = self._template
        if template is not None and template.exists():
            shutil.copytree(template, self.log_dir, dirs_exist_ok=True)
            return
        uuid = "5L6g3nShT-eMCtK--X86sw"
        command = self._java("kafka.tools.StorageTool", "format", "-t", uuid, "-c", str(properties))
        formatter = BrokerProcess(command, folder=self.folder)
        assert formatter.wait(60) == 0, formatter.tail()
        if template is not None:
            shutil.copytree(self.log_dir, template, dirs_exist_ok=True)

    def _command(self) -> list[str]:
        properties = self._properties()
        self._format(properties)
        return self._java("kafka.Kafka", str(properties))

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _ready(self) -> bool:
        try:
            with Connection(self.host, self.port, timeout_s=2) as connection:
                answer = connection.call("Metadata", 1, {"topics": []})
        except (OSError, ConnectionClosedError):
            return False
        return bool(answer["brokers"])

    def start(self, *, timeout_s: float = 30.0) -> "Node":
        """Start the JVM and wait until the broker shows itself in its metadata."""
        return super().start(timeout_s=timeout_s)

    def stop(self, *, timeout_s: float = 30.0, number: signal.Signals = signal.SIGTERM) -> int:
        """SIGTERM; the JVM answers with 143, which counts as a clean exit."""
        code = super().stop(timeout_s=timeout_s, number=number)
        return 0 if code in (128 + number, -number) else code


class ExternalNode(Node):
    """A broker that somebody else runs: it can be talked to, not restarted."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(Path("/nonexistent"))
        self.kind = target.name()
        host, _, port = bootstrap.rpartition(":")
        self.host, self.port = host, int(port)

    @property
    def process(self) -> BrokerProcess:
        """There is none: the test is skipped."""
        pytest.skip("needs a broker that the tests started themselves")

    @property
    def running(self) -> bool:
        """Taken for granted."""
        return True

    def restart(self, *, kill: bool = False) -> None:
        """Cannot be done from here."""
        pytest.skip("needs a broker that the tests can restart")

    def close(self) -> None:
        """Leave it alone."""


def wait_until_answers(node: Node) -> None:
    """Wait until the node takes connections and answers Metadata."""

    def probe() -> bool:
        try:
            with node.connect(timeout_s=2) as connection:
                return bool(connection.call("Metadata", 1, {"topics": []})["brokers"])
        except (OSError, ConnectionClosedError):
            return False

    eventually(probe, "the node answers")
