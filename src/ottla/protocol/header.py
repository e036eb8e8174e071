"""The headers in front of requests and responses.

A request begins with its API key, its version, a correlation id and the client's id: an int16-counted string even in
the flexible form (KIP-482), which only adds tagged fields behind it. A response begins with the correlation id and, in
the flexible form, tagged fields; that of ApiVersions never has them, so that a client of any age can read it (KIP-511).
"""

from struct import Struct
from struct import error as struct_error
from typing import Final

from ottla.model.errors import MalformedMessage, UnsupportedVersion

from .api_table import TABLE
from .message import Buffer
from .wire import read_tags

API_VERSIONS: Final = 18
_NEVER: Final = 1 << 15
_FLEXIBLE_FROM: Final = {key: _NEVER if flexible is None else flexible for key, _, _, _, _, flexible in TABLE}
_fixed = Struct(">hhih")
_correlation = Struct(">i")


class RequestHeader:
    """What stands in front of a request; the body begins at ``body_pos`` of the frame."""

    __slots__ = ("api_key", "api_version", "body_pos", "client_id", "correlation_id")

    def __init__(self, api_key: int, api_version: int, correlation_id: int, client_id: str, body_pos: int) -> None:
        self.api_key = api_key
        self.api_version = api_version
        self.correlation_id = correlation_id
        self.client_id = client_id
        self.body_pos = body_pos

    def __repr__(self) -> str:
        return (
            f"RequestHeader(api_key={self.api_key}, api_version={self.api_version}, "
            f"correlation_id={self.correlation_id}, client_id={self.client_id!r}, body_pos={self.body_pos})"
        )


def decode_request_header(buf: Buffer) -> RequestHeader:
    """Read the header of a request from its frame (without the size).

    A null client id is the empty one, as with Kafka. Raise UnsupportedVersion for an unknown API key and
    MalformedMessage for bytes that are no header; the version is not checked.
    """
    try:
        api_key, version, correlation_id, length = _fixed.unpack_from(buf)
        pos = 10
        client_id = ""
        if length > 0:
            pos = 10 + length
            if pos > len(buf):
                raise MalformedMessage("the client id is longer than the frame")
            client_id = str(buf[10:pos], "utf-8")
        flexible_from = _FLEXIBLE_FROM.get(api_key)
        if flexible_from is None:
            raise UnsupportedVersion(f"API key {api_key}")
        if version >= flexible_from:
            pos = _skip_tags(buf, pos)
    except (struct_error, IndexError, ValueError) as error:
        raise MalformedMessage(f"a request header: {error}") from error
    return RequestHeader(api_key, version, correlation_id, client_id, pos)


def encode_response_header(out: bytearray, api_key: int, version: int, correlation_id: int) -> None:
    """Append the header of a response."""
    out += _correlation.pack(correlation_id)
    if api_key != API_VERSIONS and version >= _FLEXIBLE_FROM[api_key]:
        out.append(0)


def encode_request_header(
    out: bytearray, api_key: int, version: int, correlation_id: int, client_id: str | None
) -> None:
    """Append the header of a request."""
    raw = b"" if client_id is None else client_id.encode()
    out += _fixed.pack(api_key, version, correlation_id, -1 if client_id is None else len(raw))
    out += raw
    if version >= _FLEXIBLE_FROM[api_key]:
        out.append(0)


def decode_response_header(buf: Buffer, api_key: int, version: int) -> tuple[int, int]:
    """Read the header of a response of a known request; return the correlation id and where the body begins."""
    try:
        correlation_id: int = _correlation.unpack_from(buf)[0]
        pos = 4
        if api_key != API_VERSIONS and version >= _FLEXIBLE_FROM[api_key]:
            pos = _skip_tags(buf, pos)
    except (struct_error, IndexError) as error:
        raise MalformedMessage(f"a response header: {error}") from error
    return correlation_id, pos


def _skip_tags(buf: Buffer, pos: int) -> int:
    count = buf[pos]
    if count == 0:
        return pos + 1
    return read_tags(memoryview(buf), pos + 1, count)[1]
