"""One version of one API: how it is read, handled and answered, and what was counted of it.

Made at first use by importing the API's messages and its handler (``ottla.broker.handlers.<api>``), so that a node
starts without any of them.
"""

import importlib
import struct
from collections.abc import Callable
from typing import Any

from ottla.broker.context import Payload, RequestContext
from ottla.broker.request_figures import RequestFigures
from ottla.broker.response_errors import error_codes
from ottla.network.driver import Buffer
from ottla.protocol.api import ApiKey, api

RESPONSE_HEAD = struct.Struct(">ii")


class Entry(RequestFigures):
    """How one version of one API is read, handled and answered, and what came of it."""

    __slots__ = ("_head_bytes", "decode", "encode", "encode_parts", "error_codes", "flexible", "handle", "key")

    def __init__(self, key: ApiKey, version: int) -> None:
        described = api(key)
        super().__init__(described.name, version)
        codec = importlib.import_module(f"ottla.protocol.messages.{described.module}")
        handler = importlib.import_module(f"ottla.broker.handlers.{described.module}")
        self.key = key
        self.flexible = described.flexible_from is not None and version >= described.flexible_from
        self.decode: Callable[[Buffer, int, int], Any] = codec.decode_request
        self.encode: Callable[[Any, int, bytearray], None] = codec.encode_response
        self.encode_parts: Callable[[Any, int, list[Buffer]], None] | None = getattr(
            codec, "encode_response_parts", None
        )
        self.handle: Callable[[Any, RequestContext], Any] = handler.handle
        self.error_codes = error_codes(key)
        # The response header of ApiVersions never has tagged fields, so that any client can read it (KIP-511).
        self._head_bytes = 9 if self.flexible and key != ApiKey.API_VERSIONS else 8

    def payload(self, response: Any, correlation_id: int) -> Payload:
        """Return the frame that tells a response message, and count the errors in it."""
        if self.error_codes is not None:
            self.count_errors(self.error_codes(response))
        return self._encoded(response, correlation_id)

    def payload_and_errors(self, response: Any, correlation_id: int) -> tuple[Payload, list[int]]:
        """Return the frame that tells a response message, and the errors in it to be counted; any thread may."""
        codes = () if self.error_codes is None else self.error_codes(response)
        return self._encoded(response, correlation_id), [code for code in codes if code]

    def _encoded(self, response: Any, correlation_id: int) -> Payload:
        if self.encode_parts is not None:
            return self._encoded_in_parts(response, correlation_id)
        out = bytearray(self._head_bytes)
        self.encode(response, self.version, out)
        RESPONSE_HEAD.pack_into(out, 0, len(out) - 4, correlation_id)
        return out

    def _encoded_in_parts(self, response: Any, correlation_id: int) -> list[Buffer]:
        head = bytearray(self._head_bytes)
        parts: list[Buffer] = [head]
        assert self.encode_parts is not None
        self.encode_parts(response, self.version, parts)
        RESPONSE_HEAD.pack_into(head, 0, sum(map(len, parts)) - 4, correlation_id)
        return parts
