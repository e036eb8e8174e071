"""What a scenario talks to: one node, through any number of clients, every exchange kept.

``call`` sends a request and keeps it with its answer; ``send`` and ``receive`` do that in two steps, for requests that
a broker parks. A connection that the broker closes is an answer too, and so is silence. ``ask`` and ``settle`` keep
nothing: they are for what only prepares the ground, or has to be repeated until the broker is ready.
"""

import time
from collections.abc import Callable
from typing import Any

from tests.harness.wire import Connection, ConnectionClosedError
from tests.twin.messages import api_key, build, plain, request_class
from tests.twin.normal import Normaliser

from ottla.protocol.api import codec, decode_response
from ottla.protocol.header import decode_response_header, encode_request_header
from ottla.protocol.message import Message

CLOSED = {"closed": True}
NO_ANSWER = {"no_answer": True}
SILENT = {"silent": True}
SETTLE_S = 20.0
ANSWER_S = 10.0
UNSUPPORTED_VERSION = b"\x00\x23"
Exchange = dict[str, Any]


class Client:
    """One connection with its own client id; opened anew after the broker closed it."""

    def __init__(self, peer: "Peer", client_id: str | None) -> None:
        self._peer = peer
        self._client_id = client_id
        self._connection: Connection | None = None
        self._correlation_id = 0
        self._sent: list[tuple[str, int, Message, str, int]] = []

    def call(self, api: str, version: int, *, note: str = "", **values: Any) -> Any:
        """Send a request and return its answer (None for a closed connection and for silence); both are kept."""
        self.send(api, version, note=note, **values)
        return self.receive()

    def send(self, api: str, version: int, *, note: str = "", **values: Any) -> None:
        """Send a request whose answer :meth:`receive` takes later."""
        request = build(request_class(api), values)
        self._correlation_id += 1
        out = bytearray()
        encode_request_header(out, api_key(api), version, self._correlation_id, self._client_id)
        codec(api_key(api)).encode_request(request, version, out)
        self._sent.append((api, version, request, note, self._correlation_id))
        self._open().send_frame(bytes(out))

    def receive(self) -> Any:
        """The answer to the oldest request that has none yet; kept."""
        api, version, request, note, correlation_id = self._sent.pop(0)
        try:
            answer = self._answer(api, version, correlation_id)
        except TimeoutError:
            self._forget()
            self._peer.keep(api, version, plain(request), SILENT, note)
            return None
        self._peer.keep(api, version, plain(request), CLOSED if answer is None else plain(answer), note)
        return answer

    def call_without_answer(self, api: str, version: int, *, note: str = "", **values: Any) -> None:
        """Send a request that gets no answer: the next answer on the connection is that of the next request."""
        self.send(api, version, note=note, **values)
        sent = self._sent.pop(0)
        try:
            self.send("ApiVersions", 0)
            answer = self._answer(*self._sent.pop(0)[:2], self._correlation_id)
        except ConnectionClosedError:
            self._forget()
            answer = None
        self._peer.keep(api, version, plain(sent[2]), CLOSED if answer is None else NO_ANSWER, note)

    def raw(self, payload: bytes, *, note: str, api: str = "ApiVersions", version: int = 0) -> None:
        """Send a frame as it is and keep what comes: an answer of ``api``, or the connection's end."""
        connection = self._open()
        answer: Exchange = CLOSED
        try:
            connection.send_frame(payload)
            frame = connection.receive_frame()
            _, position = decode_response_header(frame, api_key(api), version)
            answer = plain(_decoded(api, version, frame, position))
        except ConnectionClosedError:
            self._forget()
        self._peer.keep("raw", -1, {"frame": payload.hex()}, answer, note)

    def ask(self, api: str, version: int, **values: Any) -> Any:
        """As :meth:`call`, but nothing is kept."""
        self.send(api, version, **values)
        sent = self._sent.pop(0)
        return self._answer(sent[0], sent[1], sent[4])

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._forget()

    def _answer(self, api: str, version: int, correlation_id: int) -> Any:
        try:
            frame = self._open().receive_frame()
        except ConnectionClosedError:
            self._forget()
            return None
        got, position = decode_response_header(frame, api_key(api), version)
        assert got == correlation_id, f"answer {got} came for request {correlation_id}"
        return _decoded(api, version, frame, position)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._peer.connect()
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._sent.clear()


