"""How long a tail is: training images per class, and the groups Many, Med and Few that accuracies are given for.

This module knows neither images nor torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from genie_cli.errors import UsageError
from genie_cli.jobs import Source


class Group(StrEnum):
    """Classes with about as many training images."""

    MANY = "many"
    MED = "med"
    FEW = "few"


@dataclass(frozen=True)
class ShotThresholds:
    """Where the groups meet, in training images of a class.

    Attributes:
        name: what was asked for: a key of `THRESHOLDS`, or two numbers.
        many: the fewest that make a class Many.
        few: the most that leave it Few.
    """

    name: str
    many: int
    few: int

    @classmethod
    def parse(cls, text: str) -> ShotThresholds:
        """The edges of that name, or of ``A,B``: Many has more than A images, Few less than B.

        Raises:
            UsageError: neither, or no class could be Few or Med.
        """
        if text in THRESHOLDS:
            return THRESHOLDS[text]
        numbers = text.split(",")
        if len(numbers) != 2 or not all(number.strip().isdecimal() for number in numbers):
            known = f"known: {', '.join(THRESHOLDS)}, or two numbers, such as 100,20"
            raise UsageError(f"{text!r} are no edges of Many, Med and Few", known)
        above, below = map(int, numbers)
        if not 1 < below <= above:
            raise UsageError(
                f"the edges {text!r} leave no count for Few or for Med",
                "in A,B a Many class has more than A images and a Few class less than B, as in 100,20",
            )
        return cls(f"{above},{below}", above + 1, below - 1)

    def group(self, count: int) -> Group:
        """Which group a class with ``count`` training images is in."""
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
    """Training images per class, in the order of the classes, and the edges that group them. No count is zero."""

    counts: Mapping[str, int]
    thresholds: ShotThresholds

    @classmethod
    def of(cls, classes: Iterable[str], train: Iterable[Source], thresholds: ShotThresholds) -> Profile:
        """The profile of training images; every one of ``classes`` has some."""
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
        """Images of the largest class to those of the smallest."""
        return max(self.counts.values()) / min(self.counts.values())
