"""Records for the cases, in the protocol's JSON and as the reference has them."""

import base64
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from compat.driver import Json
from compat.reference import Stored
from tests.harness.batches import Entry

Headers = tuple[tuple[str, bytes | None], ...]


def b64(data: bytes | None) -> str | None:
    """Bytes for the protocol."""
    return None if data is None else base64.b64encode(data).decode()


def unb64(text: str | None) -> bytes | None:
    """The bytes back."""
    return None if text is None else base64.b64decode(text)


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A record to write, and to find again. A ``timestamp`` of None is any."""

    key: bytes | None = None
    value: bytes | None = b""
    headers: Headers = ()
    timestamp: int | None = None
    partition: int | None = 0

    def json(self) -> Json:
        """For ``produce``."""
        return {
            "key": b64(self.key),
            "value": b64(self.value),
            "headers": [[name, b64(data)] for name, data in self.headers],
            "partition": self.partition,
            "timestamp": self.timestamp,
        }

    def entry(self) -> Entry:
        """For the reference writer."""
        return Entry(key=self.key, value=self.value, headers=self.headers, timestamp=self.timestamp)


@dataclass(frozen=True, kw_only=True)
class Read:
    """A record as a client handed it out."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers


def parsed(rows: Iterable[Json]) -> list[Read]:
    """The ``records`` of an answer."""
    return [
        Read(
            topic=row["topic"],
            partition=row["partition"],
            offset=row["offset"],
            timestamp=row.get("timestamp"),
            key=unb64(row.get("key")),
            value=unb64(row.get("value")),
            headers=tuple((name, unb64(data)) for name, data in row.get("headers") or []),
        )
        for row in rows
    ]


def numbered(start: int, end: int, *, partitions: int = 1, size_bytes: int = 0, prefix: str = "") -> list[Wanted]:
    """Records whose values begin with distinct numbers, going round the partitions."""
    return [
        Wanted(
            key=b"key-%d" % (number % 7),
            value=f"{prefix}{number}".encode().ljust(size_bytes, b"."),
            partition=number % partitions,
        )
        for number in range(start, end)
    ]


def number_of(record: Read | Stored) -> int:
    """The number in a value."""
    return int((record.value or b"").rstrip(b"."))


def numbers(records: Iterable[Read | Stored]) -> list[int]:
    """The numbers in the values."""
    return [number_of(record) for record in records]


def shown(data: Any) -> str:
    """Bytes for a message, cut short."""
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}... ({len(data)} bytes)"


def check_same(found: Sequence[Read | Stored], wanted: Sequence[Wanted], who: str) -> None:
    """Every field of every record is as it was written, in order."""
    assert len(found) == len(wanted), f"{who} found {len(found)} of {len(wanted)} records"
    for number, (record, want) in enumerate(zip(found, wanted, strict=True)):
        for name in ("key", "value", "headers", "timestamp"):
            have, should = getattr(record, name), getattr(want, name)
            if name == "timestamp" and should is None:
                continue
            assert have == should, f"{who}: record {number} has {name} {shown(have)}, not {shown(should)}"
