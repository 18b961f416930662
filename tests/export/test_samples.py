"""What is exported and what is left out, and in which files it lies."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from genie_cli import api
from genie_cli.config import Format
from genie_cli.errors import FolderError, GenieError, ImageError, ManifestError, UsageError
from genie_cli.export.export import export
from genie_cli.export.form import Form, Linked, groups
from genie_cli.export.image_folder import ImageFolder
from genie_cli.export.parquet import Parquet
from genie_cli.export.web_dataset import WebDataset
from genie_cli.jobs import Job
from genie_cli.judgement import Judgement
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer
from genie_cli.selection import Selection
from tests.export import runs


class Heard(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def found(self, message: str) -> None:
        self.said.append(message)

    def warning(self, message: str) -> None:
        self.said.append(message)

    def left_out(self, reasons: Any) -> None:
        self.said += reasons

    @property
    def text(self) -> str:
        return "\n".join(self.said)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return runs.photos(tmp_path / "photos")


@pytest.fixture
def jobs(own: Path) -> list[Job]:
    return runs.jobs(own)


def rows_of(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "train/metadata.jsonl").read_text().splitlines()]


def test_only_what_was_made_and_accepted(tmp_path: Path, own: Path, jobs: list[Job]) -> None:
    rejected = Judgement(oracle="eye@1", accepted=False)
    rows = [runs.made(tmp_path / "out", jobs[0]), runs.made(tmp_path / "out", jobs[1], judgement=rejected)]
    rows += [Row(jobs[2], Status.FAILED, reason="no luck"), runs.made(tmp_path / "out", jobs[3], judgement=None)]
    runs.write(tmp_path / "out", rows, own)
    heard = Heard()
    exported = api.export(tmp_path / "out", tmp_path / "set", observer=heard)
    assert {row["id"] for row in rows_of(tmp_path / "set")} == {jobs[0].id, jobs[3].id}
    assert "1 image rejected by genie oracle: left out" in heard.text
    assert "1 of the 2 images were not judged" in heard.text
    assert (exported.tally.images, exported.tally.photos.total()) == (2, 0)
    assert not {"photo"} & rows_of(tmp_path / "set")[0].keys()


def test_what_is_left_out_is_said_by_its_reason_and_wrong_labels_are_no_surprise(
    tmp_path: Path, own: Path, jobs: list[Job]
) -> None:
    root = tmp_path / "the out"
    wrong = Judgement(oracle="eye@1", accepted=True, verdict="mislabelled")
    rows = [runs.made(root, jobs[0]), runs.made(root, jobs[1], judgement=wrong), runs.made(root, jobs[2])]
    rows[2] = rows[2].marked(Selection(selected=False, reason="verdict: easy (source lost)"))
    path = runs.write(root, rows, own)
    heard = Heard()
    api.export(path, tmp_path / "set", with_=own, observer=heard)
    assert "1 image not selected by genie select: left out" in heard.text
    assert "rejected" not in heard.text
    assert "1 of the 2 images are mislabelled" in heard.text
    assert "genie select leaves them out with --verdict hard,easy,correctly" in heard.text
    assert "not judged" not in heard.text


def test_a_class_that_is_spelled_otherwise_in_the_photos_is_said(tmp_path: Path, own: Path, jobs: list[Job]) -> None:
    """The targets are 'fox 🦊', 'a/b' and 'test'; the photos are of a cat and of a fox."""
    (own / "fox 🦊").rename(own / "fox_🦊")
    runs.write(tmp_path / "out", [runs.made(tmp_path / "out", job) for job in jobs], own)
    heard = Heard()
    api.export(tmp_path / "out", tmp_path / "set", with_=own, observer=heard)
    said = "generated images, but no photos, of a/b, fox 🦊, test ('fox 🦊'; did you mean fox_🦊?)"
    assert said in heard.text


def test_photos_that_cannot_be_used_are_left_out_by_name(tmp_path: Path, own: Path, jobs: list[Job]) -> None:
    runs.write(tmp_path / "out", [runs.made(tmp_path / "out", jobs[0])], own)
    whole = (own / "cat/IMG 0.jpeg").read_bytes()
    (own / "cat/cut.jpg").write_bytes(whole[:-400])
    (own / "cat/made.jpg").write_bytes(runs.image(jobs[1]))
    (own / "cat/again.jpg").write_bytes(whole)
    for label in runs.PHOTOS:
        runs.photo(own / label / "both.png", 99, "PNG")
    heard = Heard()
    exported = api.export(tmp_path / "out", tmp_path / "set", with_=own, observer=heard)
    assert "cat/cut.jpg is truncated" in heard.text
    assert "cat/made.jpg was made by genie" in heard.text
    assert "both.png is in several classes: cat, fox 🦊" in heard.text
    assert "1 image with the same content and class" in heard.text
    assert exported.tally.photos == {"cat": 3, "fox 🦊": 3}


def test_a_file_is_named_by_what_it_is(tmp_path: Path, own: Path, jobs: list[Job]) -> None:
    runs.write(tmp_path / "out", [runs.made(tmp_path / "out", jobs[0], Format.PNG)], own)
    for number, (kind, name) in enumerate(
        (("PNG", "a.JPG"), ("WEBP", "b.webp"), ("BMP", "c.png"), ("GIF", "d.gif"), ("TIFF", "e.tif"), ("PPM", "f.pnm"))
    ):
        runs.photo(own / "fox 🦊" / name, 50 + number, kind)
    heard = Heard()
    api.export(tmp_path / "out", tmp_path / "set", with_=own, observer=heard)
    kinds = {row["photo"]: row["file_name"].rpartition(".")[2] for row in rows_of(tmp_path / "set") if row["photo"]}
    assert {Path(name).name: kind for name, kind in kinds.items() if "IMG" not in name} == {
        "a.JPG": "png",
        "b.webp": "webp",
        "c.png": "bmp",
        "d.gif": "gif",
        "e.tif": "tif",
        "f.pnm": "ppm",
    }
    assert "1 image of kind gif, which torchvision leaves out" in heard.text
    assert "1 image of kind webp, which timm leaves out" in heard.text


def test_a_turned_photo_keeps_its_bytes_and_datasets_turns_it(tmp_path: Path, own: Path, cached: Path) -> None:
    import datasets
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    path = runs.photo(own / "cat/turned.jpg", 77, exif=exif)
    runs.write(tmp_path / "out", [runs.made(tmp_path / "out", runs.jobs(own)[0])], own)
    api.export(tmp_path / "out", tmp_path / "set", with_=own, format="parquet")
    [row] = [
        row for row in datasets.load_dataset(str(tmp_path / "set"), split="train") if row["photo"] == "cat/turned.jpg"
    ]
    with Image.open(path) as stored:
        assert stored.size == (90, 60)
    assert row["image"].size == (60, 90)


def broken(tmp_path: Path, own: Path, jobs: list[Job], what: str) -> None:
    row = runs.made(tmp_path / "out", jobs[1])
    path = tmp_path / "out" / row.file
    runs.write(tmp_path / "out", [row], own)
    if what == "missing":
        path.unlink()
    elif what == "changed":
        path.write_bytes(runs.image(jobs[2]))
    elif what == "probes":
        runs.write(tmp_path / "out", [row], own, probe=True)
    elif what == "nothing":
        runs.write(tmp_path / "out", [Row(jobs[1], Status.FAILED, reason="no luck")], own)
    elif what == "other file":
        runs.write(tmp_path / "out", [replace(row, file="manifest.jsonl")], own)
    elif what == "no hash":
        runs.write(tmp_path / "out", [replace(row, sha256="")], own)
    elif what == "two":
        other = replace(runs.made(tmp_path / "out", jobs[2]), job=jobs[1])
        runs.write(tmp_path / "out", [row, other], own)
    elif what == "no classes":
        for path in sorted(own.rglob("*.*")):
            path.rename(own / f"{path.parent.name}-{path.name}")


@pytest.mark.parametrize(
    ("what", "kind", "said", "hint"),
    [
        ("missing", ImageError, "does not exist", "genie generate --plan="),
        ("changed", ImageError, "has changed", "make it again"),
        ("probes", UsageError, "has probes", "without --probe"),
        ("nothing", ManifestError, "no image that was made, accepted and selected", "genie oracle"),
        ("other file", ImageError, "is not a file that genie generates", ""),
        ("no hash", ManifestError, "has no sha256", ""),
        ("two", ImageError, "two images of one job", ""),
        ("no classes", FolderError, "none in a class folder", "subfolder per class"),
    ],
)
def test_what_is_wrong_is_named(
    what: str, kind: type[GenieError], said: str, hint: str, tmp_path: Path, own: Path, jobs: list[Job]
) -> None:
    broken(tmp_path, own, jobs, what)
    with pytest.raises(kind) as caught:
        api.export(tmp_path / "out", tmp_path / "set", with_=own)
    assert said in str(caught.value)
    assert hint in caught.value.hint


def test_sources_that_are_gone_or_changed(tmp_path: Path, own: Path, jobs: list[Job]) -> None:
    runs.write(tmp_path / "out", [runs.made(tmp_path / "out", job) for job in jobs], own)
    changed = next(job.source.path for job in jobs if job.source)
    kept = (own / changed).read_bytes()
    runs.photo(own / changed, 1234)
    with pytest.raises(ImageError) as caught:
        api.export(tmp_path / "out", tmp_path / "set", format="webdataset")
    assert changed in str(caught.value)
    (own / changed).write_bytes(kept)
    api.export(tmp_path / "out", tmp_path / "set", format="webdataset")  # resumes
    own.rename(tmp_path / "elsewhere")
    heard = Heard()
    api.export(tmp_path / "out", tmp_path / "without", format="webdataset", observer=heard)
    assert "the source photos of 15 images are not where the manifest says: left out" in heard.text


def sizes(root: Path, form: Form, out: Path) -> dict[str, int]:
    export(root / "made", out, form, root / "photos", "", Observer())
    return {path.relative_to(out).as_posix(): path.stat().st_size for path in sorted((out / "data").iterdir())}


def test_shards_and_row_groups_have_a_size(library: Path, tmp_path: Path, cached: Path) -> None:
    import datasets
    from pyarrow.parquet import read_metadata

    names = [f"data/train-{index:05d}-of-{{:05d}}.{{}}" for index in range(100)]
    shards = sizes(library, Parquet(largest=60_000, largest_group=20_000), tmp_path / "parquet")
    assert list(shards) == [name.format(len(shards), "parquet") for name in names[: len(shards)]]
    assert len(shards) > 2
    assert max(shards.values()) <= 60_000 + 20_000  # a file's schema and statistics, which count with many rows only
    for name in shards:
        metadata = read_metadata(tmp_path / "parquet" / name)
        groups_of = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
        assert all(group.num_rows == 1 or group.column(0).total_uncompressed_size <= 20_000 for group in groups_of)
    archives = sizes(library, WebDataset(largest=60_000), tmp_path / "web")
    assert list(archives) == [name.format(len(archives), "tar") for name in names[: len(archives)]]
    assert len(archives) > 2
    for form in ("parquet", "web"):
        assert len(datasets.load_dataset(str(tmp_path / form), split="train")) == 24


def test_groups_keep_the_order_and_the_limit() -> None:
    weights = [3, 3, 3, 9, 1, 1]
    found = list(groups(weights, lambda weight: weight, 6))
    assert found == [[3, 3], [3], [9], [1, 1]]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_no_folder_has_more_entries_than_the_hub_takes(library: Path, tmp_path: Path, cached: Path) -> None:
    import datasets
    from timm.data import create_dataset
    from torchvision.datasets import ImageFolder as Torchvision

    out, most = tmp_path / "set", 5
    export(library / "made", out, ImageFolder(most=most), library / "photos", "", Observer())
    for folder in [path for path in out.rglob("*") if path.is_dir() and path != out / "train"]:
        assert len(list(folder.iterdir())) <= most
    known = {row["file_name"]: row["label"] for row in rows_of(out)}
    assert sorted(set(known.values())) == ["a/b", "cat", "fox 🦊", "test"]
    found = Torchvision(out / "train")
    for path, index in found.samples:
        assert unquote(found.classes[index]) == known[Path(path).relative_to(out / "train").as_posix()]
    by_timm = create_dataset("", root=str(out / "train"))
    names = {index: unquote(name) for name, index in by_timm.reader.class_to_idx.items()}
    assert sorted(names[target] for _, target in by_timm.reader.samples) == sorted(known.values())
    assert len(datasets.load_dataset(str(out), split="train")) == len(found) == 24


def test_more_classes_than_a_folder_takes_are_refused(library: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        export(library / "made", tmp_path / "set", ImageFolder(most=4), library / "photos", "", Observer())
    assert "--format parquet" in caught.value.hint
    assert not (tmp_path / "set").exists()


def test_files_are_the_same_each_time(library: Path) -> None:
    from genie_cli import manifest
    from genie_cli.export.form import Content
    from genie_cli.export.samples import collect

    with manifest.opened(library / "made") as document:
        content = Content(collect(document, library / "photos", Observer()))
    first, second = ([file.name for file in ImageFolder().files(content) if isinstance(file, Linked)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 24


def test_a_manifest_by_file_folder_and_pipe(library: Path, tmp_path: Path, genie: Any) -> None:
    from tests.conftest import tree

    shutil.copytree(library / "made", tmp_path / "made")
    text = (tmp_path / "made/manifest.jsonl").read_text()
    head, _, rest = text.partition("\n")
    piped = json.dumps({**json.loads(head), "root": str(tmp_path / "made")}) + "\n" + rest
    assert genie("export", "made", "--out", "a").exit_code == 0
    assert genie("export", "made/manifest.jsonl", "--out", "b").exit_code == 0
    assert genie("export", "-", "--out", "c", stdin=piped).exit_code == 0
    assert tree(tmp_path / "a") == tree(tmp_path / "b") == tree(tmp_path / "c")
