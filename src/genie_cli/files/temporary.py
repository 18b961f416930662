"""Temporary files, which may be larger than the memory. What killed processes left of them the next one deletes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import BinaryIO

from genie_cli.errors import OutputError

if sys.platform != "win32":  # there, what a killed process leaves stays
    import fcntl


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
            path = held.enter_context(temporary_folder()) / "copy"
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)
        yield path


@contextmanager
def temporary_folder(inside: str = "") -> Iterator[Path]:
    """An empty temporary folder of this user's; deleted when the context ends, or else by the next process.

    It is locked as long as it is used: one that is not was left by a killed process.

    Args:
        inside: the folder that it is made in; the system's for temporary files if that is empty.

    Raises:
        OSError: it cannot be made.
    """
    _clear(inside or gettempdir())
    folder, lock = _create(inside or gettempdir())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _prefix() -> str:
    return f"genie-run-{getattr(os, 'getuid', lambda: 0)()}-"


def _create(inside: str) -> tuple[Path, int]:
    """A new folder, and the open file that locks it."""
    while True:
        folder = Path(mkdtemp(prefix=_prefix(), dir=inside))
        with suppress(FileNotFoundError):  # `_clear` of another process took it before it was locked
            lock = os.open(folder, os.O_RDONLY)
            if sys.platform != "win32":
                with suppress(OSError):  # some network file systems cannot lock
                    fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _clear(inside: str) -> None:
    """Delete what killed processes of this user left. What cannot be deleted stays."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(inside) as entries:
        for entry in [entry for entry in entries if entry.name.startswith(_prefix())]:
            with suppress(OSError):  # it is locked, or gone by now
                _remove_unlocked(entry.path)


def _remove_unlocked(folder: str) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(lock)
        if stat.S_IMODE(status.st_mode) == 0o700 and status.st_uid == os.getuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


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
