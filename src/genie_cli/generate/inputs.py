"""What a person says about the input of a run, besides settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Inputs:
    """Where sources and targets come from; or ``plan``, which says both ("-": standard input)."""

    src_dir: Path | None = None
    src_label: str | None = None
    targets: str | None = None
    confusion: Path | None = None
    plan: str | None = None
