"""What a person sees: words and progress on stderr, data on stdout. Imported by every command, so it is light."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from genie_cli.errors import GenieError


def words() -> Console:
    """For words, progress and errors; made anew so that it follows whatever stderr is now."""
    return Console(stderr=True, highlight=False)


def wants_lines(as_json: bool) -> bool:
    """Whether stdout gets JSON Lines: asked for, or not read by a person."""
    return as_json or not sys.stdout.isatty()


def explain(error: GenieError) -> None:
    """An error in words: what and where, then what mends it."""
    console = words()
    console.print("error:", style="bold red", end=" ")
    console.print(str(error), markup=False, soft_wrap=True)
    if error.hint:
        console.print(error.hint, markup=False, soft_wrap=True, style="cyan")


def facts(title: str, pairs: Mapping[str, object]) -> Table:
    """A two-column table."""
    table = Table(title=title, show_header=False, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(name, str(value))
    return table
