"""The map of real and generated images, as the page needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from genie_cli.errors import shorten
from genie_cli.gallery.figures.embedding import Embedded, Point

if TYPE_CHECKING:
    from genie_cli.gallery.figures.clouds import Cloud, Place

REAL = "real"


def data(embedded: Embedded) -> dict[str, Any]:
    """For the page: points, their places by each projection, and how far each method's images are from the classes.

    Numbers in ``points`` are places in ``classes`` and in ``kinds``, and of sweeps; -1 for none.
    """
    import numpy as np

    from genie_cli.gallery.figures.projections import projections

    points = embedded.points
    classes = list(dict.fromkeys(sorted(name for point in points for name in (point.label, point.source) if name)))
    kinds = sorted({point.kind for point in points if point.job})
    return {
        "backbone": embedded.backbone,
        "classes": classes,
        "kinds": [{"method": method, "r": r} for method, r in kinds],
        "points": {
            "job": [point.job.id if point.job else "" for point in points],
            "label": [classes.index(point.label) for point in points],
            "source": [classes.index(point.source) if point.source else -1 for point in points],
            "kind": [kinds.index(point.kind) if point.job else -1 for point in points],
            "sweep": _sweeps(points),
        },
        "projections": [
            {"name": each.name, "axes": each.axes, "places": np.round(each.places, 4).tolist()}
            for each in projections(embedded.features)
        ],
        "distances": [_distance(*kind, place) for kind, place in zip(kinds, _places(embedded, kinds), strict=False)],
        "notes": list(_notes(embedded)),
    }


def clouds(embedded: Embedded) -> dict[tuple[str, float], Cloud]:
    """The images by their method and noise ratio; real ones under ("", 0)."""
    import numpy as np

    from genie_cli.gallery.figures.clouds import Cloud

    found: dict[tuple[str, float], list[int]] = {}
    for place, point in enumerate(embedded.points):
        found.setdefault(point.kind, []).append(place)
    return {
        kind: Cloud(
            REAL if kind == ("", 0) else f"{kind[0]} r={kind[1]:g}",
            embedded.features[own],
            np.array([embedded.points[place].label for place in own]),
            np.array([embedded.points[place].source for place in own]),
        )
        for kind, own in sorted(found.items())
    }


def _places(embedded: Embedded, kinds: Sequence[tuple[str, float]]) -> list[Place]:
    from genie_cli.gallery.figures.clouds import places

    found = clouds(embedded)
    real = found.get(("", 0.0))
    return list(places(real, [found[kind] for kind in kinds], embedded.backbone)) if real else []


def _distance(method: str, r: float, place: Place) -> dict[str, Any]:
    own = asdict(place)
    return {"method": method, "r": r, **{name: own[name] for name in own if name not in ("backbone", "kind")}}


def _sweeps(points: Sequence[Point]) -> list[int]:
    """A number for the images that differ only in r; -1 for real images."""
    numbers: dict[int, int] = {}
    return [numbers.setdefault(point.job.noise_seed, len(numbers)) if point.job else -1 for point in points]


def _notes(embedded: Embedded) -> Iterator[str]:
    """What the map is without."""
    from genie_cli.gallery.figures.projections import INSTALL, has_umap

    points = embedded.points
    real = {point.label for point in points if not point.job}
    made = sum(1 for point in points if point.job)
    if len(points) + embedded.unread < embedded.real + embedded.made:
        yield (
            f"Shown are {made:,} of {embedded.made:,} generated and {len(points) - made:,} of {embedded.real:,} real "
            "images: the same number of each target, method and r, and of each class, chosen by hashes."
        )
    if embedded.unread:
        yield f"{embedded.unread:,} images could not be read."
    if not real:
        yield "There are no real images: the sources are not where the manifest says, so no distances are given."
    elif without := sorted({point.label for point in points if point.job} - real):
        yield (
            f"No source shows {shorten(without, 10)}: images that were made for such a class are left out of the "
            "distances to the target's class."
        )
    if not has_umap():
        yield f"UMAP is added if its package is installed: {INSTALL}"
