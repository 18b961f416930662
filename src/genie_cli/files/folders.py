"""Folders that genie is to write to: whether they can be used, and are genie's own and no links to elsewhere."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from genie_cli.errors import OutputError
from genie_cli.files.reading import look, nearest, reason, require_regular
from genie_cli.files.writing import reraised


def require_folder(path: Path) -> None:
    """Raise OutputError unless the folder that will contain ``path`` exists, and nothing but a file is at ``path``."""
    with reraised(path):
        if not (found := look(path.parent)) or not stat.S_ISDIR(found.st_mode):
            why = f"{path.parent} is not a folder" if found else f"there is no folder {path.parent}"
            raise OutputError(f"cannot write {path}: {why}", "create it, or choose another path")
        if there := look(path):
            require_regular(there)


def require_free(path: Path) -> None:
    """Raise OutputError if there is a file already, which somebody may have edited, or no folder for one."""
    if os.path.lexists(path):
        raise OutputError(f"{path} already exists", "choose another name; nothing was changed")
    require_folder(path)


def require_usable_folder(path: Path) -> None:
    """Raise OutputError unless ``path`` is a folder that can be written to, or can be made one."""
    with reraised(path):
        existing = nearest(path)
        if not (found := look(existing)) or not stat.S_ISDIR(found.st_mode):
            kind = "a file" if found else "a broken link"
            raise OutputError(f"{path} cannot be a folder: {existing} is {kind}", "choose another --out")
        if not os.access(existing, os.W_OK | os.X_OK):
            is_locked = os.statvfs(existing).f_flag & os.ST_RDONLY
            why = os.strerror(errno.EROFS) if is_locked else f"no permission to write in {existing}"
            raise OutputError(f"cannot write to {path}: {why}", "choose another --out")


def entries(folder: Path, pattern: str) -> list[Path]:
    """What is in a folder under a name that fits a pattern, sorted; nothing if there is no such folder.

    `Path.glob` finds nothing in a folder that cannot be read, either, and what a run left there would be overlooked.

    Raises:
        OutputError: the folder is there, and cannot be read.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        let = f"let its owner read it: {shlex.join(['chmod', 'u+rx', str(folder)])}"
        hint = let if isinstance(error, PermissionError) else "choose another folder"
        raise OutputError(f"{folder} cannot be read: {reason(error)}", hint) from None
    return [folder / name for name in sorted(names) if fnmatchcase(name, pattern)]


def require_own_folder(path: Path) -> None:
    """Raise OutputError if something is at ``path`` that is not a folder, if only a link to one."""
    with reraised(path), suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            kind = "a link" if os.path.islink(path) else "a file"
            raise OutputError(f"{path} is {kind}, not a folder of genie's", "move it away, or choose another --out")


def make_own_folder(path: Path) -> None:
    """Create a folder of genie's own, and those above it, unless it is there; OutputError as `require_own_folder`."""
    require_own_folder(path)
    with reraised(path), suppress(FileExistsError):
        path.mkdir(parents=True)
    require_own_folder(path)


def remove_folder(folder: Path) -> None:
    """Delete a folder of temporary files, if it is there; a link is deleted, and not what it points to."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
