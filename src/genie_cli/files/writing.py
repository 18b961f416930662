"""Writes files whole or not at all. A file that genie did not write is never overwritten.

A file is written under a name of its own beside its place, flushed, and renamed. That name cannot be foreseen, and is
never opened if something is there, so that no link that waits in the folder is followed. It is locked while it is
written: one that is not locked was left by a killed process, and the next one to write the same file deletes it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from genie_cli.errors import OutputError
from genie_cli.files.reading import look, open_binary, reason, require_regular

if sys.platform != "win32":  # there, what a killed process leaves stays
    import fcntl

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_TOKEN = re.compile("[0-9a-f]{32}")


def write_atomically(path: Path, content: bytes, *, follow: bool = True) -> None:
    """Write a file completely or not at all, replacing an existing one; see `replace_atomically`."""
    replace_atomically(path, lambda file: file.write(content), follow=follow)


def replace_atomically(path: Path, writer: Callable[[BinaryIO], object], *, follow: bool = True) -> None:
    """Replace a file by what ``writer`` writes, completely or not at all.

    Args:
        path: the file to replace; need not exist.
        writer: is given a file that is open for writing, and writes it.
        follow: whether, if ``path`` is a symbolic link, the file that it points to is replaced, and not the link. So
            for a path that a person gave; not for one inside a folder of genie's.

    Raises:
        OutputError: it cannot be written, or what is there is not a regular file.
    """
    with reraised(path):
        path = Path(os.path.realpath(path)) if follow else path
        if found := look(path):
            require_regular(found)
        _clear(path)
        aside, file = _create(path)
        try:
            with file:
                writer(file)
                file.flush()
                os.fsync(file.fileno())
                os.replace(aside, path)  # before it is closed: until then it is locked
        except BaseException:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise


def create(path: Path, content: bytes) -> None:
    """Write a new file completely or not at all.

    Raises:
        FileExistsError: something is there, if only a link.
        OutputError: it cannot be written.
    """
    with reraised(path):
        _clear(path)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        aside, file = _create(path)
        try:
            with file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                place(aside, path)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)


def place(aside: Path, path: Path) -> None:
    """Give a finished file a name that nothing has yet; its old name may stay.

    Raises:
        FileExistsError: something is there, if only a link.
    """
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        if os.path.lexists(path):  # a file system without hard links
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(aside, path)


def open_new(path: Path) -> BinaryIO:
    """Create a file and open it for writing.

    Raises:
        OSError: it cannot be created; FileExistsError if something is there, if only a link.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666), "wb")


def open_to_append(path: Path) -> BinaryIO:
    """Open a regular file for appending, unbuffered, and create it if need be.

    Raises:
        OSError: it cannot be opened, or is a link or another kind of file.
    """
    return _open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, "ab")


def open_to_change(path: Path) -> BinaryIO:
    """Open an existing regular file for reading and writing, unbuffered; raises as `open_to_append`."""
    return _open_regular(path, os.O_RDWR, "rb+")


def _open_regular(path: Path, flags: int, mode: str) -> BinaryIO:
    with suppress(FileNotFoundError):
        require_regular(os.lstat(path))  # opening alone may start something, in a device
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | _NO_LINK, 0o666)
    try:
        require_regular(os.fstat(descriptor))
        return cast("BinaryIO", os.fdopen(descriptor, mode, buffering=0))
    except BaseException:
        os.close(descriptor)
        raise


def clear_unfinished(*paths: Path) -> None:
    """Delete what killed processes left when they were writing these files. What cannot be deleted stays."""
    for path in paths:
        with suppress(OSError):
            _clear(Path(os.path.realpath(path)))


def _create(path: Path) -> tuple[Path, BinaryIO]:
    """A new, locked file beside ``path``, and its name."""
    while True:
        aside = path.with_name(_prefix(path) + secrets.token_hex(16))
        file = open_new(aside)
        if sys.platform != "win32":
            with suppress(OSError):  # some network file systems cannot lock
                fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return aside, file
        file.close()  # `_clear` of another process took it between the two


def _clear(path: Path) -> None:
    if sys.platform == "win32":
        return
    prefix = _prefix(path)
    with os.scandir(path.parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(prefix)]
    for name in names:
        if _TOKEN.fullmatch(name.removeprefix(prefix)):
            with suppress(OSError):  # it is locked, or gone by now
                _unlink_unlocked(path.with_name(name))


def _unlink_unlocked(aside: Path) -> None:
    with open_binary(aside, follow=False) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        aside.unlink()


def _prefix(path: Path) -> str:
    """How the names of a file's unfinished versions begin; short, since a file's own name may be as long as can be."""
    return f".genie-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}-"


@contextmanager
def reraised(path: Path) -> Iterator[None]:
    """Turn errors of the file system into OutputErrors about ``path``, but that something is there already."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}", _remedy(error)) from None
    except ValueError as error:  # a NUL, or half of a surrogate pair
        if not _is_no_name(path):
            raise
        raise OutputError(f"cannot write {path}: no file can have this name", "choose another path") from error


def _remedy(error: OSError) -> str:
    return "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "choose another path"


def _is_no_name(path: Path) -> bool:
    try:
        os.fsencode(path)
    except ValueError:
        return True
    return "\0" in str(path)


def require_own(path: Path, beginning: str) -> None:
    """Check that a file of genie's may be written to ``path``.

    Args:
        beginning: how every file of this kind begins.

    Raises:
        OutputError: a file is there that does not begin so, or the path cannot be read.
    """
    try:
        with open_binary(path) as file:
            ours = file.read(len(beginning.encode())) == beginning.encode()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}", "choose another path") from None
    if not ours:
        raise OutputError(f"{path} already exists and was not written by this command", "choose another path")


@contextmanager
def reraise_as_output_error(root: Path, hint: str = "choose another --out") -> Iterator[None]:
    """Turn errors of the file system into OutputErrors about an output folder, whose files stay.

    Args:
        hint: what to do, unless the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free some space and run the same command again: it resumes where it stopped"
        with suppress(OSError):
            root = root.resolve()
        raise OutputError(f"cannot write to {root}: {reason(error)}", hint) from None
