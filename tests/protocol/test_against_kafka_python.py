"""kafka-python 3 compiles a codec from Kafka's schemas too: the same values must be the same bytes in both."""

import pkgutil
import warnings
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from tests.protocol.vectors import Vector, all_vectors

from ottla.protocol.message import Message


@cache
def their_classes() -> dict[str, Any]:
    classes: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # they read their schemas in a way that Python dropped
        from kafka import protocol
        from kafka.protocol.api_message import ApiMessage

        for found in pkgutil.walk_packages(protocol.__path__, "kafka.protocol."):
            if ".old" not in found.name and "generate" not in found.name:
                members = vars(import_module(found.name)).items()
                classes |= {name: it for name, it in members if isinstance(it, type) and issubclass(it, ApiMessage)}
    return classes


def knows(vector: Vector) -> bool:
    theirs = their_classes().get(vector.name)
    if theirs is None or not theirs.valid_versions[0] <= vector.version <= theirs.valid_versions[1]:
        return False
    # Their ApiVersionsResponse falls back to version 0 on any error code.
    return vector.name != "ApiVersionsResponse" or vector.values["error_code"] == 0


KNOWN = sorted({vector.name for vector in all_vectors() if vector.name in their_classes()})


def compare(ours: Any, theirs: Any, path: str) -> None:
    if isinstance(ours, Message):
        for name, value in theirs.items():
            # Theirs takes the two bit fields of Metadata and DescribeCluster by a shorter name, as sets of bits.
            if not name.endswith("authorized_operations"):
                compare(getattr(ours, name), value, f"{path}.{name}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), path
        for our_element, their_element in zip(ours, theirs, strict=True):
            compare(our_element, their_element, path)
    elif theirs is None and ours == bytes(16):
        pass  # their default of a tagged uuid
    elif ours is None and isinstance(theirs, dict):
        pass  # a tagged struct that was left out: theirs has the defaults
    else:
        assert ours == getattr(theirs, "bytes", theirs), path


@pytest.mark.parametrize("name", KNOWN)
def test_same_bytes_and_same_values(name: str) -> None:
    for vector in filter(knows, all_vectors()):
        if vector.name != name:
            continue
        ours = vector._replace(tags=[]).message()  # theirs keeps unknown tags under other names
        raw = vector.encode(ours)
        theirs = their_classes()[name].decode(raw, version=vector.version)
        theirs._header = None  # they forget it when decoding without a header
        assert theirs.encode(version=vector.version) == raw, vector.label
        compare(ours, theirs.to_dict(json=False), vector.label)


def test_most_of_it_is_known_to_them() -> None:
    assert sum(map(knows, all_vectors())) > 900
