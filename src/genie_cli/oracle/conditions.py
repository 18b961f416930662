"""The conditions of `genie select`, in the order in which they are applied.

Independent of torch and NumPy: the command line shows help with it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from genie_cli.errors import ManifestError, UsageError
from genie_cli.manifest import Row
from genie_cli.oracle.verdict import Verdict

if TYPE_CHECKING:
    from genie_cli.oracle.manifests import ManifestImages


class Condition(StrEnum):
    """What an image did not meet; named as the option is."""

    ORACLE = "oracle"  # rejected by genie oracle
    KEEP = "keep"
    VERDICT = "verdict"
    MIN_CONFIDENCE = "min-confidence"
    SOURCE_SIMILARITY = "source-similarity"
    HARDNESS = "hardness"
    HELD_OUT = "held-out"
    DISTINCT = "distinct"
    PER_TARGET = "per-target"
    BALANCED = "balanced"


_WITHOUT_JUDGEMENT = (Condition.KEEP, Condition.HELD_OUT, Condition.DISTINCT)


class Band(NamedTuple):
    """A range of numbers from 0 to 1."""

    low: float
    high: float

    @classmethod
    def of(cls, condition: Condition, numbers: Sequence[float] | None) -> Band | None:
        """The band from the first to the second of two numbers; UsageError unless they are a range within 0..1."""
        if numbers is None:
            return None
        try:
            band = cls(*map(float, numbers))
        except (TypeError, ValueError):
            raise UsageError(f"--{condition}: expected two numbers, LOW,HIGH, not {numbers!r}") from None
        if not 0 <= band.low <= band.high <= 1:  # nor is one that is not a number
            raise UsageError(f"--{condition}: {band} is not a range within 0,1", _meant(band))
        if band.low == band.high and condition is Condition.HARDNESS:
            raise UsageError(f"--{condition}: no image is between the quantiles {band}", "the middle half is .25,.75")
        return band

    def __str__(self) -> str:
        return f"{self.low:g},{self.high:g}"


def _meant(band: Band) -> str:
    """What to give instead of a band that is no range within 0..1: what was probably meant."""
    low, high = sorted(band)
    if high > 2:  # percent
        low, high = low / 100, high / 100
    return f"did you mean {Band(low, high)}?" if 0 <= low <= high <= 1 else "give two numbers from 0 to 1, as .25,.75"


@dataclass(frozen=True)
class Conditions:
    """What is asked for; what is None, empty or False is not. Each field is the condition of its name.

    Attributes:
        keep: ids of the only jobs to keep.
        verdict: the only verdicts to keep.
        min_confidence: lowest probability of the target, 0..1.
        source_similarity: lowest and highest similarity to the source, both included.
        hardness: quantiles of hardness within each target; see `hardness.quantiles`.
        held_out: leave out near-duplicates of given images.
        distinct: leave out near-duplicates of better images.
        per_target: keep as many images of each target, the best.
        balanced: keep as many images of each target as the target with the fewest has, the best.

    Raises:
        UsageError: a number is out of range.
    """

    keep: frozenset[str] | None = None
    verdict: tuple[Verdict, ...] = ()
    min_confidence: float | None = None
    source_similarity: Band | None = None
    hardness: Band | None = None
    held_out: bool = False
    distinct: bool = False
    per_target: int | None = None
    balanced: bool = False

    def __post_init__(self) -> None:
        if (least := self.min_confidence) is not None and not (isinstance(least, int | float) and 0 <= least <= 1):
            raise UsageError(f"--min-confidence must be a number from 0 to 1, not {least!r}")
        if self.per_target is not None and (not isinstance(self.per_target, int) or self.per_target < 1):
            raise UsageError(f"--per-target must be a whole number, at least 1, not {self.per_target!r}")

    @property
    def given(self) -> tuple[Condition, ...]:
        """Those that were asked for, in the order in which they are applied."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        asked = [name for name, value in values.items() if value is not None and value is not False and value != ()]
        return tuple(Condition(name.replace("_", "-")) for name in asked)

    @property
    def needs_features(self) -> bool:
        """Whether images have to be compared with each other."""
        return self.held_out or self.distinct

    def require_met_by(self, images: ManifestImages) -> None:
        """Check that the conditions can be applied to these images, before anything is computed.

        Raises:
            UsageError: a condition is about an oracle's judgement, and no image was judged.
            ManifestError: some were not, which would be left out for no reason of theirs; or it has none of the jobs
                that are to be kept.
        """
        if self.keep is not None and self.keep.isdisjoint(row.job.id for row in images.made):
            hint = "the list was made from another manifest, or these images were not made"
            raise ManifestError(images.name, 0, "has none of the images that --keep names", hint)
        needing = ", ".join(f"--{condition}" for condition in self.given if condition not in _WITHOUT_JUDGEMENT)
        lacking = [row for row in images.made if row.judgement is None]
        if not needing or not lacking:
            return
        hint = f"judge them first: genie oracle {shlex.quote(images.name) if images.file else '-'} --out judged.jsonl"
        if len(lacking) == len(images.made):
            raise UsageError(f"{needing}: no oracle has judged the images of {images.name}", hint)
        number = f"{len(lacking)} of {len(images.made)} images, such as {lacking[0].file}"
        raise ManifestError(images.name, 0, f"has no judgement of {number}; needed for {needing}", hint)


def best_first(row: Row) -> tuple[float, str, str]:
    """Sorts images by their target's probability, the highest first, and then by job id, so that no tie is left.

    Where there is no judgement, ids decide, which are hashes: that is at random, but always the same.
    """
    known = row.judgement and row.judgement.target_probability
    return -(known or 0.0), row.job.id, row.file
