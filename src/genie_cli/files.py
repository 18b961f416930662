"""Files of genie's own: written whole or not at all, and never over a person's."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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
