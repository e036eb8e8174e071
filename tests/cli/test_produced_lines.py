"""Lines as records: plain, with keys, JSON; and what consume prints can be produced again."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.cli.escapes import unescaped
from ottla.cli.produced_lines import LineError, LineReader, Produced
from ottla.cli.record_format import json_record
from ottla.client.consumer import ConsumedRecord


def reader(
    *,
    as_json: bool = False,
    key_separator: bytes | None = None,
    null_marker: bytes | None = None,
    key: bytes | None = None,
) -> LineReader:
    return LineReader(
        as_json=as_json,
        key_separator=key_separator,
        null_marker=null_marker,
        key=key,
        headers=[("host", b"web1")],
        partition=None,
    )


def test_a_line_is_a_value_byte_for_byte() -> None:
    assert reader().read(b"a\xff\r") == Produced(None, b"a\xff\r", [("host", b"web1")], None, None)
    assert reader(key=b"k").read(b"") == Produced(b"k", b"", [("host", b"web1")], None, None)


def test_the_first_separator_separates() -> None:
    assert reader(key_separator=b":").read(b"k:v:w")[:2] == (b"k", b"v:w")
    assert reader(key_separator=b"::").read(b"::")[:2] == (b"", b"")
    with pytest.raises(LineError, match="the key separator ':' is not in it"):
        reader(key_separator=b":").read(b"no key")


def test_the_null_marker_stands_for_null() -> None:
    marked = reader(key_separator=b"\t", null_marker=b"\\N")
    assert marked.read(b"\\N\tv")[:2] == (None, b"v")
    assert marked.read(b"k\t\\N")[:2] == (b"k", None)
    assert marked.read(b"k\t")[:2] == (b"k", b"")
    assert reader(null_marker=b"").read(b"").value is None


def test_json_has_all_of_a_record() -> None:
    line = {"key": "k", "value": {"a": [1, "ö"]}, "headers": {"h": "x", "n": None}, "partition": 2, "timestamp": 5}
    record = reader(as_json=True).read(json.dumps(line).encode())
    assert record == Produced(b"k", '{"a":[1,"ö"]}'.encode(), [("h", b"x"), ("n", None), ("host", b"web1")], 2, 5)
    assert reader(as_json=True, key=b"d").read(b'{"value": null}')[:2] == (b"d", None)
    assert reader(as_json=True, key=b"d").read(b'{"value": 7, "key": null}')[:2] == (None, b"7")
    timed = reader(as_json=True).read(b'{"value_base64": "/wA=", "timestamp": "2026-01-01T00:00:00Z"}')
    assert (timed.value, timed.timestamp_ms) == (b"\xff\0", 1_767_225_600_000)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"hello", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", 'no "value"'),
        (b'{"vlaue": 1, "value": 2}', "unknown fields: vlaue"),
        (b'{"value": 1, "partition": -1}', '"partition" is no number'),
        (b'{"value": 1, "partition": true}', '"partition" is no number'),
        (b'{"value": 1, "timestamp": "soon"}', '"timestamp" is neither'),
        (b'{"value_base64": "?"}', '"value_base64" is not base64'),
        (b'{"value_base64": 7}', '"value_base64" is not base64'),
        (b'{"value": 1, "headers": 7}', '"headers" is neither'),
        (b'{"value": 1, "headers": [["a"]]}', "a header is neither"),
        (b'{"value": 1, "headers": [{"value": "v"}]}', "a header is neither"),
        (b'{"value": 1, "headers": [{"key": null, "value": "v"}]}', "a header is neither"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON that can be read"),
        (b'{"value": 1, "timestamp": 9223372036854775808}', '"timestamp" is neither'),
        (b'{"value": 1, "headers": {"\\ud800": "v"}}', "no text that UTF-8 can write"),
    ],
)
def test_a_line_that_is_no_record_says_why(line: bytes, why: str) -> None:
    with pytest.raises(LineError, match=why):
        reader(as_json=True).read(line)


def test_half_a_character_is_kept_as_it_is_written() -> None:
    assert reader(as_json=True).read(b'{"value": "\\ud800"}').value == b"\xed\xa0\x80"
    assert reader(as_json=True).read(b'{"value": ["\\ud800"]}').value == b'["\xed\xa0\x80"]'


@given(st.binary())
def test_no_line_does_anything_else(line: bytes) -> None:
    for one in (reader(as_json=True), reader(key_separator=b":")):
        with contextlib.suppress(LineError):
            one.read(line)


BYTES = st.one_of(st.none(), st.binary(max_size=20))


@given(
    BYTES, BYTES, st.lists(st.tuples(st.text(max_size=5), BYTES), max_size=3), st.integers(0, 2**50), st.integers(0, 9)
)
def test_what_consume_prints_can_be_produced(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], time_ms: int, partition: int
) -> None:
    line = json_record(ConsumedRecord("t", partition, 7, time_ms, 0, key, value, headers))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    record = LineReader(as_json=True, key_separator=None, null_marker=None, key=None, headers=[], partition=None).read(
        line[:-1]
    )
    assert record._replace(headers=[]) == Produced(key, value, [], partition, time_ms)
    as_bytes = [(name if isinstance(name, bytes) else name.encode(), content) for name, content in record.headers]
    assert as_bytes == [(name.encode(), content) for name, content in headers]


def test_escapes_in_arguments() -> None:
    assert unescaped(r"\t|\n|\\|\x1f|\0|\q|ö") == b"\t|\n|\\|\x1f|\0|\\q|" + "ö".encode()
