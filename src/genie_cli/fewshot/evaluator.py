"""Accuracies of augmentations over episodes (paper, sections 4.1 and 4.3, Tables 1, 2, 4, 5 and 6).

A linear classifier is fitted to the features of a frozen backbone: those of the support images, in the views that the
protocol says, and those of each generated image. Every augmentation sees the same episodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.features import Features
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.evaluate.generated import GeneratedImage, GeneratedImages
from genie_cli.fewshot.ada import most_adequate
from genie_cli.fewshot.augment import mix
from genie_cli.fewshot.classifiers import Classifier, one_hot
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.fewshot.task import FEWSHOT, Protocol
from genie_cli.fewshot.views import View, Views
from genie_cli.jobs import Job, Source

_MIXED: dict[AugmentationName, Literal["cutmix", "mixup"]] = {
    AugmentationName.CUTMIX: "cutmix",
    AugmentationName.MIXUP: "mixup",
}

Rows = tuple[NDArray[np.float32], NDArray[np.float64]]  # features (n, D), and their labels (n, ways)
_Candidates = list[tuple[Job, GeneratedImage]]  # images of one source and target, r ascending


@dataclass(frozen=True)
class Outcome:
    """The results of one augmentation.

    Attributes:
        accuracies: of each episode, shape (episodes,), 0..1.
        added: mean number of generated images used per class and episode.
        rejected: share of the generated images that were not used because the oracle rejected them, 0..1.
    """

    augmentation: Augmentation
    accuracies: NDArray[np.float64]
    added: float
    rejected: float


@dataclass
class Support:
    """What a classifier is fitted to.

    Attributes:
        features: shape (N, D).
        labels: shape (N, ways).
        added: number of generated images among the rows.
        rejected: number of generated images that the oracle rejected.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.float64]
    added: int = 0
    rejected: int = 0


