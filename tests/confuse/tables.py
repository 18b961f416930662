"""A table of predictions, and all that an error says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genie_cli.errors import GenieError


def a_table(path: Path, rows: Sequence[Sequence[str]], header: str = "true,predicted") -> Path:
    path.write_text("\n".join([header, *map(",".join, rows)]) + "\n", encoding="utf-8")
    return path


def message(error: GenieError) -> str:
    return " ".join(f"{error} {error.hint}".split())
