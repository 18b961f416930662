"""Makes the folder with the page, its data and thumbnails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli.files.reading import read_bytes
from genie_cli.gallery import lines, page, pictures
from genie_cli.gallery.columns import columns
from genie_cli.gallery.figures.collect import Asked, collect
from genie_cli.gallery.folder import DATA, MARKER, PAGE, STATIC, GalleryFolder
from genie_cli.gallery.items import Contents
from genie_cli.gallery.pictures import Pictures
from genie_cli.gallery.script import assign, call
from genie_cli.gallery.sheets import SheetFolder
from genie_cli.generate.paths import IMAGES, keep_apart
from genie_cli.observer import Observer


@dataclass(frozen=True)
class Gallery:
    """A gallery that was made.

    Attributes:
        page: the file to open in a browser.
        rows: how many rows it shows.
        missing: how many images and sources could not be shown.
    """

    page: Path
    rows: int
    missing: int

    @property
    def address(self) -> str:
        """The page's address, for a browser."""
        return self.page.resolve().as_uri()


def make(contents: Contents, root: Path, asked: Asked, observer: Observer) -> Gallery:
    """Make a gallery of all rows of a manifest, in a new folder or over an earlier gallery.

    Args:
        asked: what its figures are of, besides the manifest.

    Raises:
        OutputError: see `folder.GalleryFolder`; or the folder lies among sources or generated images.
        UsageError, ManifestError, ModelError: see `figures.collect.collect`.
    """
    folder = GalleryFolder(root)
    MARKER.require_free(root)
    keep_apart(contents.root / IMAGES, root)
    if contents.header.source_root:
        keep_apart(Path(contents.header.source_root), root)
    shown = collect(contents, asked, observer)
    with folder.opened():
        sheets = SheetFolder(folder)
        with sheets.opened():
            drawn = pictures.draw(contents, sheets, observer)
        folder.take_page_away()
        names = []
        for name, content in _files(contents, drawn, shown, root):
            folder.write(name, content)
            names.append(name)
        folder.write(PAGE, page.render(contents))
        folder.remove_obsolete({*names, *sheets.files})
    missing = len(drawn.images.problems) + len(drawn.sources.problems)
    return Gallery(root / PAGE, len(contents.items), missing)


def _files(contents: Contents, drawn: Pictures, shown: Mapping[str, Any], root: Path) -> Iterator[tuple[str, bytes]]:
    """The files beside the page, without the thumbnails, by their names."""
    for path in page.static_files():
        yield f"{STATIC}/{path.name}", read_bytes(path)
    yield f"{DATA}/rows.js", call("genie.load", columns(contents, drawn))
    yield f"{DATA}/figures.js", assign("genie.figures", dict(shown))
    for name, content in lines.files(contents, drawn, root):
        yield f"{DATA}/{name}", content
