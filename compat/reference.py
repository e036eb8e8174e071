"""The other side of every exchange: a reader and a writer that no client under test is part of.

Whole requests on a raw socket (``tests.harness.wire``), batches made and opened here, so that a case can say what
really stands in the log: codec, producer id, null or empty.
"""

import gzip
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cramjam
from backports import zstd
from lz4 import frame as lz4_frame
from tests.harness import batches, calls
from tests.harness.waiting import eventually
from tests.harness.wire import Connection, ConnectionClosedError

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
XERIAL = b"\x82SNAPPY\x00"

LOADING = {14, 15, 16}
"""Codes of a coordinator that is not there yet."""

Group = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A record as it stands in the log."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    codec: str
    producer_id: int
    sequence: int


def _unsnappy(data: bytes) -> bytes:
    if not data.startswith(XERIAL):
        return bytes(cramjam.snappy.decompress_raw(data))
    out, position = bytearray(), 16
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        out += bytes(cramjam.snappy.decompress_raw(data[position + 4 : position + 4 + size]))
        position += 4 + size
    return bytes(out)


def _unlz4(data: bytes) -> bytes:
    opened: bytes = lz4_frame.decompress(data)
    return opened


OPEN: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "gzip": gzip.decompress,
    "snappy": _unsnappy,
    "lz4": _unlz4,
    "zstd": lambda data: zstd.decompress(data),
}


def opened(data: bytes | memoryview | None, partition: int) -> Iterator[Stored]:
    """All records of a fetch answer, whatever their codec; CRCs checked."""
    for header, payload in batches.split(data):
        codec = CODECS[header.codec]
        for number, record in enumerate(batches.records_in(header, OPEN[codec](payload))):
            yield Stored(
                partition=partition,
                offset=record.offset,
                timestamp=record.timestamp,
                key=record.key,
                value=record.value,
                headers=record.headers,
                codec=codec,
                producer_id=header.producer_id,
                sequence=header.base_sequence + number,
            )


class Reference:
    """One raw connection to the broker, opened when it is needed and again when it broke."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._connection: Connection | None = None

    def close(self) -> None:
        """Close the socket."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connection(self) -> Connection:
        """For requests that have no method here."""
        if self._connection is None:
            self._connection = Connection(*self._address, timeout_s=30)
        return self._connection

    def wait_up(self) -> None:
        """Wait until the broker takes connections and knows itself."""

        def up() -> bool:
            self.close()
            try:
                return bool(self.connection.call("Metadata", 1, {"topics": []})["brokers"])
            except (OSError, ConnectionClosedError):
                return False

        eventually(up, "the broker answers", timeout_s=60, interval_s=0.05)

    def create_topic(self, topic: str, *, partitions: int = 1, configs: dict[str, object] | None = None) -> None:
        """A topic that can be used when this returns."""
        calls.create_topic(self.connection, topic, partitions=partitions, configs=configs)

    def write(
        self, topic: str, entries: Sequence[batches.Entry], *, partition: int = 0, codec: str = "none"
    ) -> list[int]:
        """Append one batch; the offsets of its records."""
        number = CODECS.index(codec)
        data = batches.batch(entries, codec=number)
        result = calls.produce(self.connection, topic, data, partition=partition)
        assert result["error_code"] == 0, f"the reference writer was refused: {result}"
        base: int = result["base_offset"]
        return list(range(base, base + len(entries)))

    def read(self, topic: str, *, partition: int = 0, start: int = 0) -> list[Stored]:
        """All records of a partition from an offset on."""
        found: list[Stored] = []
        offset = start
        while True:
            result = calls.fetch(self.connection, topic, offset, partition=partition)
            assert result["error_code"] == 0, f"the reference reader was refused: {result}"
            new = [record for record in opened(result["records"], partition) if record.offset >= offset]
            if not new:
                return found
            found += new
            offset = new[-1].offset + 1

    def read_all(self, topic: str, partitions: int) -> list[Stored]:
        """All records of a topic, partition by partition."""
        return [record for index in range(partitions) for record in self.read(topic, partition=index)]

    def end_offset(self, topic: str, *, partition: int = 0) -> int:
        """The offset that the next record will get."""
        return calls.end_offset(self.connection, topic, partition=partition)

    def delete_records(self, topic: str, *, before: int, partition: int = 0) -> None:
        """Make ``before`` the first offset."""
        wanted = [{"name": topic, "partitions": [{"partition_index": partition, "offset": before}]}]
        answer = self.connection.call("DeleteRecords", 1, {"topics": wanted, "timeout_ms": 10_000})
        assert answer["topics"][0]["partitions"][0]["error_code"] == 0, answer

    def topics(self) -> dict[str, int]:
        """Number of partitions by topic."""
        answer = self.connection.call("Metadata", 8, {"topics": None})
        return {topic["name"]: len(topic["partitions"]) for topic in answer["topics"]}

    def group(self, group: str) -> Group:
        """A group as DescribeGroups tells it."""
        (found,) = self.connection.call("DescribeGroups", 5, {"groups": [group]})["groups"]
        return dict(found)

    def committed(self, group: str, topic: str, partitions: int) -> dict[int, int]:
        """Committed offsets by partition, where there are any."""
        request = {"group_id": group, "topics": [{"name": topic, "partition_indexes": list(range(partitions))}]}

        def told() -> list[dict[str, Any]] | None:
            answer = self.connection.call("OffsetFetch", 5, request)
            rows = [each for named in answer["topics"] for each in named["partitions"]]
            codes = {answer["error_code"], *(each["error_code"] for each in rows)}
            assert codes <= {0, *LOADING}, answer
            return rows if codes == {0} else None

        found = eventually(told, "the reference reads offsets", accept=lambda rows: rows is not None, timeout_s=30)
        assert found is not None
        return {each["partition_index"]: each["committed_offset"] for each in found if each["committed_offset"] >= 0}

    def commit(self, group: str, topic: str, offsets: dict[int, int]) -> None:
        """Commit offsets as an admin client does, without being a member."""
        wanted = [
            {"partition_index": index, "committed_offset": offset, "committed_metadata": ""}
            for index, offset in offsets.items()
        ]
        request = {
            "group_id": group,
            "generation_id_or_member_epoch": -1,
            "member_id": "",
            "group_instance_id": None,
            "topics": [{"name": topic, "partitions": wanted}],
        }

        def done() -> bool:
            # Makes the internal topic, where this is the first group.
            self.connection.call("FindCoordinator", 1, {"key": group, "key_type": 0})
            answer = self.connection.call("OffsetCommit", 7, request)
            codes = {each["error_code"] for named in answer["topics"] for each in named["partitions"]}
            assert codes <= {0, *LOADING}, answer
            return codes == {0}

        eventually(done, "the reference commits", timeout_s=30, interval_s=0.1)

    def config(self, topic: str, name: str) -> str | None:
        """One setting of a topic, as it is in force."""
        resource = {"resource_type": 2, "resource_name": topic, "configuration_keys": [name]}
        answer = self.connection.call("DescribeConfigs", 2, {"resources": [resource], "include_synonyms": False})
        (result,) = answer["results"]
        assert result["error_code"] == 0, result
        (entry,) = result["configs"]
        value: str | None = entry["value"]
        return value
