"""Whether one image was selected: the column ``select`` of a manifest's row."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

SELECTED = "select"


class Selection(BaseModel):
    """One image, as `genie select` decided. A column that another program wrote need only say whether it is selected.

    Attributes:
        selected: whether it met every condition.
        reason: the condition that it did not meet, with its value, in words; empty if it is selected.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", allow_inf_nan=False)

    selected: bool
    reason: str = ""

    def column(self) -> dict[str, Any]:
        """What is written: what was said, and whatever another program added."""
        return self.model_dump(exclude_unset=True)
