"""What several tests need: a folder of real pictures, and the command line in this process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

# On a CPU the last bits of an image depend on the number of threads, which processes of a fleet divide. In one thread
# all tests compare like with like, and two processes of tests do not slow each other down.
os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import pytest
from hypothesis import settings
from typer.testing import CliRunner, Result

from genie_cli.cli.app import app
from genie_cli.data.digits.paint import DigitsInTheWild

Genie = Callable[..., Result]

# A busy machine is no failure.
settings.register_profile("genie", deadline=None)
settings.load_profile("genie")


@pytest.fixture(scope="session")
def _photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("digits") / "photos"
    DigitsInTheWild("test").save(root, per_class=1)
    return root


@pytest.fixture
def photos(_photos: Path, tmp_path: Path) -> Path:
    """An image folder of its own: one digit in the wild of each class."""
    import shutil

    return Path(shutil.copytree(_photos, tmp_path / "photos"))


@pytest.fixture(scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def open_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model as a directory, which is taken to know any word, as a Stable Diffusion model does."""
    import shutil

    from genie_cli.diffusion.locate import locate

    return Path(shutil.copytree(locate("digits").path, tmp_path_factory.mktemp("models") / "open"))


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The working directory, with no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GENIE_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def genie(monkeypatch: pytest.MonkeyPatch, nothing_set: Path, _cache: Path) -> Genie:
    """Runs `genie ...` in this process, in ``tmp_path``, with the bundled model and few steps where it generates.

    What it keeps between runs is kept for the whole session, unless another ``cache`` is given.
    """

    def run(*words: object, stdin: str | None = None, cache: Path = _cache) -> Result:
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        command = [str(word) for word in words]
        if command[:1] == ["generate"]:
            command[1:1] = ["--model", "digits", "--steps", "4", "--slots", "4"]
        return CliRunner().invoke(app, command, input=stdin, catch_exceptions=False)

    return run


def tree(root: Path) -> dict[str, str]:
    """Every file below ``root`` with its SHA-256, and every folder."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in root.rglob("*")
    }
