"""Tables: nothing is lost, nothing is wider than the terminal, columns stand below their headings."""

import re

from hypothesis import given
from hypothesis import strategies as st

from ottla.cli.output.table import Cell, Column, fold, table_lines, text_width

CELLS = st.one_of(st.none(), st.integers(), st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=60))
TABLES = st.integers(1, 5).flatmap(
    lambda columns: st.lists(st.lists(CELLS, min_size=columns, max_size=columns), min_size=1, max_size=6)
)


def columns_for(rows: list[list[object]]) -> list[Column]:
    return [Column(f"COLUMN{at}", right=at % 2 == 1) for at in range(len(rows[0]))]


@given(TABLES, st.integers(30, 120))
def test_no_line_is_wider_than_the_terminal(rows: list[list[object]], width: int) -> None:
    for line in table_lines(columns_for(rows), rows, width):
        assert text_width(line) <= width


@given(TABLES, st.one_of(st.none(), st.integers(30, 120)))
def test_no_character_is_lost(rows: list[list[object]], width: int | None) -> None:
    shown = "".join(table_lines(columns_for(rows), rows, width))
    for row in rows:
        for value in row:
            for word in re.findall(r"[a-zA-Z0-9]", "" if value is None else str(value)):
                assert word in shown


@given(TABLES)
def test_without_a_width_each_row_is_one_line(rows: list[list[object]]) -> None:
    assert len(table_lines(columns_for(rows), rows, None)) == len(rows) + 1


def test_columns_stand_below_their_headings() -> None:
    lines = table_lines(
        [Column("NAME"), Column("COUNT", right=True), Column("X")], [("a", 1, None), ("bcdefg", 12345678, "y")], 80
    )
    assert lines == ["NAME       COUNT  X", "a              1  -", "bcdefg  12345678  y"]


def test_colour_does_not_move_anything() -> None:
    rows = [("a", Cell("red", "31")), ("long one", None)]
    columns = [Column("A", style="36"), Column("B")]
    plain = table_lines(columns, rows, 80)
    coloured = table_lines(columns, rows, 80, colour=True)
    assert coloured != plain
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain


def test_a_long_name_is_folded_behind_its_marks() -> None:
    lines = table_lines([Column("TOPIC"), Column("N", right=True)], [("orders-for-the-whole-world.v2", 3)], 24)
    assert lines == ["TOPIC                  N", "orders-for-the-whole-  3", "world.v2"]


def test_what_cannot_stand_side_by_side_stands_below_one_another() -> None:
    columns = [Column("TOPIC"), Column("COMMITTED", right=True), Column("CLIENT")]
    lines = table_lines(columns, [("o" * 20, 12, "a client"), ("p", 1, None)], 30)
    assert lines == [
        "TOPIC      oooooooooooooooooooo"[:30],
        "           o",
        "COMMITTED  12",
        "CLIENT     a client",
        "",
        "TOPIC      p",
        "COMMITTED  1",
        "CLIENT     -",
    ]


def test_wide_characters_take_two_columns() -> None:
    lines = table_lines([Column("A"), Column("B")], [("注文", "x"), ("abcd", "y")], None)
    assert lines == ["A     B", "注文  x", "abcd  y"]


@given(st.text(max_size=200), st.integers(1, 40))
def test_folding_only_takes_blanks(text: str, size: int) -> None:
    assert "".join(fold(text, size)).replace(" ", "") == text.replace(" ", "")
