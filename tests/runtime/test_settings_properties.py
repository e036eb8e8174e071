"""Properties files, read as ``java.util.Properties`` reads them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.runtime.settings.model import SettingError
from ottla.runtime.settings.properties import Property, iter_properties, parse_properties


def test_as_java_reads_them(kafka_answers: dict[str, Any]) -> None:
    wrong = []
    for text, expected in kafka_answers["properties"]:
        try:
            outcome: dict[str, str] | None = parse_properties(text)
        except SettingError:
            outcome = None
        if outcome != expected:
            wrong.append((text, outcome, expected))
    assert wrong == []


def test_lines_are_numbered_from_where_they_begin() -> None:
    text = "# head\n\na=1\nb=\\\n  2\r\nc=3\rd=4"
    assert list(iter_properties(text)) == [
        Property("a", "1", 3),
        Property("b", "2", 4),
        Property("c", "3", 6),
        Property("d", "4", 7),
    ]


def test_the_last_of_two_wins() -> None:
    assert parse_properties("a=1\na=2\n") == {"a": "2"}


def test_malformed_escape_names_the_line() -> None:
    with pytest.raises(SettingError, match=r"line 2: .*hexadecimal"):
        parse_properties("a=1\nb=\\u12\n")


def escape(text: str, *, key: bool) -> str:
    """Write ``text`` as ``Properties.store`` would, everything doubtful escaped."""
    out = []
    for char in text:
        if char in "\\=:#! " or (char.isspace() and key):
            out.append(f"\\u{ord(char):04x}" if char.isspace() and char != " " else "\\" + char)
        elif char in "\t\n\r\f":
            out.append({"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}[char])
        elif ord(char) > 0xFFFF:
            units = char.encode("utf-16-be")
            out.append(f"\\u{units[:2].hex()}\\u{units[2:].hex()}")
        else:
            out.append(char)
    return "".join(out)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.dictionaries(texts.filter(bool), texts, max_size=5), st.sampled_from("\n\r"), st.sampled_from("= :"))
def test_what_was_escaped_comes_back(properties: dict[str, str], end: str, separator: str) -> None:
    text = end.join(f"{escape(k, key=True)}{separator}{escape(v, key=False)}" for k, v in properties.items())
    assert parse_properties(text) == properties


@given(st.text(st.sampled_from("ab=: \t\f\\\n\r#!u0041"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        properties = parse_properties(text)
    except SettingError:
        return
    assert all(isinstance(value, str) for value in properties.values())
