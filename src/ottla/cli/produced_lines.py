"""Lines of input as records: plain ones, ones with a key in front, or JSON objects.

A JSON object has ``value`` and, if wanted, ``key``, ``headers``, ``partition`` and ``timestamp`` (ms since 1970, or
ISO 8601). A string is its UTF-8, null is null, anything else is its own JSON; ``value_base64`` and ``key_base64`` are
for other bytes. Headers are an object, or a list of ``[key, value]`` or of ``{"key": ..., "value": ...}``. So every
line that ``ottla consume --json`` prints can be produced again; its ``topic`` and ``offset`` are passed over.
"""

import base64
import binascii
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ottla.record.records import Header

_READ = {"key", "key_base64", "value", "value_base64", "headers", "partition", "timestamp"}
_PASSED_OVER = {"topic", "offset", "timestamp_type"}


class LineError(Exception):
    """A line that is no record; the message says why."""


class Produced(NamedTuple):
    """A record to produce; None for a partition and a time that the client chooses."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]
    partition: int | None
    timestamp_ms: int | None


class LineReader:
    """Makes a record of each line. ``headers``, ``partition`` and ``key`` are for lines that do not say their own."""

    def __init__(
        self,
        *,
        as_json: bool,
        key_separator: bytes | None,
        null_marker: bytes | None,
        key: bytes | None,
        headers: list[Header],
        partition: int | None,
    ) -> None:
        self._as_json = as_json
        self._key_separator = key_separator
        self._null_marker = null_marker
        self._key = key
        self._headers = headers
        self._partition = partition

    def read(self, line: bytes) -> Produced:
        """Return the record of a line without its line break; LineError if it is none."""
        if self._as_json:
            return self._read_json(line)
        key: bytes | None = self._key
        value: bytes | None = line
        if self._key_separator is not None:
            key, found, value = line.partition(self._key_separator)
            if not found:
                raise LineError(f"the key separator {self._key_separator.decode(errors='replace')!r} is not in it")
            key = None if key == self._null_marker else key
        if value == self._null_marker:
            value = None
        return Produced(key, value, self._headers, self._partition, None)

    def _read_json(self, line: bytes) -> Produced:
        import json  # plain lines do without

        try:
            fields = json.loads(line)
        except ValueError as error:
            raise LineError(f"not JSON: {error}") from None
        except RecursionError:
            raise LineError("not JSON that can be read: too many arrays or objects in one another") from None
        if not isinstance(fields, dict):
            raise LineError("not a JSON object")
        unknown = fields.keys() - _READ - _PASSED_OVER
        if unknown:
            raise LineError(f"unknown fields: {', '.join(sorted(unknown))}")
        if "value" not in fields and "value_base64" not in fields:
            raise LineError('no "value" (null makes a tombstone)')
        has_key = "key" in fields or "key_base64" in fields
        partition = fields.get("partition")
        if partition is not None and (type(partition) is not int or partition < 0):
            raise LineError('"partition" is no number')
        return Produced(
            _field(fields, "key") if has_key else self._key,
            _field(fields, "value"),
            [*_headers(fields.get("headers")), *self._headers],
            self._partition if partition is None else partition,
            _timestamp(fields.get("timestamp")),
        )


def _field(fields: dict[str, Any], name: str) -> bytes | None:
    encoded = fields.get(f"{name}_base64")
    if encoded is None:
        return _bytes(fields.get(name))
    try:
        return base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise LineError(f'"{name}_base64" is not base64') from None


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _headers(given: Any) -> list[Header]:
    if given is None:
        return []
    pairs = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(pairs, list):
        raise LineError('"headers" is neither an object nor a list')
    return [_header(pair) for pair in pairs]


def _header(pair: Any) -> Header:
    if isinstance(pair, dict) and "key" in pair | {"key_base64": None}:
        name = _field(pair, "key")
        if name is not None:
            return name, _field(pair, "value")
    elif isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str):
        try:
            pair[0].encode()
        except UnicodeEncodeError:
            raise LineError("the key of a header is no text that UTF-8 can write") from None
        return pair[0], _bytes(pair[1])
    raise LineError('a header is neither [key, value] nor {"key": ..., "value": ...}')


def _timestamp(given: Any) -> int | None:
    if given is None:
        return None
    if type(given) is int and given.bit_length() < 63:
        return given
    if isinstance(given, str):
        from .output.times import parse_time

        try:
            return parse_time(given, time.time_ns() // 1_000_000)
        except ValueError:
            pass
    raise LineError('"timestamp" is neither milliseconds since 1970 nor ISO 8601')
