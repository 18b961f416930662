"""Accuracies of augmentations over episodes (paper, sections 4.1 and 4.3, Tables 1, 2, 4, 5 and 6).

A linear classifier is fitted to the features of a frozen backbone: those of the support images, in the views that the
protocol says, and those of each generated image. Every augmentation sees the same episodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.features import Features
from genie_cli.evaluate.augmentations import ADAPTIVE, Augmentation, AugmentationName
from genie_cli.fewshot.ada import most_adequate
from genie_cli.fewshot.augment import mix
from genie_cli.fewshot.classifiers import Classifier
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.support import MIXED, Candidates, Row, SupportSets
from genie_cli.fewshot.views import View

_Arrays = tuple[NDArray[np.float32], NDArray[np.float64]]  # features (n, D), and their labels (n, ways)


@dataclass(frozen=True)
class Outcome:
    """The results of one augmentation.

    Attributes:
        predicted: for each episode the index of the class that each query image was taken for, class by class: shape
            (queries,).
        accuracies: of each episode, shape (episodes,), 0..1.
        added: mean number of generated images used per class and episode.
        rejected: share of the generated images that were not used because the oracle rejected them, 0..1.
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


@dataclass
class FewShotEvaluator:
    """Evaluates augmentations on one list of episodes.

    Attributes:
        support: what a classifier is fitted to.
        features: computes and caches the backbone's features.
    """

    episodes: Sequence[Episode]
    support: SupportSets
    features: Features
    classifier: Classifier
    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def run(self, augmentation: Augmentation, on_episode: Callable[[], None] = lambda: None) -> Outcome:
        """Classify the query images of every episode.

        Args:
            on_episode: called after each episode.

        Raises:
            UsageError: a generated image is missing; it is named.
            ImageError: an image cannot be read, or has changed; of a generated one the hint says what makes it again.
        """
        support = self.support
        support.images.require(support.needs.needed(self.episodes, [augmentation]))
        groups = [list(support.candidates(episode, augmentation)) for episode in self.episodes]
        self._compute_features(augmentation, groups)
        chosen = self._choose(augmentation, groups)
        predicted = []
        for episode, own in zip(self.episodes, groups, strict=True):
            rows, labels = self._arrays(episode, augmentation, own, chosen)
            predicted.append(self.classifier.predict(rows, labels, self._features(support.query(episode))))
            on_episode()
        return self._outcome(augmentation, predicted, groups, chosen)

    def _compute_features(self, augmentation: Augmentation, groups: Sequence[Sequence[Candidates]]) -> None:
        """Compute the features of all views that the episodes need, and are not known yet."""
        pairs = zip(self.episodes, groups, strict=True)
        views = dict(view for episode, own in pairs for view in self._views_of(episode, augmentation, own))
        with self.support.images.explaining():
            self._known |= self.features.of({key: view for key, view in views.items() if key not in self._known})

    def _views_of(self, episode: Episode, augmentation: Augmentation, groups: Sequence[Candidates]) -> Iterator[View]:
        support = self.support
        yield from support.query(episode)
        yield from (support.views.center_crop(source) for _, source in episode.labelled_support())
        yield from (row.view for row in support.real(episode, augmentation))
        for group in groups:
            for choice, (_, image) in enumerate(group.images):
                yield support.generated_view(episode, augmentation, group, choice)
                if augmentation.name in ADAPTIVE:  # which sees the center crops, whichever views are used
                    yield support.views.generated(image.path, image.sha256)

    def _choose(self, augmentation: Augmentation, groups: Sequence[Sequence[Candidates]]) -> dict[Candidates, int]:
        """The image to use of each group that has one: the only one, or by GeNIe-Ada."""
        usable = [[group for group in own if group.images] for own in groups]
        if augmentation.name not in ADAPTIVE:
            return {group: 0 for own in usable for group in own}
        pairs = zip(self.episodes, usable, strict=True)
        chosen = {group: self._adaptive(episode, group) for episode, own in pairs for group in own}
        if augmentation.name is AugmentationName.GENIE_ADA:
            return chosen
        marginal = Counter(group.images[choice][0].r for group, choice in chosen.items())
        rng = np.random.default_rng(0)
        return {group: _at_random(rng, group, marginal) for group in chosen}

    def _adaptive(self, episode: Episode, group: Candidates) -> int:
        """GeNIe-Ada's choice."""
        if group.source is None:
            return 0
        center = self.support.views.center_crop
        made = self._features(self.support.views.generated(image.path, image.sha256) for _, image in group.images)
        real = self._features(center(source) for source in episode.support[group.target])
        return most_adequate(made, self._known[group.source.sha256], real)

    def _arrays(
        self,
        episode: Episode,
        augmentation: Augmentation,
        groups: Sequence[Candidates],
        chosen: Mapping[Candidates, int],
    ) -> _Arrays:
        """The features of everything that the episode's classifier is fitted to, and the labels."""
        generated = self.support.generated(episode, augmentation, groups, chosen)
        rows = [*self.support.real(episode, augmentation), *generated]
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
            how = "cutmix" if augmentation.name is AugmentationName.CUTMIX else "mixup"
            mixed, soft = mix(how, views, numbers, ways, seed, protocol.mix_alpha)
            images.append(mixed)
            labels.append(soft.double().numpy())
        yield self.features.backbone.run(torch.cat(images)), np.concatenate(labels)

    def _features(self, views: Iterable[View]) -> NDArray[np.float32]:
        return np.stack([self._known[key] for key, _ in views])


    def _outcome(
        self,
        augmentation: Augmentation,
        predicted: Sequence[NDArray[np.int64]],
        groups: Sequence[Sequence[Candidates]],
        chosen: Mapping[Candidates, int],
    ) -> Outcome:
        pairs = zip(predicted, self.episodes, strict=True)
        accuracies = np.array([(found == truth(episode)).mean() for found, episode in pairs])
        ratios = Counter(group.images[choice][0].r for group, choice in chosen.items())
        asked = sum(map(len, groups))
        classes = sum(len(episode.classes) for episode in self.episodes)
        return Outcome(
            augmentation,
            predicted,
            accuracies,
            added=len(chosen) / classes,
            rejected=(asked - len(chosen)) / max(asked, 1),
            chosen={r: ratios[r] for r in sorted(ratios)},
        )


def _at_random(rng: np.random.Generator, group: Candidates, marginal: Mapping[float, int]) -> int:
    """One of a group's images, drawn by how often each noise ratio occurs in ``marginal``."""
    weights = np.array([marginal[job.r] for job, _ in group.images], dtype=np.float64)
    return int(rng.choice(len(weights), p=weights / weights.sum())) if weights.any() else 0
