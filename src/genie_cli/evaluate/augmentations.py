"""The augmentations that are compared (paper, section 4, "Baselines")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from genie_cli.jobs import Method


class AugmentationName(StrEnum):
    """What can follow ``--augment``."""

    NONE = "none"
    WEAK = "weak"
    STRONG = "strong"
    CUTMIX = "cutmix"
    MIXUP = "mixup"
    REPEAT = "repeat"
    IMG2IMG_L = "img2img-l"
    IMG2IMG_H = "img2img-h"
    IMG2IMG = "img2img"
    TXT2IMG = "txt2img"
    GENIE = "genie"
    GENIE_ADA = "genie-ada"


# Their ratio is a setting, the others' are fixed.
_AT_RATIOS = (AugmentationName.GENIE, AugmentationName.IMG2IMG)
ADA_RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9)

# The method and the noise ratios of each generative augmentation.
_GENERATIVE: dict[AugmentationName, tuple[Method, tuple[float, ...]]] = {
    AugmentationName.IMG2IMG_L: (Method.IMG2IMG, (Method.IMG2IMG.default_r,)),
    AugmentationName.IMG2IMG_H: (Method.IMG2IMG, (0.7,)),
    # The control: GeNIe's noise on images of the same class. The lighter and the heavier one above are the paper's.
    AugmentationName.IMG2IMG: (Method.IMG2IMG, (Method.GENIE.default_r,)),
    AugmentationName.TXT2IMG: (Method.TXT2IMG, (Method.TXT2IMG.default_r,)),
    AugmentationName.GENIE: (Method.GENIE, (Method.GENIE.default_r,)),
    AugmentationName.GENIE_ADA: (Method.GENIE, ADA_RATIOS),
}


@dataclass(frozen=True)
class Augmentation:
    """One row of the comparison.

    Attributes:
        ratios: noise ratios r of the images that it adds, each in (0, 1]. Empty if it generates none; several only
            for GeNIe-Ada, which makes a candidate at each and uses one.
    """

    name: AugmentationName
    ratios: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """The name in tables and results: ``genie r=0.8``."""
        return f"{self.name} r={self.ratios[0]:g}" if self.follows_r else str(self.name)

    @property
    def follows_r(self) -> bool:
        """Whether its noise ratio is a setting."""
        return self.name in _AT_RATIOS

    @property
    def generates(self) -> bool:
        """Whether it adds generated images."""
        return bool(self.ratios)

    @property
    def method(self) -> Method:
        """How its images are made; only for augmentations that generate."""
        return _GENERATIVE[self.name][0]


def choose(names: Sequence[AugmentationName], ratios: Sequence[float]) -> list[Augmentation]:
    """The augmentations to compare, in the order of the names, each once.

    Args:
        ratios: the noise ratios of GeNIe and of Img2Img, one augmentation for each; empty: the default, 0.8. They do
            not affect the others.
    """
    chosen: list[Augmentation] = []
    for name in dict.fromkeys(names):
        _, usual = _GENERATIVE.get(name, (None, ()))
        if name in _AT_RATIOS:
            chosen += [Augmentation(name, (r,)) for r in sorted(set(ratios)) or usual]
        else:
            chosen.append(Augmentation(name, usual))
    return chosen
