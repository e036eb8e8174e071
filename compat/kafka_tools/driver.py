"""Kafka's command-line tools as a driver: each operation is one run of a tool; a group member is a run that goes on.

Records are written by ``kafka-console-producer`` and read by ``kafka-console-consumer``, a member is
``kafka-verifiable-consumer``, which tells of its assignments, and commits what it has printed.
"""

import json
import os
import queue
import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from compat.c.kcat import die_with_parent
from compat.kafka_tools.admin import AdminTools
from compat.kafka_tools.tool import ToolError
from compat.python.loop import Json, Loop, NotSupportedError, Place, paced, record_json, to_bytes

HEADERS, HEADER, NAME, KEY, FIELD, END, NULL = (f"<|{each}|>" for each in ("h", ",", ":", "k", "f", "end", "null"))
"""Separators that stand in no record of a case."""
STRATEGIES = {
    "range": "RangeAssignor",
    "roundrobin": "RoundRobinAssignor",
    "sticky": "StickyAssignor",
    "cooperative-sticky": "CooperativeStickyAssignor",
}


def flags(name: str, values: dict[str, object]) -> list[str]:
    """An option repeated for each ``key=value``."""
    return [part for key, value in values.items() for part in (name, f"{key}={value}")]


def line_of(record: Json) -> bytes:
    """A record as the console producer reads it."""
    parts = []
    for name, text in record["headers"]:
        data = to_bytes(text)
        parts.append(f"{name}{NAME}".encode() + (NULL.encode() if data is None else data))
    key, value = to_bytes(record["key"]), to_bytes(record["value"])
    line = HEADER.encode().join(parts) if parts else NULL.encode()
    line += HEADERS.encode() + (NULL.encode() if key is None else key)
    line += KEY.encode() + (NULL.encode() if value is None else value)
    try:
        line.decode()
    except UnicodeDecodeError:
        raise NotSupportedError("the console producer reads lines of text, not any bytes") from None
    if b"\n" in line or b"\r" in line:
        raise NotSupportedError("the console producer reads lines, which hold no line ends")
    return line + b"\n"


def record_of(topic: str, partition: int, text: bytes) -> Json:
    """A record as the console consumer printed it."""
    stamp, offset, headers, key, value = text.split(FIELD.encode(), 4)

    def data(part: bytes) -> bytes | None:
        return None if part == NULL.encode() else part

    pairs = []
    if headers != b"NO_HEADERS":
        for pair in headers.split(HEADER.encode()):
            name, _, rest = pair.partition(b":")
            pairs.append((name.decode(), data(rest)))
    return record_json(
        topic=topic,
        partition=partition,
        offset=int(offset.removeprefix(b"Offset:")),
        timestamp=int(stamp.split(b":")[1]),
        key=data(key),
        value=data(value),
        headers=pairs,
    )


