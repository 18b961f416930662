"""`genie export`: what it says, and what it needs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.conftest import Genie
from tests.export import runs
from tests.export.conftest import FORMS


@pytest.mark.parametrize("form", FORMS)
def test_it_says_what_was_exported_and_how_to_load_and_upload_it(
    form: str, library: Path, tmp_path: Path, genie: Genie, cached: Path
) -> None:
    import datasets
    import pandas
    import timm
    import torchvision
    import webdataset

    result = genie("export", library / "made", "--with", library / "photos", "--out", "my set", "--format", form)
    assert result.exit_code == 0
    assert result.stdout == ""
    said = result.stderr.splitlines()
    rows = [line.split() for line in said]
    for expected in (
        ["a/b", "7", "0"],
        ["cat", "0", "3"],
        ["fox", "🦊", "4", "3"],
        ["test", "7", "0"],
        ["all", "18", "6"],
    ):
        assert expected in rows
    libraries = {"datasets": datasets, "pandas": pandas, "timm": timm}
    libraries |= {"torchvision": torchvision, "webdataset": webdataset}
    lines = [line.strip() for line in said if line.startswith("  ") and "(" in line]
    assert len(lines) == {"imagefolder": 3, "webdataset": 2, "parquet": 2}[form]
    for line in lines:
        if "webdataset" not in line:  # whose reader leaves files open
            assert len(eval(line, libraries)) == 24, line
    [upload] = [line.strip() for line in said if line.strip().startswith("hf upload")]
    words = ["hf", "upload", "OWNER/NAME", "my set", "--repo-type", "dataset", "--exclude", ".genie/*"]
    assert shlex.split(upload) == words


def test_names_are_shown_so_that_a_terminal_does_nothing(library: Path, tmp_path: Path, genie: Genie) -> None:
    photos = runs.photos(tmp_path / "photos")
    (photos / "cat").rename(photos / "c\x1b]0;owned\x07at")
    job = runs.jobs(photos, ["\x1b[2Jfox"])[0]
    runs.write(tmp_path / "made", [runs.made(tmp_path / "made", job)], photos)
    result = genie("export", "made", "--with", "photos", "--out", "set")
    assert result.exit_code == 0
    assert "\x1b]" not in result.stderr
    assert "\\x1b[2Jfox" in result.stderr


def test_a_missing_package_is_named_with_what_installs_it(
    library: Path, tmp_path: Path, genie: Genie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if it were not installed
    result = genie("export", library / "made", "--out", "set", "--format", "parquet")
    assert result.exit_code == 2
    assert "needs the package datasets" in result.stderr
    assert "pip install 'genie-cli[export]'" in result.stderr
    assert not (tmp_path / "set").exists()


def test_a_form_that_there_is_not(library: Path, genie: Genie) -> None:
    result = genie("export", library / "made", "--out", "set", "--format", "parket")
    assert result.exit_code == 2
    assert "did you mean parquet?" in result.stderr


def test_the_card_says_how_it_was_made(library: Path, tmp_path: Path, genie: Genie) -> None:
    genie("export", library / "made", "--with", library / "photos", "--out", "set", "--license", "cc-by-4.0")
    card = (tmp_path / "set/README.md").read_text()
    assert "license: cc-by-4.0\n" in card
    assert "18 generated images and 6 photos of 4 classes" in card
    assert "| fox 🦊 | 4 | 3 | cat (3), none (1) |" in card
    assert "- images: genie at r = 0.8 (15), txt2img at r = 1 (3)" in card
    assert "genie export MANIFEST --format imagefolder --with PHOTOS --out SET" in card
    assert str(library) not in card
