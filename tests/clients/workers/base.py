"""What a worker process does with one client library, whichever it is.

A worker reads one JSON object a line from stdin (``{"op": name, "args": {...}}``) and answers with one
(``{"result": ...}`` or ``{"error": {"type", "code", "message", "unsupported"}}``). Between requests it polls the group
member it holds, so that a rebalance never waits for the test. Bytes travel as base64.
"""

import base64
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


class NotSupportedError(Exception):
    """The client has no such call."""


class BrokerError(Exception):
    """The broker refused something with ``code`` and the client only returned it."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(f"{code} {message}")
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


class Adapter(ABC):
    """One client library. Calls come from one thread."""

    @abstractmethod
    def produce(self, topic: str, records: list[Json], codec: str, options: Json) -> list[list[int]]:
        """Send, wait for every acknowledgement, and return ``[partition, offset]`` for each record."""

    @abstractmethod
    def read(self, topic: str, partitions: list[int], count: int, timeout_s: float) -> list[Json]:
        """Assign the partitions, start at the beginning, return ``count`` records or as many as come in time."""

    @abstractmethod
    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int | None:
        """Offset of the first record of that time or later; None when there is none."""

    @abstractmethod
    def read_from_time(self, topic: str, partition: int, timestamp: int, count: int, timeout_s: float) -> list[Json]:
        """Seek by time, then read."""

    @abstractmethod
    def join(self, topic: str, group: str, options: Json) -> None:
        """Become a member of a group; ``options``: strategy, instance_id, session_timeout_ms."""

    @abstractmethod
    def poll(self, timeout_s: float) -> list[Json]:
        """Records of the member that :meth:`join` made."""

    @abstractmethod
    def assignment(self) -> list[list[Any]]:
        """``[topic, partition]`` for each partition of the member."""

    @abstractmethod
    def commit(self) -> None:
        """Commit the member's positions and wait for it."""

    @abstractmethod
    def leave(self) -> None:
        """Leave the group and close the consumer."""

    def admin(self, call: str, args: Json) -> Any:
        """An administrative call by name."""
        method = getattr(self, f"admin_{call}", None)
        if method is None:
            raise NotSupportedError(call)
        return method(**args)

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""
