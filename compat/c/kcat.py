"""kcat as a driver: each operation is one run of the tool; a group member is a run that goes on.

Consumed records come as JSON lines, in which kcat escapes control characters and leaves all other bytes as they are:
read as latin-1 they are any bytes at all. kcat commits on its own, what it has printed (``commits``: ``auto``).
"""

import ctypes
import itertools
import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from compat.python.loop import Adapter, Json, Loop, NotSupportedError, Place, paced, record_json, to_bytes

END = b"<|end|>"
KEY = b"<|key|>"
COMMIT_S = 5.3
"""A little over auto.commit.interval.ms, which kcat cannot change: it sets the topic's property of that name."""
PR_SET_PDEATHSIG = 1
CODES = {"Unknown topic or partition": 3, "Message size too large": 10}


def die_with_parent() -> None:
    """In the child: end when the driver is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class ToolError(Exception):
    """What kcat complained about."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.errno = next((code for text, code in CODES.items() if text in message), None)


def parsed(line: bytes) -> Json:
    """A line of ``-J``."""
    item = json.loads(line.decode("latin-1"))
    flat = item.get("headers") or []

    def raw(text: str | None) -> bytes | None:
        return None if text is None else text.encode("latin-1")

    return record_json(
        topic=item["topic"],
        partition=item["partition"],
        offset=item["offset"],
        timestamp=item["ts"],
        key=raw(item["key"]),
        value=raw(item["payload"]),
        headers=[
            (name.encode("latin-1").decode("utf-8", "replace"), raw(data))
            for name, data in zip(flat[::2], flat[1::2], strict=True)
        ],
    )


def header_argument(name: str, data: str | None) -> bytes:
    """A header for ``-H``."""
    value = to_bytes(data)
    if value is None:
        return name.encode()
    if b"\0" in value:
        raise NotSupportedError("headers are given on the command line, which cannot hold a zero byte")
    return name.encode() + b"=" + value


