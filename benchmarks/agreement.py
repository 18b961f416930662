"""Whether two arms made the same images: as the model decoded them, and as the files hold them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.work import Work, images_in

LIMIT = 1e-3  # for values in 0..1, in float32


def agreement(work: Work, one: str, other: str) -> dict[str, Any]:
    """How much the images of two arms differ.

    ``exact``: the first images, values in 0..1 before rounding. ``files``: all images of the last round, in 1/255.
    """
    names = [file.name for file in (work.folder / f"{one}-exact").iterdir()]
    exact = [[np.load(work.folder / f"{arm}-exact" / name) for name in names] for arm in (one, other)]
    files = [_pixels(work.folder / f"{arm}-images") for arm in (one, other)]
    return {"exact": _differences(*map(_flat, exact)), "files": _differences(*map(_flat, files))}


def _pixels(folder: Path) -> Iterator[NDArray[np.int16]]:
    for file in sorted(images_in(folder), key=lambda file: file.name):
        yield np.asarray(Image.open(file)).astype(np.int16)


def _flat(images: Any) -> NDArray[Any]:
    return np.concatenate([image.ravel() for image in images])


def _differences(one: NDArray[Any], other: NDArray[Any]) -> dict[str, float]:
    difference = np.abs(one - other)
    quantiles = {f"q{q}": float(np.quantile(difference, q / 100)) for q in (50, 90, 99)}
    return {
        "values": difference.size,
        "equal": float((difference == 0).mean()),
        **quantiles,
        "most": float(difference.max()),
    }
