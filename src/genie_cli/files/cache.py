"""The folder for what genie can compute again: painted digits, features, converted models and compiled code."""

from __future__ import annotations

import os
import stat
import tempfile
from functools import cache as once
from pathlib import Path

from genie_cli.errors import OutputError
from genie_cli.files.reading import is_folder, nearest, reason
from genie_cli.observer import Observer


def cache(observer: Observer | None = None) -> Path:
    """The folder for data that genie can compute again, such as features. It may be deleted at any time.

    It is ``$XDG_CACHE_HOME/genie``, or else ``~/.cache/genie``. Without a home that can be written to, as in many
    containers, it is a temporary folder of this user's, and the observer is told how to choose a lasting one.

    Raises:
        OutputError: there is no folder for temporary files either.
    """
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "genie"
    if (home := _home()) and _can_hold(home / ".cache" / "genie"):
        return home / ".cache" / "genie"
    folder = _temporary()
    cause = f"{home} cannot be written to" if home else "there is no home folder"
    (observer or Observer()).warning(
        f"{cause}, so what can be computed again is kept in {folder}; for a lasting place set XDG_CACHE_HOME"
    )
    return folder


def _home() -> Path | None:
    try:
        return Path.home()
    except (RuntimeError, OSError):  # no HOME, and a user id without an entry among the users
        return None


def _can_hold(folder: Path) -> bool:
    """Whether a folder exists and can be written to, or can be made."""
    try:
        existing = nearest(folder)
        return is_folder(existing) and os.access(existing, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        return False


@once
def _temporary() -> Path:
    """The same folder for every process of this user, if it is this user's alone; else a new one."""
    try:
        wanted = Path(tempfile.gettempdir()) / f"genie-{getattr(os, 'getuid', lambda: 'cache')()}"
        try:
            wanted.mkdir(mode=0o700)
        except FileExistsError:
            if not _is_private(wanted):  # somebody else may have put it there, with features of their own
                return Path(tempfile.mkdtemp(prefix="genie-"))
        return wanted
    except OSError as error:
        raise OutputError(
            f"there is no folder to cache data in: {reason(error)}", "set XDG_CACHE_HOME to one that can be written to"
        ) from None


def _is_private(folder: Path) -> bool:
    status = os.lstat(folder)
    own = status.st_uid == getattr(os, "getuid", lambda: status.st_uid)()
    return own and stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
