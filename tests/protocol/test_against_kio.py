"""kio generates a class for each version from Kafka's schemas: the same values must be the same bytes in both."""

import io
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pkgutil import resolve_name
from typing import Any
from uuid import UUID

import pytest
from kio.schema.index import schema_name_map
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType
from tests.protocol.vectors import Vector, all_vectors

from ottla.protocol.message import Message

KINDS = {"Request": EntityType.request, "Response": EntityType.response}


def their_class(vector: Vector) -> Any:
    kind = next((KINDS[suffix] for suffix in KINDS if vector.name.endswith(suffix)), EntityType.data)
    index: Any = schema_name_map
    path = index.get(vector.module, {}).get(vector.version, {}).get(kind)
    return None if path is None else resolve_name(path)


def tame(name: str, value: Any) -> Any:
    """Return a value that kio takes: it knows error codes by name, and times as Python's."""
    if isinstance(value, dict) and set(value) != {"hex"}:
        return {key: tame(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [tame(name, element) for element in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if name.endswith("error_code"):
            return value % 120
        if "time" in name or name.endswith("_ms"):
            return value % 100_000
    return value


NAMES = sorted({vector.name for vector in all_vectors() if their_class(vector) is not None})


def plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return value.bytes if isinstance(value, UUID) else value


def compare(ours: Any, theirs: Any, path: str) -> None:
    if isinstance(ours, Message):
        for field in fields(theirs):
            name = field.name if hasattr(ours, field.name) else f"{field.name}_ms"
            compare(getattr(ours, name), getattr(theirs, field.name), f"{path}.{name}")
    elif isinstance(ours, list):
        for our_element, their_element in zip(ours, theirs, strict=True):
            compare(our_element, their_element, path)
    elif theirs is None and ours in (bytes(16), -1):
        pass  # how kio shows "no id" and "no time"
    elif ours is None and is_dataclass(theirs):
        pass  # a tagged struct that was left out: theirs has the defaults
    else:
        assert ours == plain(theirs), path


@pytest.mark.parametrize("name", NAMES)
def test_same_bytes_and_same_values(name: str) -> None:
    for vector in all_vectors():
        theirs_is = their_class(vector) if vector.name == name else None
        if theirs_is is None:
            continue
        # kio drops unknown tags.
        tamed = vector._replace(tags=[], values=tame("", vector.values))
        ours = tamed.message()
        raw = vector.encode(ours)
        theirs, size = entity_reader(theirs_is)(raw, 0)
        assert size == len(raw), vector.label
        written = io.BytesIO()
        write: Callable[[io.BytesIO, Any], None] = entity_writer(theirs_is)
        write(written, theirs)
        assert written.getvalue() == raw, vector.label
        compare(ours, theirs, vector.label)


def test_most_of_it_is_known_to_them() -> None:
    assert sum(their_class(vector) is not None for vector in all_vectors()) > 1000
