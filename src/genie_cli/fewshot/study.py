"""Few-shot classification over episodes (paper, sections 4.1 and 4.3, Tables 1, 2, 4, 5 and 6).

A linear classifier is fitted to the features of a frozen backbone: of the support images, as the protocol shows
them, and of each generated image once. Every augmentation sees the same episodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.features import Features
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, EpisodeJobs
from genie_cli.evaluate.generated import Generated, Images
from genie_cli.fewshot.ada import most_adequate
from genie_cli.fewshot.augment import mix
from genie_cli.fewshot.classifiers import Classifier, one_hot
from genie_cli.fewshot.episodes import Episode, pairs
from genie_cli.fewshot.protocol import FEWSHOT, Protocol
from genie_cli.fewshot.views import View, Views
from genie_cli.jobs import Job, Source

_MIXED: dict[AugmentationName, Literal["cutmix", "mixup"]] = {
    AugmentationName.CUTMIX: "cutmix",
    AugmentationName.MIXUP: "mixup",
}

Rows = tuple[NDArray[np.float32], NDArray[np.float64]]  # features (n, D), and their labels (n, ways)


@dataclass(frozen=True)
class Outcome:
    """What an augmentation did.

    Attributes:
        accuracies: (episodes,), 0..1.
        added: generated images used, a class and episode, on average.
        rejected: share of the generated images that were left out, since the oracle rejected them.
    """

    augmentation: Augmentation
    accuracies: NDArray[np.float64]
    added: float
    rejected: float


@dataclass
class Support:
    """What a classifier is fitted to: features (N, D), labels (N, ways), and how many images were generated."""

    features: NDArray[np.float32]
    labels: NDArray[np.float64]
    added: int = 0
    rejected: int = 0


@dataclass
class FewShotEvaluator:
    """One list of episodes, and all that is needed to run augmentations on it.

    Attributes:
        needs: which generated images an episode needs, and ``images`` where they are.
        soft_labels: take the oracle's distributions, restricted to the episode's classes, for labels.
        protocol: how often the real images are seen.
    """

    episodes: Sequence[Episode]
    views: Views
    features: Features
    classifier: Classifier
    needs: EpisodeJobs
    images: Images
    soft_labels: bool = False
    protocol: Protocol = FEWSHOT
    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def run(self, augmentation: Augmentation, on_episode: Callable[[], None] = lambda: None) -> Outcome:
        """The accuracy on every episode.

        Raises:
            UsageError: a generated image is missing; it is named.
            ImageError: an image cannot be read.
        """
        self.images.require(needed(self.episodes, [augmentation], self.needs))
        views = dict(view for episode in self.episodes for view in self._wanted(episode, augmentation))
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

    def _wanted(self, episode: Episode, augmentation: Augmentation) -> Iterator[View]:
        """Everything whose features the episode needs."""
        yield from (self.views.center_crop(source) for part in (*episode.query, *episode.support) for source in part)
        yield from (view for _, view in self._seen(episode, augmentation))
        for families in self._families(episode, augmentation):
            yield from (self.views.generated(image.path, image.sha256) for family in families for _, image in family)

    def _support(self, episode: Episode, augmentation: Augmentation) -> Support:
        generated, rejected = self._generated(episode, augmentation)
        real = [*self._real(episode, augmentation), *self._mixed(episode, augmentation)]
        features, labels = zip(*real, *generated, strict=True)
        return Support(np.concatenate(features), np.concatenate(labels), len(generated), rejected)

    def _seen(self, episode: Episode, augmentation: Augmentation) -> Iterator[tuple[int, View]]:
        """Looks at the support images one by one, each with the number of its class."""
        name = augmentation.name
        if self.protocol.whole or name is AugmentationName.NONE:
            yield from ((number, self.views.center_crop(source)) for number, source in pairs(episode))
        cropped = not augmentation.generates or self.protocol.crops_beside_generated
        if cropped and name is not AugmentationName.NONE and name not in _MIXED:
            view = self.views.strong if name is AugmentationName.STRONG else self.views.weak
            turns = range(self.protocol.turns(len(episode.classes)))
            yield from ((number, view(source, turn)) for number, source in pairs(episode) for turn in turns)

    def _real(self, episode: Episode, augmentation: Augmentation) -> Iterator[Rows]:
        if seen := list(self._seen(episode, augmentation)):
            numbers = np.array([number for number, _ in seen])
            yield self._rows(view for _, view in seen), one_hot(numbers, len(episode.classes))

    def _mixed(self, episode: Episode, augmentation: Augmentation) -> Iterator[Rows]:
        """The weak views of the support set, round after round, mixed with each other."""
        if augmentation.name not in _MIXED:
            return
        import torch

        ways, turns = len(episode.classes), self.protocol.turns(len(episode.classes))
        numbers = torch.tensor([number for number, _ in pairs(episode)])
        images, labels = [], []
        for turn in range(turns):
            views = torch.stack([self.views.weak(source, turn)[1]() for _, source in pairs(episode)])
            mixed, soft = mix(_MIXED[augmentation.name], views, numbers, ways, seed=episode.number * turns + turn)
            images.append(mixed)
            labels.append(soft.double().numpy())
        yield self.features.backbone.run(torch.cat(images)), np.concatenate(labels)

    def _generated(self, episode: Episode, augmentation: Augmentation) -> tuple[list[Rows], int]:
        """The generated images that the oracle did not reject, and how many it did."""
        rows: list[Rows] = []
        rejected = 0
        for number, families in enumerate(self._families(episode, augmentation)):
            for family in families:
                accepted = [(job, image) for job, image in family if image.accepted]
                rejected += not accepted
                if accepted:
                    image = self._choose(accepted, episode.support[number])
                    label = image.label(episode.classes[number], episode.classes, soft=self.soft_labels)
                    rows.append((self._known[image.sha256][None], label[None]))
        return rows, rejected

    def _families(self, episode: Episode, augmentation: Augmentation) -> list[list[list[tuple[Job, Generated]]]]:
        """For each class its generated images, those of one source and rising r together."""
        if not augmentation.generates:
            return []
        size = len(augmentation.ratios)
        found = []
        for jobs in self.needs.jobs(episode, augmentation):
            made = [(job, image) for job in jobs if (image := self.images.find(job))]
            found.append([made[start : start + size] for start in range(0, len(made), size)])
        return found

    def _choose(self, family: Sequence[tuple[Job, Generated]], target: Sequence[Source]) -> Generated:
        source = family[0][0].source
        if len(family) == 1 or source is None:
            return family[0][1]
        made = np.stack([self._known[image.sha256] for _, image in family])
        real = self._rows(map(self.views.center_crop, target))
        return family[most_adequate(made, self._known[source.sha256], real)][1]

    def _rows(self, views: Iterable[View]) -> NDArray[np.float32]:
        return np.stack([self._known[key] for key, _ in views])


def needed(episodes: Iterable[Episode], augmentations: Sequence[Augmentation], needs: EpisodeJobs) -> Iterator[Job]:
    """The jobs whose images the episodes need, episode by episode: those that several need come more than once."""
    generative = [augmentation for augmentation in augmentations if augmentation.generates]
    return (job for e in episodes for a in generative for jobs in needs.jobs(e, a) for job in jobs)
