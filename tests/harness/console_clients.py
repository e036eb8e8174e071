"""Kafka's console tools, run as a user runs them."""

import itertools
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.harness import target
from tests.harness.clients import Record


class ToolMember:
    """A console consumer whose lines are records."""

    def __init__(self, command: list[str], log: Path, parse: Any) -> None:
        self._parse = parse
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._log = log
        with log.open("wb") as err:
            self._popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._lines.put(line)

    def take(self) -> list[Record]:
        found: list[Record] = []
        while True:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return found
            record = self._parse(line)
            if record is not None:
                found.append(record)

    def _end(self) -> None:
        self._popen.wait()
        self._reader.join(5)
        assert self._popen.stdout is not None
        self._popen.stdout.close()

    def leave(self) -> list[Record]:
        self._popen.terminate()
        try:
            self._popen.wait(30)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            raise AssertionError(f"{self._popen.args!r} does not end\n{self._log.read_text()}") from None
        finally:
            self._end()
        return self.take()

    def crash(self) -> None:
        self._popen.kill()
        self._end()


def run_tool(command: Sequence[str], *, input: bytes | None = None, timeout_s: float = 60, check: bool = True) -> bytes:
    """Run a console tool to its end and return what it printed; its complaint becomes the failure's message."""
    done = subprocess.run(command, input=input, capture_output=True, timeout=timeout_s)
    if check:
        assert done.returncode == 0, (
            f"{' '.join(command[-12:])}: {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}"
        )
    return done.stdout


class JavaTools:
    """Kafka's own console producer, consumer and command-line tools."""

    name = "java"
    JVM = ("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._bootstrap = bootstrap
        self._folder = folder
        self._count = itertools.count(1)
        self._members: list[ToolMember] = []

    def command(self, main: str, *arguments: str) -> list[str]:
        """A tool's command line, short names standing for ``org.apache.kafka.tools``."""
        name = main if main.startswith(("kafka.", "org.")) else f"org.apache.kafka.tools.{main}"
        return ["java", *self.JVM, "-cp", f"{target.kafka_libs()}/*", name, *arguments]

    def run(
        self, main: str, *arguments: str, input: bytes | None = None, check: bool = True, timeout_s: float = 60
    ) -> str:
        """Run a tool against the broker and return what it printed."""
        command = self.command(main, "--bootstrap-server", self._bootstrap, *arguments)
        return run_tool(command, input=input, check=check, timeout_s=timeout_s).decode()

    def create_topic(self, topic: str, partitions: int) -> None:
        self.run("TopicCommand", "--create", "--topic", topic, "--partitions", str(partitions))

    def produce(self, topic: str, records: Sequence[Record], *, codec: str = "none", idempotence: bool = False) -> None:
        """Headers, key and value in one line, NULL for null."""

        def field(data: bytes | None) -> bytes:
            return b"NULL" if data is None else data

        lines = [
            (b",".join(name.encode() + b":" + field(data) for name, data in each.headers) or b"NULL")
            + b"\t"
            + field(each.key)
            + b"\t"
            + field(each.value)
            for each in records
        ]
        reader = ["parse.headers=true", "parse.key=true", "key.separator=\t", "null.marker=NULL"]
        flags = [part for each in reader for part in ("--reader-property", each)]
        settings = ["linger.ms=20", f"enable.idempotence={str(idempotence).lower()}", "acks=all"]
        flags += [part for each in settings for part in ("--command-property", each)]
        self.run(
            "ConsoleProducer", "--topic", topic, "--compression-codec", codec, *flags, input=b"\n".join(lines) + b"\n"
        )

    FORMAT = ("timestamp", "partition", "offset", "headers", "key", "value")

    def _consumer_flags(self, topic: str) -> list[str]:
        shown = [f"print.{name}=true" for name in self.FORMAT]
        shown += ["key.separator=\t", "null.literal=NULL"]
        return [
            "--topic",
            topic,
            "--from-beginning",
            *(part for each in shown for part in ("--formatter-property", each)),
        ]

    @staticmethod
    def parse(line: bytes) -> Record | None:
        """A line of the default formatter with everything printed."""
        parts = line.rstrip(b"\n").split(b"\t")
        if len(parts) != 6:
            return None
        stamp, partition, offset, headers, key, value = parts
        pairs: list[tuple[str, bytes | None]] = []
        if headers != b"NO_HEADERS":
            for pair in headers.split(b","):
                name, _, data = pair.partition(b":")
                pairs.append((name.decode(), None if data == b"NULL" else data))
        return Record(
            key=None if key == b"NULL" else key,
            value=None if value == b"NULL" else value,
            headers=tuple(pairs),
            timestamp=int(stamp.split(b":")[1]),
            partition=int(partition.split(b":")[1]),
            offset=int(offset.split(b":")[1]),
        )

    def read(self, topic: str, partitions: int, count: int, *, timeout_s: float = 20) -> list[Record]:
        del partitions
        limit = ["--max-messages", str(count), "--timeout-ms", str(int(timeout_s * 1000))]
        out = self.run("consumer.ConsoleConsumer", *self._consumer_flags(topic), *limit)
        return [record for line in out.encode().splitlines() if (record := self.parse(line)) is not None]

    def join(self, topic: str, group: str, **options: Any) -> ToolMember:
        settings = {
            "session.timeout.ms": options.get("session_timeout_ms", 10_000),
            "heartbeat.interval.ms": 500,
            "metadata.max.age.ms": 2000,
        }
        flags = [part for key, value in settings.items() for part in ("--command-property", f"{key}={value}")]
        command = self.command(
            "consumer.ConsoleConsumer",
            "--bootstrap-server",
            self._bootstrap,
            "--group",
            group,
            *flags,
            *self._consumer_flags(topic),
        )
        member = ToolMember(command, self._folder / f"java-{next(self._count)}.log", self.parse)
        self._members.append(member)
        return member

    def close(self) -> None:
        for member in self._members:
            member.crash()