def _decoded(api: str, version: int, frame: bytes, position: int) -> Message:
    """The answer; that to an ApiVersions of a version that is not served has the form of version 0 (KIP-511)."""
    if api == "ApiVersions" and frame[position : position + 2] == UNSUPPORTED_VERSION:
        version = 0
    return decode_response(api_key(api), version, frame, position)


class Peer(Client):
    """The node as one scenario sees it; itself the first client."""

    def __init__(self, host: str, port: int, normaliser: Normaliser) -> None:
        super().__init__(self, "twin")
        self._address = (host, port)
        self._normaliser = normaliser
        self._clients: list[Client] = [self]
        self.exchanges: list[Exchange] = []
        self.t0_ms = normaliser.t0_ms

    def client(self, client_id: str | None) -> Client:
        """Another connection."""
        client = Client(self, client_id)
        self._clients.append(client)
        return client

    def connect(self) -> Connection:
        """A new raw connection to the node."""
        return Connection(*self._address, timeout_s=ANSWER_S)

    def keep(self, api: str, version: int, request: Exchange, answer: Exchange, note: str) -> None:
        """Put an exchange on record."""
        exchange = {"api": api, "version": version, "request": self._normaliser.normal(request)}
        exchange["answer"] = self._normaliser.normal(answer)
        if note:
            exchange["note"] = note
        self.exchanges.append(exchange)

    def settle(self, done: Callable[[], bool], what: str) -> None:
        """Wait until ``done`` says so."""
        deadline = time.monotonic() + SETTLE_S
        while not done():
            assert time.monotonic() < deadline, f"never came: {what}"
            time.sleep(0.01)

    def close_all(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()

    # -- what most scenarios need first ---------------------------------------------------------------------------

    def create_topic(self, name: str, *, partitions: int = 1, **configs: Any) -> bytes:
        """A topic that can be written to; its id. Dots in names of settings are underscores here."""
        self.ask(
            "CreateTopics",
            5,
            topics=[
                {
                    "name": name,
                    "num_partitions": partitions,
                    "replication_factor": 1,
                    "configs": [{"name": key.replace("_", "."), "value": str(value)} for key, value in configs.items()],
                }
            ],
        )
        self.settle_topic(name, partitions)
        return self.topic_id(name)

    def topic_id(self, name: str) -> bytes:
        """The id of a topic."""
        answer = self.ask("Metadata", 12, topics=[{"name": name}], allow_auto_topic_creation=False)
        found: bytes = answer.topics[0].topic_id
        return found

    def settle_topic(self, name: str, partitions: int = 1) -> None:
        """Wait until every partition of a topic takes requests."""
        asked = [
            {"name": name, "partitions": [{"partition_index": index, "timestamp": -1} for index in range(partitions)]}
        ]

        def ready() -> bool:
            answer = self.ask("ListOffsets", 5, replica_id=-1, topics=asked)
            return all(not found.error_code for topic in answer.topics for found in topic.partitions)

        self.settle(ready, f"leaders of {name}")

    def settle_group(self, group: str, state: str, members: int | None = None) -> None:
        """Wait until a group is in a state, with so many members."""

        def there() -> bool:
            (found,) = self.ask("DescribeGroups", 4, groups=[group]).groups
            return found.group_state == state and members in (None, len(found.members))

        self.settle(there, f"{group} in {state}")

    def settle_coordinator(self, group: str) -> None:
        """Wait until a group's coordinator has loaded."""
        self.settle(
            lambda: (
                not self.ask("FindCoordinator", 1, key=group).error_code
                and not self.ask("OffsetFetch", 5, group_id=group, topics=None).error_code
            ),
            "the coordinator",
        )
