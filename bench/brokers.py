"""The brokers that are measured: Ottla and Apache Kafka, each started as a user starts it, with default settings.

What is set is only what a node needs: where it listens, where its log is, and for Kafka the replication factors that
one node can fulfil. Kafka runs with the heap and the collector of its own start script.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from bench import processes
from bench.client import Client

ROOT = pathlib.Path(__file__).resolve().parent.parent
KAFKA_JARS = ROOT / ".kafka" / "libs"
#: From Kafka's bin/kafka-server-start.sh and kafka-run-class.sh.
KAFKA_JVM = (
    "-Xmx1G -Xms1G -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 "
    "-XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15 -Djava.awt.headless=true"
)
CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"
START_DEADLINE_SECONDS = 120


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Broker:
    """One broker on a folder of its own."""

    name = ""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.first_answer_seconds = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id."""
        assert self.process is not None
        return self.process.pid

    def command(self) -> list[str]:
        """Return the command line."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return the environment."""
        return dict(os.environ)

    def prepare(self) -> None:
        """Do what is needed once before the first start, outside of every measurement."""
        pathlib.Path(self.folder).mkdir(parents=True, exist_ok=True)

    def start(self) -> "Broker":
        """Start it; ``first_answer_seconds`` says how long it took from process start to a first Metadata answer."""
        self.prepare()
        with open(f"{self.folder}.log", "ab") as output:  # noqa: PTH123 - beside the folder, by its name
            begin = time.perf_counter()
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment()
            )
        while True:
            try:
                client = Client("127.0.0.1", self.port)
                answered = client.brokers() > 0
                client.close()
            except OSError:
                answered = False
            if answered:
                self.first_answer_seconds = time.perf_counter() - begin
                return self
            if self.process.poll() is not None or time.perf_counter() - begin > START_DEADLINE_SECONDS:
                tail = pathlib.Path(f"{self.folder}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.name} did not start:\n{tail}")
            time.sleep(0.002)

    def cpu_seconds(self) -> float:
        """CPU time used so far, children included."""
        return processes.cpu_seconds(self.pid)

    def resident_mb(self) -> float:
        """Resident memory, in MB (10^6 bytes), children included."""
        return processes.resident_mb(self.pid)

    def stop(self, how: int = signal.SIGTERM) -> float:
        """Stop it and return how many seconds that took."""
        assert self.process is not None
        begin = time.perf_counter()
        self.process.send_signal(how)
        self.process.wait(timeout=120)
        self.process = None
        return time.perf_counter() - begin

    def remove(self) -> None:
        """Stop it if it runs, and delete its folder."""
        if self.process is not None:
            self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Ottla(Broker):
    """``ottla serve``, from this checkout or from the sources of another."""

    name = "ottla"

    def __init__(self, folder: str, *settings: str, source: pathlib.Path = ROOT / "src") -> None:
        super().__init__(folder)
        self.settings = settings
        self.source = source

    def command(self) -> list[str]:
        """Return the command line."""
        arguments = [sys.executable, "-m", "ottla", "serve"]
        for setting in (f"log.dirs={self.folder}", f"listeners=PLAINTEXT://{self.bootstrap}", *self.settings):
            arguments += ["--set", setting]
        return arguments

    def environment(self) -> dict[str, str]:
        """Return the environment."""
        environment = os.environ | {"PYTHONPATH": str(self.source)}
        # An installed Ottla has its bytecode; a shell that forbids writing it would have every start compile anew.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return environment


class Kafka(Broker):
    """Apache Kafka as one node: broker and controller in one process."""

    name = "kafka"

    def __init__(self, folder: str, jars: pathlib.Path = KAFKA_JARS) -> None:
        super().__init__(folder)
        self.controller_port = free_port()
        self.jars = jars

    def prepare(self) -> None:
        """Write the settings and format the folder."""
        folder = pathlib.Path(self.folder)
        settings = folder / "server.properties"
        if settings.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            f"""node.id=1
process.roles=broker,controller
controller.quorum.voters=1@127.0.0.1:{self.controller_port}
listeners=PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self.controller_port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""
        )
        done = subprocess.run(
            [*java(self.jars), "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(settings)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's folder could not be formatted:\n{done.stdout}{done.stderr}")

    def command(self) -> list[str]:
        """Return the command line."""
        return [*java(self.jars, KAFKA_JVM), "kafka.Kafka", f"{self.folder}/server.properties"]


def java(jars: pathlib.Path = KAFKA_JARS, options: str = "") -> list[str]:
    """Return the beginning of a command line that runs one of Kafka's classes."""
    return ["java", *options.split(), "-cp", f"{jars}/*"]
