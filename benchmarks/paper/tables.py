"""The tables of docs/results.md as CSV files, from whatever the runs have left so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import dataclasses

from benchmarks.paper import ada, long_tail, plan
from benchmarks.paper.outcomes import Pools
from benchmarks.paper.plan import GENIE, TXT2IMG
from genie_cli.evaluate.clusters import Clustered, holm
from genie_cli.evaluate.results import comma_separated
from genie_cli.files.writing import write_atomically


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The mean accuracy over all pools, in %, with two 95 % intervals; see `genie_cli.evaluate.clusters`."""

    data: str
    backbone: str
    shots: int
    augmentation: str
    pools: int
    episodes: int
    accuracy: float
    episode_interval: float
    clustered_interval: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """A paired difference over all pools, in percentage points, with three 95 % intervals.

    Attributes:
        pool_interval: by Student's t over the pools' means; None for a single pool.
        p_value: two-sided, by the clustered interval.
        adjusted: the p value, adjusted by Holm's method for the four primary comparisons with this backbone, when all
            of them have been run on all pools.
    """

    data: str
    backbone: str
    shots: int
    augmentation: str
    baseline: str
    pools: int
    episodes: int
    difference: float
    episode_interval: float
    clustered_interval: float
    pool_interval: float | None = None
    p_value: float
    adjusted: float | None = None

    @classmethod
    def of(
        cls, data: str, backbone: str, shots: int, pools: Pools, label: str, baseline: str, found: Clustered
    ) -> Difference:
        """The record of a difference."""
        return cls(
            data=data,
            backbone=backbone,
            shots=shots,
            augmentation=label,
            baseline=baseline,
            pools=len(pools.pools),
            episodes=pools.episodes,
            difference=_percent(found.mean),
            episode_interval=_percent(found.episodes.half_width),
            clustered_interval=_percent(found.half_width),
            p_value=float(f"{found.p_value:.3g}"),
        )


@dataclass(frozen=True)
class _Table:
    """One table of accuracies, and one of differences.

    Attributes:
        name: of the CSV files.
        folder: name of the folders of the runs.
        data: name of the data set.
        shows: the augmentations that are shown, by their labels, or by their names for all ratios; empty: all.
    """

    name: str
    folder: str
    data: str
    numbers: Sequence[int]
    shows: tuple[str, ...] = ()

    def labels(self, pools: Pools) -> list[str]:
        """Those of the pools' augmentations that are shown."""
        shown = {label: {label, label.partition(" ")[0]} for label in pools.labels}
        return [label for label in pools.labels if not self.shows or shown[label] & set(self.shows)]

    def accuracies(self, root: Path) -> list[Accuracy]:
        """The rows of the first table."""
        found = _found(root, self.folder, self.data, self.numbers)
        return [row for each in found for row in _accuracies(*each, self.labels(each[-1]))]

    def differences(self, root: Path) -> list[Difference]:
        """The rows of the second table."""
        found = _found(root, self.folder, self.data, self.numbers)
        return [row for each in found for row in _differences(*each, self.labels(each[-1]))]


_TABLES = (
    _Table("digits", plan.PLAIN, plan.PLAIN, plan.POOLS),
    _Table("digits-ratios", plan.PLAIN, plan.PLAIN, plan.RATIO_POOLS, (TXT2IMG, *plan.RATIOS.split(","))),
    _Table("digits-mixed", plan.PLAIN, plan.PLAIN, plan.FEW_POOLS, tuple(plan.MIXED.split(","))),
    *(_Table(name, name, name, plan.SECONDARY_POOLS) for name in (plan.TIED, plan.INK, plan.NEGATIVES)),
    _Table(plan.KINDS, plan.KINDS, plan.PLAIN, plan.SECONDARY_POOLS),
    _Table("authors", "authors", plan.PLAIN, plan.FEW_POOLS),
)
_ORACLE = [_Table("", name, plan.PLAIN, plan.FEW_POOLS, ("genie",)) for name in (plan.PLAIN, *plan.ORACLE)]
_COUNTS = [_Table("", f"counts-{count}", plan.PLAIN, plan.FEW_POOLS) for count in (*plan.COUNTS, plan.MOST)]
_HARDNESS = [_Table("", plan.hardness_folder(band), plan.PLAIN, plan.FEW_POOLS) for band in plan.BANDS]


