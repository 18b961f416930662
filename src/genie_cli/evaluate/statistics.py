"""Means with 95 % confidence intervals, as in the paper: mean ± 1.96 s / sqrt(n), s the sample standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NORMAL = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True)
class Estimate:
    """A mean and its confidence interval.

    Attributes:
        half_width: half the width of the 95 % interval; 0 for a single value.
        count: number of values.
    """

    mean: float
    half_width: float
    count: int


def estimate(values: Sequence[float] | NDArray[np.float64]) -> Estimate:
    """The mean of ``values``, shape (n,), n >= 1, with a normal interval."""
    sample = np.asarray(values, dtype=np.float64)
    deviation = float(sample.std(ddof=1)) if len(sample) > 1 else 0.0
    return Estimate(float(sample.mean()), NORMAL * deviation / float(np.sqrt(len(sample))), len(sample))


def estimate_of_few(values: Sequence[float]) -> Estimate:
    """As `estimate`, with an interval from Student's t distribution: with few values, 1.96 is too small a factor."""
    from scipy.stats import t

    usual = estimate(values)
    wider = float(t.ppf(0.975, usual.count - 1)) / NORMAL if usual.count > 1 else 1.0
    return Estimate(usual.mean, usual.half_width * wider, usual.count)


def paired_difference(
    values: Sequence[float] | NDArray[np.float64], baseline: Sequence[float] | NDArray[np.float64]
) -> Estimate:
    """The mean of ``values - baseline``; both have shape (n,) and are in the same order of episodes.

    Episodes differ more from each other than methods do, so this interval is much narrower than that of either mean.
    """
    return estimate(np.asarray(values, dtype=np.float64) - np.asarray(baseline, dtype=np.float64))
