"""What a person sees: words and progress on stderr, data on stdout. Imported by every command, so it is light."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genie_cli.errors import GenieError

if TYPE_CHECKING:
    from rich.progress import Progress

_SHOWN = 5


def words(*, every_process: bool = False) -> Console:
    """For words, progress and errors; made anew so that it follows whatever stderr is now.

    Without markup: class names and paths may hold [brackets].

    Args:
        every_process: whether the other processes of a run under torchrun are heard, too.
    """
    quiet = not (every_process or is_first_process())
    return Console(stderr=True, highlight=False, markup=False, emoji=False, quiet=quiet)


def is_first_process() -> bool:
    """Whether this is the only process of a run, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def say_left_out(what: Sequence[str]) -> None:
    """Say what a command does without: the first few, and how many more."""
    for line in what[:_SHOWN]:
        words().print(f"left out: {line}", soft_wrap=True)
    if len(what) > _SHOWN:
        words().print(f"left out: {len(what) - _SHOWN} more")


def progress() -> Progress:
    """A bar that is gone when all is done; nothing where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = words()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def wants_lines(as_json: bool) -> bool:
    """Whether stdout gets JSON Lines: asked for, or not read by a person."""
    return as_json or not sys.stdout.isatty()


def explain(error: GenieError) -> None:
    """An error in words: what and where, then what mends it."""
    console = words(every_process=True)
    console.print("error:", style="bold red", end=" ")
    console.print(str(error), soft_wrap=True)
    if error.hint:
        console.print(error.hint, soft_wrap=True, style="cyan")


def facts(title: str, pairs: Mapping[str, object]) -> Table:
    """A two-column table."""
    # Text, not strings: a prompt or path may hold [brackets], which are markup in a string.
    table = Table(title=Text(title), show_header=False, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(name, Text(str(value)))
    return table


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
