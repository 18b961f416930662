"""A plan with everything that can happen to a job, and what one process makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.generate.run import Made
from tests.conftest import tree

HOW: dict[str, Any] = {"model": "digits", "steps": 4, "slots": 4}


@dataclass(frozen=True)
class Library:
    """Photos, one of which is broken, and the folder of a run by one process."""

    photos: Path
    alone: Path

    def words(self, out: Path, devices: str = "") -> list[str]:
        """The command that makes the same in another folder."""
        how = ["--model", "digits", "--steps", "4", "--slots", "4", *(["--devices", devices] if devices else [])]
        return [
            "generate",
            "--src-dir",
            str(self.photos),
            "--targets",
            "seven,two",
            "--r",
            "0.5,0.8",
            *how,
            "--out",
            str(out),
        ]

    def generate(self, out: Path, devices: str) -> Made:
        return api.generate(self.photos, "seven,two", r=(0.5, 0.8), out=out, devices=devices, **HOW)

    def require_same(self, out: Path) -> None:
        """The same files, and nothing else but what genie keeps for itself."""
        assert shown(out) == shown(self.alone)


def shown(out: Path) -> dict[str, str]:
    """A run's files with their hashes, without the card, which names its folder."""
    return {name: digest for name, digest in tree(out).items() if not name.startswith(".genie") and name != "README.md"}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    root = tmp_path_factory.mktemp("fleet")
    DigitsInTheWild("test").save(root / "photos", per_class=2)
    broken = next((root / "photos/three").iterdir())
    broken.write_bytes(broken.read_bytes()[:200])
    made = api.generate(root / "photos", "seven,two", r=(0.5, 0.8), out=root / "alone", **HOW)
    assert (made.made, made.failed) == (68, 4)
    return Library(root / "photos", root / "alone")
