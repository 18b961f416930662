"""No cell is a formula, and each gives its text back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.files.cells import csv_line, csv_rows, csv_table, escape_cell, unescape_cell

BEGINNINGS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text() | st.tuples(st.text("'"), st.sampled_from(BEGINNINGS), st.text()).map("".join)


@given(TEXTS)
def test_every_text_survives(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text


@given(TEXTS)
def test_no_cell_begins_as_a_formula_does(text: str) -> None:
    assert not escape_cell(text).startswith(tuple(BEGINNINGS))


@given(TEXTS, TEXTS)
def test_no_two_texts_become_one_cell(one: str, other: str) -> None:
    assert (escape_cell(one) == escape_cell(other)) == (one == other)


def test_other_texts_stay_as_they_are() -> None:
    for text in ("", "lynx", "'tis", "'", "a=b", "3", "snow leopard"):
        assert escape_cell(text) == text == unescape_cell(text)


def test_what_was_typed_by_hand_is_read_as_it_is() -> None:
    assert unescape_cell("=a") == "=a"


@given(st.lists(TEXTS | st.text(",;'\"\r\n\t =a"), min_size=2, max_size=5))
def test_a_line_gives_its_cells_back(texts: list[str]) -> None:
    ((_, cells),) = csv_rows(csv_line(texts))
    assert cells == [escape_cell(text) for text in texts]


@pytest.mark.parametrize("row", ['a,"b', '"a"b,c', '"a,b', 'a,"b"c'])
def test_a_stray_quote_does_not_swallow_the_rest(row: str) -> None:
    with pytest.raises(ValueError, match=r"^line 3: "):
        list(csv_rows(f"x,y\nc,d\n{row}\ne,f\n"))


def test_cells_are_of_a_column() -> None:
    assert csv_table("\nx,y\n\na,b,, \nc\n") == (["x", "y"], [(4, ["a", "b", "", " "]), (5, ["c"])])
    with pytest.raises(ValueError, match="line 2 has more cells than the first line"):
        csv_table("x,y\nsnow leopard, big,lynx\n")
