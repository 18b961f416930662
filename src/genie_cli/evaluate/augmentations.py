"""The augmentations that are compared (paper, section 4, "Baselines"), and controls beside them.

A control has as many additional rows as the generative augmentations have generated images, and differs from one of
them in one thing, so that it says what that thing contributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from genie_cli.jobs import ADA_RATIOS, Method


class AugmentationName(StrEnum):
    """What can follow ``--augment``."""

    NONE = "none"
    WEAK = "weak"
    STRONG = "strong"
    CUTMIX = "cutmix"
    MIXUP = "mixup"
    REPEAT = "repeat"  # control: the real images, repeated
    PASTE = "paste"  # control: the target's object pasted into images of other classes, without diffusion
    IMG2IMG_L = "img2img-l"
    IMG2IMG_H = "img2img-h"
    IMG2IMG = "img2img"  # control: GeNIe's noise ratio, but sources of the target's own class
    TXT2IMG = "txt2img"
    TXT2IMG_PASTE = "txt2img-paste"  # control: Txt2Img's objects pasted into images of other classes
    GENIE = "genie"
    GENIE_ADA = "genie-ada"
    GENIE_ADA_RANDOM = "genie-ada-random"  # control: r drawn at random as often as GeNIe-Ada chooses it


ADAPTIVE = (AugmentationName.GENIE_ADA, AugmentationName.GENIE_ADA_RANDOM)
PASTED = (AugmentationName.PASTE, AugmentationName.TXT2IMG_PASTE)
CONTROLS = (AugmentationName.REPEAT, *PASTED, AugmentationName.IMG2IMG, AugmentationName.GENIE_ADA_RANDOM)

# The method and the noise ratios of each generative augmentation.
_GENERATIVE: dict[AugmentationName, tuple[Method, tuple[float, ...]]] = {
    AugmentationName.IMG2IMG_L: (Method.IMG2IMG, (Method.IMG2IMG.default_r,)),
    AugmentationName.IMG2IMG_H: (Method.IMG2IMG, (0.7,)),
    AugmentationName.IMG2IMG: (Method.IMG2IMG, (Method.GENIE.default_r,)),
    AugmentationName.TXT2IMG: (Method.TXT2IMG, (Method.TXT2IMG.default_r,)),
    AugmentationName.TXT2IMG_PASTE: (Method.TXT2IMG, (Method.TXT2IMG.default_r,)),
    AugmentationName.GENIE: (Method.GENIE, (Method.GENIE.default_r,)),
    AugmentationName.GENIE_ADA: (Method.GENIE, ADA_RATIOS),
    AugmentationName.GENIE_ADA_RANDOM: (Method.GENIE, ADA_RATIOS),
}
WITH_RATIO = (AugmentationName.GENIE, AugmentationName.IMG2IMG)  # ``--r`` sets the noise ratio; the others' are fixed


@dataclass(frozen=True)
class Augmentation:
    """One row of the comparison.

    Attributes:
        ratios: noise ratios r of the images that it adds, each in (0, 1]. Empty if it generates none; several only
            for GeNIe-Ada, which makes a candidate at each and uses one.
        probe: GeNIe-Ada chooses by probes (`diffusion.solver.Probe`) and makes only the image that it chose.
    """

    name: AugmentationName
    ratios: tuple[float, ...] = ()
    probe: bool = False

    @property
    def label(self) -> str:
        """The name in tables and results: ``genie r=0.8``."""
        if self.name in WITH_RATIO:
            return f"{self.name} r={self.ratios[0]:g}"
        return f"{self.name} by probe" if self.probe else str(self.name)

    @property
    def generates(self) -> bool:
        """Whether it adds generated images."""
        return bool(self.ratios)

    @property
    def method(self) -> Method:
        """How its images are made; only for augmentations that generate."""
        return _GENERATIVE[self.name][0]


def choose(names: Sequence[AugmentationName], ratios: Sequence[float], *, probe: bool = False) -> list[Augmentation]:
    """The augmentations to compare, in the order of the names, each once.

    Args:
        ratios: noise ratios of GeNIe and of Img2Img at GeNIe's ratio, one augmentation for each; empty: the default,
            0.8. They do not affect the others.
        probe: GeNIe-Ada chooses by probes.
    """
    chosen: list[Augmentation] = []
    for name in dict.fromkeys(names):
        _, usual = _GENERATIVE.get(name, (None, ()))
        if name in WITH_RATIO:
            chosen += [Augmentation(name, (r,)) for r in sorted(set(ratios)) or usual]
        else:
            chosen.append(Augmentation(name, usual, probe and name in ADAPTIVE))
    return chosen
