"""No cell is a formula, and each gives its text back."""

from __future__ import annotations

import csv
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st

from genie_cli.files.cells import csv_line, escape_cell, unescape_cell

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
    assert list(csv.reader(StringIO(csv_line(texts), newline=""))) == [[escape_cell(text) for text in texts]]
