"""The augmentations that are compared, and which images the generative ones need (paper, section 4, "Baselines").

For an episode of N ways and K shots every generative one adds (N - 1) K images a class, the number that GeNIe
gets from using each support image of every other class as a source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from genie_cli.fewshot.episodes import Episode
from genie_cli.jobs import Job, Method, Source


class AugmentationName(StrEnum):
    """What a person types after --augment."""

    NONE = "none"
    WEAK = "weak"
    STRONG = "strong"
    CUTMIX = "cutmix"
    MIXUP = "mixup"
    IMG2IMG_L = "img2img-l"
    IMG2IMG_H = "img2img-h"
    TXT2IMG = "txt2img"
    GENIE = "genie"
    GENIE_ADA = "genie-ada"


# What a name makes of the images it generates: the method and, unless --r says it, the ratio.
_GENERATIVE: dict[AugmentationName, tuple[Method, float]] = {
    AugmentationName.IMG2IMG_L: (Method.IMG2IMG, 0.3),
    AugmentationName.IMG2IMG_H: (Method.IMG2IMG, 0.7),
    AugmentationName.TXT2IMG: (Method.TXT2IMG, 1.0),
    AugmentationName.GENIE: (Method.GENIE, 0.8),
    AugmentationName.GENIE_ADA: (Method.GENIE, 0.8),
}
ADA_RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9)

# Txt2Img has no sources that would be shared, so each class has this many images, from which episodes draw: as
# many as GeNIe has from the four other classes of a 5-way pool of 20.
_TXT2IMG_PER_CLASS = 80


@dataclass(frozen=True)
class Augmentation:
    """One column of the comparison.

    Attributes:
        ratios: noise ratios of the images it adds; none if it adds no images, several for GeNIe-Ada only.
    """

    name: AugmentationName
    ratios: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """As it stands in tables: ``genie r=0.8``."""
        return f"{self.name} r={self.ratios[0]:g}" if self.name is AugmentationName.GENIE else str(self.name)

    @property
    def generates(self) -> bool:
        return bool(self.ratios)

    @property
    def method(self) -> Method:
        return _GENERATIVE[self.name][0]


def choose(names: Sequence[AugmentationName], ratios: Sequence[float]) -> list[Augmentation]:
    """The augmentations asked for, in the order of the names; ``ratios`` are GeNIe's, one augmentation each."""
    chosen: list[Augmentation] = []
    for name in dict.fromkeys(names):
        if name is AugmentationName.GENIE:
            chosen += [Augmentation(name, (r,)) for r in sorted(set(ratios)) or (_GENERATIVE[name][1],)]
        elif name is AugmentationName.GENIE_ADA:
            chosen.append(Augmentation(name, ADA_RATIOS))
        else:
            chosen.append(Augmentation(name, (_GENERATIVE[name][1],) if name in _GENERATIVE else ()))
    return chosen


@dataclass(frozen=True)
class EpisodeJobs:
    """Which images an episode needs.

    Attributes:
        prompt_for: the prompt for a class.
        model: identity of the snapshot that is to make them.
        seed: the run's seed.
    """

    prompt_for: Callable[[str], str]
    model: str
    seed: int = 0

    def jobs(self, episode: Episode, augmentation: Augmentation) -> list[list[Job]]:
        """For each class of the episode the jobs that make its images; for several ratios, all of them."""
        return [
            [
                self._job(target, augmentation.method, source, replicate, r)
                for source, replicate in uses
                for r in augmentation.ratios
            ]
            for target, uses in zip(episode.classes, _uses(episode, augmentation.method), strict=True)
        ]

    def _job(self, target: str, method: Method, source: Source | None, replicate: int, r: float) -> Job:
        prompt = self.prompt_for(target)
        return Job(
            source=source,
            target=target,
            prompt=prompt,
            method=method,
            r=r,
            model=self.model,
            replicate=replicate,
            seed=self.seed,
        )


def _uses(episode: Episode, method: Method) -> list[list[tuple[Source | None, int]]]:
    """For each class the sources that are used, each with its replicate: (ways - 1) * shots of them."""
    ways, shots = len(episode.classes), len(episode.support[0])
    if method is Method.GENIE:
        every = range(ways)
        return [[(s, 0) for other in every if other != own for s in episode.support[other]] for own in every]
    if method is Method.IMG2IMG:
        return [[(s, replicate) for s in own for replicate in range(ways - 1)] for own in episode.support]
    count = (ways - 1) * shots
    rng = np.random.default_rng([episode.number, ways, shots])
    return [
        [(None, int(replicate)) for replicate in sorted(rng.permutation(max(_TXT2IMG_PER_CLASS, count))[:count])]
        for _ in episode.classes
    ]
