"""Clients that keep a node busy, remember what was acknowledged, and check it afterwards."""

import collections
import threading

from tests.harness import batches, calls
from tests.harness.node import Node
from tests.harness.waiting import eventually
from tests.harness.wire import Connection, ConnectionClosedError


class ProducerLoad(threading.Thread):
    """One connection that writes numbered records to one partition, several requests in flight, acks=all.

    It ends when the connection does, or when it is told to stop. ``acked`` records were acknowledged, in order:
    they carry the numbers 0 to ``acked - 1``.
    """

    def __init__(
        self, node: Node, topic: str, *, partition: int = 0, in_flight: int = 8, size_bytes: int = 100, records: int = 1
    ) -> None:
        super().__init__(name=f"load-{topic}-{partition}", daemon=True)
        self._connection = node.connect()
        self.topic = topic
        self.partition = partition
        self.acked = 0
        self.errors: list[int] = []
        self._in_flight = in_flight
        self._size_bytes = size_bytes
        self._records = records
        self._sent = 0
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Send and receive until it is over."""
        waiting: collections.deque[int] = collections.deque()
        try:
            while not self._stop_asked.is_set() or waiting:
                while not self._stop_asked.is_set() and len(waiting) < self._in_flight:
                    waiting.append(self._send_one())
                if waiting and not self._receive_one(waiting.popleft()):
                    return
        except (ConnectionClosedError, OSError):
            return
        finally:
            self._connection.close()

    def _send_one(self) -> int:
        entries = [
            batches.Entry(key=b"key", value=b"%d" % number + b"." * self._size_bytes)
            for number in range(self._sent, self._sent + self._records)
        ]
        self._sent += self._records
        request = calls.produce_request(self.topic, batches.batch(entries), partition=self.partition)
        return self._connection.send("Produce", 9, request)

    def _receive_one(self, correlation_id: int) -> bool:
        answer = self._connection.receive("Produce", 9, expect_id=correlation_id)
        result = answer["responses"][0]["partition_responses"][0]
        if result["error_code"]:
            self.errors.append(result["error_code"])
            return False
        assert result["base_offset"] == self.acked, f"{result} after {self.acked} acknowledged records"
        self.acked += self._records
        return True

    def finish(self, *, timeout_s: float = 30) -> None:
        """Stop sending and wait for the answers that are due."""
        self._stop_asked.set()
        self.join(timeout_s)
        assert not self.is_alive(), f"{self.name} hangs"

    def wait_for(self, records: int) -> None:
        """Wait until so many records were acknowledged."""
        eventually(
            lambda: self.acked >= records or not self.is_alive(), f"{records} acknowledged records", timeout_s=30
        )
        assert self.acked >= records, f"the load ended early: {self.acked} acknowledged, errors {self.errors}"


def check_acknowledged(connection: Connection, load: ProducerLoad) -> int:
    """Read the partition from its start: every acknowledged record is there, once, in order. The count read."""
    offset = 0
    while True:
        result = calls.fetch(connection, load.topic, offset, partition=load.partition)
        assert result["error_code"] == 0, result
        records = batches.records_of(result["records"])
        for record in records:
            if record.offset < offset:
                continue
            assert record.offset == offset, f"{load.name}: offset {record.offset} follows {offset - 1}"
            number = int((record.value or b"").split(b".")[0])
            assert number == offset, f"{load.name}: record {number} at offset {offset}"
            offset += 1
        if not records:
            break
    assert offset >= load.acked, f"{load.name}: {load.acked} acknowledged, {offset} found"
    return offset
