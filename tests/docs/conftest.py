"""What tests of pages need: a folder of photos, and a shell in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.data.digits import DigitsInTheWild
from tests.docs.shell import Shell, copied_photos

# So that commands which are written for Stable Diffusion and photographs take seconds.
_SMALL = {
    "STEPS": "2",
    "SLOTS": "4",
    "WAYS": "2",
    "SHOTS": "1",
    "QUERIES": "1",
    "EPISODES": "2",
    "EPOCHS": "1",
    "WARMUP_EPOCHS": "0",
    "SEEDS": "0",
    "PER_CLASS": "1",
    "NUM_WORKERS": "0",
}
# What the bundled oracle calls the classes of the pages.
_MAP = "label,class\nlynx,two\nleopard,three\ncat,eight\ndog,five\n"


@pytest.fixture(scope="session")
def three_of_each(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("three") / "photos"
    DigitsInTheWild("test").save(root, per_class=3)
    return root


@pytest.fixture
def nothing_set(_cache: Path, nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As for all tests, with their cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))
    return nothing_set


@pytest.fixture
def shell(three_of_each: Path, open_model: Path, nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """In a folder with `photos` of three classes, with a small model in place of Stable Diffusion."""
    copied_photos(three_of_each, nothing_set / "photos")
    (nothing_set / "map.csv").write_text(_MAP, encoding="utf-8")
    monkeypatch.setenv("GENIE_MODEL", str(open_model))
    for name, value in _SMALL.items():
        monkeypatch.setenv(f"GENIE_{name}", value)
    return Shell(monkeypatch)
