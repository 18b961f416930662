"""What a classifier says of generated images: is each what its label says, and is it a hard negative?

Paper, section 4.4 and Table 5. The images stay where they are; a manifest's rows gain one column, ``oracle``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from genie_cli.backbones.backbone import Backbone
from genie_cli.config import BUNDLED
from genie_cli.errors import ModelError
from genie_cli.manifest import Row
from genie_cli.oracle.candidates import CandidateClasses, Candidates
from genie_cli.oracle.class_map import ClassMap
from genie_cli.oracle.manifests import Opened
from genie_cli.oracle.verdict import SourceSimilarity, Verdict, can_measure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAPERS_ORACLE = "deit_base_patch16_224.fb_in1k"
COLUMN = "oracle"
FAINT = 0.001  # a class of less probability is left out of soft labels
_BATCH = 64  # images in memory
_DECIMALS = 6  # fewer than a float32 of the network has right


@dataclass(frozen=True)
class AcceptanceRule:
    """How the oracle is asked, and what it accepts.

    Attributes:
        among: which classes share the probability of 1.
        min_confidence: least probability of the target, 0..1.
        consistent_only: whether the target must be the top class.
        soft_labels: whether the distribution goes into the row.
    """

    candidates: Candidates = Candidates.ALL
    min_confidence: float = 0.0
    consistent_only: bool = False
    soft_labels: bool = False


def oracle_for(rows: Sequence[Row]) -> str:
    """The oracle to take unless told: the bundled one for images of the bundled model, else the paper's."""
    names = {row.job.model.partition("@")[0] for row in rows}
    return BUNDLED if names == {BUNDLED} else PAPERS_ORACLE


class Oracle:
    """A classifier put to one manifest.

    Raises:
        UsageError: the oracle does not know a class that it must, or has no choice; see `CandidateClasses`.
        ImageError: a source is missing or has changed.
    """

    def __init__(self, backbone: Backbone, classes: ClassMap, source: Opened, rule: AcceptanceRule) -> None:
        self._backbone, self._classes, self._source, self._rule = backbone, classes, source, rule
        self._candidates = CandidateClasses(rule.candidates, classes, [row.job for row in source.rows])
        here = source.source_root is not None
        # Not those of jobs that failed: it may be the source that is broken.
        sources = [row.job.source for row in source.made if row.job.source] if here else []
        self._similarity = SourceSimilarity(backbone, source.source, sources)

    @property
    def unmeasured(self) -> str:
        """Why it cannot be said how much is left of the sources; empty if it can, or there are none."""
        if not any(row.job.source for row in self._source.made) or self._similarity.measured:
            return ""
        if self._source.source_root is None:
            return f"their folder {self._source.header.source_root} is not there"
        return "there are fewer than three" if can_measure(self._backbone) else "the oracle hides its early features"

    def annotate(self, looked: Callable[[int], None] | None = None) -> list[Row]:
        """The manifest's rows in their order; those that were made with the column ``oracle``.

        Args:
            looked: is told after each batch how many images were in it.

        Raises:
            ImageError: an image or a source is missing or has changed.
            ModelError: the oracle gives no numbers.
        """
        # In an order of the rows' own, so that a permuted manifest makes the same batches: sums of floating-point
        # numbers depend on the batch. By source, so that each is read for one batch or two.
        order = sorted(self._source.made, key=_rank)
        said: dict[tuple[str, str], dict[str, Any]] = {}
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            for row, columns in zip(batch, self._look(batch), strict=True):
                said[row.job.id, row.file] = columns
            if looked:
                looked(len(batch))
        return [self._with(row, said.get((row.job.id, row.file))) for row in self._source.rows]

    def _with(self, row: Row, columns: dict[str, Any] | None) -> Row:
        return replace(row, extra={**row.extra, COLUMN: columns}) if columns else row

    def _look(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        import numpy as np
        import torch

        images = torch.stack([self._backbone.preprocess.center_crop(self._source.image(row)) for row in rows])
        logits = self._backbone.run(images).astype(np.float64)
        if not np.isfinite(logits).all():
            raise ModelError(f"the oracle {self._backbone.name} gives no numbers", "its weights may be damaged")
        left = self._similarity.left([row.job for row in rows], images)
        return [self._columns(*one) for one in zip(rows, logits, left, strict=True)]

    def _columns(self, row: Row, logits: NDArray[np.float64], left: float | None) -> dict[str, Any]:
        import numpy as np

        job, known = row.job, self._classes.known
        choices = self._candidates.of(job)
        powers = np.exp(logits[choices] - logits[choices].max())
        shares: dict[int, float] = dict(zip(choices, (powers / powers.sum()).tolist(), strict=True))
        target = known[job.target]
        top = max(shares, key=lambda index: shares[index])
        source = known.get(job.source.label) if job.source else None
        margin = shares[target] - max(share for index, share in shares.items() if index != target)
        prefer = (job.target, job.source.label) if job.source else (job.target,)
        # A source of the target's own class (Img2Img) makes no hard negative, however much of it is left.
        hardness = left if job.source and job.source.label != job.target else None
        confident = _rounded(shares[target]) >= self._rule.min_confidence
        columns = {
            "oracle": self._backbone.name,
            "among": self._rule.candidates.value,
            "target_probability": _rounded(shares[target]),
            "source_probability": None if source is None or source not in shares else _rounded(shares[source]),
            "top": self._classes.name(top, prefer),
            "margin": _rounded(margin),
            "consistent": top == target,
            "verdict": Verdict.of(top == target, hardness).value,
            "source_left": None if left is None else _rounded(left),
            "accepted": confident and (top == target or not self._rule.consistent_only),
        }
        return columns | ({"soft_label": self._soft_label(shares, prefer)} if self._rule.soft_labels else {})

    def _soft_label(self, shares: dict[int, float], prefer: Sequence[str]) -> dict[str, float]:
        kept = {index: share for index, share in shares.items() if share >= FAINT}
        total = sum(kept.values())
        return {self._classes.name(index, prefer): _rounded(share / total) for index, share in kept.items()}


def _rank(row: Row) -> tuple[str, str, str]:
    return (row.job.source.sha256 if row.job.source else "", row.job.id, row.file)


def _rounded(value: float) -> float:
    return round(value, _DECIMALS) + 0.0  # no -0.0
