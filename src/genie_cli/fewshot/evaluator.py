"""Accuracies of augmentations over episodes (paper, sections 4.1 and 4.3, Tables 1, 2, 4, 5 and 6).

A linear classifier is fitted to the features of a frozen backbone: those of the support images, in the views that the
protocol says, and those of each generated image. Every augmentation sees the same episodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.features import Features
from genie_cli.evaluate.augmentations import ADAPTIVE, Augmentation, AugmentationName
from genie_cli.fewshot.augment import mix
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.fitting import Fitter
from genie_cli.fewshot.support import MIXED, Candidates, Chosen, Row, SupportSets
from genie_cli.fewshot.views import View
from genie_cli.generate.ada import most_adequate
from genie_cli.jobs import Job

_Arrays = tuple[NDArray[np.float32], NDArray[np.float64]]  # features (n, D), and their labels (n, ways)


@dataclass(frozen=True)
class Outcome:
    """The results of one augmentation.

    Attributes:
        predicted: for each episode the index of the class that each query image was taken for, class by class: shape
            (queries,).
        accuracies: of each episode, shape (episodes,), 0..1.
        added: mean number of generated images used per class and episode.
        rejected: share of the generated images that were not used: rejected by the oracle, or not selected, 0..1.
        chosen: how many images were used of each noise ratio, ascending.
    """

    augmentation: Augmentation
    predicted: Sequence[NDArray[np.int64]]
    accuracies: NDArray[np.float64]
    added: float
    rejected: float
    chosen: Mapping[float, int] = field(default_factory=dict)


def truth(episode: Episode) -> NDArray[np.int64]:
    """The index of each query image's class, class by class, shape (queries,)."""
    return np.repeat(np.arange(len(episode.query)), [len(part) for part in episode.query])


