"""Records as output: values a line each, a format with placeholders, or JSON.

In a file or pipe the bytes of keys and values go out as they are. On a terminal they are made safe first: what cannot
be printed becomes an escape (:mod:`.output.text`), so that no record can do anything to the terminal.

Placeholders: ``%k`` key, ``%v`` value, ``%t`` topic, ``%p`` partition, ``%o`` offset, ``%T`` timestamp in ms, ``%I``
the same as ISO 8601 in UTC, ``%h`` headers as ``a=1,b=2``, ``%K`` and ``%S`` the sizes of key and value in bytes (-1
for null), ``%%`` a percent sign.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ottla.model.errors import OperatorError

from .escapes import unescaped
from .output.json_text import json_line
from .output.text import json_bytes, safe_text
from .output.times import iso_text

if TYPE_CHECKING:
    from ottla.client.consumer import ConsumedRecord

Render = Callable[["ConsumedRecord"], bytes]
"""Returns a record's output, with its line break."""

_PLACEHOLDER = re.compile(rb"%(.)", re.DOTALL)


class _Bytes:
    """How keys and values are written."""

    def __init__(self, *, safe: bool, null_marker: bytes) -> None:
        self._safe = safe
        self._null = null_marker

    def of(self, data: bytes | None) -> bytes:
        """Return the bytes to write for a key or value."""
        if data is None:
            return self._null
        return safe_text(data).encode("utf-8", "replace") if self._safe else data

    def headers(self, record: "ConsumedRecord") -> bytes:
        """Return the headers as ``a=1,b=2``."""
        pairs = ((name.encode() if isinstance(name, str) else name, value) for name, value in record.headers)
        return b",".join(self.of(name) + b"=" + self.of(value) for name, value in pairs)


def values(*, safe: bool, null_marker: bytes) -> Render:
    """Return what writes each value on a line of its own."""
    write = _Bytes(safe=safe, null_marker=null_marker)
    return lambda record: write.of(record.value) + b"\n"


def formatted(template: str, *, safe: bool, null_marker: bytes) -> Render:
    """Return what fills in a template; a line break follows unless it ends with one. OperatorError for a wrong one."""
    text = unescaped(template)
    if not text.endswith(b"\n"):
        text += b"\n"
    fields = _fields(_Bytes(safe=safe, null_marker=null_marker))
    parts: list[bytes | Render] = []
    at = 0
    for match in _PLACEHOLDER.finditer(text):
        parts.append(text[at : match.start()])
        field = fields.get(match[1])
        if field is None:
            known = " ".join(f"%{name.decode()}" for name in fields)
            raise OperatorError(f"--format: {match[0].decode(errors='replace')!r} is none of {known} %%")
        parts.append(field)
        at = match.end()
    parts.append(text[at:])
    return lambda record: b"".join(part if isinstance(part, bytes) else part(record) for part in parts)


def _fields(write: _Bytes) -> dict[bytes, Render]:
    return {
        b"k": lambda record: write.of(record.key),
        b"v": lambda record: write.of(record.value),
        b"t": lambda record: record.topic.encode(),
        b"p": lambda record: b"%d" % record.partition,
        b"o": lambda record: b"%d" % record.offset,
        b"T": lambda record: b"%d" % record.timestamp_ms,
        b"I": lambda record: iso_text(record.timestamp_ms).encode(),
        b"h": write.headers,
        b"K": lambda record: b"%d" % (-1 if record.key is None else len(record.key)),
        b"S": lambda record: b"%d" % (-1 if record.value is None else len(record.value)),
        b"%": lambda _record: b"%",
    }


def json_record(record: "ConsumedRecord") -> bytes:
    """Return the record as a line of JSON, as ``ottla produce --json`` reads it."""
    fields: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
    }
    fields |= json_bytes("key", record.key) | json_bytes("value", record.value)
    fields["headers"] = [
        json_bytes("key", name.encode() if isinstance(name, str) else name) | json_bytes("value", value)
        for name, value in record.headers
    ]
    return json_line(fields).encode() + b"\n"
