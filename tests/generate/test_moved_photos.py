"""A run resumes with photos that were moved, and warns if the photos are also still in their old place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from genie_cli import api
from genie_cli.observer import Observer

HOW: dict[str, Any] = {"model": "digits", "steps": 2, "slots": 2}


class Told(Observer):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, message: str) -> None:
        self.warnings.append(message)


def test_two_folders_of_photos_are_pointed_out(photos: Path, tmp_path: Path) -> None:
    out, moved = tmp_path / "out", tmp_path / "moved"
    first = api.generate(photos, "seven", limit=1, out=out, **HOW)
    shutil.copytree(photos, moved)
    told = Told()
    second = api.generate(moved, "seven", limit=2, out=out, observer=told, **HOW)
    assert (first.made, second.made, second.resumed) == (1, 1, 1)
    (said,) = told.warnings
    assert said.startswith(f"earlier images were made from {photos}, these are from {moved}")
    shutil.rmtree(moved)
    told = Told()
    api.generate(photos, "seven", limit=3, out=out, observer=told, **HOW)
    assert told.warnings == []
