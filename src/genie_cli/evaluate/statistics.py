"""Means and their 95 % intervals, as the paper reports them: mean +- 1.96 s / sqrt(n), s the sample's deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z = 1.959963984540054  # of the normal distribution, two-sided 95 %


@dataclass(frozen=True)
class Estimate:
    """A mean and half the width of its 95 % interval; 0 wide if there is one value only to judge by."""

    mean: float
    half_width: float
    count: int


def estimate(values: Sequence[float] | NDArray[np.float64]) -> Estimate:
    """Mean and interval of ``values``, (n,), n >= 1."""
    sample = np.asarray(values, dtype=np.float64)
    deviation = float(sample.std(ddof=1)) if len(sample) > 1 else 0.0
    return Estimate(float(sample.mean()), _Z * deviation / float(np.sqrt(len(sample))), len(sample))


def estimate_of_few(values: Sequence[float]) -> Estimate:
    """As `estimate`, with the interval by Student's t: for few values, (n,), as of three seeds, 1.96 is too little."""
    from scipy.stats import t

    usual = estimate(values)
    wider = float(t.ppf(0.975, usual.count - 1)) / _Z if usual.count > 1 else 1.0
    return Estimate(usual.mean, usual.half_width * wider, usual.count)


def paired_difference(
    values: Sequence[float] | NDArray[np.float64], baseline: Sequence[float] | NDArray[np.float64]
) -> Estimate:
    """How much higher ``values`` are than ``baseline``, episode by episode; both (n,), in the same order.

    Episodes differ more from each other than methods do, so this interval is far narrower than either mean's.
    """
    return estimate(np.asarray(values, dtype=np.float64) - np.asarray(baseline, dtype=np.float64))
