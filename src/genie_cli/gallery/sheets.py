"""Thumbnails, 25 to a file, so that a page of a hundred thousand images needs few files, and loads those in view.

A sheet is named by a hash of what it shows, so that one that is there is not drawn again; a journal says how large the
pictures in each are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Annotated, BinaryIO

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genie_cli.data.images import read
from genie_cli.errors import ImageError, ManifestError
from genie_cli.files.json_lines import objects
from genie_cli.files.reading import is_file, open_text, sha256_of
from genie_cli.files.writing import open_to_append, write_atomically
from genie_cli.gallery.folder import SHEETS, GalleryFolder
from genie_cli.observer import Observer

COLUMNS = 5
CELLS = COLUMNS * COLUMNS
LARGEST = 128  # pixels of a thumbnail's longer side
_BLOCK = 8  # pixels of JPEG's blocks: cells of whole blocks do not run into each other
_QUALITY = 85
_THREADS = 4
_DRAWN_AS = "thumbnails 1"  # to be changed with what is drawn
_JOURNAL = "sheets.jsonl"

_Pixels = Annotated[int, Field(ge=1, le=LARGEST)]


@dataclass(frozen=True)
class Wanted:
    """What a cell is to show: an image file, and the SHA-256 that it must have."""

    path: Path
    sha256: str


class Sheet(BaseModel):
    """A file with up to 25 thumbnails, row by row.

    Attributes:
        name: of the file, without its ending; empty if there is none, since no picture can be shown.
        sha256: of the file.
        side: of a cell, in pixels.
        sizes: (width, height) of the picture in each cell, at its top left; None if the cell is empty.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    name: Annotated[str, Field(pattern="^([0-9a-f]{32})?$")]
    sha256: str
    side: Annotated[int, Field(ge=0, le=LARGEST)]
    sizes: tuple[tuple[_Pixels, _Pixels] | None, ...]


@dataclass(frozen=True)
class Drawn:
    """Thumbnails: cell ``n`` is in sheet ``n // 25``.

    Attributes:
        problems: why a cell is empty, by its number.
    """

    sheets: Sequence[Sheet]
    problems: dict[int, str]


@dataclass
class SheetFolder:
    """Draws sheets in the folder of a gallery; those that are there are used again."""

    folder: GalleryFolder
    _known: dict[str, Sheet] = field(default_factory=dict)
    _used: dict[str, Sheet] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Read the journal; at the end write it anew, with the sheets that were asked for meanwhile."""
        path = self.folder.private / _JOURNAL
        self._known = _read_journal(path)
        _write_journal(path, self._known)  # without what a kill left of a line
        with open_to_append(path) as self._journal:
            yield
        _write_journal(path, self._used)

    _journal: BinaryIO = field(init=False)

    @property
    def files(self) -> set[str]:
        """The sheets that were asked for, relative to the gallery."""
        return {f"{SHEETS}/{name}.jpg" for name in self._used}

    def draw(self, wanted: Sequence[Wanted], description: str, observer: Observer) -> Drawn:
        """Draw thumbnails of images, in their order; of one that cannot be read the cell is empty."""
        groups = [wanted[start : start + CELLS] for start in range(0, len(wanted), CELLS)]
        sheets: list[Sheet] = []
        problems: dict[int, str] = {}
        with observer.progress(description, len(wanted)) as progress:
            pool = ThreadPoolExecutor(_THREADS)
            try:
                for number, (sheet, reasons) in enumerate(pool.map(self._sheet, groups)):
                    sheets.append(sheet)
                    problems |= {CELLS * number + cell: reason for cell, reason in reasons.items()}
                    progress.advance(len(groups[number]))
            finally:
                pool.shutdown(cancel_futures=True)
        return Drawn(sheets, problems)

    def _sheet(self, group: Sequence[Wanted]) -> tuple[Sheet, dict[int, str]]:
        """The sheet of some images, and why those that are not in it are not."""
        if all(_is_there(wanted.path) for wanted in group) and (sheet := self._again(_name([w.sha256 for w in group]))):
            return sheet, {}
        pictures: list[Image.Image | None] = []
        reasons: dict[int, str] = {}
        for cell, wanted in enumerate(group):
            try:
                pictures.append(_thumbnail(wanted))
            except ImageError as error:
                reasons[cell] = error.reason
                pictures.append(None)
        if len(reasons) == len(group):
            return Sheet(name="", sha256="", side=0, sizes=(None,) * len(group)), reasons
        name = _name(["" if cell in reasons else wanted.sha256 for cell, wanted in enumerate(group)])
        return self._again(name) or self._draw(name, pictures), reasons

    def _again(self, name: str) -> Sheet | None:
        """The sheet of this name, if it is there and whole."""
        sheet = self._known.get(name)
        try:
            if not sheet or sha256_of(self._path(name), follow=False) != sheet.sha256:
                return None
        except OSError:
            return None
        with self._lock:
            self._used[name] = sheet
        return sheet

    def _draw(self, name: str, pictures: Sequence[Image.Image | None]) -> Sheet:
        sizes = tuple(picture.size if picture else None for picture in pictures)
        side = -(-max(max(size) for size in sizes if size) // _BLOCK) * _BLOCK
        canvas = Image.new("RGB", (COLUMNS * side, -(-len(pictures) // COLUMNS) * side), "white")
        for cell, picture in enumerate(pictures):
            if picture:
                canvas.paste(picture, (cell % COLUMNS * side, cell // COLUMNS * side))
        file = BytesIO()
        canvas.save(file, "JPEG", quality=_QUALITY, subsampling="4:4:4")
        data = file.getvalue()
        sheet = Sheet(name=name, sha256=hashlib.sha256(data).hexdigest(), side=side, sizes=sizes)
        write_atomically(self._path(name), data, follow=False)
        with self._lock:
            self._used[name] = sheet
            self._journal.write(sheet.model_dump_json().encode() + b"\n")
        return sheet

    def _path(self, name: str) -> Path:
        return self.folder.root / SHEETS / f"{name}.jpg"


def _thumbnail(wanted: Wanted) -> Image.Image:
    """The image, at most `LARGEST` pixels on its longer side; ImageError if it is missing, changed or broken."""
    picture = read(wanted.path, wanted.sha256, LARGEST)
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return picture


def _name(digests: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([_DRAWN_AS, *digests]).encode()).hexdigest()[:32]


def _is_there(path: Path) -> bool:
    try:
        return is_file(path)
    except OSError:
        return False


def _read_journal(path: Path) -> dict[str, Sheet]:
    """The sheets that were drawn before; none if the journal is damaged, for they can be drawn again."""
    try:
        with open_text(path) as lines:
            found = (Sheet.model_validate_json(json.dumps(line)) for _, line in objects(lines, str(path), False))
            return {sheet.name: sheet for sheet in found}
    except (OSError, ManifestError, ValidationError):
        return {}


def _write_journal(path: Path, sheets: Mapping[str, Sheet]) -> None:
    lines = (sheets[name].model_dump_json() + "\n" for name in sorted(sheets))
    write_atomically(path, "".join(lines).encode(), follow=False)
