"""What tests of `genie generate` share: a run with an r for each image, and the command in its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from genie_cli import api
from genie_cli.cli.app import app
from genie_cli.data.digits.paint import DigitsInTheWild
from tests.generate.command import ADAPTIVE


@pytest.fixture(scope="session")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos of four classes, and what was made of them: `out`."""
    root = tmp_path_factory.mktemp("adaptive")
    DigitsInTheWild("test").save(root / "photos", per_class=2)
    for label in ("zero", "one", "three", "four", "five", "six"):
        shutil.rmtree(root / "photos" / label)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        api.generate(root / "photos", "seven,two", out=root / "out", backbone="digits", **_settings("adaptive"))
    return root


def _settings(r: object) -> dict[str, Any]:
    return {"r": r, "model": "digits", "steps": 10, "slots": 4}


@pytest.fixture
def adaptive(chosen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `genie generate` with the photos of ``chosen``, and its settings, in ``tmp_path``."""
    shutil.copytree(chosen / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(chosen / "cache"))

    def run(*words: object, options: tuple[str, ...] = ADAPTIVE, stdin: str | None = None) -> Result:
        command = ["generate", "--model", "digits", "--steps", "10", "--slots", "4", *options, *map(str, words)]
        command += [] if "--plan" in command else ["--src-dir", "photos"]
        command += [] if {"--plan", "--targets"} & {*command} else ["--targets", "seven,two"]
        return CliRunner().invoke(app, command, input=stdin, catch_exceptions=False)

    return run