def write_all(root: Path, out: Path) -> None:
    """Write every table whose runs have ended.

    Args:
        root: folder of the benchmark.
        out: folder of the CSV files.
    """
    out.mkdir(parents=True, exist_ok=True)
    for table in _TABLES:
        write_table(out / f"{table.name}.csv", Accuracy, table.accuracies(root))
        write_table(out / f"{table.name}-differences.csv", Difference, table.differences(root))
    for name, parts in (("oracle", _ORACLE), ("counts", _COUNTS), ("hardness", _HARDNESS)):
        write_table(out / f"{name}.csv", Accuracy, [row for part in parts for row in part.accuracies(root)])
    write_primary(root, out)
    write_table(out / "ada.csv", ada.Choice, list(ada.choices(root)))
    if runs := long_tail.read(root):
        write_table(out / "long-tail.csv", long_tail.Accuracy, list(long_tail.accuracies(runs)))
        write_table(out / "long-tail-differences.csv", long_tail.Difference, list(long_tail.differences(runs)))


def write_primary(root: Path, out: Path) -> None:
    """Write what was asked beforehand, and the accuracies behind it."""
    write_table(out / "primary.csv", Difference, list(primary(root)))
    for name, data in (("primary-plain", plan.PLAIN), ("primary-spurious", plan.TIED)):
        found = _found(root, data, data, plan.POOLS)
        shown = ("weak", TXT2IMG, GENIE)
        rows = [
            row for each in found for row in _accuracies(*each, [name for name in shown if name in each[-1].labels])
        ]
        write_table(out / f"{name}.csv", Accuracy, rows)


def primary(root: Path) -> Iterator[Difference]:
    """What was asked beforehand: GeNIe less Txt2Img, plain and with tied backgrounds, at 1 and 5 shots."""
    for backbone in plan.BACKBONES:
        settings = [(name, shots) for name in (plan.PLAIN, plan.TIED) for shots in (1, 5)]
        read = [(*each, Pools.read(root, each[0], each[0], plan.POOLS, backbone, each[1])) for each in settings]
        rows = [
            _difference(name, backbone, shots, pools, GENIE, TXT2IMG)
            for name, shots, pools in read
            if {GENIE, TXT2IMG} <= set(pools.labels)
        ]
        if [row.pools for row in rows] == [len(plan.POOLS)] * len(settings):
            adjusted = holm([row.p_value for row in rows])
            rows = [replace(row, adjusted=float(f"{p:.3g}")) for row, p in zip(rows, adjusted, strict=True)]
        yield from rows


def _found(root: Path, name: str, data: str, numbers: Sequence[int]) -> Iterator[tuple[str, str, int, Pools]]:
    for backbone in plan.BACKBONES:
        for shots in (1, 5):
            pools = Pools.read(root, name, data, numbers, backbone, shots)
            if pools.pools:
                yield name, backbone, shots, pools


def _accuracies(name: str, backbone: str, shots: int, pools: Pools, labels: Sequence[str]) -> Iterator[Accuracy]:
    for label in labels:
        found = pools.accuracy(label)
        yield Accuracy(
            data=name,
            backbone=backbone,
            shots=shots,
            augmentation=label,
            pools=len(pools.pools),
            episodes=pools.episodes,
            accuracy=_percent(found.mean),
            episode_interval=_percent(found.episodes.half_width),
            clustered_interval=_percent(found.half_width),
        )


def _differences(name: str, backbone: str, shots: int, pools: Pools, labels: Sequence[str]) -> Iterator[Difference]:
    """GeNIe less everything, each of its variants less Txt2Img, and GeNIe-Ada by probes less that by images."""
    pairs = [(label, TXT2IMG) for label in labels if label.startswith("genie")] + [(GENIE, label) for label in labels]
    pairs.append(("genie-ada by probe", "genie-ada"))
    for label, baseline in dict.fromkeys(pairs):
        if label != baseline and {label, baseline} <= set(pools.labels):
            yield _difference(name, backbone, shots, pools, label, baseline)


def _difference(name: str, backbone: str, shots: int, pools: Pools, label: str, baseline: str) -> Difference:
    found = Difference.of(name, backbone, shots, pools, label, baseline, pools.difference(label, baseline))
    over_pools = pools.over_pools(label, baseline)
    return replace(found, pool_interval=_percent(over_pools.half_width) if len(pools.pools) > 1 else None)


def _percent(fraction: float) -> float:
    return round(100 * fraction, 3) + 0.0


def write_table(path: Path, kind: type, rows: Sequence[object]) -> None:
    """Write records as CSV, if there are any."""
    if rows:
        write_atomically(path, comma_separated(kind, rows).encode())
        print(f"wrote {path}")
