"""What an oracle said of one image: the column ``oracle`` of a manifest's row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from genie_cli.manifest import Row

COLUMN = "oracle"


class Judgement(BaseModel):
    """One image, as a classifier sees it. A column that another program wrote need only say what it knows.

    Attributes:
        oracle: the classifier's identity.
        candidates: which classes shared the probability of 1; see `candidates.Candidates`.
        target_probability: of the image's label, 0..1.
        source_probability: of its source's class, 0..1; None without a source, or if that class was no candidate.
        top: the class with the highest probability.
        margin: target_probability less the highest probability of another class, -1..1.
        consistent: whether the label is the top class.
        verdict: one of `verdict.Verdict`.
        source_similarity: how much of its source is left in it, 0..1; see `verdict.SourceSimilarity`. None if it
            cannot be measured.
        accepted: whether the conditions that were asked for are met.
        soft_label: the probabilities of all candidates by class, if they were asked for.
    """

    model_config = ConfigDict(frozen=True)

    oracle: str = ""
    candidates: str = ""
    target_probability: float | None = None
    source_probability: float | None = None
    top: str = ""
    margin: float | None = None
    consistent: bool = False
    verdict: str = ""
    source_similarity: float | None = None
    accepted: bool = True
    soft_label: dict[str, float] | None = None

    @classmethod
    def of(cls, row: Row) -> Judgement | None:
        """The judgement in a row; None if no oracle has seen it, or the column is not one of genie's."""
        try:
            return cls.model_validate(row.extra[COLUMN]) if COLUMN in row.extra else None
        except ValidationError:
            return None

    def onto(self, row: Row) -> Row:
        """The row with this judgement."""
        return replace(row, extra={**row.extra, COLUMN: self._column()})

    def _column(self) -> dict[str, Any]:
        return self.model_dump(exclude={"soft_label"} if self.soft_label is None else None)


def is_accepted(row: Row) -> bool:
    """Whether an image is to be used: no oracle has seen it, or one has, and accepted it."""
    judgement = Judgement.of(row)
    return judgement is None or judgement.accepted
