"""GeNIe-Ada: for each source and target the noise ratio at which the source turns into the target.

From the authors' code. Generated images of rising r are projected on the axis from the source's features to the
mean of the target's real images; the source turns into the target between the two neighbours that are furthest
apart, and the image after that jump is the hardest one that still shows the target.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genie_cli.fewshot.classifiers import normalised

Features = NDArray[np.float32]


def most_adequate(generated: Features, source: Features, target: Features) -> int:
    """Which of the generated images to take.

    Args:
        generated: features of images of one source and target, r rising, (R, D).
        source: of the source, (D,).
        target: of real images of the target, (S, D).

    Returns:
        0 .. R - 1; with a single image 0.
    """
    if len(generated) == 1:
        return 0
    axis = normalised(target).mean(axis=0) - normalised(source[None])[0]
    return int(np.diff(normalised(generated) @ axis).argmax()) + 1
