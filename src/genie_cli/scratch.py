"""Notes too many for memory: in a file that nobody else sees, and that is gone when it is closed.

This module does not know jobs, rows or genie's folders.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from genie_cli.errors import OutputError


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """An empty database. What does not fit its cache of 2 MB lies in the system's folder for temporary files.

    Raises:
        OutputError: there is no room for it.
    """
    with _explained(sqlite3.Error), closing(sqlite3.connect("")) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # nothing is ever taken back
        yield connection


@contextmanager
def copied(stream: BinaryIO) -> Iterator[Path]:
    """A file with what is left in ``stream``, for as long as this is open; OutputError as `database`."""
    with ExitStack() as held:
        with _explained(OSError):  # not what goes wrong later, with the copy
            path = Path(held.enter_context(TemporaryDirectory(prefix="genie-"))) / "copy"
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)
        yield path


@contextmanager
def _explained(refusal: type[Exception]) -> Iterator[None]:
    try:
        yield
    except refusal as error:
        hint = "free some space in the folder for temporary files, or name another with TMPDIR"
        raise OutputError(f"cannot write a temporary file: {error}", hint) from None


@contextmanager
def seen_set() -> Iterator[Callable[[bytes], bool]]:
    """A function that says whether it is shown something for the first time; OutputError as `database`."""
    with database() as file:
        file.execute("CREATE TABLE seen (what BLOB PRIMARY KEY) WITHOUT ROWID")
        yield lambda what: file.execute("INSERT OR IGNORE INTO seen VALUES (?)", (what,)).rowcount == 1
