"""A cache of painted digits: each data set is painted once into a folder, which is either complete or absent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from genie_cli.errors import OutputError

_VERSION = 1  # raise it when `paint` draws differently: what is in the cache is not painted again


def cached(cache: Path, name: str, images: int, paint: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of the cache, and paint it first if it is not there.

    Safe to call from several processes at once.

    Args:
        cache: the folder of all painted data sets; created if needed.
        name: names the data set and everything that decides its pixels.
        images: the number of files that ``paint`` writes.
        paint: writes PNG files to `<split>/<class>/` in the folder that it is given.

    Raises:
        OSError: ``cache`` cannot be written.
        OutputError: the folder is there, but images are missing from it.
    """
    name = f"digits-v{_VERSION}-{name}"
    done = cache / name
    if done.is_dir():
        _require_complete(done, images)
        return done
    cache.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache))  # of this process alone, renamed when complete
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


def _require_complete(folder: Path, wanted: int) -> None:
    """Raise OutputError if a cleaner of caches took some of the images: the benchmark would be a different one."""
    found = sum(1 for _ in folder.glob("*/*/*.png"))
    if found != wanted:
        raise OutputError(
            f"{folder} has {found} of {wanted} images", f"delete the folder and run again to repaint it: {folder}"
        )
