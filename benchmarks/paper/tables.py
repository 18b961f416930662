"""The tables of docs/results.md as CSV files, from whatever the runs have left so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import dataclasses

from benchmarks.paper import long_tail, plan
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


def write_all(root: Path, out: Path) -> None:
    """Write every table whose runs have ended.

    Args:
        root: folder of the benchmark.
        out: folder of the CSV files.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, folder, data, numbers in (
        ("digits", plan.PLAIN, plan.PLAIN, plan.POOLS),
        ("digits-ratios", plan.PLAIN, plan.PLAIN, plan.RATIO_POOLS),
        ("digits-mixed", plan.PLAIN, plan.PLAIN, plan.FEW_POOLS),
        *((name, name, name, plan.SECONDARY_POOLS) for name in (plan.TIED, plan.INK, plan.NEGATIVES)),
        (plan.KINDS, plan.KINDS, plan.PLAIN, plan.SECONDARY_POOLS),
        *((name, name, plan.PLAIN, plan.FEW_POOLS) for name in ("authors", *plan.ORACLE)),
    ):
        found = list(_found(root, folder, data, numbers))
        write_table(out / f"{name}.csv", Accuracy, [row for each in found for row in _accuracies(*each)])
        rows = [row for each in found for row in _differences(*each)]
        write_table(out / f"{name}-differences.csv", Difference, rows)
    counts = [(f"counts-{count}", plan.PLAIN, plan.FEW_POOLS) for count in (*plan.COUNTS, plan.MOST)]
    rows = [row for count in counts for each in _found(root, *count) for row in _accuracies(*each)]
    write_table(out / "counts.csv", Accuracy, rows)
    write_primary(root, out)
    if runs := long_tail.read(root):
        write_table(out / "long-tail.csv", long_tail.Accuracy, list(long_tail.accuracies(runs)))
        write_table(out / "long-tail-differences.csv", long_tail.Difference, list(long_tail.differences(runs)))


def write_primary(root: Path, out: Path) -> None:
    """Write what was asked beforehand, and the accuracies behind it."""
    write_table(out / "primary.csv", Difference, list(primary(root)))
    for name, data in (("primary-plain", plan.PLAIN), ("primary-spurious", plan.TIED)):
        rows = [row for each in _found(root, data, data, plan.POOLS) for row in _accuracies(*each)]
        write_table(
            out / f"{name}.csv", Accuracy, [row for row in rows if row.augmentation in ("weak", TXT2IMG, GENIE)]
        )


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


def _accuracies(name: str, backbone: str, shots: int, pools: Pools) -> Iterator[Accuracy]:
    for label in pools.labels:
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


def _differences(name: str, backbone: str, shots: int, pools: Pools) -> Iterator[Difference]:
    """Everything less Txt2Img, and GeNIe less everything."""
    pairs = [(label, TXT2IMG) for label in pools.labels] + [(GENIE, label) for label in pools.labels]
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
