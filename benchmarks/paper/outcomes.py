"""What the runs of several pools left behind, put together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.paper.plan import KINDS, folder
from genie_cli.data import catalog
from genie_cli.data.dataset import Dataset
from genie_cli.evaluate.clusters import Clustered
from genie_cli.evaluate.statistics import Estimate, estimate_of_few
from genie_cli.fewshot.compare import Predicted, accuracy, difference
from genie_cli.fewshot.episodes import EpisodeList, read_lists
from genie_cli.fewshot.evaluator import accuracies
from genie_cli.fewshot.predictions import Predictions
from genie_cli.jobs import Source


@dataclass(frozen=True)
class Pool:
    """The results of one pool with one backbone, and one number of shots."""

    dataset: Dataset
    listed: EpisodeList
    predictions: Predictions

    def predicted(self, label: str) -> Predicted | None:
        """The predictions with an augmentation; None if it was not run."""
        return self.predictions.predicted(label)

    def mean(self, label: str) -> float:
        """The mean accuracy with an augmentation, 0..1."""
        return float(accuracies(self.listed.episodes, self.predicted(label) or ()).mean())


@dataclass(frozen=True)
class Pools:
    """The results of several pools that differ in nothing else."""

    pools: Sequence[Pool]

    @classmethod
    def read(cls, root: Path, name: str, data: str, numbers: Sequence[int], backbone: str, shots: int) -> Pools:
        """The pools that have been run.

        Args:
            root: folder of the benchmark.
            name: of the runs' folders.
            data: name of the data set.
        """
        task = "finegrained" if name == KINDS else "fewshot"
        found = (_pool(root / folder(name, each, backbone), task, data, each, shots) for each in numbers)
        return cls([pool for pool in found if pool])

    @cached_property
    def labels(self) -> list[str]:
        """The augmentations that all pools have."""
        every = [set(pool.predictions.labels) for pool in self.pools]
        first = self.pools[0].predictions.labels if self.pools else []
        return [label for label in first if all(label in each for each in every)]

    @property
    def episodes(self) -> int:
        """Of all pools together."""
        return sum(len(pool.listed.episodes) for pool in self.pools)

    def accuracy(self, label: str) -> Clustered:
        """The mean accuracy with an augmentation."""
        return accuracy([(p.listed, p.predicted(label) or ()) for p in self.pools], self.original_of)

    def difference(self, label: str, baseline: str) -> Clustered:
        """The paired difference of two augmentations."""
        lists = [(p.listed, p.predicted(label) or (), p.predicted(baseline) or ()) for p in self.pools]
        return difference(lists, self.original_of)

    def over_pools(self, label: str, baseline: str) -> Estimate:
        """The same, with Student's interval over the pools' means."""
        return estimate_of_few([pool.mean(label) - pool.mean(baseline) for pool in self.pools])

    def original_of(self, source: Source) -> Hashable:
        """The scan: pools are painted from the same scans, so that a scan is one cluster in all of them."""
        names = (p.dataset.originals.get(source.sha256) for p in self.pools)
        return next((name for name in names if name), source.sha256)


def _pool(out: Path, task: str, data: str, number: int, shots: int) -> Pool | None:
    path = out / f"episodes-5-way-{shots}-shot.jsonl"
    if not path.exists():
        return None
    dataset = catalog.load(task, data, pool=number)
    (listed,) = read_lists([path], dataset, catalog.entry(task, data).name_of(number))
    return Pool(dataset, listed, Predictions.read(out, listed))
