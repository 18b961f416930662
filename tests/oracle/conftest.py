"""What several tests of the oracle need: images that the bundled model made, with their manifest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from genie_cli.data.digits.paint import DigitsInTheWild


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two digits from every other digit, at r = 0.5 and from pure noise."""
    from typer.testing import CliRunner

    from genie_cli.cli.app import app

    root = tmp_path_factory.mktemp("oracle")
    DigitsInTheWild("test").save(root / "photos", per_class=1)
    words = f"generate --model digits --steps 12 --slots 16 --src-dir {root / 'photos'} --targets two,five"
    done = CliRunner().invoke(app, [*words.split(), "--r", "0.5,1", "--out", str(root / "out")], catch_exceptions=False)
    assert done.exit_code == 0
    return root


@pytest.fixture
def made(_made: Path, tmp_path: Path) -> Path:
    """A manifest of its own, in a folder with its images; the sources are shared and only read."""
    return Path(shutil.copytree(_made / "out", tmp_path / "out")) / "manifest.jsonl"
