"""A contact sheet: a grid of pictures with captions."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

_MARGIN = 6
_CAPTION = 18
_LEFT = 130
_LONGEST = 200  # characters of a caption: no more fit


def contact_sheet(
    rows: Sequence[Sequence[Image.Image]], columns: Sequence[str], captions: Sequence[str], cell: int = 96
) -> Image.Image:
    """Draw ``rows`` of pictures, each scaled to ``cell`` pixels, under column heads and beside row captions.

    Args:
        rows: pictures, RGB; every row as long as ``columns``.
        captions: one per row.

    Returns:
        RGB, white background.
    """
    font = ImageFont.load_default(size=13)
    step = cell + _MARGIN
    size = (_LEFT + step * len(columns) + _MARGIN, _CAPTION + _MARGIN + step * len(rows) + _MARGIN)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for x, head in enumerate(columns):
        draw.text((_LEFT + x * step + cell / 2, _MARGIN), _line(head), "black", font, anchor="mt")
    for y, (row, caption) in enumerate(zip(rows, captions, strict=True)):
        top = _CAPTION + _MARGIN + y * step
        draw.text((_MARGIN, top + cell / 2), _line(caption), "black", font, anchor="lm")
        for x, picture in enumerate(row):
            # Small pictures keep their pixels, large ones are smoothed.
            how = Image.Resampling.NEAREST if picture.width < cell else Image.Resampling.LANCZOS
            sheet.paste(picture.resize((cell, cell), how), (_LEFT + x * step, top))
    return sheet


def _line(text: str) -> str:
    """A text on one line, which is all that can be drawn beside something."""
    return " ".join(text[:_LONGEST].split())
