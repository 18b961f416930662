"""A run continues with a smaller batch, and warns, if the device has too little memory for --slots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.diffusion import snapshot
from tests.diffusion.test_engine import with_room_for
from tests.generate.test_moved_photos import Told

HOW: dict[str, Any] = {"model": "digits", "steps": 2, "limit": 5}


def test_the_batch_is_halved_and_the_images_are_those_of_the_smaller_one(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = api.generate(photos, "seven", slots=2, out=tmp_path / "small", **HOW)
    load, told = snapshot.load, Told()
    monkeypatch.setattr(snapshot, "load", lambda *how: with_room_for(load(*how), 4))
    made = api.generate(photos, "seven", slots=8, out=tmp_path / "large", observer=told, **HOW)
    (said,) = [line for line in told.warnings if "memory" in line]
    assert said == "out of memory: continuing with 2 images per batch instead of 8"
    assert made.made == wanted.made == 5
    rows = [(row.job.id, row.status, row.slots) for row in made.rows()]
    assert rows == [(row.job.id, row.status, 2) for row in wanted.rows()]
    for row, other in zip(made.rows(), wanted.rows(), strict=True):
        assert pixels(made.root / row.file) == pixels(wanted.root / other.file)


def pixels(path: Path) -> bytes:
    """Of an image; the header in the file says the run's settings, which differ."""
    from PIL import Image

    with Image.open(path) as image:
        return image.tobytes()
