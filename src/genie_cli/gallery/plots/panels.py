"""Real and generated images in the features of a backbone, by method and noise ratio: the paper's Figure 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genie_cli.errors import UsageError
from genie_cli.gallery.figures import embedding
from genie_cli.gallery.figures.collect import Asked
from genie_cli.gallery.figures.embedding import Embedded
from genie_cli.gallery.items import Contents
from genie_cli.gallery.plots.names import fitted, kind_name
from genie_cli.gallery.plots.pictures import WIDTH
from genie_cli.gallery.plots.scatter import Mark, marks, named, scatter
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genie_cli.gallery.figures.projections import Projection

PANELS = 10
_COLUMNS = 5
_LARGEST = 2.2  # inches: a panel's side
_BESIDE = 0.3  # for the projections' names
_ENTRY = 1.3  # of the legend


def draw(contents: Contents, asked: Asked, observer: Observer) -> Figure:
    """Draw a panel for each method and r, up to `PANELS`, by PCA and, if it is installed, by UMAP.

    Raises:
        UsageError: no backbone is named, for images that are not of the bundled model; or there are too few images.
        ModelError: see `backbones.load.load`.
    """
    from genie_cli.gallery.figures.projections import INSTALL, has_umap, projections

    backbone = embedding.backbone_for(contents, asked.backbone, asked.checkpoint)
    if backbone is None:
        raise UsageError("--figure map needs a backbone, whose features it shows", f"name one: {embedding.HOW}")
    found = embedding.embed(contents, backbone, asked.checkpoint, asked.device, observer)
    kinds = sorted({point.kind for point in found.points if point.job}) if found else []
    if found is None or not kinds:
        raise UsageError("--figure map: there are fewer than three images, or no generated one, that can be read")
    if len(kinds) > PANELS:
        observer.left_out([f"the figure shows the first {PANELS} of {len(kinds)} methods and noise ratios"])
    if not has_umap():
        observer.found(f"the figure has PCA only; UMAP is added if its package is installed: {INSTALL}")
    with observer.progress("Arranging the map"):
        arranged = list(projections(found.features))
    return _drawn(found, kinds[:PANELS], arranged)


def _drawn(found: Embedded, kinds: Sequence[tuple[str, float]], arranged: Sequence[Projection]) -> Figure:
    from matplotlib.figure import Figure

    labels = np.array([point.label for point in found.points])
    own = [np.array([point.kind == kind for point in found.points]) for kind in (("", 0.0), *kinds)]
    look = marks(sorted({*labels.tolist()}))
    columns = min(_COLUMNS, len(kinds))
    lines = -(-len(kinds) // columns)
    side = min(_LARGEST, (WIDTH - _BESIDE) / columns)
    width = _BESIDE + columns * side
    entries = max(1, int(width / _ENTRY))  # in a line of the legend
    height = lines * len(arranged) * (side + 0.1) + 0.18 * -(-len(named(look)) // entries)
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(lines * len(arranged), columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for number, projection in enumerate(arranged):
        limits = [_limits(projection.places[:, axis]) for axis in (0, 1)]
        for place, kind in enumerate(kinds):
            axes = panels[number * lines + place // columns, place % columns]
            axes.set_axis_on()
            made, real = ((projection.places[each], labels[each]) for each in (own[place + 1], own[0]))
            scatter(axes, made, real, look, made_size=3.7 * side, real_size=6.7 * side)
            axes.set(xlim=limits[0], ylim=limits[1])
            if number == 0 or lines > 1:
                axes.set_title(kind_name(*kind), fontsize=8)
            if place % columns == 0:
                axes.set_ylabel(projection.name)
    _legend(figure, look, entries)
    return figure


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """The same for all panels of a projection, with some room."""
    room = 0.05 * (float(np.ptp(values)) or 1)
    return float(values.min()) - room, float(values.max()) + room


def _legend(figure: Figure, look: Mapping[str, Mark], columns: int) -> None:
    from matplotlib.lines import Line2D

    shown = named(look)
    lines = [Line2D([], [], linestyle="", marker=mark.marker, color=mark.color, markersize=4) for _, mark in shown]
    names = [fitted(label, 0.9, 7) for label, _ in shown]
    style = {"frameon": False, "fontsize": 7, "handletextpad": 0.1}
    figure.legend(lines, names, loc="outside lower center", ncols=min(columns, len(names)), **style)
