"""Where generated images lie in a backbone's features, between their source's class and their target's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Cloud:
    """Images of one kind in the features of a backbone.

    Attributes:
        kind: what they have in common: that they are real, or their method and noise ratio.
        features: L2-normalized, shape (N, D).
        targets: the class of each image, (N,).
        sources: the class of each image's source, (N,); that of the image itself for real images; "" for Txt2Img.
    """

    kind: str
    features: _Floats
    targets: NDArray[np.str_]
    sources: NDArray[np.str_]


@dataclass(frozen=True)
class Place:
    """Where the images of one kind lie.

    Attributes:
        to_source, to_target: mean distance to the mean of the real images of the source's and of the target's class;
            where the source's class is the target's, as with Img2Img, or there is no source, it is the mean over all
            other classes. Over the images for which there are such real images; None if there are none.
        nearer_source: share of the images that lie nearer to the source's class than to the target's; in the same
            cases, nearer to any other class. None as above.
    """

    backbone: str
    kind: str
    images: int
    to_source: float | None
    to_target: float | None
    nearer_source: float | None


def places(real: Cloud, found: Iterable[Cloud], backbone: str) -> Iterator[Place]:
    """Where each cloud lies, among the means of the classes of real images, of which there must be one."""
    classes = sorted(set(real.targets.tolist()))
    means = [real.features[real.targets == label].mean(axis=0) for label in classes]
    for cloud in found:
        distances = np.stack([np.linalg.norm(cloud.features - mean, axis=1) for mean in means], axis=1)
        pairs = list(zip(cloud.targets.tolist(), cloud.sources.tolist(), strict=True))
        own = np.array([[name == target for name in classes] for target, _ in pairs])
        others = np.array([[_is_other(name, *pair) for name in classes] for pair in pairs])
        to_own = np.where(own, distances, 0).sum(axis=1)
        to_others = np.where(others, distances, np.inf).min(axis=1)
        both = own.any(axis=1) & others.any(axis=1)
        yield Place(
            backbone=backbone,
            kind=cloud.kind,
            images=len(pairs),
            to_source=_mean(distances[others]),
            to_target=_mean(to_own[own.any(axis=1)]),
            nearer_source=_mean((to_others < to_own)[both]),
        )


def _is_other(name: str, target: str, source: str) -> bool:
    """Whether a class counts as the source's: the source's own, or any but the target if that is none of its own."""
    return name == source if source not in ("", target) else name != target


def _mean(values: NDArray[Any]) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None
