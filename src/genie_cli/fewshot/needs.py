"""Which generated images an episode needs, and which sources they are made from (paper, section 4, "Baselines").

For an episode of N ways and K shots every generative augmentation adds (N - 1) K images per class: the number that
GeNIe gets from using each support image of every other class as a source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.fewshot.episodes import Episode
from genie_cli.jobs import Job, Method, Source

# Txt2Img has no sources that episodes could share, so each class has this many images, from which episodes draw: as
# many as GeNIe gets from the four other classes of a 5-way pool of 20 images each.
_TXT2IMG_PER_CLASS = 80


@dataclass(frozen=True)
class EpisodeJobs:
    """The jobs that make the generated images of an episode.

    Attributes:
        prompt_for: the prompt for a class.
        model: identity of the diffusion model; empty if the images are only looked up.
        seed: random seed of the jobs.
    """

    prompt_for: Callable[[str], str]
    model: str
    seed: int = 0

    def jobs(self, episode: Episode, augmentation: Augmentation) -> list[list[Job]]:
        """For each class of the episode its jobs: source by source, and for each source the ratios ascending."""
        return [
            [
                self._job(target, augmentation.method, source, replicate, r)
                for source, replicate in uses
                for r in augmentation.ratios
            ]
            for target, uses in zip(episode.classes, _uses(episode, augmentation.method), strict=True)
        ]

    def needed(self, episodes: Iterable[Episode], augmentations: Sequence[Augmentation]) -> Iterator[Job]:
        """The jobs of all episodes, episode by episode; a job that several episodes need comes several times."""
        generative = [augmentation for augmentation in augmentations if augmentation.generates]
        return (job for episode in episodes for each in generative for jobs in self.jobs(episode, each) for job in jobs)

    def _job(self, target: str, method: Method, source: Source | None, replicate: int, r: float) -> Job:
        return Job(
            source=source,
            target=target,
            prompt=self.prompt_for(target),
            method=method,
            r=r,
            model=self.model,
            replicate=replicate,
            seed=self.seed,
        )


def _uses(episode: Episode, method: Method) -> list[list[tuple[Source | None, int]]]:
    """For each class the (ways - 1) * shots sources that are used for it, each with its replicate number."""
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
