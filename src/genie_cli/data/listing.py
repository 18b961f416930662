"""Names of the files and folders in a folder, for readers and for messages; no file is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from genie_cli.errors import FolderError, shorten


def files_in(folder: Path) -> frozenset[str]:
    """Names of the regular files in a folder, links followed, hidden ones left out; empty if there is no folder.

    Raises:
        FolderError: the folder cannot be read.
    """
    return _named(folder, os.DirEntry.is_file)


def folders_in(folder: Path) -> frozenset[str]:
    """Names of the folders in a folder; otherwise as `files_in`."""
    return _named(folder, os.DirEntry.is_dir)


def contents(root: Path) -> str:
    """The first few names in a folder, for an error: "images/, train.csv"."""
    names = [f"{name}/" for name in sorted(folders_in(root))] + sorted(files_in(root))
    return shorten(names, 6) or "nothing"


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
    except OSError as error:
        raise FolderError(
            f"{error.filename or folder} cannot be read: {error.strerror}", "check that you may read it"
        ) from error
