"""Few-shot results as records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import dataclasses

from genie_cli.evaluate.paper import Measured
from genie_cli.evaluate.paper_tables import Figure
from genie_cli.fewshot.task import Task

if TYPE_CHECKING:
    from genie_cli.evaluate.statistics import Estimate
    from genie_cli.fewshot.episodes import EpisodeList
    from genie_cli.fewshot.evaluator import Outcome

BASELINE = "weak"


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Record:
    """One augmentation on one list of episodes; accuracies and differences in %.

    Attributes:
        backbone: identity of the network, with a hash of its weights.
        queries: query images per class and episode; 0: all test images.
        episodes: number of episodes.
        episode_list: SHA-256 of the list of episodes.
        accuracy: mean over the episodes.
        interval: half the width of its 95 % confidence interval.
        baseline: label of the augmentation that this one is compared with; None if that was not run.
        difference: mean accuracy difference from the baseline, episode by episode; None without a baseline.
        difference_interval: half the width of its 95 % confidence interval.
        added: mean number of generated images used per class and episode.
        rejected: share of the generated images that the oracle rejected, or that were not selected, 0..1.
        chosen: of GeNIe-Ada, the share of each noise ratio among the images used, as "0.5: 0.25, 0.8: 0.75"; else None.
        denoising_steps: mean number of denoising steps that were run for each image that was used, candidates that were
            not chosen included (also where one is drawn at random); None if it is not known, or if there are none.
        paper: the paper's accuracy, if all that is known of its measurement is alike (see `evaluate.paper`); else None.
        paper_interval: half the width of its 95 % confidence interval; None if the paper gives none.
    """

    dataset: str
    backbone: str
    classifier: str
    ways: int
    shots: int
    queries: int
    episodes: int
    episode_list: str
    augmentation: str
    accuracy: float
    interval: float
    baseline: str | None = None
    difference: float | None = None
    difference_interval: float | None = None
    added: float = 0
    rejected: float = 0
    chosen: str | None = None
    denoising_steps: float | None = None
    paper: float | None = None
    paper_interval: float | None = None

    def __repr__(self) -> str:
        text = f"{self.dataset}, {self.ways}-way, {self.shots}-shot, {self.augmentation}: "
        text += f"{self.accuracy:.2f} ± {self.interval:.2f} %"
        if self.difference is not None and self.difference_interval is not None and self.augmentation != self.baseline:
            text += f", {self.difference:+.2f} ± {self.difference_interval:.2f} vs. {self.baseline}"
        return f"<{text}>"


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Comparison:
    """Two augmentations on one list of episodes; differences in percentage points.

    Attributes:
        difference: mean accuracy of ``augmentation`` minus that of ``baseline``, episode by episode.
        episode_interval: half the width of its 95 % confidence interval for other episodes of the same images, as in
            the paper.
        clustered_interval: the same for other query and support images, too; see `evaluate.clusters`.
        p_value: two-sided, of no difference, by the clustered interval.
    """

    dataset: str
    backbone: str
    classifier: str
    ways: int
    shots: int
    episodes: int
    episode_list: str
    augmentation: str
    baseline: str
    difference: float
    episode_interval: float
    clustered_interval: float
    p_value: float

    def __repr__(self) -> str:
        text = f"{self.dataset}, {self.ways}-way, {self.shots}-shot, {self.augmentation} minus {self.baseline}: "
        text += f"{self.difference:+.2f} ± {self.episode_interval:.2f} over episodes"
        return f"<{text}, ± {self.clustered_interval:.2f} clustered by image>"


class Records(list[Record]):
    """The records of a run.

    Attributes:
        comparisons: the paired differences that were asked for.
    """

    def __init__(self, records: Iterable[Record] = (), comparisons: Sequence[Comparison] = ()) -> None:
        super().__init__(records)
        self.comparisons = list(comparisons)


@dataclass(frozen=True)
class Conditions:
    """What the records of a run have in common.

    Attributes:
        backbone: identity of the network.
        baseline: label of the augmentation that the others are compared with.
        paper_backbone: the network's name in the paper's tables; empty if the paper measured otherwise.
        steps: of the solver, for the generated images; None: not known.
    """

    task: Task
    dataset: str
    backbone: str
    classifier: str
    baseline: str = BASELINE
    paper_backbone: str = ""
    steps: int | None = None

    @property
    def names(self) -> Mapping[str, str]:
        """What says on what and with what it was measured."""
        return {"dataset": self.dataset, "backbone": self.backbone, "classifier": self.classifier}

    def records_of(self, episodes: EpisodeList, outcomes: Sequence[Outcome]) -> Iterator[Record]:
        """A record for each augmentation that was run on a list of episodes."""
        from genie_cli.evaluate.statistics import estimate, paired_difference

        baseline = next((outcome for outcome in outcomes if outcome.augmentation.label == self.baseline), None)
        for outcome in outcomes:
            accuracy = estimate(100 * outcome.accuracies)
            gain = paired_difference(100 * outcome.accuracies, 100 * baseline.accuracies) if baseline else None
            yield self._record(episodes, outcome, accuracy, gain)

    def _record(self, episodes: EpisodeList, outcome: Outcome, accuracy: Estimate, gain: Estimate | None) -> Record:
        spec, figure = episodes.spec, self._papers(episodes, outcome)
        return Record(
            dataset=self.dataset,
            backbone=self.backbone,
            classifier=self.classifier,
            ways=spec.ways,
            shots=spec.shots,
            queries=spec.queries,
            episodes=accuracy.count,
            episode_list=episodes.sha256,
            augmentation=outcome.augmentation.label,
            accuracy=round(accuracy.mean, 4),
            interval=round(accuracy.half_width, 4),
            baseline=self.baseline if gain else None,
            difference=round(gain.mean, 4) + 0.0 if gain else None,  # -0.0 becomes 0.0
            difference_interval=round(gain.half_width, 4) if gain else None,
            added=round(outcome.added, 3),
            rejected=round(outcome.rejected, 4),
            chosen=_shares(outcome),
            denoising_steps=self._denoising_steps(outcome),
            paper=figure.mean if figure else None,
            paper_interval=figure.half_width if figure else None,
        )

    def _papers(self, episodes: EpisodeList, outcome: Outcome) -> Figure | None:
        """The paper's figure, if it measured alike; it leaves out no images."""
        spec = episodes.spec
        measured = Measured(
            dataset=self.dataset,
            backbone=self.paper_backbone,
            ways=spec.ways,
            shots=spec.shots,
            queries=spec.queries,
            episodes=len(outcome.accuracies),
            augmentation=outcome.augmentation.label,
            steps=None if outcome.rejected else self.steps,
        )
        return self.task.paper(measured)

    def _denoising_steps(self, outcome: Outcome) -> float | None:
        """Every candidate of every group is generated, whether it is used or not."""
        from genie_cli.generate.ada import denoising_steps

        if not self.steps or not outcome.chosen:
            return None
        augmentation, chosen = outcome.augmentation, outcome.chosen
        total = sum(
            count * denoising_steps(r, augmentation.ratios, self.steps, probe=augmentation.probe)
            for r, count in chosen.items()
        )
        return round(total / sum(chosen.values()) / (1 - outcome.rejected), 2)


def _shares(outcome: Outcome) -> str | None:
    """How often GeNIe-Ada chose each noise ratio."""
    if len(outcome.augmentation.ratios) < 2:
        return None
    total = sum(outcome.chosen.values())
    return ", ".join(f"{r:g}: {count / total:.3f}" for r, count in outcome.chosen.items())
