"""Draws a figure for a paper, and writes it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.errors import UsageError
from genie_cli.gallery.figures.collect import Asked
from genie_cli.gallery.figures.projections import INSTALL
from genie_cli.gallery.items import Contents
from genie_cli.gallery.plots import files, grid, panels, sweep
from genie_cli.gallery.plots.kind import Kind
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(contents: Contents, kind: Kind, out: Path, asked: Asked, observer: Observer) -> None:
    """Draw a figure as PNG (300 dpi), SVG or PDF, by the suffix of its name, as wide as a page at most.

    The same images make the same bytes with the same versions of matplotlib and NumPy.

    Args:
        asked: the backbone of the map; the rest is not used.
        observer: is told what the figure shows of the manifest, for its caption.

    Raises:
        UsageError: matplotlib is not installed; the name has another suffix; or there is nothing to draw.
        OutputError: a file is there that genie did not draw, or it cannot be written.
        ModelError: see `backbones.load.load`.
    """
    files.require_writable(out)
    if find_spec("matplotlib") is None:
        raise UsageError("--figure needs the package matplotlib", f"install it: {INSTALL}")
    with files.styled():
        files.save(_figure(contents, kind, asked, observer), out, observer)


def _figure(contents: Contents, kind: Kind, asked: Asked, observer: Observer) -> Figure:
    if kind is Kind.MAP:
        return panels.draw(contents, asked, observer)
    if kind is Kind.SWEEP:
        return sweep.draw(contents, observer)
    return grid.draw(contents, observer)
