"""Features in two dimensions, by PCA and, if its package is installed, by UMAP."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

INSTALL = "pip install 'genie-cli[plots]'"
_NEIGHBOURS = 15  # of each image, itself among them, that UMAP looks at: its default
_FEWEST = 20  # images that UMAP is asked to arrange


@dataclass(frozen=True)
class Projection:
    """Images in the plane.

    Attributes:
        name: of the method.
        axes: what the two axes are called.
        places: shape (N, 2).
    """

    name: str
    axes: tuple[str, str]
    places: NDArray[np.float64]


def projections(features: NDArray[Any]) -> Iterator[Projection]:
    """Features, shape (N, D), N >= 2 and D >= 2, by PCA, and by UMAP if it is installed and there are enough."""
    yield pca(features)
    if has_umap() and len(features) >= _FEWEST:
        arranged = umap(features)
        if np.isfinite(arranged.places).all():  # not of images that are nearly all the same
            yield arranged


def has_umap() -> bool:
    """Whether the package umap-learn is installed."""
    return find_spec("umap") is not None


def pca(features: NDArray[Any]) -> Projection:
    """The two directions of largest variance; the axes say how much of it each has."""
    from sklearn.decomposition import PCA

    if not np.ptp(features, axis=0).any():  # all images are the same
        return Projection("PCA", ("first component", "second component"), np.zeros((len(features), 2)))
    model = PCA(2, random_state=0)
    places = np.asarray(model.fit_transform(features), dtype=np.float64)
    first, second = (f"{share:.0%}".replace("%", " %") for share in model.explained_variance_ratio_)
    return Projection("PCA", (f"first component ({first} of the variance)", f"second component ({second})"), places)


def umap(features: NDArray[Any]) -> Projection:
    """UMAP with its defaults and a fixed seed.

    The nearest neighbours are found by scikit-learn, which takes half the time off: for few images umap itself compares
    two at a time in Python, and compiles its own search anew in each process.
    """
    from sklearn.neighbors import NearestNeighbors

    own = np.asarray(features, dtype=np.float32)
    distances, nearest = NearestNeighbors(n_neighbors=_NEIGHBOURS, algorithm="brute").fit(own).kneighbors(own)
    known = {"precomputed_knn": (nearest, distances), "force_approximation_algorithm": True}  # the latter: use them
    with warnings.catch_warnings(), _same_threads():
        warnings.simplefilter("ignore")  # umap says that a seed switches its threads off, and what it does without
        from umap import UMAP

        places = UMAP(_NEIGHBOURS, random_state=0, **known).fit_transform(own)
    return Projection("UMAP", ("UMAP 1", "UMAP 2"), np.asarray(places, dtype=np.float64))


@contextmanager
def _same_threads() -> Iterator[None]:
    """Numba sets the number of threads of all that use OpenMP, torch too, and an image's bytes depend on torch's."""
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
