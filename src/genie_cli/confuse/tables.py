"""Reads names from tables and lists: CSV files, and text files with a name in each line. Independent of torch."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from genie_cli.errors import UsageError, shorten
from genie_cli.files.cells import csv_table
from genie_cli.files.reading import blaming, read_lines, read_text


def columns_of(path: Path, wanted: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of the columns ``wanted`` in a CSV file, one tuple per row; empty lines are ignored.

    Names are without spaces around them, and in Unicode's form NFC.

    Raises:
        UsageError: the file cannot be read, is no table, lacks a column, has no rows or a blank cell.
    """
    with blaming(path, UsageError, "a CSV file"):
        names, found = csv_table(read_text(path, "utf-8-sig"))
        header = [name.strip().lower() for name in names]
        rows = [(line, [clean(cell) for cell in cells]) for line, cells in found]
    if any(header.count(name) != 1 for name in wanted):
        raise UsageError(
            f"{path}, line 1: needs the column{'s' * (len(wanted) > 1)} {' and '.join(wanted)}, once each; "
            f"it has {shorten(header, 10) or 'none'}",
            f"the first line names the columns, with commas between them: {','.join(wanted)}",
        )
    places = [header.index(name) for name in wanted]
    for line, cells in rows:
        for name, place in zip(wanted, places, strict=True):
            if place >= len(cells) or not cells[place]:
                raise UsageError(f"{path}, line {line}: {name} is blank", "fill it in, or remove the line")
    if not rows:
        raise UsageError(f"{path} has a header and no rows")
    return [tuple(cells[place] for place in places) for _, cells in rows]


def lines_of(path: Path) -> list[str]:
    """A text file's lines, as `columns_of` gives cells; a blank one at the end is left out.

    Raises:
        UsageError: the file cannot be read.
    """
    with blaming(path, UsageError, "a text file"):
        lines = [clean(line) for line in read_lines(path)]
    return lines if lines[-1] else lines[:-1]


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names, one per line, in order, in Unicode's form NFC; blank lines are ignored.

    Raises:
        UsageError: the file cannot be read, has no name, or has one twice.
    """
    names = tuple(name for name in lines_of(path) if name)
    if not names:
        raise UsageError(f"{path} names no class")
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise UsageError(f"{path} lists a name twice: {shorten(twice)}", "list each class once")
    return names


def clean(name: str) -> str:
    """A name without spaces around it, in Unicode's form NFC."""
    return unicodedata.normalize("NFC", name.strip())
