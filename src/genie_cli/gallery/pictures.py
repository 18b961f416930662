"""Which thumbnails a gallery shows: one per image that was made, and one per source, however many images it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genie_cli.gallery.items import Contents, Item
from genie_cli.gallery.sheets import Drawn, SheetFolder, Wanted
from genie_cli.observer import Observer

_NO_FOLDER = "the manifest does not say in which folder it is"


@dataclass(frozen=True)
class Pictures:
    """All thumbnails, and why some are missing.

    Attributes:
        cell_of: for each row the cell of its image; None if none was made.
        source_of: for each row the number of its source, which is the source's cell, too; None without a source.
    """

    images: Drawn
    sources: Drawn
    cell_of: Sequence[int | None]
    source_of: Sequence[int | None]

    def image_problem(self, row: int) -> str:
        """Why the image that was made for a row cannot be shown; empty if it can."""
        cell = self.cell_of[row]
        return "" if cell is None else self.images.problems.get(cell, "")

    def source_problem(self, row: int) -> str:
        """Why a row's source cannot be shown; empty if it can, or if there is none."""
        source = self.source_of[row]
        return "" if source is None else self.sources.problems.get(source, "")


def draw(contents: Contents, sheets: SheetFolder, observer: Observer) -> Pictures:
    """Draw the thumbnails of all images and sources; what cannot be shown is told to the observer."""
    made = [item for item in contents.items if item.image]
    numbers = iter(range(len(made)))
    cell_of = [next(numbers) if item.image else None for item in contents.items]
    images = sheets.draw([Wanted(i.image, i.row.sha256) for i in made if i.image], "images looked at", observer)
    first = _first_of_each_source(contents.items)
    order = {sha256: number for number, sha256 in enumerate(first)}
    source_of = [order[source.sha256] if (source := item.row.job.source) else None for item in contents.items]
    wanted = [Wanted(item.source, sha256) for sha256, item in first.items() if item.source]
    if len(wanted) == len(first):
        sources = sheets.draw(wanted, "sources looked at", observer)
    else:
        sources = Drawn((), dict.fromkeys(range(len(first)), _NO_FOLDER))
    pictures = Pictures(images, sources, cell_of, source_of)
    observer.left_out(list(_left_out(pictures, made, list(first.values()))))
    return pictures


def _first_of_each_source(items: Sequence[Item]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        if item.row.job.source:
            found.setdefault(item.row.job.source.sha256, item)
    return found


def _left_out(pictures: Pictures, made: Sequence[Item], sources: Sequence[Item]) -> list[str]:
    reasons = [f"image {made[cell].row.file}: {why}" for cell, why in sorted(pictures.images.problems.items())]
    for number, why in sorted(pictures.sources.problems.items()):
        source = sources[number].row.job.source
        reasons.append(f"source {source.path if source else ''}: {why}")
    return reasons
