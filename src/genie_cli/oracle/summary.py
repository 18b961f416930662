"""What an oracle said of a manifest, in a few numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from genie_cli.manifest import Row
from genie_cli.oracle.judge import COLUMN

_WORST = 10

Group = TypeVar("Group", tuple[str, float], tuple[str, str])


@dataclass(frozen=True)
class Share:
    """Of a group of images: how many, the share whose label is the top class, the target's mean probability, 0..1."""

    images: int
    consistent: float
    target_probability: float


@dataclass(frozen=True)
class Summary:
    """Of the images that an oracle has seen.

    Attributes:
        by_r: method and noise ratio, ascending, to their images.
        by_pair: source's class ("" for none) and target to their images; the ten with the lowest consistency.
        pairs: how many pairs there are.
        verdicts: how many images got each.
        accepted: how many were accepted.
    """

    whole: Share
    by_r: dict[tuple[str, float], Share]
    by_pair: dict[tuple[str, str], Share]
    pairs: int
    verdicts: dict[str, int]
    accepted: int


def summarise(rows: Iterable[Row]) -> Summary:
    """Of rows with the column ``oracle``, of which there must be one; others are passed over."""
    seen = [row for row in rows if COLUMN in row.extra]
    by_r = _grouped(seen, lambda row: (row.job.method.value, row.job.r))
    pairs = _grouped(seen, lambda row: (row.job.source.label if row.job.source else "", row.job.target))
    worst = sorted(pairs, key=lambda pair: (pairs[pair].consistent, pairs[pair].target_probability, pair))[:_WORST]
    return Summary(
        whole=_share(seen),
        by_r={r: by_r[r] for r in sorted(by_r)},
        by_pair={pair: pairs[pair] for pair in worst},
        pairs=len(pairs),
        verdicts=dict(Counter(str(row.extra[COLUMN]["verdict"]) for row in seen)),
        accepted=sum(bool(row.extra[COLUMN]["accepted"]) for row in seen),
    )


def _grouped(rows: Sequence[Row], group: Callable[[Row], Group]) -> dict[Group, Share]:
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        groups.setdefault(group(row), []).append(row)
    return {key: _share(members) for key, members in groups.items()}


def _share(rows: Sequence[Row]) -> Share:
    said = [row.extra[COLUMN] for row in rows]
    return Share(len(said), fmean(one["consistent"] for one in said), fmean(one["target_probability"] for one in said))
