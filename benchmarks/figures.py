"""From measured rounds to figures: medians, ratios within a round, arithmetic done. Does not import torch."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Round = Mapping[str, float]


def required_flop(flop: Mapping[str, int], rows: int, images: int) -> int:
    """FLOP of the work that no arm can avoid: its UNet rows, and one decode per image."""
    return rows * flop["row"] + images * flop["decode"]


def figures(rounds: Sequence[Round], images: int, rows: int, flop: Mapping[str, int]) -> dict[str, Any]:
    """What an arm's rounds say. Times are seconds, memory is in bytes, shares are of the peak of the same round."""
    speeds = [images / r["seconds"] for r in rounds]
    work = required_flop(flop, rows, images)
    return {
        "images/s": statistics.median(speeds),
        "slowest": min(speeds),
        "fastest": max(speeds),
        "s/row": statistics.median(r["seconds"] / rows for r in rounds),
        "FLOP/s": statistics.median(work / r["seconds"] for r in rounds),
        "of peak": statistics.median(work / r["seconds"] / r["peak FLOP/s"] for r in rounds),
        "memory": max(r["memory"] for r in rounds),
        "gpu memory": max(r["gpu memory"] for r in rounds),
    }


def ratio(rounds: Sequence[Round], reference: Sequence[Round]) -> float:
    """How many times faster than the reference: the median over rounds of the ratio within a round."""
    return statistics.median(b["seconds"] / a["seconds"] for a, b in zip(rounds, reference, strict=True))
