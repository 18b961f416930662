"""Rows of pictures under column heads, in inches: what the grid and the sweep have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.data.images import read
from genie_cli.errors import ImageError, shorten
from genie_cli.gallery.plots.names import wrapped
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

WIDTH = 7.0  # inches: of a page with two columns
HEIGHT = 8.6  # inches, at most: leaves room for a caption
_LARGEST = 1.0  # a picture's side
_GAP = 0.04
_HEAD = 0.22
_LINE = 0.135  # of text
_LINES = 3  # of a name, at most
_FOOT = 0.16  # for the text below a picture
_PIXELS = 300  # side of a picture in the file, at most


@dataclass(frozen=True)
class Cell:
    """A place for a picture.

    Attributes:
        path: its file; None: it is left empty.
        sha256: what its content must be; "": anything.
        below: text below it.
        missing: whether a picture could be there, so that a dash says that there is none.
    """

    path: Path | None = None
    sha256: str = ""
    below: str = ""
    missing: bool = True


@dataclass(frozen=True)
class PictureRow:
    """A row: what stands to the left of it, a name or two, and its cells."""

    captions: Sequence[str]
    cells: Sequence[Cell] = field(default_factory=tuple)


def draw(heads: Sequence[str], rows: Sequence[PictureRow], observer: Observer, beside: float = 0.8) -> Figure:
    """Draw rows of pictures, center-cropped to squares.

    Args:
        heads: one per column.
        rows: each with as many cells.
        beside: inches for the captions.
    """
    from matplotlib.figure import Figure

    below = _FOOT if any(cell.below for row in rows for cell in row.cells) else 0.0
    highest = (HEIGHT - _HEAD - _LINE) / len(rows) - below
    side = min(_LARGEST, (WIDTH - beside) / len(heads) - _GAP, highest - _GAP)
    names = [wrapped(head, side, 2) for head in heads]
    above = _HEAD + _LINE * any("\n" in name for name in names)
    step = side + _GAP + below
    width, height = beside + len(heads) * (side + _GAP), above + len(rows) * step
    most = max(1, min(_LINES, int(step / _LINE) // max(1, *(len(row.captions) for row in rows))))
    figure = Figure(figsize=(width, height))
    for column, name in enumerate(names):
        middle = beside + column * (side + _GAP) + side / 2
        figure.text(middle / width, 1 - 0.5 * above / height, name, ha="center", va="center")
    problems: list[str] = []
    for number, row in enumerate(rows):
        top = height - above - number * step
        captions = "\n".join(wrapped(caption, beside - 0.1, most) for caption in row.captions)
        figure.text((beside - 0.08) / width, (top - side / 2) / height, captions, ha="right", va="center")
        for column, cell in enumerate(row.cells):
            left = beside + column * (side + _GAP)
            _show(figure, cell, (left / width, (top - side) / height, side / width, side / height), problems)
            if cell.below:
                where = ((left + side / 2) / width, (top - side - 0.02) / height)
                figure.text(*where, cell.below, ha="center", va="top", fontsize=7)
    if problems:
        observer.left_out([f"the figure is without {shorten(problems, 3, '; ')}"])
    return figure


def _show(figure: Figure, cell: Cell, box: tuple[float, float, float, float], problems: list[str]) -> None:
    axes = figure.add_axes(box, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    try:
        if cell.path is None:
            raise ImageError(Path(), "there is none")
        axes.imshow(_square(read(cell.path, cell.sha256)), interpolation="nearest", aspect="auto")
    except ImageError as error:
        if cell.path is not None:
            problems.append(str(error))
        axes.text(
            0.5, 0.5, "–" if cell.missing else "", ha="center", va="center", color="0.6", transform=axes.transAxes
        )


def _square(picture: Image) -> Image:
    """Its middle, as the models see it."""
    from PIL.Image import Resampling

    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    cropped = picture.crop((left, top, left + side, top + side))
    return cropped if side <= _PIXELS else cropped.resize((_PIXELS, _PIXELS), Resampling.LANCZOS)
