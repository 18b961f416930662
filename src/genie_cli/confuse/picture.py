"""A confusion matrix as a picture.

Rows are true classes, columns predicted ones. The diagonal is blue and confusions are orange to red. Colors rise with
the root of the share of the row, so that rare confusions are visible beside a diagonal that is nearly all.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import OutputError
from genie_cli.files.drawn import png_is_by, require_replaceable
from genie_cli.files.writing import write_atomically

_MADE_BY = "genie confuse"  # the software that the PNG names: it marks a picture of ours
_LONGEST = 200  # characters of a name that are looked at: no more fit

_SIDE = 1000  # pixels that the cells of many classes share
_LARGEST_CELL, _SMALLEST_NAMED = 36, 11
_MOST_WITH_COUNTS = 30
_MARGIN = 14
_NAME = 170  # pixels
_HEAD = 26
_SCALE = (0.0, 0.01, 0.05, 0.2, 0.5, 1.0)
_SCALE_HEIGHT = 64
_GRID, _INK, _FAINT = (222, 222, 226), (32, 33, 36), (110, 112, 118)
_WHITE = np.array([255, 255, 255])
_RIGHT = np.array([[233, 241, 250], [31, 98, 168]])  # from a share of almost 0 to 1
_WRONG = np.array([[255, 222, 178], [178, 24, 8]])


def write(confusion: Confusion, path: Path) -> None:
    """Write the picture as PNG, atomically.

    Raises:
        OutputError: see `require_writable`.
    """
    require_writable(path)
    text, data = PngInfo(), BytesIO()
    text.add_text("Software", _MADE_BY)
    draw(confusion).save(data, "PNG", pnginfo=text)
    write_atomically(path, data.getvalue())


def require_writable(path: Path) -> None:
    """Check that `write` may write there; it replaces a matrix that genie drew, and no other file.

    Raises:
        OutputError: the folder is missing, there is another file or one that cannot be read, or the name does not end
            in .png.
    """
    if path.suffix.lower() != ".png":
        raise OutputError(f"{path} is not a name for a PNG", "its name must end in .png")
    require_replaceable(path, lambda data: png_is_by(data, _MADE_BY), "a matrix", "choose another --picture")


def draw(confusion: Confusion) -> Image.Image:
    """The matrix with its names and a color scale, RGB.

    Up to 30 classes have counts in their cells and up to 90 have names; with more, cells are a few pixels wide, and one
    pixel from 501 classes on.
    """
    size = len(confusion.labels)
    cell = min(_LARGEST_CELL, max(_SIDE // size, 1))
    counts = np.array(confusion.matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = Image.fromarray(colors(shares)).resize((size * cell, size * cell), Image.Resampling.NEAREST)
    font = ImageFont.load_default(size=min(13, max(cell - 1, 10)))
    names = [_fitted(name, font) for name in confusion.labels] if cell >= _SMALLEST_NAMED else []
    beside = max((round(font.getlength(name)) for name in names), default=0) + 8
    left, top = _MARGIN + _HEAD + beside, _MARGIN + _HEAD + beside
    width = max(left + cells.width + _MARGIN, 420)
    sheet = Image.new("RGB", (width, top + cells.height + _SCALE_HEIGHT + _MARGIN), "white")
    sheet.paste(cells, (left, top))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((left - 1, top - 1, left + cells.width, top + cells.height), outline=_GRID)
    if names:
        _grid(pen, (left, top), cell, size)
        _write_names(sheet, names, (left, top), cell, font)
    if size <= _MOST_WITH_COUNTS:
        _write_counts(pen, counts, shares, (left, top), cell)
    _heads(sheet, (left, top), cells.size)
    _draw_scale(pen, (_MARGIN, top + cells.height + 20))
    return sheet


def colors(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The cells' colors, (C, C, 3), uint8, of each row's shares, (C, C), 0..1; a share of 0 is white."""
    diagonal = np.eye(len(shares), dtype=bool)[..., None]
    how_far = np.sqrt(shares)[..., None]
    low, high = np.where(diagonal, _RIGHT[0], _WRONG[0]), np.where(diagonal, _RIGHT[1], _WRONG[1])
    mixed = low + (high - low) * how_far
    return np.where(shares[..., None] > 0, mixed, _WHITE).round().astype(np.uint8)


