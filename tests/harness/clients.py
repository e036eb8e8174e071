"""The interface that all clients under test have, and their records.

Python libraries implement it in ``library_client``, kcat and Kafka's console tools in ``console_clients``;
``client_list`` names them all.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.harness.waiting import eventually

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as a client sends or gets it; offset and timestamp are known of what was read."""

    key: bytes | None = None
    value: bytes | None = b""
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    partition: int | None = None
    offset: int | None = None

    def content(self) -> tuple[bytes | None, bytes | None]:
        """Key and value."""
        return self.key, self.value


class ClientError(Exception):
    """What a client reported; ``code`` is Kafka's error code where the client tells it."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['type']} (code {error['code']}): {error['message']}")
        self.code: int | None = error["code"]


class Member(Protocol):
    """A consumer in a group."""

    def take(self) -> list[Record]:
        """What came since the last call."""

    def leave(self) -> list[Record]:
        """Commit what was taken or returned here, leave the group, end."""

    def crash(self) -> None:
        """kill -9."""


class Client(Protocol):
    """One client library or tool. ``features`` names what it can do (see ``ALL_FEATURES``)."""

    name: str
    features: frozenset[str]

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


ALL_FEATURES = frozenset(
    {
        "admin",  # administrative calls
        "binary",  # any bytes, newlines and tabs among them
        "cooperative",  # the cooperative-sticky assignor
        "idempotence",  # an idempotent producer
        "null values",
        "partition",  # a partition chosen by the caller
        "static",  # group.instance.id
        "time",  # seek by time
        "timestamps",  # a timestamp chosen by the caller
    }
)


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
