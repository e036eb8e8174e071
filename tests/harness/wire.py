"""A raw Kafka connection for tests: whole requests as dicts, or any bytes at all.

The codec is kafka-python's (3.x), which is not ours: what this module reads, another implementation has understood.
``call("Metadata", 9, {"topics": None})`` sends a request of that API and version and returns the answer as a dict with
snake_case names. Fields that are left out get the schema's defaults.
"""

import importlib
import itertools
import select
import socket
import struct
import time
import warnings
from typing import Any

_MODULES = ("admin", "consumer", "metadata", "producer", "sasl")

Values = dict[str, Any]


class ConnectionClosedError(Exception):
    """The other side ended the connection."""


def message_class(name: str) -> Any:
    """kafka-python's class of a message, by Kafka's name (``ProduceRequest``)."""
    for module_name in _MODULES:
        with warnings.catch_warnings():
            # kafka-python reads its schemas with a function of importlib.resources that 3.11 deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            module = importlib.import_module(f"kafka.protocol.{module_name}")
        found = getattr(module, name, None)
        if found is not None:
            return found
    raise LookupError(name)


def _build(data_class: Any, version: int, values: Values) -> Any:
    fields = data_class._struct.fields
    arguments: Values = {}
    for name, value in values.items():
        field = fields[name]
        if value is not None and field.is_struct_array():
            arguments[name] = [_build(field.data_class, version, item) for item in value]
        elif value is not None and field.is_struct():
            arguments[name] = _build(field.data_class, version, value)
        else:
            arguments[name] = value
    return data_class(version=version, **arguments)


def encode_request(
    api: str, version: int, values: Values, *, correlation_id: int = 0, client_id: str | None = "ottla-tests"
) -> bytes:
    """A request with its header, without the four bytes of length."""
    request = _build(message_class(api + "Request")[None], version, values)
    request.with_header(correlation_id=correlation_id, client_id=client_id)
    return bytes(request.encode(version=version, header=True))


def decode_response(api: str, version: int, frame: bytes) -> tuple[int, Values]:
    """Correlation id and body of an answer."""
    response = message_class(api + "Response")
    flexible = response.flexible_version_q(version) and api != "ApiVersions"
    (correlation_id,) = struct.unpack_from(">i", frame)
    if flexible:
        assert frame[4] == 0, "tagged fields in a response header"
    # The base class's decoder: ApiVersionsResponse has one of its own that reads every error as version 0.
    body = response.mro()[1].decode.__func__(response, frame[5 if flexible else 4 :], version=version)
    return correlation_id, body.to_dict(json=False)


class Connection:
    """A blocking socket that speaks length-prefixed frames."""

    def __init__(self, host: str, port: int, *, timeout_s: float = 10.0, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.timeout_s = timeout_s
        self.socket.settimeout(timeout_s)
        try:
            self.socket.connect((host, port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._correlation_ids = itertools.count(1)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are; a closed connection is reported as such."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ConnectionClosedError from error

    def send_frame(self, payload: bytes) -> None:
        """Send ``payload`` behind its true length."""
        self.send_bytes(struct.pack(">i", len(payload)) + payload)

    def send(self, api: str, version: int, values: Values | None = None) -> int:
        """Send a request and return its correlation id."""
        correlation_id = next(self._correlation_ids)
        self.send_frame(encode_request(api, version, values or {}, correlation_id=correlation_id))
        return correlation_id

    def receive_exactly(self, size_bytes: int) -> bytes:
        """Exactly so many bytes."""
        parts = bytearray()
        while len(parts) < size_bytes:
            try:
                part = self.socket.recv(min(size_bytes - len(parts), 1 << 20))
            except ConnectionResetError as error:
                raise ConnectionClosedError from error
            if not part:
                raise ConnectionClosedError
            parts += part
        return bytes(parts)

    def receive_frame(self) -> bytes:
        """The next answer, without its length."""
        (size,) = struct.unpack(">i", self.receive_exactly(4))
        return self.receive_exactly(size)

    def receive(self, api: str, version: int, *, expect_id: int | None = None) -> Values:
        """The next answer, decoded; its correlation id is checked when one is given."""
        correlation_id, body = decode_response(api, version, self.receive_frame())
        if expect_id is not None:
            assert correlation_id == expect_id, f"answer {correlation_id} came for request {expect_id}"
        return body

    def call(self, api: str, version: int, values: Values | None = None) -> Values:
        """Send a request and return its answer."""
        return self.receive(api, version, expect_id=self.send(api, version, values))

    def wait_closed(self, timeout_s: float = 10.0) -> bytes:
        """Read until the other side closes and return what came before; fails when it stays open."""
        deadline = time.monotonic() + timeout_s
        received = bytearray()
        while True:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise AssertionError(f"the connection is still open after {timeout_s} s; got {bytes(received)!r}")
            self.socket.settimeout(left_s)
            try:
                part = self.socket.recv(65536)
            except ConnectionResetError:
                return bytes(received)
            except TimeoutError:
                continue
            if not part:
                return bytes(received)
            received += part

    def quiet_for(self, seconds: float) -> bool:
        """Whether nothing (neither bytes nor the end) arrives for so long."""
        readable, _, _ = select.select([self.socket], [], [], seconds)
        return not readable
