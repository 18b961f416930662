"""Files of genie's own: written whole or not at all, and never over a person's."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from genie_cli.errors import OutputError


def cache() -> Path:
    """Where genie keeps what it can make again, features above all; it may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "genie"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, over what is there; OutputError if it cannot be written."""
    replace_atomically(path, lambda aside: aside.write_bytes(content))


def replace_atomically(path: Path, writer: Callable[[Path], object]) -> None:
    """As `write_atomically`, of what ``writer`` writes to the path that it is given."""
    path = Path(os.path.realpath(path))  # what a link leads to is replaced, not the link
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        writer(aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    except (OSError, RuntimeError) as error:  # torch raises a RuntimeError if the disk is full
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise OutputError(f"cannot write {path}: {reason}", "choose another place for it, or free some space") from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def require_folder(path: Path) -> None:
    """Raise OutputError unless the folder that ``path`` is to lie in is there."""
    if not os.path.isdir(path.parent):  # Path.is_dir raises where a parent may not be searched
        raise OutputError(f"cannot write {path}: there is no folder {path.parent}", "make it, or choose another place")


def require_usable_folder(path: Path) -> None:
    """Raise OutputError unless ``path`` is a folder that can be written to, or can be made one."""
    existing = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    if not os.path.isdir(existing):
        raise OutputError(f"{path} cannot be a folder: {existing} is a file", "choose another --out")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to {path}: no permission to write in {existing}", "choose another --out")


def require_own(path: Path, beginning: str) -> None:
    """Raise OutputError unless ``path`` is free, or holds a text that begins as genie's files of its kind do."""
    try:
        with path.open("rb") as file:
            ours = file.read(len(beginning.encode())) == beginning.encode()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(f"{path} is in the way: {error.strerror}", "choose another place") from None
    if not ours:
        raise OutputError(f"{path} is there already and was not written by this command", "choose another place")


@contextmanager
def reraise_as_output_error(root: Path) -> Iterator[None]:
    """Turns what the file system refuses into words. Everything written before stays, and a rerun goes on."""
    try:
        yield
    except OSError as error:
        hint = "choose another --out"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free some space and run the same command again: it goes on where it stopped"
        with suppress(OSError):
            root = root.resolve()
        raise OutputError(f"cannot write to {root}: {error.strerror or error}", hint) from None


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """An empty database. What does not fit its cache of 2 MB lies in the system's folder for temporary files.

    Raises:
        OutputError: there is no room for it.
    """
    with _explained_as_no_room(sqlite3.Error), closing(sqlite3.connect("")) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # nothing is ever taken back
        yield connection


@contextmanager
def copied(stream: BinaryIO) -> Iterator[Path]:
    """A file with what is left in ``stream``, for as long as this is open; OutputError as `database`."""
    with ExitStack() as held:
        with _explained_as_no_room(OSError):  # not what goes wrong later, with the copy
            path = Path(held.enter_context(TemporaryDirectory(prefix="genie-"))) / "copy"
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)
        yield path


@contextmanager
def _explained_as_no_room(refusal: type[Exception]) -> Iterator[None]:
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
