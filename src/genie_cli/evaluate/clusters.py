"""Confidence intervals for accuracies over episodes that share their images.

Episodes are drawn again and again from the same few images, so they are not independent of each other: an interval
over episodes, as in the paper (`statistics.estimate`), says what other episodes *of the same images* would give. With
other images the result varies more. The intervals here are for other query images and other support images, too.

The variance of the mean is that of three sources that are crossed with each other:

- Query images: the cluster-robust variance with all that is observed on one query image as a cluster (Liang & Zeger
  1986; Cameron, Gelbach & Miller 2011, "Robust inference with multiway clustering", for clusters that are crossed).
- Episodes: the same with episodes as clusters. This is the square of the usual standard error.
- Support images: an episode has many and shares some of them with most other episodes, so they are no clusters. Each
  is taken to add an effect of its own to the episodes that it is in. The variance of these effects is estimated by the
  method of moments (MINQUE(0): Rao 1971): from how far two episodes vary together, by how many images they share.

What single observations vary by is in the first two, and so is subtracted once. What support images vary by is in the
second, too, by its share of one episode; it is small and is left in.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genie_cli.evaluate.statistics import NORMAL, Estimate, estimate

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Observed:
    """What was observed in one episode.

    Attributes:
        values: one for each query image, shape (Q,), such as 1 if it was classified correctly, or a difference of two.
        query: what each query image is, or was made from, Q names: equal names are one cluster.
        support: the same of the support images.
    """

    values: _Floats
    query: Sequence[Hashable]
    support: Sequence[Hashable]


@dataclass(frozen=True)
class Clustered:
    """A mean with two 95 % confidence intervals.

    Attributes:
        episodes: the mean over the episodes, with the interval for other episodes of the same images.
        half_width: half the width of the interval that is clustered by query and by support images.
        query, support: standard errors of the mean that come from the query images alone, and from the support images
            alone.
    """

    episodes: Estimate
    half_width: float
    query: float
    support: float

    @property
    def mean(self) -> float:
        """The mean over the episodes."""
        return self.episodes.mean

    @property
    def p_value(self) -> float:
        """Two-sided, of a mean of zero, by the clustered interval."""
        from scipy.stats import norm

        if not self.half_width:
            return float(self.mean == 0)
        return float(2 * norm.sf(abs(self.mean) * NORMAL / self.half_width))


def clustered(observed: Sequence[Observed]) -> Clustered:
    """The mean over episodes of the means over their query images.

    Args:
        observed: two episodes or more. Those of several pools of images can be put together, under names of images
            that say which pool they are of.
    """
    means = np.array([each.values.mean() for each in observed])
    usual = estimate(means)
    parts = [(each.values - usual.mean) / (len(observed) * len(each.values)) for each in observed]
    query = _cluster_variance(np.concatenate(parts), [name for each in observed for name in each.query])
    episodes = (usual.half_width / NORMAL) ** 2
    single = _cluster_variance(np.concatenate(parts), range(sum(map(len, parts))))
    support = _support_variance(means - usual.mean, [each.support for each in observed])
    variance = max(query + episodes - single, query, episodes) + support
    return Clustered(usual, NORMAL * float(np.sqrt(variance)), float(np.sqrt(query)), float(np.sqrt(support)))


def _cluster_variance(parts: _Floats, names: Sequence[Hashable]) -> float:
    """The cluster-robust variance of the sum of ``parts``, whose own sum is zero; infinite for a single cluster."""
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    sums = np.bincount([places[name] for name in names], parts)
    count = len(sums)
    return float(count / (count - 1) * (sums**2).sum()) if count > 1 else float("inf")


def _support_variance(residuals: _Floats, support: Sequence[Sequence[Hashable]]) -> float:
    """The variance of the mean that comes from the support images' effects, 0 or more.

    With x the number of times that an image is among an episode's, centered, and K = x x^T: the two equations
    E r^T K r = effect tr K^2 + rest tr K, and E r^T r = effect tr K + rest (n - 1), are solved for the two variances.
    """
    places = {name: place for place, name in enumerate(dict.fromkeys(name for each in support for name in each))}
    shown = np.zeros((len(support), len(places)))
    for row, names in zip(shown, support, strict=True):
        np.add.at(row, [places[name] for name in names], 1)
    share = shown.mean(axis=0)
    centered = shown - share
    gram = centered @ centered.T if len(centered) < len(share) else centered.T @ centered  # the smaller of the two
    trace, total = float((centered**2).sum()), float(residuals @ residuals)
    equations = np.array([[(gram**2).sum(), trace], [trace, len(residuals) - 1]])
    if np.linalg.matrix_rank(equations) < 2:  # no two episodes share an image: it is all in the episodes' variance
        return 0.0
    effect, _ = np.linalg.solve(equations, [((centered.T @ residuals) ** 2).sum(), total])
    return min(max(float(effect), 0.0), total / trace) * float((share**2).sum())  # neither variance is below zero


def holm(p_values: Sequence[float]) -> list[float]:
    """P values that are adjusted for several tests (Holm, "A simple sequentially rejective multiple test procedure",
    1979): if those of .05 or less are rejected, the chance of rejecting any true null hypothesis is at most 5 %.
    """
    order = np.argsort(p_values)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
