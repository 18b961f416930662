"""What a classifier is fitted to: for an episode and an augmentation the views of real and of generated images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genie_cli.evaluate.augmentations import PASTED, Augmentation, AugmentationName
from genie_cli.evaluate.generated import GeneratedImage, GeneratedImages
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.needs import EpisodeJobs, others
from genie_cli.fewshot.task import FEWSHOT, Protocol
from genie_cli.fewshot.views import View, Views
from genie_cli.jobs import Job, Source

MIXED = (AugmentationName.CUTMIX, AugmentationName.MIXUP)


@dataclass(frozen=True)
class Row:
    """One row that a classifier is fitted to.

    Attributes:
        view: an image, as the backbone sees it.
        label: shape (ways,): a share for each class of the episode; they sum to 1.
    """

    view: View
    label: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Generated images of one source and one target, of which one is used.

    Attributes:
        target: index of the class that they are of.
        place: the number of the group among those of its class.
        images: those that the oracle did not reject, r ascending, each with its job.
    """

    target: int
    place: int
    images: Sequence[tuple[Job, GeneratedImage]]

    @property
    def source(self) -> Source | None:
        """What the images were made from; None for Txt2Img, and for a group of which none was accepted."""
        return self.images[0][0].source if self.images else None


@dataclass(frozen=True)
class SupportSets:
    """The rows of episodes.

    Attributes:
        views: views of the data set's images.
        needs: which generated images an episode needs.
        images: where these are.
        soft_labels: use the oracle's probabilities, restricted to the episode's classes, as labels.
        protocol: which views are used.
    """

    views: Views
    needs: EpisodeJobs
    images: GeneratedImages
    soft_labels: bool = False
    protocol: Protocol = FEWSHOT.protocol

    def query(self, episode: Episode) -> Iterator[View]:
        """The query images' views, class by class."""
        return (self.views.center_crop(source) for part in episode.query for source in part)

    def real(self, episode: Episode, augmentation: Augmentation) -> Iterator[Row]:
        """The rows of real images, without those that CutMix and MixUp make of several."""
        name, ways = augmentation.name, len(episode.classes)
        for number, source in episode.labelled_support():
            if self.protocol.center_crop or name is AugmentationName.NONE:
                yield _row(self.views.center_crop(source), number, ways)
        if self._uses_crops(augmentation):
            view = self.views.strong if name is AugmentationName.STRONG else self.views.weak
            crops = range(self.protocol.crops_for(ways))
            for number, source in episode.labelled_support():
                yield from (_row(view(source, crop), number, ways) for crop in crops)
        yield from self._composed(episode, augmentation)

    def _uses_crops(self, augmentation: Augmentation) -> bool:
        name = augmentation.name
        if name is AugmentationName.NONE or (name in MIXED and not self.protocol.mixed_beside_crops):
            return False
        return self.protocol.crops_beside_generated or not (augmentation.generates or name in _COMPOSED)

    def _composed(self, episode: Episode, augmentation: Augmentation) -> Iterator[Row]:
        """The additional rows of the controls that are made of real images alone."""
        if augmentation.name not in _COMPOSED:
            return
        count, ways = self.needs.count(episode), len(episode.classes)
        for number, own in enumerate(episode.support):
            repeated = [own[place % len(own)] for place in range(count)]
            if augmentation.name is AugmentationName.REPEAT:
                yield from (_row(self.views.center_crop(source), number, ways) for source in repeated)
            else:
                behind = others(episode, number, count)
                pairs = zip(repeated, behind, strict=True)
                yield from (_row(self.views.pasted(source, onto), number, ways) for source, (onto, _) in pairs)

    def candidates(self, episode: Episode, augmentation: Augmentation) -> Iterator[Candidates]:
        """The generated images, in groups of which one each is used."""
        if not augmentation.generates:
            return
        size = len(augmentation.ratios)
        for number, jobs in enumerate(self.needs.jobs(episode, augmentation)):
            for place, start in enumerate(range(0, len(jobs), size)):
                group = jobs[start : start + size]
                found = [(job, image) for job in group if (image := self.images.find(job)) and image.accepted]
                yield Candidates(number, place, found)

    def generated_view(self, episode: Episode, augmentation: Augmentation, group: Candidates, choice: int) -> View:
        """The view of one of a group's images."""
        image = group.images[choice][1]
        if augmentation.name in PASTED:
            onto, _ = others(episode, group.target, group.place + 1)[-1]
            return self.views.generated_pasted(image.path, image.sha256, onto)
        if self.protocol.crop_generated:
            return self.views.generated_crop(image.path, image.sha256)
        return self.views.generated(image.path, image.sha256)

    def generated(
        self,
        episode: Episode,
        augmentation: Augmentation,
        groups: Iterable[Candidates],
        chosen: Mapping[Candidates, int],
    ) -> Iterator[Row]:
        """The rows of generated images.

        Args:
            groups: the episode's.
            chosen: the index of the image to use of each group that has one.
        """
        for group in groups:
            if group.images:
                image = group.images[chosen[group]][1]
                label = image.label(episode.classes[group.target], episode.classes, soft=self.soft_labels)
                yield Row(self.generated_view(episode, augmentation, group, chosen[group]), label)


_COMPOSED = (AugmentationName.REPEAT, AugmentationName.PASTE)


def _row(view: View, number: int, ways: int) -> Row:
    return Row(view, np.eye(ways)[number])
