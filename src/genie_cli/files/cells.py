"""Text in the cells of CSV files that people open in spreadsheets.

A spreadsheet takes a cell that begins with an equals sign, and some others, for a formula, and runs it. The names of
classes and files come from outside, so such a cell gets an apostrophe in front, which spreadsheets take for "this is
text". It stays visible there, and genie's own readers take it off again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Also the full-width forms, which East Asian spreadsheets take for the same, and the line break that some skip.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_SPECIAL = re.compile('[,;"\t\r\n]|^ | $')


def escape_cell(text: str) -> str:
    """``text``, with an apostrophe in front if it could be a formula; no two texts become the same cell."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_cell(cell: str) -> str:
    """The text that `escape_cell` made ``cell`` of; a cell that it cannot have made stays as it is."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_line(texts: Iterable[str]) -> str:
    """A line of a CSV file, with its line break, of two texts or more; cells are escaped, and quoted where need be."""
    return ",".join(map(_quoted, map(escape_cell, texts))) + "\n"


def _quoted(cell: str) -> str:
    # Not by csv.writer: before Python 3.13 it does not quote a carriage return, which readers take for the row's end.
    return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell
