"""A run and photos that several tests export, and only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli import api
from tests.export import runs

FORMS = ("imagefolder", "webdataset", "parquet")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``photos`` and ``made``."""
    root = tmp_path_factory.mktemp("library")
    runs.photos(root / "photos")
    runs.run(root / "made", root / "photos")
    return root


@pytest.fixture(scope="session")
def sets(library: Path) -> Path:
    """A folder with an export in each form."""
    for form in FORMS:
        api.export(library / "made", library / form, format=form, with_=library / "photos")
    return library


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the `datasets` library keeps goes into the test's own folder."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    return tmp_path / "cache"
