"""Messages of Ottla's codec as plain values, both ways.

A scenario writes a request as keyword arguments and dicts; :func:`build` makes the message of it. :func:`plain` turns
an answer into dicts, lists and strings that JSON can hold; what has its schema's default is left out, so that recorded
exchanges stay short.
"""

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from ottla.model.errors import OttlaError
from ottla.protocol.api import api, apis, codec
from ottla.protocol.message import Message
from ottla.record.batch import iter_batches
from ottla.record.records import iter_records

RECORDS_FIELD = "records"
UUID_FIELDS = ("topic_id", "replica_directory_id")
LONG_BYTES = 200
MAGIC = 2
_usual: dict[str, Message] = {}


@cache
def api_key(name: str) -> int:
    """The key of an API by Kafka's name, as ``ListOffsets``."""
    return next(int(described.key) for described in apis() if described.name == name)


@cache
def request_class(name: str) -> type[Message]:
    """The class of an API's request."""
    found: type[Message] = getattr(codec(api_key(name)), f"{api(api_key(name)).name}Request")
    return found


def build(message_class: type[Message], values: Mapping[str, Any]) -> Message:
    """A message of ``values``; dicts in it become the parts that the field's annotation names."""
    hints = message_class.__init__.__annotations__
    return message_class(**{name: _filled(hints[name], value) for name, value in values.items()})


def _filled(hint: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return build(_part_class(hint), value)
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        part = _part_class(hint)
        return [build(part, item) for item in value]
    return value


def _part_class(hint: Any) -> type[Message]:
    if isinstance(hint, type) and issubclass(hint, Message):
        return hint
    for argument in get_args(hint):
        try:
            return _part_class(argument)
        except LookupError:
            continue
    raise LookupError(hint)


def _defaults(message_class: type[Message]) -> Message:
    found = _usual.get(message_class.__qualname__ + message_class.__module__)
    if found is None:
        found = _usual[message_class.__qualname__ + message_class.__module__] = message_class()
    return found


def plain(message: Message) -> dict[str, Any]:
    """The fields that differ from the schema's defaults."""
    usual = _defaults(type(message)).fields()
    return {name: _plain_field(name, value) for name, value in message.fields().items() if value != usual[name]}


def _plain_field(name: str, value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    if name == "api_keys":
        return {str(item.api_key): f"{item.min_version}-{item.max_version}" for item in value}
    if isinstance(value, list | tuple):
        return [_plain_field(name, item) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        if name == RECORDS_FIELD:
            return plain_batches(bytes(value))
        if name in UUID_FIELDS:
            return bytes(value).hex()
        return plain_bytes(bytes(value))
    if isinstance(value, dict):
        return {str(key): plain_bytes(item) for key, item in value.items()}
    return value


def plain_bytes(data: bytes | None) -> str | None:
    """Text where it is text, else hexadecimal; of long ones only the beginning and the length."""
    if data is None:
        return None
    text = data.decode() if data.isascii() and data.decode().isprintable() else f"0x{data.hex()}"
    return text if len(text) <= LONG_BYTES else f"{text[:16]}... ({len(data)} bytes)"


def plain_batches(data: bytes) -> list[Any]:
    """Whole batches by header and records, a rest that is none by its size."""
    found: list[Any] = []
    end = 0
    try:
        for position, header in iter_batches(data):
            end = position + header.size
            found.append(_plain_batch(data, position, header))
    except (OttlaError, struct.error, ValueError, IndexError, OverflowError) as error:
        found.append(f"unreadable: {type(error).__name__}")
        end = len(data)
    if end < len(data):
        found.append(f"{len(data) - end} bytes more")
    return found


def _plain_batch(data: bytes, position: int, header: Any) -> Any:
    if header.magic != MAGIC:
        return f"magic {header.magic}, {header.size} bytes"
    fields = (
        "base_offset",
        "leader_epoch",
        "magic",
        "attributes",
        "last_offset_delta",
        "base_timestamp",
        "max_timestamp",
        "producer_id",
        "producer_epoch",
        "base_sequence",
        "count",
    )
    found = {name: getattr(header, name) for name in fields}
    if not header.codec:
        found["size"] = header.size
    try:
        found["records"] = [
            [record.offset, record.timestamp, plain_bytes(record.key), plain_bytes(record.value)]
            + [[_header_name(name), plain_bytes(value)] for name, value in record.headers]
            for record in iter_records(data, position, header, max_bytes=1 << 24)
        ]
    except (OttlaError, struct.error, ValueError, IndexError, OverflowError) as error:
        found["records"] = f"unreadable: {type(error).__name__}"
    return found


def _header_name(name: str | bytes) -> str | None:
    return plain_bytes(name if isinstance(name, bytes) else name.encode())
