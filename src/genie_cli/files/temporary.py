"""Temporary files, which may be larger than the memory, and the folder for what can be computed again."""

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
    """An empty temporary database: 2 MB of cache in memory, the rest in the system's folder for temporary files.

    Raises:
        OutputError: that folder is full or cannot be written.
    """
    with _reraise_as_no_room(sqlite3.Error), closing(sqlite3.connect("")) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # there are no transactions to roll back
        yield connection


@contextmanager
def copied(stream: BinaryIO) -> Iterator[Path]:
    """A temporary file with the rest of ``stream``; deleted when the context ends.

    Raises:
        OutputError: the folder for temporary files is full or cannot be written.
    """
    with ExitStack() as held:
        with _reraise_as_no_room(OSError):  # only while copying: later errors are not about the copy
            path = Path(held.enter_context(TemporaryDirectory(prefix="genie-"))) / "copy"
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)
        yield path


@contextmanager
def _reraise_as_no_room(kind: type[Exception]) -> Iterator[None]:
    try:
        yield
    except kind as error:
        reason = getattr(error, "strerror", None) or f"SQLite says: {error}"
        hint = "free some space in the folder for temporary files, or set TMPDIR to another folder"
        raise OutputError(f"cannot write a temporary file: {reason}", hint) from None


@contextmanager
def seen_set() -> Iterator[Callable[[bytes], bool]]:
    """A set of byte strings that may outgrow the memory; see `database`.

    Yields:
        A function that adds its argument and returns whether it is new.

    Raises:
        OutputError: the folder for temporary files is full or cannot be written.
    """
    with database() as file:
        file.execute("CREATE TABLE seen (what BLOB PRIMARY KEY) WITHOUT ROWID")
        yield lambda what: file.execute("INSERT OR IGNORE INTO seen VALUES (?)", (what,)).rowcount == 1
