"""The paired difference of two augmentations, trained with the same seeds and tested on the same images.

It has two 95 % intervals. The one over seeds is Student's t on the differences of the single trainings: how much the
difference varies if one trains again, and tests on the same images. The two-way one also counts that other test images
might have been drawn: its variance is clustered by training and by test image (Cameron, Gelbach and Miller, "Robust
inference with multiway clustering", 2011), V = V_training + V_image - V_both, but no less than the larger of the first
two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genie_cli.evaluate.statistics import estimate_of_few
from genie_cli.jobs import Source
from genie_cli.longtail.groups import Profile
from genie_cli.longtail.testing import Outcome

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A difference of accuracies, as a fraction, -1..1.

    Attributes:
        mean: over the trainings; each class weighs the same.
        trainings: number of pairs of trainings, or of runs if these were taken together.
        over_seeds: half the width of the interval over trainings; None for a single one.
        clusters: number of test images, or of groups of them.
        two_way: half the width of the interval that is clustered by training and by test image; None for a single
            training, if there are no predictions, or if there are not more clusters than classes.
    """

    mean: float
    trainings: int
    over_seeds: float | None
    clusters: int
    two_way: float | None


@dataclass(frozen=True)
class Trained:
    """What was trained and tested in one run, or read from its folder.

    Attributes:
        profile: says which classes are Many, Med and Few.
        test: the test images, in the order of the predictions.
        outcomes: of every augmentation and seed.
        steps: of the solver, for the generated images; None if it is not known.
        originals: what images were made from; see `Dataset.originals`. Images of one original are one cluster.
    """

    profile: Profile
    test: Sequence[Source]
    outcomes: Sequence[Outcome]
    steps: int | None = None
    originals: Mapping[str, str] = field(default_factory=dict)

    def compare(self, augmentation: str, baseline: str) -> dict[str, Difference]:
        """The difference of two augmentations, given by their labels, in each group; see `pooled`."""
        return pooled([self], augmentation, baseline)

    def paired(self, augmentation: str, baseline: str, clusters: Mapping[str, str]) -> Paired:
        """The differences of each pair of trainings; arguments and errors as `pooled`."""
        one, other = self._by_seed(augmentation), self._by_seed(baseline)
        if not one or one.keys() != other.keys():
            raise ValueError(f"{augmentation} and {baseline} were not trained with the same seeds")
        pairs = [(one[seed], other[seed]) for seed in one]
        classes = {
            label: np.array([first.accuracy[label] - second.accuracy[label] for first, second in pairs])
            for label in self.profile.counts
        }
        known = all(outcome.predicted is not None for pair in pairs for outcome in pair)
        images = np.array([self._right(first) - self._right(second) for first, second in pairs]) if known else None
        labels = tuple(source.label for source in self.test)
        keys = tuple(clusters.get(source.sha256, source.sha256) for source in self.test)
        return Paired(classes, images, labels, keys)

    def _by_seed(self, label: str) -> dict[int, Outcome]:
        return {outcome.seed: outcome for outcome in self.outcomes if outcome.augmentation.label == label}

    def _right(self, outcome: Outcome) -> _Floats:
        """1 for each test image that was classified correctly, else 0; (N,)."""
        place = {label: number for number, label in enumerate(sorted(self.profile.counts))}
        truth = np.array([place[source.label] for source in self.test])
        return np.asarray(truth == np.array(outcome.predicted), dtype=np.float64)


@dataclass(frozen=True)
class Paired:
    """The differences between two augmentations in one run of S pairs of trainings on N test images.

    Attributes:
        classes: for each class, the differences of its accuracy, (S,), -1..1.
        images: the differences of "was classified correctly", (S, N), each -1, 0 or 1; None if not known.
        labels: the class of each test image, (N,).
        clusters: what each test image is grouped by, (N,): images with one key do not count as independent.
    """

    classes: Mapping[str, _Floats]
    images: _Floats | None
    labels: Sequence[str]
    clusters: Sequence[str]

    @property
    def trainings(self) -> int:
        """Number S of pairs of trainings."""
        return len(next(iter(self.classes.values())))


def pooled(
    runs: Sequence[Trained],
    augmentation: str,
    baseline: str,
    clusters: Mapping[str, str] | None = None,
    *,
    by_run: bool = False,
) -> dict[str, Difference]:
    """The difference of two augmentations over all trainings of several runs, for each group and ``overall``.

    Args:
        runs: may differ in data, in generated images and in seeds, but not in which classes are in which group.
        augmentation, baseline: labels; the difference is the first less the second.
        clusters: for the SHA-256 of a test image, what it is grouped by, such as the scan that it was painted from; an
            image that is not here is a group of its own. Images of several runs with one key are one group. None: each
            run's ``originals``.
        by_run: trainings of one run share its data and generated images; count each run as one, not each training.

    Raises:
        ValueError: the augmentations were not trained with the same seeds, or the groups of the runs differ.
    """
    groups = _groups(runs[0].profile)
    if any(_groups(run.profile) != groups for run in runs):
        raise ValueError("the runs differ in which classes are Many, Med or Few")
    paired = [run.paired(augmentation, baseline, run.originals if clusters is None else clusters) for run in runs]
    return {name: difference(paired, labels, by_run=by_run) for name, labels in groups.items()}