class KafkaTools(AdminTools):
    """The tools of Apache Kafka."""

    client = "kafka-tools"

    def __init__(self) -> None:
        super().__init__()
        libs = Path(self.tools.command("TopicCommand")[-2].removesuffix("/*"))
        self.version = next(libs.glob("kafka-tools-[0-9]*.jar")).stem.removeprefix("kafka-tools-")
        self._member: subprocess.Popen[bytes] | None = None
        self._records: queue.Queue[Json] = queue.Queue()
        self._assigned: set[Place] = set()
        self._committed: dict[Place, int] = {}
        self._rebalances = 0

    # Console producer.

    def do_produce(
        self,
        topic: str,
        records: list[Json],
        codec: str = "none",
        acks: int = -1,
        idempotent: bool = False,
        per_second: float | None = None,
    ) -> Json:
        """All through one run; the producer's complaints come in its log, with an exit code of 0."""
        if any(record["timestamp"] is not None for record in records):
            raise NotSupportedError("the console producer sets no timestamps")
        if any(record["partition"] for record in records):
            raise NotSupportedError("the console producer chooses the partition")
        reader: dict[str, object] = {
            "parse.headers": "true",
            "headers.delimiter": HEADERS,
            "headers.separator": HEADER.replace("|", "[|]"),  # a regular expression
            "headers.key.separator": NAME,
            "parse.key": "true",
            "key.separator": KEY,
            "null.marker": NULL,
        }
        settings = {
            "client.id": "compat",
            "acks": acks,
            "enable.idempotence": str(idempotent).lower(),
            "max.request.size": 4 << 20,
            "metadata.max.age.ms": 2000,
            "reconnect.backoff.max.ms": 1000,
        }
        command = self.tools.command(
            "ConsoleProducer",
            *("--bootstrap-server", self.bootstrap, "--topic", topic, "--compression-codec", codec),
            *("--message-send-max-retries", "1000", "--timeout", "50"),
            *flags("--reader-property", reader),
            *flags("--command-property", settings),
        )
        self._feed(command, records, per_second)
        return {"offsets": [None for _ in records]}

    def _feed(self, command: list[str], records: list[Json], per_second: float | None) -> None:
        lines = [line_of(record) for record in records]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as popen:
            assert popen.stdin is not None
            deadline = time.monotonic() + self.timeout_s
            try:
                if per_second is not None:
                    for (_, wait_s), line in zip(paced(records, per_second), lines, strict=True):
                        time.sleep(wait_s)
                        popen.stdin.write(line)
                        popen.stdin.flush()
                    lines = []
                printed, _ = popen.communicate(b"".join(lines), timeout=deadline - time.monotonic())
            except subprocess.TimeoutExpired:
                popen.kill()
                raise TimeoutError("the console producer does not end") from None
        text = printed.decode("utf-8", "replace")
        if popen.returncode != 0 or re.search(r"\bERROR\b", text):
            raise ToolError(text)

    # Console consumer.

    def do_consume(self, topic: str, partition: int, start: Any, count: int) -> Json:
        """Until there are ``count``, or the time is over. By time: first ``kafka-get-offsets``."""
        offset = {"beginning": "earliest", "end": "latest"}.get(start, start) if isinstance(start, str) else start
        if isinstance(start, dict):
            found = self.offset_at(topic, partition, str(start["time"]))
            offset = "latest" if found is None else found
        shown = {f"print.{name}": "true" for name in ("timestamp", "offset", "headers", "key", "value")}
        separators = {"key.separator": FIELD, "headers.separator": HEADER, "line.separator": END, "null.literal": NULL}
        command = self.tools.command(
            "consumer.ConsoleConsumer",
            *("--bootstrap-server", self.bootstrap, "--topic", topic, "--partition", str(partition)),
            *("--offset", str(offset), "--max-messages", str(count)),
            *flags("--formatter-property", {**shown, **separators}),
            *flags("--command-property", {"client.id": "compat", "metadata.max.age.ms": 2000}),
        )
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as popen:
            try:
                out, complaint = popen.communicate(timeout=self.timeout_s)
            except subprocess.TimeoutExpired:
                popen.kill()
                out, complaint = popen.communicate()
            else:
                if popen.returncode != 0:
                    raise ToolError((out + complaint).decode("utf-8", "replace"))
        texts = out.split(END.encode())[:-1]
        return {"records": [record_of(topic, partition, text) for text in texts][:count]}

    # A member: the verifiable consumer, whose lines tell what happens.

    def join(
        self, group: str, topics: list[str], strategy: str | None, instance_id: str | None, session_ms: int
    ) -> None:
        """It has no option for the heartbeat's interval; a file has."""
        (topic,) = topics
        settings = {"client.id": "compat", "heartbeat.interval.ms": min(500, session_ms // 3)}
        settings |= {"metadata.max.age.ms": 2000, "reconnect.backoff.max.ms": 1000}
        with tempfile.NamedTemporaryFile("w", suffix=".properties", delete=False) as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())
        named = [] if instance_id is None else ["--group-instance-id", instance_id]
        assignor = "org.apache.kafka.clients.consumer." + STRATEGIES.get(strategy or "", "")
        chosen = [] if strategy is None else ["--assignment-strategy", assignor]
        command = self.tools.command(
            "VerifiableConsumer",
            *("--bootstrap-server", self.bootstrap, "--topic", topic, "--group-id", group, *named, "--verbose"),
            *("--session-timeout", str(session_ms), "--reset-policy", "earliest", "--command-config", file.name),
            *chosen,
        )
        self._member = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # The driver has one thread that runs Python then; on other systems than Linux the test cleans up.
            preexec_fn=die_with_parent if os.uname().sysname == "Linux" else None,
        )
        threading.Thread(target=self._watch, args=[self._member.stdout, file.name], daemon=True).start()

    def _watch(self, out: Any, settings: str) -> None:
        for line in out:
            if line.startswith(b"{"):
                self._event(json.loads(line))
        Path(settings).unlink(missing_ok=True)

    def _event(self, event: Json) -> None:
        places = {(each["topic"], each["partition"]) for each in event.get("partitions", ())}
        match event["name"]:
            case "record_data":
                self._records.put(_verbose(event))
            case "partitions_assigned":
                self._assigned |= places
                self._rebalances += 1
            case "partitions_revoked":
                self._assigned -= places
            case "offsets_committed" if event["success"]:
                for each in event["offsets"]:
                    self._committed[each["topic"], each["partition"]] = each["offset"]

    def rebalances(self) -> int | None:
        """As it tells."""
        return self._rebalances

    def member_poll(self, timeout_s: float) -> list[Json]:
        """What was printed."""
        found = []
        try:
            found.append(self._records.get(timeout=timeout_s))
            while True:
                found.append(self._records.get_nowait())
        except queue.Empty:
            return found

    def assignment(self) -> list[Place]:
        """As it tells."""
        return sorted(self._assigned)

    def commit(self, offsets: dict[Place, int]) -> None:
        """It commits what it has printed, alone; wait until it tells so."""
        deadline = time.monotonic() + self.timeout_s
        while any(self._committed.get(place, -1) < offset for place, offset in offsets.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"committed {self._committed}, not {offsets}")
            time.sleep(0.02)

    def committed(self, topic: str, partition: int) -> int | None:
        """Never told."""
        raise NotSupportedError("the verifiable consumer does not ask for committed offsets")

    def leave(self) -> None:
        """SIGTERM, on which it closes its consumer."""
        assert self._member is not None
        self._member.terminate()
        self._member.wait(self.timeout_s)

    def close(self) -> None:
        """End a member that was not asked to leave."""
        if self._member is not None and self._member.poll() is None:
            self._member.terminate()
            self._member.wait(8)


def _verbose(event: Json) -> Json:
    def data(text: str | None) -> bytes | None:
        return None if text is None else text.encode()

    return record_json(
        topic=event["topic"],
        partition=event["partition"],
        offset=event["offset"],
        timestamp=None,
        key=data(event["key"]),
        value=data(event["value"]),
        headers=[],
    )


if __name__ == "__main__":
    Loop(KafkaTools(), commits="auto").run()
