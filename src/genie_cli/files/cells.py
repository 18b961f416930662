"""The rows of CSV files, and text in their cells, which people open in spreadsheets.

A spreadsheet takes a cell that begins with an equals sign, and some others, for a formula, and runs it. The names of
classes and files come from outside, so such a cell gets an apostrophe in front, which spreadsheets take for "this is
text". It stays visible there, and genie's own readers take it off again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO

# Also the full-width forms, which East Asian spreadsheets take for the same, and the line break that some skip.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_SPECIAL = re.compile('[,;"\t\r\n]|^ | $')


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file that are not empty, each with the number of its last line, from 1.

    Raises:
        ValueError: a quote is not closed, or something follows one. Otherwise one stray quote would make a single cell
            of all the rest of the file.
    """
    reader, last = csv.reader(StringIO(text, newline=""), strict=True), 0
    try:
        for row in reader:
            last = reader.line_num
            if row:
                yield last, row
    except csv.Error as error:
        raise ValueError(f"line {last + 1}: {error}; is a quotation mark left open?") from None


def csv_table(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The first row, which names the columns, and the others, with the numbers of their lines.

    Raises:
        ValueError: see `csv_rows`; or a row has more cells than there are columns, as one does in which a comma is not
            quoted: its cells would be taken for those of other columns. Blank cells at the end are harmless.
    """
    rows = csv_rows(text)
    _, header = next(rows, (0, []))
    found = list(rows)
    for line, cells in found:
        if any(cell.strip() for cell in cells[len(header) :]):
            raise ValueError(f"line {line} has more cells than the first line; is a comma in a name not quoted?")
    return header, found


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
