"""Byte for byte as Apache Kafka's own generated classes: every message, every version."""

import pytest
from tests.protocol.vectors import Vector, all_vectors

from ottla.protocol import api

MODULES = sorted({vector.module for vector in all_vectors()})


def of_module(module: str) -> list[Vector]:
    return [vector for vector in all_vectors() if vector.module == module]


@pytest.mark.parametrize("module", MODULES)
def test_our_bytes_are_kafkas(module: str) -> None:
    for vector in of_module(module):
        assert vector.encode(vector.message()).hex() == vector.raw.hex(), vector.label


@pytest.mark.parametrize("module", MODULES)
def test_kafkas_bytes_give_the_values(module: str) -> None:
    for vector in of_module(module):
        decoded = vector.decode(vector.raw)
        wanted = vector.message()
        assert vector.encode(decoded).hex() == vector.raw.hex(), vector.label
        assert decoded == wanted, vector.label


@pytest.mark.parametrize("module", MODULES)
def test_any_kind_of_buffer_with_something_around(module: str) -> None:
    for vector in of_module(module):
        wanted = vector.message()
        framed = b"ab" + vector.raw + b"\xff\x00\x7f"
        for buffer in (framed, bytearray(framed), memoryview(framed), memoryview(bytearray(framed))):
            assert vector.decode(buffer, 2) == wanted, vector.label


def test_every_version_of_every_api_has_vectors() -> None:
    there = {(vector.name, vector.version) for vector in all_vectors()}
    wanted = {
        (each.name + kind, version)
        for each in api.apis()
        for kind in ("Request", "Response")
        for version in range(each.request_versions[0], each.request_versions[1] + 1)
    }
    assert wanted <= there
