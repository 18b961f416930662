"""Long-tailed classification (paper, section 4.2 and Table 3): which images the rare classes need, and how well
each group of classes is told apart.

Images are generated for the Few classes alone, the same number for every method. This module does not know how a
classifier is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genie_cli.data.images import read
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.jobs import Job, Method, Plan, Source
from genie_cli.longtail.groups import Group, Profile
from genie_cli.recipe import Recipe

if TYPE_CHECKING:
    from genie_cli.backbones.backbone import Backbone

_BATCH = 64


@dataclass(frozen=True)
class TailJobs:
    """The rare classes and the images they need.

    Attributes:
        profile: training images of each class.
        train: all training images.
        prompt_for: the prompt for a class.
        model: identity of the snapshot that is to make the images.
        per_class: images for each Few class.
        fill_to: instead, so many that a class has this number, real and generated; 0: ``per_class``.
        hardest: for a Few class the classes that GeNIe's sources are of; a class that is not here takes any other.
    """

    profile: Profile
    train: Sequence[Source]
    prompt_for: Callable[[str], str]
    model: str
    per_class: int = 50
    fill_to: int = 0
    seed: int = 0
    hardest: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def wanted(self) -> dict[str, int]:
        """How many images each Few class needs; those that need none are left out."""
        few = self.profile.groups()[Group.FEW]
        numbers = {
            label: self.fill_to - self.profile.counts[label] if self.fill_to else self.per_class for label in few
        }
        return {label: number for label, number in numbers.items() if number > 0}

    def jobs(self, augmentation: Augmentation) -> list[Job]:
        """The jobs that make an augmentation's images; none if it adds no images."""
        if not augmentation.generates:
            return []
        return [job for target, number in self.wanted().items() for job in self._for(target, number, augmentation)]

    def _for(self, target: str, number: int, augmentation: Augmentation) -> Plan:
        hardest = self.hardest.get(target) if augmentation.method is Method.GENIE else None
        recipe = Recipe(
            targets=(target,),
            method=augmentation.method,
            r=augmentation.ratios,
            prompt=self.prompt_for(target),
            per_target=number,
            seed=self.seed,
            model=self.model,
            sources_for={target: hardest} if hardest else {},
        )
        return recipe.jobs(self._sources(target, augmentation.method, hardest))

    def _sources(self, target: str, method: Method, hardest: Sequence[str] | None) -> Sequence[Source]:
        """The training images that may be sources: of the target, of the hardest classes, or of all."""
        labels = (target,) if method is Method.IMG2IMG else hardest
        return (
            self.train if labels is None else [source for label in labels for source in self._by_class.get(label, ())]
        )

    @cached_property
    def _by_class(self) -> dict[str, list[Source]]:
        found: dict[str, list[Source]] = {label: [] for label in self.profile.counts}
        for source in self.train:
            found[source.label].append(source)
        return found


def accuracies(
    classifier: Backbone,
    root: Path,
    test: Sequence[Source],
) -> dict[str, float]:
    """For each class of ``test`` the share of its images that are taken for it, 0..1.

    Args:
        classifier: gives logits in the order of its ``classes``.
        root: folder that the images' paths are relative to.

    Raises:
        ImageError: an image is missing, broken or has changed.
    """
    import torch

    right: dict[str, list[bool]] = {}
    for start in range(0, len(test), _BATCH):
        batch = test[start : start + _BATCH]
        looks = torch.stack([classifier.preprocess.center_crop(read(root / s.path, s.sha256)) for s in batch])
        for source, top in zip(batch, classifier.run(looks).argmax(axis=1), strict=True):
            right.setdefault(source.label, []).append(classifier.classes[top] == source.label)
    return {label: float(np.mean(right[label])) for label in sorted(right)}


def by_group(accuracy: Mapping[str, float], profile: Profile) -> dict[str, float]:
    """Means over the classes of each group that has any, ``many``, ``med`` and ``few``, and over all: ``overall``."""
    groups = {**{group.value: labels for group, labels in profile.groups().items()}, "overall": tuple(profile.counts)}
    return {name: float(np.mean([accuracy[label] for label in labels])) for name, labels in groups.items() if labels}
