"""The rows of a manifest with the files that they speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.errors import ManifestError, UsageError
from genie_cli.gallery.items import read
from genie_cli.manifest import Status
from tests.export import runs
from tests.manifests import a_row


def test_all_rows_with_their_files(tmp_path: Path) -> None:
    photos = runs.photos(tmp_path / "photos", 1)
    jobs = runs.jobs(photos, ["fox 🦊"])
    rows = [runs.made(tmp_path / "made", job) for job in jobs]
    rows.append(a_row(status=Status.FAILED, reason="is truncated"))
    contents = read(runs.write(tmp_path / "made", rows, photos))
    assert [item.row for item in contents.items] == rows
    assert [item.image and item.image.is_file() for item in contents.items] == [*(True for _ in jobs), None]
    assert contents.items[0].source is None  # of Txt2Img
    assert contents.items[1].source == photos / "cat" / "IMG 0.jpeg"


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    path = runs.write(tmp_path, [], None)
    with pytest.raises(ManifestError, match="has no rows"):
        read(path)


def test_probes_are_refused(tmp_path: Path) -> None:
    path = runs.write(tmp_path, [a_row()], None, probe=True)
    with pytest.raises(UsageError, match="has probes"):
        read(path)
