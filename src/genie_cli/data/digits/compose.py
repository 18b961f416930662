"""Digits pasted onto the backgrounds of other images, without diffusion.

A painted image's mask, ink and background are known: it is painted again. A generated image's mask is estimated, which
is easy here, since ink and background differ by at least 0.3 in luma.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genie_cli.data.digits.paint import IMAGE_SIZE, LUMA, Pixels, Sample, blend
from genie_cli.jobs import Source

_EDGE = 0.1  # luma over which a mask goes from 0 to 1


@dataclass(frozen=True)
class DigitCompositor:
    """Pastes digits; see `dataset.Compositor`.

    Attributes:
        sample_of: paints the sample of a source again.
    """

    sample_of: Callable[[Source], Sample]

    def paste(self, target: Source, onto: Source) -> Image.Image:
        """The scan of ``target``, in the ink and on the background of ``onto``."""
        return self._on(onto, self.sample_of(target).mask)

    def paste_generated(self, image: Image.Image, onto: Source) -> Image.Image:
        """The digit of a generated image, in the ink and on the background of ``onto``."""
        return self._on(onto, ink_mask(np.asarray(image.resize((IMAGE_SIZE, IMAGE_SIZE)))))

    def _on(self, onto: Source, mask: Pixels) -> Image.Image:
        sample = self.sample_of(onto)
        return Image.fromarray(blend(sample.background, sample.ink, mask))


def ink_mask(image: NDArray[np.uint8]) -> Pixels:
    """Estimate the opacity of the ink in each pixel: (H, W), 0..1.

    The threshold is Otsu's ("A threshold selection method from gray-level histograms", 1979) on the luma; ink is the
    side that most of the image's border is not on.

    Args:
        image: RGB, uint8, (H, W, 3).
    """
    luma = image / 255.0 @ LUMA
    threshold = _otsu(luma)
    border = np.concatenate([luma[0], luma[-1], luma[1:-1, 0], luma[1:-1, -1]])
    above = np.clip((luma - threshold) / _EDGE + 0.5, 0, 1)
    return np.asarray(1 - above if np.median(border) > threshold else above)


def _otsu(luma: Pixels) -> float:
    """The threshold that separates two groups of values with the largest variance between them."""
    values = np.sort(luma, axis=None)
    below = np.arange(1, len(values))
    sums = values.cumsum()
    difference = sums[:-1] / below - (sums[-1] - sums[:-1]) / (len(values) - below)
    best = int((below * (len(values) - below) * difference**2).argmax())
    return float(values[best] + values[best + 1]) / 2
