"""GeNIe-Ada: for each source and target, chooses the noise ratio at which the source turns into the target.

From the authors' code. Features of generated images at ascending r are projected onto the axis from the source's
features to the mean features of the target's real images. The source turns into the target between the two neighbours
that are furthest apart on it, in whichever direction; the image after that jump is used.

The images may be whole ones, at every r, of which all but one are thrown away; or probes (`diffusion.solver.Probe`), by
which an r is chosen before an image is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.features import normalised
from genie_cli.diffusion.solver import steps_of

Features = NDArray[np.float32]


def most_adequate(generated: Features, source: Features, target: Features) -> int:
    """The index of the generated image to use: the one after the largest absolute jump between neighbours.

    Args:
        generated: features of images, or of probes, of one source and target, r ascending, shape (R, D).
        source: features of the source, shape (D,).
        target: features of real images of the target, shape (S, D). The axis is the mean of their L2-normalized
            features minus the source's.

    Returns:
        0 if there is a single image, else 1 .. R - 1; of jumps of the same size the first counts.
    """
    return after_jump(generated, source, mean_direction(target))


def mean_direction(target: Features) -> Features:
    """The mean, shape (D,), of the L2-normalized features of a target's real images, shape (S, D)."""
    return np.asarray(normalised(target).mean(axis=0))


def after_jump(generated: Features, source: Features, direction: Features) -> int:
    """As `most_adequate`, for a target whose `mean_direction` is known."""
    if len(generated) == 1:
        return 0
    axis = direction - normalised(source[None])[0]
    return int(np.abs(np.diff(normalised(generated) @ axis)).argmax()) + 1


def histogram(chosen: Iterable[float], ratios: Sequence[float]) -> dict[float, int]:
    """How often each of ``ratios`` is among the ``chosen`` noise ratios, in the order of ``ratios``."""
    counts = Counter(chosen)
    return {r: counts[r] for r in ratios}


def denoising_steps(chosen: float, ratios: Sequence[float], steps: int, *, probe: bool) -> int:
    """Denoising steps that one image at the ``chosen`` noise ratio takes, with all that was made to choose it.

    Args:
        ratios: those that were chosen from.
        steps: solver steps of the full schedule.
        probe: chosen by probes, of one step each, and then made; else made at every ratio.

    Raises:
        UsageError: at one of the ratios no step runs.
    """
    if probe:
        return len(ratios) + steps_of(chosen, steps)
    return sum(steps_of(r, steps) for r in ratios)
