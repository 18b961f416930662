"""What an oracle said of one image: the column ``oracle`` of a manifest's row."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

COLUMN = "oracle"

_Probability = Annotated[float, Field(ge=0, le=1)]


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

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", allow_inf_nan=False)

    oracle: str = ""
    candidates: str = ""
    target_probability: _Probability | None = None
    source_probability: _Probability | None = None
    top: str = ""
    margin: Annotated[float, Field(ge=-1, le=1)] | None = None
    consistent: bool = False
    verdict: str = ""
    source_similarity: _Probability | None = None
    accepted: bool = True
    soft_label: dict[str, _Probability] | None = None

    def column(self) -> dict[str, Any]:
        """What is written: what was said, and whatever another program added."""
        return self.model_dump(exclude_unset=True, exclude={"soft_label"} if self.soft_label is None else None)
