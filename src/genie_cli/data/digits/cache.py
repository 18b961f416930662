"""A cache of painted digits: each data set is painted once into a folder, which is either complete or absent.

    <cache>/digits-v2-<name>/<split>/<class>/*.png
    <cache>/digits-v2-<name>/.genie-digits.json         the SHA-256 of every picture
    <cache>/.digits-v2-<name>-<token>/                  what a process is painting, or is about to delete

A folder of the last kind is locked while it is used: one that is not locked was left by a killed process, and the next
one to look into the cache deletes it. Pictures are not trusted: they are compared with the list each time.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from genie_cli.errors import OutputError, shorten
from genie_cli.files.reading import is_folder, look, read_bytes, read_json
from genie_cli.files.writing import open_new
from genie_cli.observer import Observer

if sys.platform != "win32":  # there, what a killed process leaves stays
    import fcntl

_VERSION = 2  # raise it when `paint` draws differently, or the list changes: what is in the cache is not painted again
_LIST, _KIND = ".genie-digits.json", "genie.digits"
_ASIDE = re.compile(r"\.digits-v[0-9]+-[a-z0-9-]+-[0-9a-f]{16}")
_ATTEMPTS = 3
_MAX_BYTES = 1 << 20  # of a picture of 32 x 32 pixels, and of the list of some thousand


def cached(cache: Path, name: str, paint: Callable[[Path], None], observer: Observer | None = None) -> Path:
    """Return the folder ``name`` of the cache, and paint it first unless it is there as it was painted.

    Safe to call from several processes at once.

    Args:
        cache: the folder of all painted data sets; created if needed.
        name: names the data set and everything that decides its pixels.
        paint: writes PNG files to `<split>/<class>/` in the folder that it is given.
        observer: is told if what was there is damaged, and so is painted again.

    Raises:
        OSError: ``cache`` cannot be read or written.
        OutputError: something is in the folder's place that genie did not paint.
    """
    name = f"digits-v{_VERSION}-{name}"
    done = cache / name
    _clear(cache)
    wrong = _wrong(done)
    if wrong == []:
        return done
    if wrong:
        (observer or Observer()).warning(
            f"{done} is not as it was painted, and is painted again: {shorten(wrong, 3)} changed"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with _aside(cache, name) as new:
        paint(new)
        listed = json.dumps({"kind": _KIND, "files": _digests(new)}, indent=1, sort_keys=True) + "\n"
        with open_new(new / _LIST) as file:
            file.write(listed.encode())
        if wrong:
            with _aside(cache, name) as old, suppress(FileNotFoundError):  # another process may have done so by now
                os.rename(done, old)
        try:
            os.rename(new, done)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # another process was faster
                raise
    return done


def _wrong(folder: Path) -> list[str] | None:
    """The files of a painted folder that are not as they were painted; None if there is no folder.

    Raises:
        OutputError: genie did not paint it.
    """
    for _ in range(_ATTEMPTS):  # another process may be replacing it
        if not os.path.lexists(folder):
            return None
        if not os.path.islink(folder) and is_folder(folder) and look(folder / _LIST):
            found, listed = _digests(folder), _listed(folder)
            changed = {path for path in {*found, *listed} if found.get(path) != listed.get(path)}
            return sorted(changed) if listed else [_LIST]
    raise OutputError(
        f"{folder} was not painted by genie, or has lost its list, {_LIST}",
        "move it away, or delete it: it will be painted again",
    )


def _listed(folder: Path) -> dict[str, object]:
    """The list of a painted folder; empty if it is damaged."""
    try:
        content = read_json(folder / _LIST)
        return dict(content["files"]) if content["kind"] == _KIND else {}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file in a painted folder by its path in it, without the list; empty if it is no picture."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*files, *(name for name in folders if os.path.islink(os.path.join(place, name)))):
            path, digest = Path(place, name), ""
            with suppress(OSError):
                digest = hashlib.sha256(read_bytes(path, _MAX_BYTES)).hexdigest()
            found[path.relative_to(folder).as_posix()] = digest
    found.pop(_LIST, None)
    return found


@contextmanager
def _aside(cache: Path, name: str) -> Iterator[Path]:
    """A new folder beside the one that is called ``name``, locked, and deleted in the end if it still has its name."""
    while True:
        folder = cache / f".{name}-{secrets.token_hex(8)}"
        folder.mkdir()
        with _lock(folder) as state:
            if state is _Lock.ANOTHERS:
                continue  # `_clear` of another process took it between the two
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


class _Lock(Enum):
    OURS, ANOTHERS, UNKNOWN = range(3)  # the last where folders cannot be locked, as on some network file systems


@contextmanager
def _lock(folder: Path) -> Iterator[_Lock]:
    """Lock a folder, and yield whose it is then; also another's if it is gone, or no folder."""
    if sys.platform == "win32":
        yield _Lock.UNKNOWN
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield _Lock.ANOTHERS
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        state = _Lock.OURS if os.fstat(descriptor).st_nlink else _Lock.ANOTHERS
    except OSError as error:
        state = _Lock.ANOTHERS if isinstance(error, BlockingIOError) else _Lock.UNKNOWN
    try:
        yield state
    finally:
        os.close(descriptor)


def _clear(cache: Path) -> None:
    """Delete what killed processes left when they were painting. What cannot be deleted stays."""
    if not is_folder(cache):
        return
    with os.scandir(cache) as entries:
        left = [cache / entry.name for entry in entries if _ASIDE.fullmatch(entry.name)]
    for folder in left:
        with _lock(folder) as state:
            if state is _Lock.OURS:
                shutil.rmtree(folder, ignore_errors=True)
