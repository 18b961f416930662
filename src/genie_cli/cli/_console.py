"""What a person sees: words on stderr, data on stdout. Imported by every command, so it is light.

Everything leaves the program here, and nothing of it can do more than be read: see `_printable`.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, cast

from rich.console import Console
from rich.segment import Segment
from rich.table import Table

from genie_cli.cli import _streams
from genie_cli.cli._printable import printable_json, printable_lines, text
from genie_cli.devices import is_main_process
from genie_cli.errors import GenieError
from genie_cli.observer import Observer, Progress

_SHOWN = 5
_WIDTH = 120  # characters of a line in a file, which has no width of its own
_only_words = False


class Words(Console):
    """A console that shows every string as it is, without markup, in one line, and without characters that act."""

    def __init__(self, stream: IO[str], quiet: bool) -> None:
        width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH
        super().__init__(file=stream, quiet=quiet, width=width, highlight=False, markup=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(text(part) if isinstance(part, str) else part for part in objects), **options)

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        """What Rich has laid out, with whatever has come here by another way than `text`."""
        for segment in super().render(*arguments, **options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)


def stderr(*, every_process: bool = False) -> Words:
    """For words, progress and errors; made anew so that it follows whatever stderr is now.

    Args:
        every_process: whether all processes of a run under torchrun write, not only the first.
    """
    quiet = not (every_process or is_main_process())
    return Words(cast("IO[str]", _streams.Forgiving(sys.stderr)), quiet)


def stdout() -> Words:
    """For tables; quiet in all processes but the first."""
    return Words(sys.stdout, not is_main_process())


def write_lines(lines: Iterable[str]) -> None:
    """Write JSON Lines to stdout."""
    for line in lines:
        sys.stdout.write(printable_json(line))
    sys.stdout.flush()  # before what follows on stderr, which may go to the same file


def show(lines: Iterable[str], tables: Iterable[Table], as_json: bool) -> None:
    """Results as tables for a person; and if a program reads stdout, that gets JSON Lines, and stderr the tables."""
    in_lines = wants_lines(as_json)
    if in_lines:
        write_lines(lines)
    console = stderr() if in_lines else stdout()
    for table in tables:
        console.print(table)


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


def point_on(what: str, command: Sequence[str]) -> None:
    """Say which command may come next, unless there is one already: in a pipe, or within `only_words`.

    Args:
        what: what it does; may be empty.
        command: its words.
    """
    if not _only_words and not _streams.is_pipe(sys.stdout):
        stderr().print(f"next{', ' if what else ''}{what}: {shlex.join(command)}", soft_wrap=True)


def wants_lines(as_json: bool) -> bool:
    """Whether stdout gets JSON Lines: asked for, or not a terminal and not kept for words."""
    return as_json or not (_only_words or sys.stdout.isatty())


@contextmanager
def only_words() -> Iterator[None]:
    """While this is open, stdout gets words and tables even if it is not a terminal: a person reads the log."""
    global _only_words
    before, _only_words = _only_words, True
    try:
        yield
    finally:
        _only_words = before


def explain(error: GenieError) -> None:
    """Show an error: what and where, then what fixes it."""
    complain(*error.lines, hints=error.hints)


def complain(*lines: str, hints: Sequence[str] = ()) -> None:
    """Show what is wrong, and what fixes it."""
    console = stderr(every_process=True)
    console.print("error:", style="bold red", end=" ")
    for line in lines:
        console.print(line, soft_wrap=True)
    for hint in hints:
        console.print(hint, soft_wrap=True, style="cyan")


def facts(title: str, pairs: Mapping[str, object]) -> Table:
    """A two-column table."""
    table = Table(title=text(title), show_header=False, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(text(name), text(value))
    return table
