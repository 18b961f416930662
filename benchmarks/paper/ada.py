"""Which noise ratios GeNIe-Ada chooses, and what an image that it keeps costs, by what the commands printed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import dataclasses

from benchmarks.paper.plan import PLAIN, RATIO_POOLS
from genie_cli.jobs import ADA_RATIOS

_BACKBONES = {"": "digits", "-lite0-64": "lite0-64"}  # the end of a step's name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """One way to choose with one backbone, as the mean over pools.

    Attributes:
        chosen: share of each noise ratio among the images used, in %, as "0.5: 12.0, 0.6: 30.1".
        denoising_steps: run for each image that is used, candidates and probes included.
    """

    backbone: str
    shots: int
    augmentation: str
    pools: int
    chosen: str
    denoising_steps: float


def choices(root: Path) -> Iterator[Choice]:
    """Of the stages ``ratios`` and ``probe``, as far as they have ended."""
    found: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for pool in RATIO_POOLS:
        for end, backbone in _BACKBONES.items():
            for record in (*_printed(root, f"ratios-{PLAIN}-{pool}{end}"), *_printed(root, f"probe-{pool}{end}")):
                if record["chosen"]:
                    found.setdefault((backbone, record["shots"], record["augmentation"]), []).append(record)
    for (backbone, shots, augmentation), records in found.items():
        yield Choice(
            backbone=backbone,
            shots=shots,
            augmentation=augmentation,
            pools=len(records),
            chosen=_mean([record["chosen"] for record in records]),
            denoising_steps=round(fmean(record["denoising_steps"] for record in records), 1),
        )


def _printed(root: Path, step: str) -> list[dict[str, Any]]:
    """The records that a command printed; none if it has not ended."""
    path = root / "steps" / f"{step}.log"
    if not path.with_suffix(".json").exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith('{"dataset"')]


def _mean(shares: list[str]) -> str:
    """The mean of shares such as "0.5: 0.25, 0.8: 0.75", in %."""
    total: defaultdict[float, float] = defaultdict(float)
    for each in shares:
        for part in each.split(", "):
            ratio, share = part.split(": ")
            total[float(ratio)] += float(share)
    return ", ".join(f"{ratio:g}: {100 * total[ratio] / len(shares):.1f}" for ratio in ADA_RATIOS)
