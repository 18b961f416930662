"""Long-tailed results as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pydantic import dataclasses

from genie_cli.config import LongTail
from genie_cli.evaluate import paper
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.longtail.groups import Profile

if TYPE_CHECKING:
    from genie_cli.longtail.compare import Difference, Trained
    from genie_cli.longtail.testing import Outcome

GROUPS = ("many", "med", "few", "overall")
# Settings of a training that the paper's figures do not depend on. (Thresholds are compared as the profile has them.)
_INDECISIVE = ("thresholds", "seeds", "gradient_accumulation_steps", "precision", "workers")


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Record:
    """One training, or the mean of several that differ only in the seed; accuracies in %.

    Attributes:
        thresholds: the shot thresholds of the groups.
        prior: the class frequencies that Bal-BCE used.
        seed: of the training; None for a mean.
        seeds: number of trainings.
        many, med, few, overall: means of per-class accuracies; None for a group without classes.
        many_interval, med_interval, few_interval, overall_interval: half the width of the mean's 95 % confidence
            interval, by Student's t; None for a single training.
        added: number of images that were trained on besides the real ones: generated, or real ones repeated.
        rejected: share of the generated images that the oracle rejected, or that were not selected, 0..1.
        split: SHA-256 of split.csv, if the test split was drawn from the images; else None.
        paper_many, paper_med, paper_few, paper_overall: the paper's, if data set, network, checkpoint, recipe and
            solver steps are the paper's; else None.
    """

    dataset: str
    network: str
    thresholds: str
    loss: str
    prior: str
    augmentation: str
    seed: int | None
    seeds: int
    many: float | None = None
    med: float | None = None
    few: float | None = None
    overall: float
    many_interval: float | None = None
    med_interval: float | None = None
    few_interval: float | None = None
    overall_interval: float | None = None
    added: int = 0
    rejected: float = 0
    split: str | None = None
    paper_many: float | None = None
    paper_med: float | None = None
    paper_few: float | None = None
    paper_overall: float | None = None

    def __repr__(self) -> str:
        which = f"mean of {self.seeds} seeds" if self.seed is None else f"seed {self.seed}"
        figures = {group: getattr(self, group) for group in GROUPS}
        listed = ", ".join(f"{group} {value:.2f}" for group, value in figures.items() if value is not None)
        return f"<{self.dataset}, {self.network}, {self.augmentation}, {which}: {listed} %>"


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Comparison:
    """The paired difference of two augmentations on the classes of one group, in percentage points.

    Attributes:
        group: one of `GROUPS`.
        difference: the accuracy with ``augmentation`` less that with ``baseline``, trained with the same seeds.
        seeds: number of pairs of trainings.
        seed_interval: half the width of the 95 % interval over seeds, by Student's t; None for a single one.
        images: number of test images, or of groups of them that count as independent.
        two_way_interval: half the width of the 95 % interval that is clustered by training and by test image; None for
            a single training, for too few images, or if a training is of an earlier version, which kept no predictions.
    """

    dataset: str
    network: str
    group: str
    augmentation: str
    baseline: str
    difference: float
    seeds: int
    seed_interval: float | None = None
    images: int
    two_way_interval: float | None = None

    @classmethod
    def of(
        cls, dataset: str, network: str, augmentation: str, baseline: str, found: Mapping[str, Difference]
    ) -> list[Comparison]:
        """The records of a comparison, one for each group."""
        return [
            cls(
                dataset=dataset,
                network=network,
                group=group,
                augmentation=augmentation,
                baseline=baseline,
                difference=_percent(each.mean),
                seeds=each.trainings,
                seed_interval=None if each.over_seeds is None else _percent(each.over_seeds),
                images=each.clusters,
                two_way_interval=None if each.two_way is None else _percent(each.two_way),
            )
            for group, each in found.items()
        ]

    def __repr__(self) -> str:
        return f"<{self.dataset}, {self.augmentation} less {self.baseline}, {self.group}: {self.difference:+.2f} %>"


class Records(list[Record]):
    """The records of a run.

    Attributes:
        trained: what they were computed from, for `compare.pooled`.
        comparisons: of the pairs of augmentations that were asked for.
    """

    def __init__(self, records: Iterable[Record], trained: Trained, comparisons: Sequence[Comparison] = ()) -> None:
        super().__init__(records)
        self.trained, self.comparisons = trained, list(comparisons)


@dataclass(frozen=True)
class Conditions:
    """What the records of a run have in common.

    Attributes:
        partial: the data set is incomplete, so that its results are not those of the paper.
        has_checkpoint: trainings start from given weights, as the paper's, and not from random ones.
        steps: of the solver, for the generated images; None: not known, or they are used otherwise than in the paper.
        split: see `Record`.
    """

    dataset: str
    recipe: LongTail
    profile: Profile
    partial: bool = False
    has_checkpoint: bool = False
    steps: int | None = None
    split: str | None = None

    def records_of(self, outcomes: Sequence[Outcome]) -> list[Record]:
        """A record for each training, and after those of one augmentation their mean."""
        records: list[Record] = []
        for augmentation, members in groupby(outcomes, lambda outcome: outcome.augmentation):
            own = [self._record(outcome) for outcome in members]
            figures = () if any(record.rejected for record in own) else self._paper(augmentation)
            records += [*own, _mean_of(own, figures)]
        return records

    def _record(self, outcome: Outcome) -> Record:
        means = self.profile.means_by_group(outcome.accuracy)
        figures = {name: _percent(mean) for name, mean in means.items()}
        return Record(
            dataset=self.dataset,
            network=self.recipe.network,
            thresholds=self.profile.thresholds.name,
            loss=self.recipe.loss,
            prior=self.recipe.prior,
            augmentation=outcome.augmentation.label,
            seed=outcome.seed,
            seeds=1,
            many=figures.get("many"),
            med=figures.get("med"),
            few=figures.get("few"),
            overall=figures["overall"],
            added=outcome.added,
            rejected=round(outcome.rejected / max(outcome.added + outcome.rejected, 1), 4),
            split=self.split,
        )

    def _paper(self, augmentation: Augmentation) -> Sequence[float]:
        """The paper's accuracies of each of `GROUPS`, if it measured alike; else none."""
        alike = self.has_checkpoint and not self.partial and self.profile.thresholds.name == "livt"
        if not alike or _decisive(self.recipe) != _decisive(LongTail()):
            return ()
        figures = paper.longtail(self.dataset, self.recipe.network, augmentation.label, self.steps)
        return [figure.mean for figure in figures or ()]


def _decisive(recipe: LongTail) -> dict[str, Any]:
    """The settings that decide what a training learns; the defaults are LiVT's recipe and the paper's images."""
    return recipe.model_dump(exclude=set(_INDECISIVE))


def _percent(fraction: float) -> float:
    return round(100 * fraction, 4)


def _mean_of(records: Sequence[Record], paper_figures: Sequence[float]) -> Record:
    """The mean over trainings that differ only in the seed, with the paper's figures, if there are any."""
    from genie_cli.evaluate.statistics import estimate_of_few

    figures = {name: [getattr(record, name) for record in records] for name in GROUPS}
    means = {name: estimate_of_few(values) for name, values in figures.items() if None not in values}
    changes: dict[str, Any] = {"seed": None, "seeds": len(records)}
    for name, mean in means.items():
        changes[name] = round(mean.mean, 4)
        changes[f"{name}_interval"] = round(mean.half_width, 4) if len(records) > 1 else None
    changes |= {f"paper_{name}": value for name, value in zip(GROUPS, paper_figures, strict=False)}
    return replace(records[0], **changes)
