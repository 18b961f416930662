"""`datasets` takes every value of the metadata for what it is, through the card and without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.config import Format
from genie_cli.generate import metadata
from genie_cli.generate.folder import Output
from genie_cli.jobs import Method
from tests.conftest import Genie, tree
from tests.generate.outputs import HEADER, a_job, image_of

DATES = ("2023-05-01", "2023-06-01")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    return lambda *words, **options: datasets.load_dataset(*words, **options, split="train")


@pytest.fixture
def dated(genie: Genie, photos: Path, open_model: Path) -> Path:
    """A run whose classes are called as days are."""
    for path, name in zip(sorted(photos.iterdir()), DATES, strict=False):
        path.rename(photos / name)
    words = ("--src-dir", photos, "--model", open_model, "--targets", ",".join(DATES), "--per-target", "2")
    assert genie("generate", *words, "--out", "out").exit_code == 0
    return photos.parent / "out"


def test_classes_called_as_days_stay_text(dated: Path, load: Any, tmp_path: Path) -> None:
    assert {path.name for path in (dated / "train").iterdir()} == {*DATES, metadata.TABLE}
    api.export(dated, out=tmp_path / "exported")
    for folder in (dated, tmp_path / "exported"):
        alone, described = load("imagefolder", data_dir=str(folder)), load(str(folder))
        assert alone.features["label"].dtype == alone.features["source_label"].dtype == "string"
        assert alone.features["r"].dtype == "float64"
        assert set(alone["label"]) == set(DATES)
        assert described.features["label"].names == list(DATES)
        assert [DATES[number] for number in described["label"]] == list(alone["label"])
        assert list(described["source_label"]) == list(alone["source_label"])
        assert list(described["id"]) == list(alone["id"])


def test_without_parquet_it_is_said(genie: Genie, photos: Path, dated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genie_cli.generate.metadata.find_spec", lambda name: None)
    words = ("generate", "--src-dir", photos, "--model", "digits", "--targets", "two")
    said = " ".join(genie(*words, "--dry-run").stderr.split())
    assert f"load_dataset would take the class {DATES[0]!r} for a time" in said
    assert "pip install 'genie-cli[export]'" in said
    said = " ".join(genie("export", dated, "--out", "exported").stderr.split())
    assert f"load_dataset would take the class {DATES[0]!r} for a time" in said


def test_a_run_that_grows_by_such_a_class_has_one_form_of_metadata(tmp_path: Path) -> None:
    jobs = [a_job("fox", replicate=number) for number in range(4)] + [a_job(DATES[0])]
    for some in (jobs[:2], jobs[:2], jobs):
        out = Output(tmp_path / "grown", HEADER)
        with out.opened():
            for job in some:
                out.save(job, image_of(job), Format.PNG, 8)
            out.finish(some)
        assert (tmp_path / "grown/train" / metadata.LINES).exists() == (some != jobs)
        assert (tmp_path / "grown/train" / metadata.TABLE).exists() == (some == jobs)
    at_once = Output(tmp_path / "whole", HEADER)
    with at_once.opened():
        for job in jobs:
            at_once.save(job, image_of(job), Format.PNG, 8)
        at_once.finish(jobs)
    assert tree(tmp_path / "grown") == tree(tmp_path / "whole")
    assert not list((tmp_path / "grown/.genie").rglob("metadata*"))


def test_every_value_has_its_type(tmp_path: Path) -> None:
    """A column that is null in the first 10 MiB, which `datasets` infers types from, could have no value after them."""
    out, job = Output(tmp_path, HEADER), a_job(source=None, method=Method.TXT2IMG, r=1.0)
    with out.opened():
        out.save(job, image_of(job), Format.PNG, 8)
        out.finish([job])
    [line] = (tmp_path / "train" / metadata.LINES).read_text().splitlines()
    found = json.loads(line)
    assert {name: type(value) for name, value in found.items()} == {
        "file_name": str, "label": str, "source_label": str, "r": float, "id": str,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-05-01", True),
        ("2023-05-01 12:00", True),
        ("2023-05-01T12:00:00Z", True),
        ("2023-05", False),
        ("a 2023-05-01", False),
        ("2023-05-011", False),
        (None, False),
    ],
)
def test_what_looks_like_a_time(text: str | None, expected: bool) -> None:
    assert metadata.is_like_a_time(text) == expected


@pytest.mark.parametrize("text", ["2023-05-01", "2023-05-01 12:00", "2023-05-01T12:00:00Z"])
def test_arrow_takes_it_for_one(text: str) -> None:
    from io import BytesIO

    import pyarrow.json

    column = pyarrow.json.read_json(BytesIO((json.dumps({"label": text}) + "\n").encode())).column("label")
    assert "timestamp" in str(column.type)


@pytest.mark.parametrize(
    "text", ["2023-05", "007", "1e5", "true", "null", "12:00", "20230501", "2023/05/01", "05-01-2023"]
)
def test_arrow_takes_nothing_else_for_one(text: str) -> None:
    from io import BytesIO

    import pyarrow.json

    column = pyarrow.json.read_json(BytesIO((json.dumps({"label": text}) + "\n").encode())).column("label")
    assert str(column.type) == "string"
    assert not metadata.is_like_a_time(text)
