"""The judgements of a manifest in a few numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from genie_cli.judgement import Judgement
from genie_cli.manifest import Row
from genie_cli.oracle.verdict import Verdict

_WORST = 10

Group = TypeVar("Group", tuple[str, float], tuple[str, str])


@dataclass(frozen=True)
class Share:
    """A group of images.

    Attributes:
        images: their number.
        consistent: the share whose label is the top class, 0..1.
        target_probability: the mean of the target's probability.
        verdicts: number of images by verdict.
    """

    images: int
    consistent: float
    target_probability: float
    verdicts: Mapping[str, int]

    def share(self, verdict: Verdict) -> float:
        """The share of the images with this verdict, 0..1."""
        return self.verdicts.get(verdict, 0) / self.images


@dataclass(frozen=True)
class Summary:
    """The images that an oracle has judged.

    Attributes:
        by_r: by method and noise ratio, ascending.
        by_pair: by source class ("" for none) and target; the ten pairs with the lowest consistency.
        pairs: number of all pairs.
        accepted: number of accepted images.
        accepted_mislabelled: number of those that are mislabelled.
    """

    whole: Share
    by_r: dict[tuple[str, float], Share]
    by_pair: dict[tuple[str, str], Share]
    pairs: int
    accepted: int
    accepted_mislabelled: int

    @property
    def hardest(self) -> tuple[tuple[str, float], ...]:
        """The methods and noise ratios with the highest share of hard negatives; none if there is no hard negative."""
        shares = {r: share.share(Verdict.HARD) for r, share in self.by_r.items()}
        most = max(shares.values())
        return tuple(r for r, share in shares.items() if share == most > 0)


def summarize(rows: Iterable[Row]) -> Summary:
    """Summarize judged rows, of which there must be one; rows without a judgement are ignored."""
    judged = [(row, judgement) for row in rows if (judgement := row.judgement)]
    by_r = _grouped(judged, lambda row: (row.job.method.value, row.job.r))
    pairs = _grouped(judged, lambda row: (row.job.source.label if row.job.source else "", row.job.target))
    worst = sorted(pairs, key=lambda pair: (pairs[pair].consistent, pairs[pair].target_probability, pair))[:_WORST]
    return Summary(
        whole=_share([judgement for _, judgement in judged]),
        by_r={r: by_r[r] for r in sorted(by_r)},
        by_pair={pair: pairs[pair] for pair in worst},
        pairs=len(pairs),
        accepted=sum(judgement.accepted for _, judgement in judged),
        accepted_mislabelled=sum(
            judgement.accepted and judgement.verdict == Verdict.MISLABELLED for _, judgement in judged
        ),
    )


def _grouped(judged: Sequence[tuple[Row, Judgement]], group: Callable[[Row], Group]) -> dict[Group, Share]:
    groups: dict[Group, list[Judgement]] = {}
    for row, judgement in judged:
        groups.setdefault(group(row), []).append(judgement)
    return {key: _share(members) for key, members in groups.items()}


def _share(judgements: Sequence[Judgement]) -> Share:
    return Share(
        images=len(judgements),
        consistent=fmean(judgement.consistent for judgement in judgements),
        target_probability=fmean(judgement.target_probability or 0.0 for judgement in judgements),
        verdicts=Counter(judgement.verdict for judgement in judgements),
    )
