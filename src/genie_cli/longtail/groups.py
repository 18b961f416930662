"""The class frequencies of a long-tailed data set, and the groups Many, Med and Few that accuracies are reported for.

Independent of images and torch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from genie_cli.errors import UsageError
from genie_cli.jobs import Source

_NUMBER = re.compile("[0-9]{1,9}")  # of images


class Group(StrEnum):
    """Classes with similar numbers of training images."""

    MANY = "many"
    MED = "med"
    FEW = "few"


@dataclass(frozen=True)
class ShotThresholds:
    """The numbers of training images per class that separate the groups.

    Attributes:
        name: a key of `THRESHOLDS`, or two numbers: ``"100,20"``.
        many: the smallest number of a Many class.
        few: the largest number of a Few class.
    """

    name: str
    many: int
    few: int

    @classmethod
    def parse(cls, text: str) -> ShotThresholds:
        """The thresholds of that name, or those of ``A,B``: Many has more than A images, Few fewer than B.

        Raises:
            UsageError: it is neither, or would leave no number for Few or Med.
        """
        if text in THRESHOLDS:
            return THRESHOLDS[text]
        numbers = text.split(",")
        if len(numbers) != 2 or not all(_NUMBER.fullmatch(number.strip()) for number in numbers):
            known = f"choices: {', '.join(THRESHOLDS)}, or two numbers, such as 100,20"
            raise UsageError(f"--thresholds: {text!r} are no thresholds of Many, Med and Few", known)
        above, below = map(int, numbers)
        if not 1 < below <= above:
            raise UsageError(
                f"--thresholds: {text!r} leaves no number of images for Few or for Med",
                "in A,B a Many class has more than A images and a Few class fewer than B, as in 100,20",
            )
        return cls(f"{above},{below}", above + 1, below - 1)

    def group(self, count: int) -> Group:
        """The group of a class with ``count`` training images."""
        if count >= self.many:
            return Group.MANY
        return Group.FEW if count <= self.few else Group.MED

    def in_words(self, group: Group) -> str:
        """How many images a class of the group has: "21 to 99"."""
        if group is Group.MANY:
            return f"{self.many} or more"
        return f"up to {self.few}" if group is Group.FEW else f"{self.few + 1} to {self.many - 1}"


# On ImageNet-LT these give 385, 479 and 136 classes, and 391, 463 and 146: six of its classes have exactly 100
# training images, and ten have 20.
THRESHOLDS: Mapping[str, ShotThresholds] = {
    "livt": ShotThresholds("livt", 101, 19),  # Xu et al. 2023, by their code: Many > 100, Few < 20
    "oltr": ShotThresholds("oltr", 100, 20),  # Liu et al. 2019, by their code: Many >= 100, Few <= 20
}


@dataclass(frozen=True)
class Profile:
    """How long the tail of a data set is.

    Attributes:
        counts: training images of each class, in the order of the classes; all are at least 1.
    """

    counts: Mapping[str, int]
    thresholds: ShotThresholds

    @classmethod
    def of(cls, classes: Iterable[str], train: Iterable[Source], thresholds: ShotThresholds) -> Profile:
        """The profile of training images; each of ``classes`` must have some."""
        counts = Counter(source.label for source in train)
        return cls({label: counts[label] for label in classes}, thresholds)

    def groups(self) -> Mapping[Group, tuple[str, ...]]:
        """The classes of each group, in their order; a group may be empty."""
        return {
            group: tuple(label for label, count in self.counts.items() if self.thresholds.group(count) is group)
            for group in Group
        }

    @property
    def imbalance(self) -> float:
        """Training images of the largest class, divided by those of the smallest."""
        return max(self.counts.values()) / min(self.counts.values())

    @property
    def summary(self) -> str:
        """The profile in one line: numbers of classes and images, and of the classes of each group."""
        counts = self.counts.values()
        groups = ", ".join(f"{len(labels):,} {group.capitalize()}" for group, labels in self.groups().items())
        return (
            f"{len(counts):,} classes, {sum(counts):,} training images, {max(counts):,} to {min(counts):,} per class: "
            f"{groups} (thresholds {self.thresholds.name})"
        )

    def means_by_group(self, accuracy: Mapping[str, float]) -> dict[str, float]:
        """Means of per-class accuracies for each group that has classes, and for all classes: ``overall``.

        Args:
            accuracy: of each class, 0..1.
        """
        import numpy as np

        groups = {**{group.value: labels for group, labels in self.groups().items()}, "overall": tuple(self.counts)}
        return {
            name: float(np.mean([accuracy[label] for label in labels])) for name, labels in groups.items() if labels
        }
