"""`croissant.json`, validated and read by mlcroissant."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from tests.export import runs
from tests.export.conftest import FORMS

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:unclosed file:ResourceWarning"
)


@pytest.fixture
def croissant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """mlcroissant, which unpacks archives into the test's own folder."""
    import mlcroissant
    from mlcroissant._src.operation_graph.operations import extract

    monkeypatch.setattr(extract, "EXTRACT_PATH", type(extract.EXTRACT_PATH)(tmp_path / "extracted"))
    return mlcroissant


@pytest.mark.parametrize("form", FORMS)
def test_it_is_valid_and_finds_every_image(form: str, sets: Path, croissant: Any) -> None:
    described = croissant.Dataset(sets / form / "croissant.json")  # raises what is wrong
    assert not described.metadata.ctx.issues.errors
    rows = {
        row["id"]: row for row in map(json.loads, (sets / "imagefolder/train/metadata.jsonl").read_text().splitlines())
    }
    classes = sorted({row["label"] for row in rows.values()})
    found = list(described.records("records"))
    assert len(found) == len(rows)
    for record in found:
        row = rows.pop(record["records/id"].decode())
        label = record["records/label"]
        assert (classes[label] if form == "parquet" else label.decode()) == row["label"]
        assert bool(record["records/synthetic"]) is row["synthetic"]
        folder = sets / "imagefolder/train"
        assert (
            record["records/image"].convert("RGB").tobytes()
            == runs.opened((folder / row["file_name"]).read_bytes()).tobytes()
        )


@pytest.mark.parametrize("form", FORMS)
def test_its_hashes_are_those_of_the_files(form: str, sets: Path) -> None:
    said = json.loads((sets / form / "croissant.json").read_text())
    files = {each["contentUrl"]: each["sha256"] for each in said["distribution"] if each["@type"] == "cr:FileObject"}
    assert len(files) == {"imagefolder": 1, "webdataset": 2, "parquet": 0}[form]
    for name, digest in files.items():
        assert hashlib.sha256((sets / form / name).read_bytes()).hexdigest() == digest


def test_the_licence_is_the_one_that_was_given(library: Path, tmp_path: Path) -> None:
    api.export(library / "made", tmp_path / "set", license="cc-by-4.0")
    assert json.loads((tmp_path / "set/croissant.json").read_text())["license"] == "cc-by-4.0"
    api.export(library / "made", tmp_path / "open")
    assert json.loads((tmp_path / "open/croissant.json").read_text())["license"] == "unknown"
