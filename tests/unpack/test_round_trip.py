"""What genie exports, genie unpacks: the same image files under the same classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genie_cli import api
from genie_cli.generate.paths import class_folder_of
from tests.export import runs


@pytest.mark.parametrize(("form", "pattern"), [("webdataset", "*.tar"), ("parquet", "*.parquet")])
def test_an_export_comes_back(form: str, pattern: str, tmp_path: Path) -> None:
    photos = runs.photos(tmp_path / "photos")
    rows = runs.run(tmp_path / "made", photos)
    api.export(tmp_path / "made", tmp_path / "set", format=form, with_=photos)
    api.unpack(sorted((tmp_path / "set/data").glob(pattern)), tmp_path / "out")
    expected = [(row.job.target, (tmp_path / "made" / row.file).read_bytes()) for row in rows]
    expected += [(path.parent.name, path.read_bytes()) for path in photos.rglob("*.*")]
    found = [(path.parent.name, path.read_bytes()) for path in (tmp_path / "out").glob("[!.]*/*")]
    assert sorted(found) == sorted((class_folder_of(label), data) for label, data in expected)
    known = json.loads((tmp_path / "out/.genie/unpack.json").read_text())
    assert known["kind"] == "genie.unpack"
