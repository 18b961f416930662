"""The folder of a gallery, and how that survives being killed at any moment.

It is derived: what is in it can be made again, so it is replaced by the next gallery that is made there. The page,
``index.html``, is taken away before anything that it shows changes, and written last: if it is there, all of it is.
Thumbnails are named after what they show, and stay as long as they are shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from genie_cli.files.folders import make_own_folder
from genie_cli.files.marker import Marker
from genie_cli.files.writing import clear_unfinished, write_atomically
from genie_cli.generate.own_folder import PRIVATE, locked

PAGE = "index.html"
SHEETS, DATA, STATIC = "sheets", "data", "static"
_DERIVED = {SHEETS: re.compile(r"[0-9a-f]{32}\.jpg"), DATA: re.compile(r"lines-\d{4,}\.js")}
MARKER = Marker("gallery", "give a new folder: --out GALLERY")


@dataclass(frozen=True)
class GalleryFolder:
    """A folder for a gallery, new or with an earlier one."""

    root: Path

    @property
    def private(self) -> Path:
        """The folder of what is not for the page."""
        return self.root / PRIVATE

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock the folder, and mark it as a gallery's.

        Raises:
            OutputError: it holds anything else, another process makes a gallery there, or it cannot be written.
        """
        with locked(self.root, MARKER):
            self.write(MARKER.name, MARKER.content({}))
            for name in (SHEETS, DATA, STATIC):
                make_own_folder(self.root / name)
            yield

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the gallery, completely or not at all; name relative to the folder."""
        write_atomically(self.root / name, content, follow=False)

    def take_page_away(self) -> None:
        """Delete the page, which is written again once all that it shows is there."""
        (self.root / PAGE).unlink(missing_ok=True)

    def remove_obsolete(self, names: Collection[str]) -> None:
        """Delete thumbnails and rows of earlier galleries; nothing that has another name than genie gives.

        Args:
            names: the files that are in use, relative to the folder.
        """
        for folder, pattern in _DERIVED.items():
            for name in os.listdir(self.root / folder):
                if pattern.fullmatch(name) and f"{folder}/{name}" not in names:
                    with suppress(OSError):  # what cannot be deleted stays, and is not shown
                        (self.root / folder / name).unlink()
                        clear_unfinished(self.root / folder / name)
