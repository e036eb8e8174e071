"""Bytes made printable: one line, no control characters, different bytes look different."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from ottla.cli.output.json_text import json_line
from ottla.cli.output.text import json_bytes, one_line, safe_text, size_text


@given(st.binary())
def test_nothing_reaches_the_terminal_that_could_do_something(data: bytes) -> None:
    assert safe_text(data).isprintable()


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_different_bytes_look_different(one: bytes, other: bytes) -> None:
    assert (safe_text(one) == safe_text(other)) == (one == other)


def test_text_stays_text() -> None:
    assert safe_text("zwölf Kästchen, 注文".encode()) == "zwölf Kästchen, 注文"
    assert safe_text(b"a\tb\nc\x1b[31m\xff\\") == "a\\tb\\nc\\x1b[31m\\xff\\\\"


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert one_line(text).isprintable()


@given(st.one_of(st.none(), st.binary()))
def test_json_keeps_every_byte(data: bytes | None) -> None:
    member = json.loads(json.dumps(json_bytes("value", data)))
    if "value_base64" in member:
        assert base64.b64decode(member["value_base64"]) == data
    elif data is None:
        assert member == {"value": None}
    else:
        assert member["value"].encode() == data


def test_sizes() -> None:
    assert [size_text(size) for size in (0, 999, 1000, 999_949, 999_950, 1_500_000_000, 10**16)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "999.9 kB",
        "1.0 MB",
        "1.5 GB",
        "10000.0 TB",
    ]


@given(st.text(st.characters(exclude_categories=[])))
def test_json_says_the_same_without_what_a_terminal_obeys(text: str) -> None:
    line = json_line([text])
    assert json.loads(line) == [text]
    line.encode()
    assert not any(0x7F <= ord(character) < 0xA0 or ord(character) < 0x20 for character in line)
    assert json_line("zwölf 注文") == '"zwölf 注文"'
