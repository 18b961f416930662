"""How many images show their label, and what their verdicts are, by method and noise ratio."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from genie_cli.evaluate.statistics import NORMAL
from genie_cli.manifest import Row
from genie_cli.oracle.summary import Share, summarize
from genie_cli.oracle.verdict import Verdict


@dataclass(frozen=True)
class Ratio:
    """The images of one method and noise ratio that an oracle has judged.

    Attributes:
        consistent: number of images whose label is the oracle's top class.
        low, high: 95 % interval of their share, 0..1.
        verdicts: number of images by verdict, "" for none.
    """

    method: str
    r: float
    images: int
    consistent: int
    low: float
    high: float
    verdicts: dict[str, int]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, 0..1, for one trial or more."""
    share, z = successes / trials, NORMAL
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    low = 0.0 if successes == 0 else middle - half  # not a rounding error beside it
    return low, 1.0 if successes == trials else middle + half


def data(rows: Iterable[Row]) -> dict[str, Any]:
    """For the page; empty if no image was judged."""
    judged = [row for row in rows if row.judgement]
    if not judged:
        return {}
    groups = [_ratio(*key, share) for key, share in summarize(judged).by_r.items()]
    known = [verdict.value for verdict in Verdict]
    found = {name for group in groups for name in group.verdicts}
    ordered = [*(name for name in known if name in found), *sorted(found - {*known})]
    return {"verdicts": ordered, "groups": [asdict(group) for group in groups]}


def _ratio(method: str, r: float, share: Share) -> Ratio:
    consistent = round(share.consistent * share.images)
    low, high = wilson(consistent, share.images)
    return Ratio(method, r, share.images, consistent, low, high, dict(share.verdicts))
