"""Generated and real images as points, colored by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colors that people with any color vision tell apart (Okabe and Ito, "Color universal design", 2008).
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999933", "#000000")
_MARKERS = ("o", "s", "^")
_OTHER = "#bbbbbb"


class Mark(NamedTuple):
    """How a class is drawn."""

    color: str
    marker: str


def marks(classes: Sequence[str]) -> dict[str, Mark]:
    """A mark for each class; after 24 they are all the same."""
    found = [Mark(color, marker) for marker in _MARKERS for color in COLORS]
    return {label: found[place] if place < len(found) else Mark(_OTHER, "o") for place, label in enumerate(classes)}


def named(look: Mapping[str, Mark]) -> list[tuple[str, Mark]]:
    """The entries of a legend: classes, and one for all of those that look the same."""
    shown = list(look.items())
    most = len(_MARKERS) * len(COLORS)
    return shown if len(shown) <= most else [*shown[:most], ("other classes", shown[-1][1])]


def scatter(
    axes: Axes,
    made: tuple[NDArray[Any], NDArray[Any]],
    real: tuple[NDArray[Any], NDArray[Any]],
    look: Mapping[str, Mark],
    made_size: float = 7,
    real_size: float = 26,
) -> None:
    """Draw generated images, and above them real ones with an outline.

    Args:
        made, real: their places, (N, 2), and their classes, (N,).
        made_size, real_size: in square points; by default for panels 3 inches wide.
    """
    for label, mark in look.items():
        x, y = made[0][made[1] == label].T
        axes.scatter(x, y, s=made_size, c=mark.color, marker=mark.marker, alpha=0.5, linewidths=0)
    outline = real_size**0.5 / 7
    for label, mark in look.items():
        x, y = real[0][real[1] == label].T
        axes.scatter(
            x, y, s=real_size, c=mark.color, marker=mark.marker, edgecolors="black", linewidths=outline, label=label
        )
    axes.set(xticks=[], yticks=[])
