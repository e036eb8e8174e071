"""Records as output: bytes as they are in a pipe, made safe on a terminal."""

import json

import pytest

from ottla.cli.record_format import formatted, json_record, values
from ottla.client.consumer import ConsumedRecord
from ottla.model.errors import OperatorError

RECORD = ConsumedRecord("orders", 3, 42, 1_767_225_600_250, 0, b"k", b"v\x1b[31m\xff", [("a", b"1"), (b"\xfe", None)])
TOMBSTONE = ConsumedRecord("orders", 3, 43, -1, 0, None, None, [])


def test_values_are_bytes_in_a_pipe_and_safe_on_a_terminal() -> None:
    assert values(safe=False, null_marker=b"")(RECORD) == b"v\x1b[31m\xff\n"
    assert values(safe=True, null_marker=b"null")(RECORD) == b"v\\x1b[31m\\xff\n"
    assert values(safe=False, null_marker=b"")(TOMBSTONE) == b"\n"
    assert values(safe=True, null_marker=b"null")(TOMBSTONE) == b"null\n"


def test_placeholders() -> None:
    render = formatted(r"%t %p %o %T %I\t%k=%v [%h] %K %S 100%%", safe=True, null_marker=b"~")
    assert render(RECORD) == (
        b"orders 3 42 1767225600250 2026-01-01T00:00:00.250Z\tk=v\\x1b[31m\\xff [a=1,\\xfe=~] 1 7 100%\n"
    )
    assert render(TOMBSTONE) == b"orders 3 43 -1 -\t~=~ [] -1 -1 100%\n"


def test_a_line_break_follows_unless_it_is_there() -> None:
    assert formatted("%o", safe=True, null_marker=b"")(RECORD) == b"42\n"
    assert formatted(r"%o\n", safe=True, null_marker=b"")(RECORD) == b"42\n"
    assert formatted(r"%o\0", safe=True, null_marker=b"")(RECORD) == b"42\0\n"


def test_an_unknown_placeholder_names_the_known() -> None:
    with pytest.raises(OperatorError, match="'%z' is none of %k %v"):
        formatted("%z", safe=True, null_marker=b"")


def test_json() -> None:
    assert json.loads(json_record(RECORD)) == {
        "topic": "orders",
        "partition": 3,
        "offset": 42,
        "timestamp": 1_767_225_600_250,
        "key": "k",
        "value_base64": "dhtbMzFt/w==",
        "headers": [{"key": "a", "value": "1"}, {"key_base64": "/g==", "value": None}],
    }