def _fitted(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The name on one line, shortened if it is too long."""
    name = " ".join(name[:_LONGEST].split())
    if font.getlength(name) <= _NAME:
        return name
    while name and font.getlength(name + "...") > _NAME:
        name = name[:-1]
    return name.rstrip() + "..."


def _grid(pen: ImageDraw.ImageDraw, corner: tuple[int, int], cell: int, size: int) -> None:
    left, top = corner
    for place in range(size + 1):
        pen.line((left + place * cell, top, left + place * cell, top + size * cell), _GRID)
        pen.line((left, top + place * cell, left + size * cell, top + place * cell), _GRID)


def _write_names(
    sheet: Image.Image,
    names: list[str],
    corner: tuple[int, int],
    cell: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Each name beside its row, and vertically above its column."""
    left, top = corner
    pen = ImageDraw.Draw(sheet)
    for place, name in enumerate(names):
        middle = place * cell + cell / 2
        pen.text((left - 6, top + middle), name, _INK, font, anchor="rm")
        _write_upwards(sheet, name, (round(left + middle), top - 6), font)


def _write_upwards(
    sheet: Image.Image,
    text: str,
    start: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    color: tuple[int, int, int] = _INK,
) -> None:
    """Vertical text that begins at ``start``, the middle of its line, and runs upwards."""
    height = 20
    line = Image.new("L", (round(font.getlength(text)) + 4, height), 0)
    ImageDraw.Draw(line).text((0, height / 2), text, 255, font, anchor="lm")
    upright = line.transpose(Image.Transpose.ROTATE_90)
    sheet.paste(color, (start[0] - height // 2, start[1] - upright.height), upright)


def _write_counts(
    pen: ImageDraw.ImageDraw,
    counts: NDArray[np.int64],
    shares: NDArray[np.float64],
    corner: tuple[int, int],
    cell: int,
) -> None:
    left, top = corner
    for row, column in np.argwhere(counts > 0):
        text = str(counts[row, column])
        color = "white" if shares[row, column] > 0.25 else _INK
        font = ImageFont.load_default(size=13 if len(text) < 5 else 10)
        middle = (left + column * cell + cell / 2, top + row * cell + cell / 2)
        pen.text(middle, text, color, font, anchor="mm")


def _heads(sheet: Image.Image, corner: tuple[int, int], size: tuple[int, int]) -> None:
    """The titles of the axes."""
    font = ImageFont.load_default(size=14)
    left, top = corner
    ImageDraw.Draw(sheet).text((left, _MARGIN), "predicted class", _FAINT, font, anchor="lt")
    length = round(font.getlength("true class"))
    _write_upwards(sheet, "true class", (_MARGIN + 6, top + max(min(size[1], length + 8), length)), font, _FAINT)


def _draw_scale(pen: ImageDraw.ImageDraw, corner: tuple[int, int]) -> None:
    """The color scale, for the diagonal and beside it."""
    font = ImageFont.load_default(size=12)
    left, top = corner
    pen.text((left, top), "share of the row", _FAINT, font, anchor="lm")
    for line, (name, place) in enumerate((("correct", 0), ("confused", 1))):
        middle = top + 16 + line * 16
        pen.text((left, middle), name, _INK, font, anchor="lm")
        for step, share in enumerate(_SCALE):
            pair = np.full((2, 2), share)
            color = tuple(int(value) for value in colors(pair)[0, place])
            at = left + 110 + step * 46
            pen.rectangle((at, middle - 7, at + 45, middle + 7), color, _GRID)
            if line == 0:
                pen.text((at + 23, top), f"{share:.0%}", _FAINT, font, anchor="mm")
