"""What a classifier is fitted to: for an episode and an augmentation the views of real and of generated images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genie_cli.evaluate.augmentations import PASTED, Augmentation, AugmentationName
from genie_cli.evaluate.generated import GeneratedImage, GeneratedImages
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.needs import EpisodeJobs, others
from genie_cli.fewshot.task import FEWSHOT, Protocol
from genie_cli.fewshot.views import View, Views
from genie_cli.jobs import Job

MIXED: dict[AugmentationName, Literal["cutmix", "mixup"]] = {
    AugmentationName.CUTMIX: "cutmix",
    AugmentationName.MIXUP: "mixup",
}


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
        images: those that are accepted, r ascending, each with its job.
    """

    target: int
    place: int
    images: Sequence[tuple[Job, GeneratedImage]]


Chosen = tuple[Candidates, Job]  # a group, and which of its images is used


@dataclass(frozen=True)
class SupportSets:
    """The rows of episodes.

    Attributes:
        views: views of the data set's images.
        needs: which generated images an episode needs.
        images: where these are.
        probes: where probes are, by which GeNIe-Ada chooses the images, if the augmentation says so.
        soft_labels: use the oracle's probabilities, restricted to the episode's classes, as labels.
        protocol: which views are used.
    """

    views: Views
    needs: EpisodeJobs
    images: GeneratedImages
    soft_labels: bool = False
    protocol: Protocol = FEWSHOT.protocol
    probes: GeneratedImages = field(default_factory=lambda: GeneratedImages(probes=True))

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

    def candidates_of(self, augmentation: Augmentation) -> GeneratedImages:
        """What GeNIe-Ada chooses by: probes, or the images themselves."""
        return self.probes if augmentation.probe else self.images

    def candidates(self, episode: Episode, augmentation: Augmentation) -> Iterator[Candidates]:
        """The generated images, or their probes, in groups of which one each is used."""
        size, known = len(augmentation.ratios), self.candidates_of(augmentation)
        for number, jobs in enumerate(self.needs.jobs(episode, augmentation)):
            for place, start in enumerate(range(0, len(jobs), size)):
                group = jobs[start : start + size]
                found = [(job, image) for job in group if (image := known.find(job)) and image.accepted]
                yield Candidates(number, place, found)

    def is_accepted(self, job: Job) -> bool:
        """Whether the image of a job is used: not rejected by the oracle, and not left out by a selection."""
        image = self.images.find(job)
        return image is not None and image.accepted

    def rows(self, episode: Episode, augmentation: Augmentation, chosen: Iterable[Chosen]) -> Iterator[Row]:
        """All rows but those of mixed images.

        Args:
            chosen: the generated images to use.
        """
        yield from self.real(episode, augmentation)
        for group, job in chosen:
            image = self.images.find(job)
            if image and image.accepted:
                label = image.label(episode.classes[group.target], episode.classes, soft=self.soft_labels)
                yield Row(self._generated_view(episode, augmentation, group, image), label)

    def _generated_view(
        self, episode: Episode, augmentation: Augmentation, group: Candidates, image: GeneratedImage
    ) -> View:
        if augmentation.name in PASTED:
            onto, _ = others(episode, group.target, group.place + 1)[-1]
            return self.views.generated_pasted(image.path, image.sha256, onto)
        if self.protocol.crop_generated:
            return self.views.generated_crop(image.path, image.sha256)
        return self.views.generated(image.path, image.sha256)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """See `GeneratedImages.explaining`."""
        with self.images.explaining(), self.probes.explaining():
            yield


_COMPOSED = (AugmentationName.REPEAT, AugmentationName.PASTE)


def _row(view: View, number: int, ways: int) -> Row:
    return Row(view, _one_hot(ways)[number])


@cache
def _one_hot(ways: int) -> Sequence[NDArray[np.float64]]:
    return list(np.eye(ways))
