"""Digits that are painted once and kept: a cut of the data set is a folder of image folders, whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from genie_cli.errors import OutputError

_VERSION = 1  # to be raised when `data.digits` paints otherwise: what is painted already is not painted again


def painted(cache: Path, name: str, images: int, paint: Callable[[Path], None]) -> Path:
    """The folder of that name, into which ``paint`` has put ``images`` files `<folder>/<class>/<image>.png`.

    Raises:
        OSError: ``cache`` cannot be written.
        OutputError: images that were painted before are gone.
    """
    name = f"digits-v{_VERSION}-{name}"
    done = cache / name
    if done.is_dir():
        _require_whole(done, images)
        return done
    cache.mkdir(parents=True, exist_ok=True)
    # Whole or not at all, and each process for itself: several may start at once.
    aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache))
    try:
        paint(aside)
        aside.chmod(0o755)
        os.rename(aside, done)
    except OSError:
        if not done.is_dir():
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return done


def _require_whole(folder: Path, wanted: int) -> None:
    """A cache may be tidied by others: on what is left of it, a benchmark would be another one."""
    found = sum(1 for _ in folder.glob("*/*/*.png"))
    if found != wanted:
        raise OutputError(f"{folder} has {found} of {wanted} images", f"delete it, it is painted again: {folder}")
