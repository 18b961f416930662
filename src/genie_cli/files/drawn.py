"""Pictures that genie draws: one is replaced by another of its kind, and no other file is. Independent of torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from genie_cli.errors import OutputError
from genie_cli.files.folders import require_folder
from genie_cli.files.image_data import open_image
from genie_cli.files.reading import read_bytes, reason


def require_replaceable(path: Path, is_ours: Callable[[bytes], bool], what: str, hint: str) -> None:
    """Check that a picture may be written there.

    Args:
        is_ours: whether a file's content is a picture of this kind.
        what: what such a picture is called, as in "a matrix".
        hint: what to do if it may not.

    Raises:
        OutputError: the folder is missing, or there is another file or one that cannot be read.
    """
    require_folder(path)
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{path} already exists and cannot be read: {reason(error)}", hint) from None
    if not is_ours(data):
        raise OutputError(f"{path} already exists and is not {what} that genie drew", hint)


def png_is_by(data: bytes, software: str) -> bool:
    """Whether this is a PNG whose metadata name this software."""
    try:
        with open_image(data, ("PNG",)) as picture:
            return picture.info.get("Software") == software
    except Exception:  # on bad bytes Pillow's readers raise almost anything
        return False