class Kcat(Adapter):
    """The tool of the system."""

    client = "kcat"

    def __init__(self) -> None:
        super().__init__()
        shown = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"Version ([\d.]+).*librdkafka ([\d.]+)", shown)
        self.version = f"{found[1]}, librdkafka {found[2]}" if found else "?"
        self._member: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._assigned: set[Place] = set()
        self._rebalances = 0

    def _kcat(self, *arguments: str | bytes, settings: Json | None = None) -> list[str | bytes]:
        named = {"client.id": "compat", "reconnect.backoff.max.ms": 1000, **(settings or {})}
        flags = [part for name, value in named.items() for part in ("-X", f"{name}={value}")]
        return ["kcat", "-b", self.bootstrap, *flags, *arguments]

    def _run(self, command: Sequence[str | bytes], data: bytes = b"") -> bytes:
        try:
            done = subprocess.run(command, input=data, capture_output=True, timeout=self.timeout_s, check=False)
        except subprocess.TimeoutExpired:
            raise TimeoutError("kcat does not end") from None
        if done.returncode != 0:
            raise ToolError(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout

    # Producing: one run for records that differ only in key and value.

    def do_produce(
        self,
        topic: str,
        records: list[Json],
        codec: str = "none",
        acks: int = -1,
        idempotent: bool = False,
        per_second: float | None = None,
    ) -> Json:
        """Through stdin; kcat tells no offsets."""
        if any(record["timestamp"] is not None for record in records):
            raise NotSupportedError("kcat has no timestamps of one's own")
        if any(record["key"] is None and not record["value"] for record in records):
            raise NotSupportedError("kcat leaves out empty messages without a key")
        settings = {"acks": acks, "enable.idempotence": str(idempotent).lower(), "message.max.bytes": 4 << 20}
        for (headers, partition, null), group in itertools.groupby(records, key=self._kind):
            flags = ["-H" if at % 2 == 0 else headers[at // 2] for at in range(2 * len(headers))]
            flags += ["-Z"] if null else []
            flags += [] if partition is None else ["-p", str(partition)]
            command = self._kcat("-P", "-E", "-t", topic, "-z", codec, "-D", END, "-K", KEY, *flags, settings=settings)
            self._feed(command, list(group), per_second)
        return {"offsets": [None for _ in records]}

    @staticmethod
    def _kind(record: Json) -> tuple[tuple[bytes, ...], int | None, bool]:
        headers = tuple(header_argument(name, data) for name, data in record["headers"])
        return headers, record["partition"], record["value"] is None

    def _feed(self, command: Sequence[str | bytes], records: list[Json], per_second: float | None) -> None:
        deadline = time.monotonic() + self.timeout_s
        lines = []
        for record in records:
            key, value = to_bytes(record["key"]), to_bytes(record["value"]) or b""
            lines.append((value if key is None else key + KEY + value) + END)
        if per_second is None:
            self._run(command, b"".join(lines))
            return
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as popen:
            assert popen.stdin is not None
            for (_, wait_s), line in zip(paced(records, per_second), lines, strict=True):
                time.sleep(wait_s)
                popen.stdin.write(line)
            try:
                _, complaint = popen.communicate(timeout=deadline - time.monotonic())
            except subprocess.TimeoutExpired:
                popen.kill()
                raise TimeoutError("kcat does not end") from None
        if popen.returncode != 0:
            raise ToolError(complaint.decode("utf-8", "replace").strip())

    # Reading one partition.

    def do_consume(self, topic: str, partition: int, start: Any, count: int) -> Json:
        """Until there are ``count``, or the time is over."""
        where = f"s@{start['time']}" if isinstance(start, dict) else str(start)
        place = ["-t", topic, "-p", str(partition), "-o", where]
        command = self._kcat("-C", "-J", "-u", "-q", "-E", "-c", str(count), *place)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as popen:
            try:
                out, complaint = popen.communicate(timeout=self.timeout_s)
            except subprocess.TimeoutExpired:
                popen.kill()
                out, complaint = popen.communicate()
        if popen.returncode not in (0, -signal.SIGKILL):
            raise ToolError(complaint.decode("utf-8", "replace").strip())
        return {"records": [parsed(line) for line in out.splitlines() if line.endswith(b"}")][:count]}

    def _query(self, topic: str, partition: int, time: int) -> int:
        out = self._run(self._kcat("-Q", "-t", f"{topic}:{partition}:{time}")).decode()
        return int(out.split()[-1])

    def do_offset_for_time(self, topic: str, partition: int, time: int) -> Json:
        """With ``-Q``."""
        offset = self._query(topic, partition, time)
        return {"offset": offset if offset >= 0 else None}

    def do_watermarks(self, topic: str, partition: int) -> Json:
        """With ``-Q``."""
        return {"beginning": self._query(topic, partition, -2), "end": self._query(topic, partition, -1)}

    # A member: a run that goes on; its complaints tell of rebalances.

    def join(self, group: str, topics: list[str], strategy: str, instance_id: str | None, session_ms: int) -> None:
        """``-G``."""
        if strategy == "sticky":
            raise NotSupportedError("librdkafka has range, roundrobin and cooperative-sticky")
        settings: Json = {
            "auto.offset.reset": "earliest",
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": 500,
            "topic.metadata.refresh.interval.ms": 2000,
            "partition.assignment.strategy": strategy,
        }
        if instance_id:
            settings["group.instance.id"] = instance_id
        command = self._kcat("-G", group, "-E", "-J", "-u", *topics, settings=settings)
        self._member = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # The driver has one thread when it starts a member, and is Linux only, as kcat's package is.
            preexec_fn=die_with_parent,
        )
        threading.Thread(target=self._read, args=[self._member.stdout], daemon=True).start()
        threading.Thread(target=self._watch, args=[self._member.stderr], daemon=True).start()

    def _read(self, out: Any) -> None:
        for line in out:
            self._lines.put(line)

    def _watch(self, err: Any) -> None:
        for raw in err:
            line = raw.decode("utf-8", "replace")
            print(line, end="", file=sys.stderr, flush=True)
            found = re.search(r"rebalanced.*?(assigned|revoked|assignment|revoke)\b.*?: ?([^:]*)$", line)
            if not found:
                continue
            places = {(topic, int(index)) for topic, index in re.findall(r"(\S+) \[(\d+)\]", found[2])}
            if found[1].startswith("assign"):
                self._rebalances += 1
                self._assigned |= places
            else:
                self._assigned -= places

    def rebalances(self) -> int | None:
        """As its complaints tell."""
        return self._rebalances

    def member_poll(self, timeout_s: float) -> list[Json]:
        """What was printed."""
        found = []
        try:
            found.append(parsed(self._lines.get(timeout=timeout_s)))
            while True:
                found.append(parsed(self._lines.get_nowait()))
        except queue.Empty:
            return found

    def assignment(self) -> list[Place]:
        """As its complaints tell."""
        return sorted(self._assigned)

    def commit(self, offsets: dict[Place, int]) -> None:
        """kcat does it alone; wait until it has."""
        del offsets
        time.sleep(COMMIT_S)

    def committed(self, topic: str, partition: int) -> int | None:
        """Never told."""
        raise NotSupportedError("kcat does not tell committed offsets")

    def leave(self) -> None:
        """SIGTERM, which kcat takes as a wish to leave."""
        assert self._member is not None
        self._member.terminate()
        self._member.wait(self.timeout_s)

    def close(self) -> None:
        """End a member that was not asked to leave."""
        if self._member is not None and self._member.poll() is None:
            self._member.terminate()
            self._member.wait(5)

    # What -L tells.

    def _metadata(self, *arguments: str) -> Json:
        found: Json = json.loads(self._run(self._kcat("-L", "-J", *arguments)))
        return found

    def do_list_topics(self) -> Json:
        """Metadata of all."""
        return {"topics": [each["topic"] for each in self._metadata()["topics"]]}

    def do_describe_topic(self, topic: str) -> Json:
        """Metadata of one."""
        (found,) = self._metadata("-t", topic)["topics"]
        return {
            "partitions": [
                {
                    "partition": each["partition"],
                    "leader": each["leader"],
                    "replicas": [node["id"] for node in each["replicas"]],
                    "isr": [node["id"] for node in each["isrs"]],
                }
                for each in found["partitions"]
            ]
        }

    def do_describe_cluster(self) -> Json:
        """Metadata."""
        found = self._metadata()
        return {"controller": found["controllerid"], "brokers": [each["id"] for each in found["brokers"]]}


if __name__ == "__main__":
    Loop(Kcat(), commits="auto").run()
