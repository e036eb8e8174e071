"""The loop of a Python driver (the protocol: ``compat/README.md``), and what an adapter of a library has to have.

Between requests the group member is polled, so that a rebalance never waits for the runner; what comes is kept until
``poll`` asks for it.
"""

import base64
import contextlib
import json
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]
Place = tuple[str, int]

POLL_S = 0.05


class NotSupportedError(Exception):
    """The client has no such thing."""


class BrokerError(Exception):
    """The broker refused something with ``code`` and the client only returned it."""

    def __init__(self, code: int, message: object = "") -> None:
        super().__init__(f"error {code} {message or ''}".strip())
        self.errno = code


def to_text(data: bytes | None) -> str | None:
    """Bytes for JSON."""
    return None if data is None else base64.b64encode(data).decode()


def to_bytes(text: str | None) -> bytes | None:
    """The bytes back."""
    return None if text is None else base64.b64decode(text)


def record_json(
    *,
    topic: str,
    partition: int,
    offset: int,
    timestamp: int | None,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
) -> Json:
    """A consumed record for JSON."""
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": to_text(key),
        "value": to_text(value),
        "headers": [[name, to_text(data)] for name, data in headers],
    }


def message_record(message: Any) -> Json:
    """A ConsumerRecord of kafka-python or aiokafka."""
    return record_json(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        key=message.key,
        value=message.value,
        headers=list(message.headers or []),
    )


def paced(records: Sequence[Json], per_second: float | None) -> Iterator[tuple[Json, float]]:
    """The records, each with the seconds to wait before it is handed to the client."""
    started = time.monotonic()
    for number, record in enumerate(records):
        wait = 0.0 if per_second is None else started + number / per_second - time.monotonic()
        yield record, max(0.0, wait)


class Adapter:
    """One client library. An operation ``x`` is the method ``do_x``; its answer is what stands under ``ok``.

    ``timeout_s`` is an attribute: how long the current operation may take.
    """

    client = ""
    version = ""

    def __init__(self) -> None:
        self.bootstrap = ""
        self.timeout_s = 20.0

    # A group member: these six, used by the loop.

    def join(self, group: str, topics: list[str], strategy: str, instance_id: str | None, session_ms: int) -> None:
        """Become a member."""
        raise NotSupportedError("no consumer groups")

    def member_poll(self, timeout_s: float) -> list[Json]:
        """Records for the member, and whatever else a poll does."""
        raise NotImplementedError

    def assignment(self) -> list[Place]:
        """What the member has now."""
        raise NotImplementedError

    def rebalances(self) -> int | None:
        """How many assignments the member got."""
        return None

    def commit(self, offsets: dict[Place, int]) -> None:
        """Commit these next offsets and wait for it."""
        raise NotImplementedError

    def committed(self, topic: str, partition: int) -> int | None:
        """As the member is told."""
        raise NotImplementedError

    def leave(self) -> None:
        """Leave the group."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open."""


class Loop:
    """Serves requests from stdin and keeps the group member polling."""

    def __init__(self, adapter: Adapter, *, commits: str = "asked") -> None:
        self._adapter = adapter
        self._commits = commits
        self._requests: queue.Queue[str | None] = queue.Queue()
        self._records: list[Json] = []
        self._positions: dict[Place, int] = {}
        self._member = False

    def run(self) -> None:
        """Until stdin ends."""
        threading.Thread(target=self._read, daemon=True).start()
        hello = {"client": self._adapter.client, "version": self._adapter.version, "ready": True}
        print(json.dumps(hello | {"commits": self._commits}), flush=True)
        while True:
            try:
                line = self._requests.get(timeout=0 if self._member else None)
            except queue.Empty:
                self._background()
                continue
            if line is None:
                break
            print(json.dumps(self._answer(json.loads(line))), flush=True)
        self._adapter.close()

    def _read(self) -> None:
        for line in sys.stdin:
            self._requests.put(line)
        self._requests.put(None)

    def _background(self) -> None:
        try:
            self._records += self._adapter.member_poll(POLL_S)
        except Exception as error:
            # Whoever writes a consumer catches what comes of a broker that is away, and polls again.
            print(f"poll failed: {error!r}", file=sys.stderr, flush=True)
            time.sleep(POLL_S)

    def _answer(self, request: Json) -> Json:
        number = request.pop("id")
        try:
            return {"id": number, "ok": self._call(**request) or {}}
        except NotSupportedError as why:
            return {"id": number, "none": str(why)}
        except Exception as error:
            traceback.print_exc()
            return {"id": number, "error": f"{type(error).__name__}: {error}", "code": _code(error)}

    def _call(self, do: str, bootstrap: str, timeout_ms: int, **arguments: Any) -> Json | None:
        adapter = self._adapter
        adapter.bootstrap = bootstrap
        adapter.timeout_s = timeout_ms / 1000
        own = getattr(self, f"_do_{do}", None) or getattr(adapter, f"do_{do}", None)
        if own is None:
            raise NotSupportedError(f"{adapter.client} has no {do.replace('_', ' ')}")
        found: Json | None = own(**arguments)
        return found

    def _do_join(
        self,
        group: str,
        topics: list[str],
        strategy: str = "range",
        instance_id: str | None = None,
        session_timeout_ms: int = 10_000,
    ) -> None:
        self._adapter.join(group, topics, strategy, instance_id, session_timeout_ms)
        self._member = True

    def _do_assignment(self) -> Json:
        return {"partitions": self._adapter.assignment(), "rebalances": self._adapter.rebalances()}

    def _do_poll(self, wait_ms: int, max: int = 500) -> Json:
        deadline = time.monotonic() + wait_ms / 1000
        while True:
            if not self._records:
                self._background()
            if self._commits == "asked":
                self._drop_revoked()
            if self._records or time.monotonic() > deadline:
                break
        found, self._records = self._records[:max], self._records[max:]
        for each in found:
            self._positions[each["topic"], each["partition"]] = each["offset"] + 1
        return {"records": found}

    def _drop_revoked(self) -> None:
        assigned = {tuple(place) for place in self._adapter.assignment()}
        self._records = [each for each in self._records if (each["topic"], each["partition"]) in assigned]

    def _do_commit(self) -> Json:
        assigned = {tuple(place) for place in self._adapter.assignment()}
        wanted = {place: offset for place, offset in self._positions.items() if place in assigned}
        if wanted:
            self._adapter.commit(wanted)
        return {"offsets": [[topic, partition, offset] for (topic, partition), offset in wanted.items()]}

    def _do_committed(self, topic: str, partition: int) -> Json:
        return {"offset": self._adapter.committed(topic, partition)}

    def _do_leave(self) -> None:
        self._member = False
        with contextlib.suppress(BrokenPipeError):
            self._adapter.leave()


def _code(error: Exception) -> int | None:
    code = getattr(error, "errno", None)
    inner: Any = error.args[0] if error.args else None
    if hasattr(inner, "code"):
        code = inner.code()
    return code if isinstance(code, int) else None
