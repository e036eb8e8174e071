"""The APIs: what each key means, which versions its messages have, and the module that reads and writes them.

The modules are imported when they are first asked for, so a start costs nothing for what nobody uses.
"""

from importlib import import_module
from typing import Final, NamedTuple, Protocol, cast

from ottla.model.errors import MalformedMessage, PeerError, UnsupportedVersion

from .api_table import TABLE, ApiKey
from .message import Buffer, Message


class Api(NamedTuple):
    """An API that has messages here, whether or not this broker serves it."""

    key: ApiKey
    name: str
    module: str
    request_versions: tuple[int, int]
    """The first and the last version that can be encoded and decoded."""
    flexible_from: int | None
    """The first version with compact lengths and tagged fields, and with the longer headers; None for never."""


class Codec(Protocol):
    """What every module of an API has; its own classes are narrower than :class:`Message`."""

    def decode_request(self, buf: Buffer, pos: int, version: int) -> Message:
        """Return the request that begins at ``pos``."""

    def encode_request(self, message: Message, version: int, out: bytearray) -> None:
        """Append a request."""

    def decode_response(self, buf: Buffer, pos: int, version: int) -> Message:
        """Return the response that begins at ``pos``."""

    def encode_response(self, message: Message, version: int, out: bytearray) -> None:
        """Append a response."""


_APIS: Final = {
    key: Api(ApiKey(key), name, module, (first, last), flexible) for key, name, module, first, last, flexible in TABLE
}
_codecs: dict[int, Codec] = {}


def apis() -> tuple[Api, ...]:
    """Return all APIs, by key."""
    return tuple(_APIS.values())


def api(key: int) -> Api:
    """Return an API; raise UnsupportedVersion for a key that has no messages here."""
    try:
        return _APIS[key]
    except KeyError:
        raise UnsupportedVersion(f"API key {key}") from None


def codec(key: int) -> Codec:
    """Return the module of an API."""
    try:
        return _codecs[key]
    except KeyError:
        module = cast("Codec", import_module(f"ottla.protocol.messages.{api(key).module}"))
        _codecs[key] = module
        return module


def decode_request(api_key: int, version: int, buf: Buffer, pos: int) -> Message:
    """Decode the request whose body begins at ``pos`` of a frame; bytes behind it are ignored, as Kafka does.

    Raise UnsupportedVersion for an API or a version that has no messages here, MalformedMessage for bytes that are no
    such request, and nothing else.
    """
    try:
        return codec(api_key).decode_request(buf, pos, version)
    except PeerError:
        raise
    except Exception as error:
        raise MalformedMessage(f"{api(api_key).name} version {version}: {error}") from error


def decode_response(api_key: int, version: int, buf: Buffer, pos: int) -> Message:
    """Decode the response whose body begins at ``pos`` of a frame; errors are those of :func:`decode_request`."""
    try:
        return codec(api_key).decode_response(buf, pos, version)
    except PeerError:
        raise
    except Exception as error:
        raise MalformedMessage(f"{api(api_key).name} version {version}: {error}") from error


__all__ = ["Api", "ApiKey", "Codec", "api", "apis", "codec", "decode_request", "decode_response"]
