"""The interface that all clients under test have, and their records.

The compatibility table's drivers implement it in ``library_client``, Kafka's console tools in ``console_clients``;
``client_list`` makes them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.harness.waiting import eventually


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as a client sends or gets it; offset and timestamp are known of what was read."""

    key: bytes | None = None
    value: bytes | None = b""
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    partition: int | None = None
    offset: int | None = None


class Member(Protocol):
    """A consumer in a group."""

    def take(self) -> list[Record]:
        """What came since the last call."""

    def leave(self) -> list[Record]:
        """Commit what was taken or returned here, leave the group, end."""

    def crash(self) -> None:
        """kill -9."""


class Client(Protocol):
    """One client library or tool."""

    name: str

    def create_topic(self, topic: str, partitions: int) -> None:
        """Create a topic in the client's own way."""

    def produce(self, topic: str, records: Sequence[Record], *, codec: str = "none", idempotence: bool = False) -> None:
        """Send and wait for the acknowledgements."""

    def read(self, topic: str, partitions: int, count: int, *, timeout_s: float = 20) -> list[Record]:
        """Records from the start of every partition, until there are ``count``."""

    def join(self, topic: str, group: str, **options: Any) -> Member:
        """A member of a group that reads a topic from its start."""

    def close(self) -> None:
        """End the client's processes."""


def collect(members: Sequence[Member], wanted: Collection[int], *, timeout_s: float = 30) -> list[list[Record]]:
    """Take from all members until every wanted number was a value at least once; what each got."""
    found: list[list[Record]] = [[] for _ in members]

    def missing() -> set[int]:
        for records, member in zip(found, members, strict=True):
            records += member.take()
        return set(wanted) - {int(record.value or b"") for records in found for record in records}

    eventually(missing, "the wanted records", timeout_s=timeout_s, interval_s=0.1, accept=lambda missing: not missing)
    return found


def numbered(start: int, end: int, *, keys: int = 10) -> Iterator[Record]:
    """Records with distinct values and a few keys."""
    for number in range(start, end):
        yield Record(key=b"key-%d" % (number % keys), value=b"%d" % number)
