"""The images that are added to the Few classes of a long-tailed data set (paper, section 4.2, Table 3).

Images are added to the Few classes only, the same number with every method: generated ones, or real ones repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice

from genie_cli.confuse.confusion import Confusion
from genie_cli.data.dataset import Dataset
from genie_cli.errors import UsageError
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.generate.plan import tell_hardest
from genie_cli.jobs import Job, Method, Plan, Source
from genie_cli.longtail.groups import Group, Profile
from genie_cli.observer import Observer
from genie_cli.recipe import Recipe, SourceIndex

_TOLD = 10  # Few classes whose source classes the observer is told; of more, none


@dataclass(frozen=True)
class TailJobs:
    """The jobs that make images of the Few classes.

    Attributes:
        train: all training images.
        prompts_for: the prompts for a class, of which each job has one.
        model: identity of the diffusion model; empty if the images are only looked up.
        per_class: images to generate for each Few class.
        fill_to: instead, generate until a class has this many images, real and generated; 0: off.
        seed: random seed of the jobs, which also decides which sources are used.
        hardest: for a Few class, the classes that GeNIe's sources come from; for a class that is not here, all others.
    """

    profile: Profile
    train: Sequence[Source]
    prompts_for: Callable[[str], tuple[str, ...]]
    model: str
    per_class: int = 50
    fill_to: int = 0
    seed: int = 0
    hardest: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def wanted(self) -> Mapping[str, int]:
        """See `wanted_images`."""
        return wanted_images(self.profile, self.per_class, self.fill_to)

    def require_some(self) -> None:
        """Raise UsageError if no class needs images."""
        if not self.wanted:
            raise UsageError(
                f"no class needs images: with the thresholds {self.profile.thresholds.name} none is Few, or all of "
                "them have enough",
                "choose other --thresholds, or a larger --fill-to",
            )

    def count(self, augmentation: Augmentation) -> int:
        """The number of images that an augmentation adds."""
        return sum(self.wanted.values()) if adds_images(augmentation) else 0

    def jobs(self, augmentation: Augmentation) -> list[Job]:
        """The jobs that make an augmentation's images; none if it generates none.

        Raises:
            UsageError: a class has no source.
        """
        if not augmentation.generates:
            return []
        return [job for target, number in self.wanted.items() for job in self._jobs_of(target, number, augmentation)]

    def _jobs_of(self, target: str, number: int, augmentation: Augmentation) -> Plan:
        hardest = self.hardest.get(target) if augmentation.method is Method.GENIE else None
        recipe = Recipe(
            targets=(target,),
            method=augmentation.method,
            r=augmentation.ratios,
            prompt=self.prompts_for(target),
            per_target=number,
            seed=self.seed,
            model=self.model,
            sources_for={target: hardest} if hardest else {},
        )
        return recipe.jobs(self._sources(target, augmentation.method, hardest))

    def _sources(self, target: str, method: Method, hardest: Sequence[str] | None) -> Sequence[Source] | SourceIndex:
        """The training images that may be sources: of the target, of the hardest classes, or all."""
        if not method.uses_source:
            return ()
        labels = (target,) if method is Method.IMG2IMG else hardest
        if labels is None:
            return self._index
        return [source for label in labels for source in self._index.by_label.get(label, ())]

    @cached_property
    def _index(self) -> SourceIndex:
        return SourceIndex(self.train)


def adds_images(augmentation: Augmentation) -> bool:
    """Whether an augmentation adds images to the Few classes: generated ones, or real ones once more."""
    return augmentation.generates or augmentation.name is AugmentationName.REPEAT


def wanted_images(profile: Profile, per_class: int, fill_to: int) -> dict[str, int]:
    """How many images each Few class needs; classes that need none are left out.

    Args:
        per_class: images to add to each Few class.
        fill_to: instead, add until a class has this many; 0: off.
    """
    few = profile.groups()[Group.FEW]
    numbers = {label: fill_to - profile.counts[label] if fill_to else per_class for label in few}
    return {label: number for label, number in numbers.items() if number > 0}


def repeated_images(train: Sequence[Source], wanted: Mapping[str, int]) -> list[Source]:
    """The control of the generated images: as many of each class, its real images in turn, in the order of ``train``.

    Args:
        train: all training images.
        wanted: see `wanted_images`; each class has at least one training image.
    """
    by_label: dict[str, list[Source]] = {}
    for source in train:
        by_label.setdefault(source.label, []).append(source)
    return [source for label, number in wanted.items() for source in islice(cycle(by_label[label]), number)]


def hardest_of(
    confusion: Confusion, targets: Sequence[str], top_k: int, observer: Observer
) -> Mapping[str, Sequence[str]]:
    """The classes that each target is most often confused with; none for a target that never is.

    Args:
        top_k: how many classes for each target.
        observer: is told the classes, unless there are many targets.

    Raises:
        UsageError: the confusion matrix does not know a target.
    """
    never = confusion.never_confused()
    hardest = {}
    for target in targets:
        if target in never:
            observer.found(f"{target} was never confused with another class: its sources come from all other classes")
            continue
        pairs = confusion.most_confused(target, top_k)
        hardest[target] = tuple(name for name, _ in pairs)
        if len(targets) <= _TOLD:
            tell_hardest(target, pairs, observer)
    return hardest


def measured_confusion(dataset: Dataset, backbone: str, device: str, observer: Observer) -> Confusion:
    """Which classes are confused with each other, measured on the training images.

    Args:
        backbone: name of the network to measure it with; empty: the usual one.

    Raises:
        FolderError: fewer than two classes have two images.
        ModelError, OutputError: see `confuse.cross_validation.from_sources`.
    """
    from genie_cli.confuse.cross_validation import from_sources
    from genie_cli.confuse.inputs import BACKBONE, FOLDS

    observer.found("no --confusion: measuring which classes are confused with each other")
    return from_sources(dataset.root, dataset.train, backbone or BACKBONE, None, FOLDS, device, observer)
