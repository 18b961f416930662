"""GeNIe-Ada: for each source and target, chooses the noise ratio at which the source turns into the target.

From the authors' code. Features of generated images at ascending r are projected onto the axis from the source's
features to the mean features of the target's real images. The source turns into the target between the two neighbours
with the largest increase; the image after it is the hardest one that still shows the target.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genie_cli.fewshot.classifiers import normalised

Features = NDArray[np.float32]


def most_adequate(generated: Features, source: Features, target: Features) -> int:
    """The index of the generated image to use.

    Args:
        generated: features of images of one source and target, r ascending, shape (R, D).
        source: features of the source, shape (D,).
        target: features of real images of the target, shape (S, D).

    Returns:
        0 if there is a single image, else 1 .. R - 1.
    """
    if len(generated) == 1:
        return 0
    axis = normalised(target).mean(axis=0) - normalised(source[None])[0]
    return int(np.diff(normalised(generated) @ axis).argmax()) + 1
