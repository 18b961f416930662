"""Names of the files and folders in a folder, for readers and for messages; no file is opened."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from genie_cli.errors import FolderError, shorten
from genie_cli.files import reading
from genie_cli.files.reading import blaming, reason

_MOST_DOUBLED = 3
_OF_MACS = "__MACOSX"  # beside what their archives hold
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".rar", ".7z")
_unreadable = partial(FolderError, hint="check that you may read it")


def files_in(folder: Path) -> frozenset[str]:
    """Names of the regular files in a folder, links followed, hidden ones left out; empty if there is no folder.

    A link whose target cannot be examined is among them; reading it raises the error.

    Raises:
        FolderError: the folder cannot be read.
    """
    return _named(folder, _is_file)


def folders_in(folder: Path) -> frozenset[str]:
    """Names of the folders in a folder, links followed, hidden ones left out; empty if there is no folder.

    Raises:
        FolderError: the folder cannot be read, or it cannot be found out what a link leads to.
    """
    return _named(folder, _is_folder)


def is_file(path: Path) -> bool:
    """Whether a regular file is there; FolderError if that cannot be found out."""
    with blaming(path, _unreadable, "a path"):
        return reading.is_file(path)


def is_folder(path: Path) -> bool:
    """Whether a folder is there; FolderError if that cannot be found out."""
    with blaming(path, _unreadable, "a path"):
        return reading.is_folder(path)


def contents(root: Path) -> str:
    """The first few names in a folder, for an error: "images/, train.csv"."""
    names = [f"{name}/" for name in sorted(folders_in(root))] + sorted(files_in(root))
    return shorten(names, 6) or "nothing"


def undoubled(root: Path, place: str = "") -> str:
    """A place below ``root``, or the folder of its own name in it, where archives are unpacked into such a one.

    That is so, of each folder of the place, if the other folder is the only one there, and has no images beside it.

    Args:
        place: POSIX; "" for the root itself, whose own name then counts.
    """
    if not place:
        return _undoubled(root, "", root.absolute().name)
    found = ""
    for name in place.split("/"):
        found = _undoubled(root, f"{found}/{name}".lstrip("/"), name)
    return found


def only_folder(root: Path) -> str:
    """The name of the folder in ``root``, if there is one only; else empty."""
    names = folders_in(root) - {_OF_MACS}
    return next(iter(names)) if len(names) == 1 else ""


def _undoubled(root: Path, place: str, name: str) -> str:
    from genie_cli.data.images import IMAGE_SUFFIXES

    def is_image(file: str) -> bool:
        return PurePosixPath(file).suffix.lower() in IMAGE_SUFFIXES

    for _ in range(_MOST_DOUBLED):
        if not name or only_folder(root / place) != name or any(map(is_image, files_in(root / place))):
            break
        place = f"{place}/{name}".lstrip("/")
    return place


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 class", "2 classes"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


class FileIndex:
    """Which files exist below a root, asked folder by folder.

    A hundred thousand single questions are slow on a network disk. What was asked once is not asked again.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, frozenset[str]] = {}

    def __contains__(self, path: str) -> bool:
        """Whether there is a regular file at ``path``, POSIX and relative to the root."""
        folder, _, name = path.rpartition("/")
        if folder not in self._known:
            self._known[folder] = files_in(self._root / folder)
        return name in self._known[folder]


def _named(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if not entry.name.startswith(".") and wanted(entry))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "no folder can have this name"
        at = getattr(error, "filename", None) or folder
        raise _unreadable(f"{at} cannot be read: {why}") from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
            return False
        raise
