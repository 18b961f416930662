"""What a person sees: words on stderr, data on stdout. Imported by every command, so it is light."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genie_cli.devices import is_main_process
from genie_cli.errors import GenieError
from genie_cli.observer import Observer, Progress

_SHOWN = 5


def stderr(*, every_process: bool = False) -> Console:
    """For words, progress and errors; made anew so that it follows whatever stderr is now.

    Without markup: class names and paths may hold [brackets].

    Args:
        every_process: whether all processes of a run under torchrun write, not only the first.
    """
    quiet = not (every_process or is_main_process())
    return Console(stderr=True, highlight=False, markup=False, emoji=False, quiet=quiet)


def stdout() -> Console:
    """For tables; quiet in all processes but the first."""
    return Console(highlight=False, quiet=not is_main_process())


class ConsoleObserver(Observer):
    """Prints to stderr, and draws bars if that is a terminal."""

    def __init__(self) -> None:
        self.console = stderr()

    def found(self, message: str) -> None:
        self.console.print(message, soft_wrap=True)

    def left_out(self, reasons: Sequence[str]) -> None:
        for reason in reasons[:_SHOWN]:
            self.console.print(f"left out: {reason}", soft_wrap=True)
        if len(reasons) > _SHOWN:
            self.console.print(f"left out: {len(reasons) - _SHOWN} more")

    def warning(self, message: str) -> None:
        self.console.print("warning:", style="yellow", end=" ")
        self.console.print(message, soft_wrap=True)

    def progress(self, description: str, total: int | None = None) -> AbstractContextManager[Progress]:
        from genie_cli.cli import _progress

        return _progress.bar(self.console, description, total)


def wants_lines(as_json: bool) -> bool:
    """Whether stdout gets JSON Lines: asked for, or not a terminal."""
    return as_json or not sys.stdout.isatty()


def explain(error: GenieError) -> None:
    """Show an error: what and where, then what fixes it."""
    complain(str(error), error.hint)


def complain(message: str, hint: str = "") -> None:
    """Show what is wrong, and what fixes it."""
    console = stderr(every_process=True)
    console.print("error:", style="bold red", end=" ")
    console.print(message, soft_wrap=True)
    if hint:
        console.print(hint, soft_wrap=True, style="cyan")


def facts(title: str, pairs: Mapping[str, object]) -> Table:
    """A two-column table."""
    # Text, not strings: a prompt or path may hold [brackets], which are markup in a string.
    table = Table(title=Text(title), show_header=False, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(Text(name), Text(str(value)))
    return table


def duration(seconds: float) -> str:
    """A time span: ``90 s``, ``15 min``, ``3.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