def _groups(profile: Profile) -> dict[str, tuple[str, ...]]:
    groups = {group.value: tuple(labels) for group, labels in profile.groups().items() if labels}
    return {**groups, "overall": tuple(profile.counts)}


def difference(runs: Sequence[Paired], labels: Sequence[str], *, by_run: bool = False) -> Difference:
    """The mean difference on the images of some classes, with its intervals.

    Args:
        labels: the classes, each of which weighs the same.
        by_run: see `pooled`.
    """
    single = [np.mean([run.classes[label] for label in labels], axis=0) for run in runs]
    units = [float(run.mean()) for run in single] if by_run else [float(value) for run in single for value in run]
    found = estimate_of_few(units)
    own = set(labels)
    clusters = {key for run in runs for key, label in zip(run.clusters, run.labels, strict=True) if label in own}
    several = len(units) > 1
    scores = _Scores.of(runs, labels, by_run=by_run) if several and len(clusters) > len(labels) else None
    return Difference(
        mean=found.mean,
        trainings=len(units),
        over_seeds=found.half_width if several else None,
        clusters=len(clusters),
        two_way=scores.half_width() if scores else None,
    )


@dataclass(frozen=True)
class _Scores:
    """What each of n predictions, one for each training and test image, adds to the error of a mean.

    Attributes:
        values: (n,); they sum to 0.
        units, clusters: the number of the training, or of the run, and of the cluster of images, (n,).
        classes: number of classes, whose own means were subtracted.
    """

    values: _Floats
    units: NDArray[np.int64]
    clusters: NDArray[np.int64]
    classes: int

    @classmethod
    def of(cls, runs: Sequence[Paired], labels: Sequence[str], *, by_run: bool) -> _Scores | None:
        """The scores of the images of some classes; None without predictions. Arguments as `difference`."""
        total = len(runs) if by_run else sum(run.trainings for run in runs)
        weights = [1 / total / (run.trainings if by_run else 1) for run in runs]  # of each training of a run
        means = {
            label: sum(weight * float(run.classes[label].sum()) for run, weight in zip(runs, weights, strict=True))
            for label in labels
        }
        numbers: dict[str, int] = {}  # of clusters
        values, units, clusters = [], [], []
        for index, (run, weight) in enumerate(zip(runs, weights, strict=True)):
            if run.images is None:
                return None
            own = Counter(run.labels)
            chosen = [place for place, label in enumerate(run.labels) if label in means]
            share = np.array([weight / len(labels) / own[run.labels[place]] for place in chosen])
            less = np.array([means[run.labels[place]] for place in chosen])
            values.append((share * (run.images[:, chosen] - less)).ravel())
            begun = index if by_run else sum(before.trainings for before in runs[:index])
            rows = np.zeros(run.trainings, dtype=np.int64) if by_run else np.arange(run.trainings)
            units.append(np.repeat(begun + rows, len(chosen)))
            keys = [numbers.setdefault(run.clusters[place], len(numbers)) for place in chosen]
            clusters.append(np.tile(np.array(keys, dtype=np.int64), run.trainings))
        return cls(np.concatenate(values), np.concatenate(units), np.concatenate(clusters), len(labels))

    def variance(self, keys: NDArray[np.int64], parameters: int) -> float:
        """Of the mean, clustered by ``keys``, with the factor G / (G - parameters) for few clusters G."""
        found, place = np.unique(keys, return_inverse=True)
        sums = np.bincount(place, weights=self.values)
        return float((sums**2).sum()) * len(found) / (len(found) - parameters)

    def half_width(self) -> float:
        """Half the width of the two-way interval.

        Classes are given, not drawn: an image's score is its difference less the mean of its class, and G clusters of
        images in K classes have G - K degrees of freedom. The factor is Student's t for the fewer degrees of the two.
        """
        from scipy.stats import t

        units, clusters = len(np.unique(self.units)), int(self.clusters.max()) + 1
        by_training = self.variance(self.units, 1)
        by_image = self.variance(self.clusters, self.classes)
        by_both = self.variance(self.units * clusters + self.clusters, self.classes)
        variance = max(by_training + by_image - by_both, by_training, by_image)
        return float(t.ppf(0.975, min(units - 1, clusters - self.classes))) * float(variance**0.5)