@dataclass
class FewShotEvaluator:
    """Evaluates augmentations on one list of episodes.

    Attributes:
        views: views of the data set's images.
        features: computes and caches the backbone's features.
        needs: which generated images an episode needs.
        images: where these are.
        soft_labels: use the oracle's probabilities, restricted to the episode's classes, as labels.
        protocol: which views of the real images are used.
    """

    episodes: Sequence[Episode]
    views: Views
    features: Features
    classifier: Classifier
    needs: EpisodeJobs
    images: GeneratedImages
    soft_labels: bool = False
    protocol: Protocol = FEWSHOT.protocol
    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def run(self, augmentation: Augmentation, on_episode: Callable[[], None] = lambda: None) -> Outcome:
        """Compute the accuracy on every episode.

        Args:
            on_episode: called after each episode.

        Raises:
            UsageError: a generated image is missing; it is named.
            ImageError: an image cannot be read, or has changed; of a generated one the hint says what makes it again.
        """
        self.images.require(self.needs.needed(self.episodes, [augmentation]))
        views = dict(view for episode in self.episodes for view in self._views_of(episode, augmentation))
        with self.images.explaining():
            self._known |= self.features.of({key: view for key, view in views.items() if key not in self._known})
        accuracies, added, rejected = [], 0, 0
        for episode in self.episodes:
            support = self._support(episode, augmentation)
            query = self._rows(self.views.center_crop(source) for part in episode.query for source in part)
            truth = np.repeat(np.arange(len(episode.query)), [len(part) for part in episode.query])
            accuracies.append((self.classifier.predict(support.features, support.labels, query) == truth).mean())
            added, rejected = added + support.added, rejected + support.rejected
            on_episode()
        classes = sum(len(episode.classes) for episode in self.episodes)
        return Outcome(augmentation, np.array(accuracies), added / classes, rejected / max(added + rejected, 1))

    def _views_of(self, episode: Episode, augmentation: Augmentation) -> Iterator[View]:
        """All views whose features the episode needs."""
        yield from (self.views.center_crop(source) for part in (*episode.query, *episode.support) for source in part)
        yield from (view for _, view in self._real_views(episode, augmentation))
        for groups in self._generated(episode, augmentation):
            yield from (self.views.generated(image.path, image.sha256) for group in groups for _, image in group)

    def _support(self, episode: Episode, augmentation: Augmentation) -> Support:
        generated, rejected = self._generated_rows(episode, augmentation)
        real = [*self._real_rows(episode, augmentation), *self._mixed_rows(episode, augmentation)]
        features, labels = zip(*real, *generated, strict=True)
        return Support(np.concatenate(features), np.concatenate(labels), len(generated), rejected)

    def _real_views(self, episode: Episode, augmentation: Augmentation) -> Iterator[tuple[int, View]]:
        """Views of single support images, each with the index of its class."""
        name, support = augmentation.name, list(episode.labelled_support())
        if self.protocol.center_crop or name is AugmentationName.NONE:
            yield from ((number, self.views.center_crop(source)) for number, source in support)
        with_crops = not augmentation.generates or self.protocol.crops_beside_generated
        if with_crops and name is not AugmentationName.NONE and name not in _MIXED:
            view = self.views.strong if name is AugmentationName.STRONG else self.views.weak
            crops = range(self.protocol.crops_for(len(episode.classes)))
            yield from ((number, view(source, crop)) for number, source in support for crop in crops)

    def _real_rows(self, episode: Episode, augmentation: Augmentation) -> Iterator[Rows]:
        if seen := list(self._real_views(episode, augmentation)):
            numbers = np.array([number for number, _ in seen])
            yield self._rows(view for _, view in seen), one_hot(numbers, len(episode.classes))

    def _mixed_rows(self, episode: Episode, augmentation: Augmentation) -> Iterator[Rows]:
        """Random crops of the support set, one of each image at a time, mixed with each other."""
        if augmentation.name not in _MIXED:
            return
        import torch

        support = list(episode.labelled_support())
        ways, crops = len(episode.classes), self.protocol.crops_for(len(episode.classes))
        numbers = torch.tensor([number for number, _ in support])
        images, labels = [], []
        for crop in range(crops):
            views = torch.stack([self.views.weak(source, crop)[1]() for _, source in support])
            mixed, soft = mix(_MIXED[augmentation.name], views, numbers, ways, seed=episode.number * crops + crop)
            images.append(mixed)
            labels.append(soft.double().numpy())
        yield self.features.backbone.run(torch.cat(images)), np.concatenate(labels)

    def _generated_rows(self, episode: Episode, augmentation: Augmentation) -> tuple[list[Rows], int]:
        """Rows of the generated images that the oracle did not reject, and how many it rejected."""
        rows: list[Rows] = []
        rejected = 0
        for number, groups in enumerate(self._generated(episode, augmentation)):
            for group in groups:
                accepted = [(job, image) for job, image in group if image.accepted]
                rejected += not accepted
                if accepted:
                    image = self._choose(accepted, episode.support[number])
                    label = image.label(episode.classes[number], episode.classes, soft=self.soft_labels)
                    rows.append((self._known[image.sha256][None], label[None]))
        return rows, rejected

    def _generated(self, episode: Episode, augmentation: Augmentation) -> list[list[_Candidates]]:
        """For each class its generated images, grouped by source."""
        if not augmentation.generates:
            return []
        size = len(augmentation.ratios)
        found = []
        for jobs in self.needs.jobs(episode, augmentation):
            made = [(job, image) for job in jobs if (image := self.images.find(job))]
            found.append([made[start : start + size] for start in range(0, len(made), size)])
        return found

    def _choose(self, candidates: _Candidates, target: Sequence[Source]) -> GeneratedImage:
        """The candidate to use: the only one, or by GeNIe-Ada.

        Args:
            target: the support images of the candidates' class.
        """
        source = candidates[0][0].source
        if len(candidates) == 1 or source is None:
            return candidates[0][1]
        made = np.stack([self._known[image.sha256] for _, image in candidates])
        real = self._rows(map(self.views.center_crop, target))
        return candidates[most_adequate(made, self._known[source.sha256], real)][1]

    def _rows(self, views: Iterable[View]) -> NDArray[np.float32]:
        return np.stack([self._known[key] for key, _ in views])
