"""Which generated images an episode needs, and which sources they are made from (paper, section 4, "Baselines").

For an episode of N ways and K shots every generative augmentation adds (N - 1) K images per class: the number that
GeNIe gets from using each support image of every other class as a source. Another number can be asked for; the images
of a smaller one are among those of a larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.fewshot.episodes import Episode
from genie_cli.jobs import Job, Method, Source
from genie_cli.prompts import chosen_prompt

# Txt2Img has no sources that episodes could share, so each class has this many images, from which episodes draw: as
# many as GeNIe gets from the four other classes of a 5-way pool of 20 images each.
_TXT2IMG_PER_CLASS = 80

_Use = tuple[Source | None, int]  # a source, and the number of the image that is made from it


@dataclass(frozen=True)
class EpisodeJobs:
    """The jobs that make the generated images of an episode.

    Attributes:
        prompts_for: the prompts for a class, of which each job has one.
        model: identity of the diffusion model; empty if the images are only looked up.
        seed: random seed of the jobs.
        added: images per class; 0: the paper's number.
    """

    prompts_for: Callable[[str], tuple[str, ...]]
    model: str
    seed: int = 0
    added: int = 0
    _jobs: dict[tuple[object, ...], Job] = field(default_factory=dict, repr=False, compare=False)

    def count(self, episode: Episode) -> int:
        """Rows per class that every generative augmentation, and every control, adds to an episode."""
        return self.added or (len(episode.classes) - 1) * len(episode.support[0])

    def jobs(self, episode: Episode, augmentation: Augmentation) -> list[list[Job]]:
        """For each class of the episode its jobs: image by image, and for each image the ratios ascending.

        None for an augmentation that generates nothing.
        """
        if not augmentation.generates:
            return []
        uses = _uses(episode, augmentation.method, self.count(episode))
        return [
            [
                self._job(target, augmentation.method, source, replicate, r)
                for source, replicate in own
                for r in augmentation.ratios
            ]
            for target, own in zip(episode.classes, uses, strict=True)
        ]

    def needed(self, episodes: Iterable[Episode], augmentations: Sequence[Augmentation]) -> Iterator[Job]:
        """The jobs of all episodes, episode by episode; a job that several episodes need comes several times."""
        pairs = ((episode, each) for episode in episodes for each in augmentations)
        return (job for episode, each in pairs for jobs in self.jobs(episode, each) for job in jobs)

    def _job(self, target: str, method: Method, source: Source | None, replicate: int, r: float) -> Job:
        """A job; of those that several episodes need, there is one object, which has its hash once."""
        content = source.sha256 if source else None
        key = (target, method, content, source.path if source else None, replicate, r)
        if key not in self._jobs:
            self._jobs[key] = Job(
                source=source,
                target=target,
                prompt=chosen_prompt(self.prompts_for(target), content, target, replicate, self.seed),
                method=method,
                r=r,
                model=self.model,
                replicate=replicate,
                seed=self.seed,
            )
        return self._jobs[key]


def others(episode: Episode, own: int, count: int) -> list[tuple[Source, int]]:
    """Support images of the other classes, in turn from each class, and how often each came before.

    The turn begins after the own class, so that fewer images than there are other classes come from different classes
    for different targets.

    Args:
        own: index of the class whose images are left out.
        count: how many; more than there are starts again from the first.
    """
    parts = [*episode.support[own + 1 :], *episode.support[:own]]
    return _in_turn([source for shot in zip(*parts, strict=True) for source in shot], count)


def _in_turn(sources: Sequence[Source], count: int) -> list[tuple[Source, int]]:
    return [(sources[place % len(sources)], place // len(sources)) for place in range(count)]


def _uses(episode: Episode, method: Method, count: int) -> list[list[_Use]]:
    """For each class the ``count`` sources that are used for it, each with its replicate number."""
    every = range(len(episode.classes))
    if method is Method.GENIE:
        return [list(others(episode, own, count)) for own in every]
    if method is Method.IMG2IMG:
        return [list(_in_turn(own, count)) for own in episode.support]
    rng = np.random.default_rng([episode.number, len(episode.classes), len(episode.support[0])])
    more = np.arange(_TXT2IMG_PER_CLASS, count)
    drawn = (np.concatenate([rng.permutation(_TXT2IMG_PER_CLASS), more])[:count] for _ in every)
    return [[(None, int(replicate)) for replicate in sorted(own)] for own in drawn]