def accuracies(episodes: Sequence[Episode], predicted: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """The accuracy on each episode, shape (episodes,), 0..1; see `Outcome.predicted`."""
    pairs = zip(predicted, episodes, strict=True)
    return np.array([(found == truth(episode)).mean() for found, episode in pairs])


@dataclass
class FewShotEvaluator:
    """Evaluates augmentations on one list of episodes.

    Attributes:
        support: what a classifier is fitted to.
        features: computes and caches the backbone's features.
        fitter: fits the classifiers.
    """

    episodes: Sequence[Episode]
    support: SupportSets
    features: Features
    fitter: Fitter
    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def run(self, augmentation: Augmentation, on_episode: Callable[[], None] = lambda: None) -> Outcome:
        """Classify the query images of every episode.

        Args:
            on_episode: called after each episode.

        Raises:
            UsageError: a generated image is missing; it is named.
            ImageError: an image cannot be read, or has changed; of a generated one the hint says what makes it again.
        """
        chosen = self.choose(augmentation)
        self.support.images.require(job for own in chosen for _, job in own)
        pairs = list(zip(self.episodes, chosen, strict=True))
        rows = [list(self.support.rows(episode, augmentation, own)) for episode, own in pairs]
        self._compute(view for episode in self.episodes for view in self.support.query(episode))
        self._compute(row.view for own in rows for row in own)
        problems = (
            (*self._arrays(episode, augmentation, own), self._features(self.support.query(episode)))
            for episode, own in zip(self.episodes, rows, strict=True)
        )
        predicted = []
        with closing(self.fitter.predictions(problems)) as all_found:
            for found in all_found:
                predicted.append(found)
                on_episode()
        return self._outcome(augmentation, predicted, chosen)

    def choose(self, augmentation: Augmentation) -> list[list[Chosen]]:
        """For each episode the image to use of each group of candidates: the only one, or by GeNIe-Ada.

        Raises:
            UsageError, ImageError: see `run`.
        """
        known = self.support.candidates_of(augmentation)
        known.require(self.support.needs.needed(self.episodes, [augmentation]))
        groups = [list(self.support.candidates(episode, augmentation)) for episode in self.episodes]
        if augmentation.name not in ADAPTIVE:
            return [[(group, group.images[0][0]) for group in own if group.images] for own in groups]
        self._compute(view for own in groups for group in own for view in self._candidate_views(group))
        self._compute(
            self.support.views.center_crop(source) for e in self.episodes for _, source in e.labelled_support()
        )
        pairs = zip(self.episodes, groups, strict=True)
        chosen = [[(group, self._adaptive(episode, group)) for group in own if group.images] for episode, own in pairs]
        return chosen if augmentation.name is AugmentationName.GENIE_ADA else _at_random(chosen)

    def _candidate_views(self, group: Candidates) -> Iterator[View]:
        return (self.support.views.generated(image.path, image.sha256) for _, image in group.images)

    def _adaptive(self, episode: Episode, group: Candidates) -> Job:
        """GeNIe-Ada's choice."""
        jobs = [job for job, _ in group.images]
        if jobs[0].source is None:
            return jobs[0]
        made = self._features(self._candidate_views(group))
        real = self._features(map(self.support.views.center_crop, episode.support[group.target]))
        return jobs[most_adequate(made, self._known[jobs[0].source.sha256], real)]

    def _compute(self, views: Iterable[View]) -> None:
        """Compute the features that are not known yet."""
        new = {key: view for key, view in views if key not in self._known}
        with self.support.explaining():
            self._known |= self.features.of(new)

    def _arrays(self, episode: Episode, augmentation: Augmentation, rows: Sequence[Row]) -> _Arrays:
        """The features of everything that the episode's classifier is fitted to, and the labels."""
        parts = [*self._mixed(episode, augmentation)]
        if rows:
            parts.append((self._features(row.view for row in rows), np.stack([row.label for row in rows])))
        features, labels = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(labels)

    def _mixed(self, episode: Episode, augmentation: Augmentation) -> Iterator[_Arrays]:
        """Random crops of the support set, one of each image at a time, mixed with each other."""
        if augmentation.name not in MIXED:
            return
        import torch

        support = list(episode.labelled_support())
        ways, protocol = len(episode.classes), self.support.protocol
        crops = protocol.crops_for(ways)
        numbers = torch.tensor([number for number, _ in support])
        images, labels = [], []
        for crop in range(crops):
            views = torch.stack([self.support.views.weak(source, crop)[1]() for _, source in support])
            seed = episode.number * crops + crop
            mixed, soft = mix(MIXED[augmentation.name], views, numbers, ways, seed, protocol.mix_alpha)
            images.append(mixed)
            labels.append(soft.double().numpy())
        yield self.features.backbone.run(torch.cat(images)), np.concatenate(labels)

    def _features(self, views: Iterable[View]) -> NDArray[np.float32]:
        return np.stack([self._known[key] for key, _ in views])

    def _outcome(
        self, augmentation: Augmentation, predicted: Sequence[NDArray[np.int64]], chosen: Sequence[Sequence[Chosen]]
    ) -> Outcome:
        ratios = Counter(job.r for own in chosen for _, job in own if self.support.is_accepted(job))
        classes = sum(len(episode.classes) for episode in self.episodes)
        wanted = sum(len(episode.classes) * self.support.needs.count(episode) for episode in self.episodes)
        asked = wanted if augmentation.generates else 0
        return Outcome(
            augmentation,
            predicted,
            accuracies(self.episodes, predicted),
            added=ratios.total() / classes,
            rejected=1 - ratios.total() / asked if asked else 0,
            chosen={r: ratios[r] for r in sorted(ratios)},
        )


def _at_random(chosen: Sequence[Sequence[Chosen]]) -> list[list[Chosen]]:
    """For each group one of its images at random, each noise ratio as often as it is in ``chosen``."""
    marginal = Counter(job.r for own in chosen for _, job in own)
    rng = np.random.default_rng(0)

    def draw(group: Candidates) -> Job:
        jobs = [job for job, _ in group.images]
        weights = np.array([marginal[job.r] for job in jobs], dtype=np.float64)
        return jobs[int(rng.choice(len(jobs), p=weights / weights.sum()))] if weights.any() else jobs[0]

    return [[(group, draw(group)) for group, _ in own] for own in chosen]
