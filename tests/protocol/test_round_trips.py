"""Any values, in any version: what is written is what is read, but for the fields that the version has no place for."""

import random
import struct
from types import UnionType
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.vectors import Vector, all_vectors, field_types

from ottla.protocol.message import Message

ONE_OF_EACH = {(vector.name, vector.version): vector for vector in all_vectors()}
NAMES = sorted({name for name, _ in ONE_OF_EACH})
WORDS = ("", "a", "topic", "ß", "鍵" * 50, "z" * 200)


def any_message(cls: Any, chance: random.Random) -> Any:
    """Return a message with any value in every field, whether or not a version has it."""
    message = cls()
    for name, hint in field_types(cls).items():
        if chance.random() < 0.8:
            setattr(message, name, any_value(hint, getattr(message, name), chance))
    if chance.random() < 0.2 and hasattr(message, "unknown_tags"):
        message.unknown_tags = {5000 + tag: chance.randbytes(tag) for tag in range(chance.randint(1, 3))}
    return message


def any_value(hint: Any, default: Any, chance: random.Random) -> Any:
    """Return a value of a type; numbers are small enough for the narrowest field."""
    if isinstance(hint, UnionType):
        parts = [part for part in get_args(hint) if part is not type(None) and get_args(part) != ((),)]
        nullable = default is None or len(parts) < len(get_args(hint)) - 1
        return None if nullable and chance.random() < 0.2 else any_value(parts[0], default, chance)
    if get_origin(hint) is list:
        return [any_value(get_args(hint)[0], None, chance) for _ in range(chance.randint(0, 2))]
    if issubclass(hint, Message):
        return any_message(hint, chance)
    if hint is bytes and isinstance(default, bytes) and len(default) != 16:
        return chance.randbytes(chance.choice((0, 3, 130)))
    values = {bool: chance.random() < 0.5, int: chance.randint(0, 127), str: chance.choice(WORDS), float: 1.5}
    return chance.randbytes(16) if hint is bytes else values[hint]


def without(message: Any, name: str) -> None:
    """Give every field of this name in a message its default."""
    for field, value in message.fields().items():
        if field == name:
            setattr(message, field, getattr(type(message)(), field))
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, Message):
                without(part, name)


def without_nulls(message: Any) -> None:
    """Give every null field that has an empty value that value."""
    for field, hint in field_types(type(message)).items():
        value = getattr(message, field)
        if value is None and isinstance(hint, UnionType):
            first = get_args(hint)[0]
            if first in (str, bytes) or get_origin(first) is list:
                setattr(message, field, (get_origin(first) or first)())
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, Message):
                without_nulls(part)


def fit(vector: Vector, message: Any) -> bytes:
    """Encode a message, after taking out of it what the version refuses."""
    while True:
        try:
            return vector.encode(message)
        except AssertionError:
            without_nulls(message)
        except ValueError as error:
            without(message, str(error).split(" ")[0].rpartition(".")[2])


def compare(read: Any, written: Any, path: str) -> None:
    """Assert that every field is what was written or, as a whole, its default."""
    defaults = type(written)().fields()
    for name, value in read.fields().items():
        given_value = getattr(written, name)
        if value == defaults[name] or value == given_value:
            continue
        if isinstance(value, list):
            pairs = list(zip(value, given_value, strict=True))
        else:
            pairs = [(value, given_value)]
        for one, other in pairs:
            assert isinstance(one, Message), f"{path}.{name}: {one!r} is not {other!r}"
            compare(one, other, f"{path}.{name}")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_written_is_read(name: str, seed: int) -> None:
    chance = random.Random(seed)
    vector = chance.choice([one for (one_name, _), one in ONE_OF_EACH.items() if one_name == name])
    message = any_message(getattr(vector.codec(), name), chance)
    try:
        raw = fit(vector, message)
    except struct.error:
        pytest.fail(f"{vector.label}: {message!r}")
    read = vector.decode(raw)
    assert vector.encode(read) == raw, vector.label
    compare(read, message, vector.label)
