"""Addresses as people write them."""

import pytest

from ottla.client import SettingsError
from ottla.client.address import Address, parse_addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:9092", [Address("localhost", 9092)]),
        ("localhost", [Address("localhost", 9092)]),
        (" a:1 , b:2,", [Address("a", 1), Address("b", 2)]),
        ("[::1]:19092", [Address("::1", 19092)]),
        ("[fe80::1]", [Address("fe80::1", 9092)]),
        ("SASL_SSL://broker.example:9093", [Address("broker.example", 9093)]),
    ],
)
def test_addresses(text: str, expected: list[Address]) -> None:
    assert parse_addresses(text) == expected


@pytest.mark.parametrize("text", ["", " , ", ":9092", "host:", "host:x", "host:0", "host:70000", "::1:9092", "h:²"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_addresses(text)


def test_an_address_is_written_as_it_is_read() -> None:
    assert str(Address("::1", 1)) == "[::1]:1"
    assert str(Address("h", 1)) == "h:1"
