"""Writing genie's own files atomically, and temporary files. A file that genie did not write is never overwritten."""

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
    """Folder for data that genie can compute again, such as features. It may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "genie"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely or not at all, replacing an existing one.

    Raises:
        OutputError: it cannot be written.
    """
    replace_atomically(path, lambda aside: aside.write_bytes(content))


def replace_atomically(path: Path, writer: Callable[[Path], object]) -> None:
    """Replace a file by what ``writer`` writes, completely or not at all.

    Args:
        path: the file to replace; need not exist. If it is a symbolic link, the file that it points to is replaced.
        writer: is given the path of a temporary file in the same folder, and writes it.

    Raises:
        OutputError: it cannot be written.
    """
    path = Path(os.path.realpath(path))
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        writer(aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    except (OSError, RuntimeError) as error:  # torch raises a RuntimeError if the disk is full
        reason = getattr(error, "strerror", None) or f"the disk may be full; torch says: {str(error).splitlines()[0]}"
        raise OutputError(f"cannot write {path}: {reason}", "choose another path, or free some space") from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def require_folder(path: Path) -> None:
    """Raise OutputError unless the folder that will contain ``path`` exists."""
    if not os.path.isdir(path.parent):  # Path.is_dir raises where a parent may not be searched
        raise OutputError(f"cannot write {path}: there is no folder {path.parent}", "create it, or choose another path")


def require_usable_folder(path: Path) -> None:
    """Raise OutputError unless ``path`` is a folder that can be written to, or can be made one."""
    existing = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    if not os.path.isdir(existing):
        raise OutputError(f"{path} cannot be a folder: {existing} is a file", "choose another --out")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to {path}: no permission to write in {existing}", "choose another --out")


def require_own(path: Path, beginning: str) -> None:
    """Check that a file of genie's may be written to ``path``.

    Args:
        beginning: how every file of this kind begins.

    Raises:
        OutputError: a file is there that does not begin so, or the path cannot be read.
    """
    try:
        with path.open("rb") as file:
            ours = file.read(len(beginning.encode())) == beginning.encode()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", "choose another path") from None
    if not ours:
        raise OutputError(f"{path} already exists and was not written by this command", "choose another path")


@contextmanager
def reraise_as_output_error(root: Path) -> Iterator[None]:
    """Turn errors of the file system into OutputErrors. Files that were written before are kept."""
    try:
        yield
    except OSError as error:
        hint = "choose another --out"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free some space and run the same command again: it resumes where it stopped"
        with suppress(OSError):
            root = root.resolve()
        raise OutputError(f"cannot write to {root}: {error.strerror or error}", hint) from None


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
