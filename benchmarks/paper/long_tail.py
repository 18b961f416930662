"""The long-tailed runs of several pools, put together: what each augmentation reaches, and paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import dataclasses

from benchmarks.paper.plan import GENIE, LONG_TAIL, POOLS
from genie_cli import api
from genie_cli.evaluate.statistics import estimate_of_few
from genie_cli.longtail.compare import Trained, pooled


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The mean accuracy of a group of classes over the pools' trainings, in %, with Student's 95 % interval."""

    augmentation: str
    group: str
    pools: int
    accuracy: float
    interval: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """A paired difference in percentage points, with 95 % intervals over pools, and over pools and test scans."""

    augmentation: str
    baseline: str
    group: str
    pools: int
    difference: float
    pool_interval: float | None
    two_way_interval: float | None


def read(root: Path) -> list[Trained]:
    """What the runs that have ended have trained, by the calls that the commands make; nothing is trained again."""
    ended = [pool for pool in POOLS if (root / f"long-tail-{pool}" / "results.jsonl").exists()]
    return [
        api.longtail(augment=LONG_TAIL, pool=pool, seed=pool, seeds=pool, out=root / f"long-tail-{pool}").trained
        for pool in ended
    ]


def accuracies(runs: Sequence[Trained]) -> Iterator[Accuracy]:
    """Of each augmentation, for each group."""
    for label in dict.fromkeys(outcome.augmentation.label for run in runs for outcome in run.outcomes):
        own = [
            run.profile.means_by_group(outcome.accuracy)
            for run in runs
            for outcome in run.outcomes
            if outcome.augmentation.label == label
        ]
        for group in own[0]:
            found = estimate_of_few([means[group] for means in own])
            yield Accuracy(
                augmentation=label,
                group=group,
                pools=len(own),
                accuracy=round(100 * found.mean, 2),
                interval=round(100 * found.half_width, 2),
            )


def differences(runs: Sequence[Trained]) -> Iterator[Difference]:
    """GeNIe less each other augmentation."""
    labels = dict.fromkeys(outcome.augmentation.label for outcome in runs[0].outcomes)
    for baseline in [label for label in labels if label != GENIE]:
        for group, found in pooled(runs, GENIE, baseline).items():
            yield Difference(
                augmentation=GENIE,
                baseline=baseline,
                group=group,
                pools=found.trainings,
                difference=round(100 * found.mean, 2),
                pool_interval=_percent(found.over_seeds),
                two_way_interval=_percent(found.two_way),
            )


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, 2)
