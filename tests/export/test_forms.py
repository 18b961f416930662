"""An exported set, read by the libraries that it is for."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from genie_cli import api, manifest
from genie_cli.export.web_dataset import as_seen
from genie_cli.generate.paths import folder_of
from tests.conftest import tree
from tests.export import runs
from tests.export.conftest import FORMS

# Of the libraries' readers.
UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
CLASSES = ["a/b", "cat", "fox 🦊", "test"]


@pytest.fixture(scope="module")
def expected(library: Path) -> dict[str, tuple[str, bytes]]:
    """Key to class and bytes, from the manifest and from the folder of photos."""
    with manifest.opened(library / "made") as document:
        rows = list(document.rows())
    found = {row.job.id: (row.job.target, (library / "made" / row.file).read_bytes()) for row in rows}
    for path in sorted((library / "photos").rglob("*.*")):
        data = path.read_bytes()
        found[hashlib.sha256(data).hexdigest()[:20]] = (path.parent.name, data)
    return found


def labels(expected: dict[str, tuple[str, bytes]]) -> list[str]:
    return sorted(label for label, _ in expected.values())


def loaded(root: Path) -> Any:
    import datasets

    return datasets.load_dataset(str(root), split="train")


def test_torchvision_reads_the_folder(sets: Path, expected: dict[str, tuple[str, bytes]]) -> None:
    from torchvision.datasets import ImageFolder

    found = ImageFolder(sets / "imagefolder/train")
    assert sorted(map(unquote, found.classes)) == CLASSES
    assert sorted(unquote(found.classes[index]) for index in found.targets) == labels(expected)
    for path, index in found.samples:
        label, data = expected[Path(path).stem]
        assert unquote(found.classes[index]) == label
        assert Path(path).read_bytes() == data


@UNCLOSED
def test_timm_reads_the_folder(sets: Path, expected: dict[str, tuple[str, bytes]]) -> None:
    from timm.data import create_dataset

    found = create_dataset("", root=str(sets / "imagefolder/train"))
    names = {index: unquote(name) for name, index in found.reader.class_to_idx.items()}
    assert sorted(names[found[index][1]] for index in range(len(found))) == labels(expected)


@pytest.mark.parametrize("form", FORMS)
def test_datasets_reads_every_form(form: str, sets: Path, cached: Path, expected: dict[str, tuple[str, bytes]]) -> None:
    from datasets import Image as Undecoded

    found = loaded(sets / form)
    number = "cls" if form == "webdataset" else "label"
    assert found.features[number].names == CLASSES
    kinds = ["jpg", "png"] if form == "webdataset" else ["image"]
    for kind in kinds:
        assert all(image is None or image.size for image in found[kind])
        found = found.cast_column(kind, Undecoded(decode=False))
    assert len(found) == len(expected)
    for row in found:
        known = row["json"] if form == "webdataset" else row
        label, data = expected[known["id"]]
        assert CLASSES[row[number]] == label
        image = next(row[kind] for kind in kinds if row[kind])
        assert (image["bytes"] or Path(image["path"]).read_bytes()) == data
        assert known["sha256"] == hashlib.sha256(data).hexdigest()
        assert known["synthetic"] == (known["photo"] is None)


@pytest.mark.parametrize("form", FORMS)
def test_another_set_of_the_same_name_is_not_taken_for_it(
    form: str, library: Path, tmp_path: Path, cached: Path
) -> None:
    """The cache of `datasets` goes by the folder's name and its card: this one has as many images and classes."""
    rows = [runs.made(tmp_path / "made", job) for job in runs.jobs(library / "photos", r=0.5)]
    runs.write(tmp_path / "made", rows, library / "photos")
    found = []
    for run in (library / "made", tmp_path / "made"):
        api.export(run, tmp_path / run.parent.name / "set", format=form)
        read = loaded(tmp_path / run.parent.name / "set")
        found.append({row["json"]["id"] if form == "webdataset" else row["id"] for row in read})
    assert len(found[0]) == len(found[1]) == 18
    assert len(found[0] & found[1]) == 3  # those without a photo have r = 1 in both


def test_all_forms_have_the_same_columns(sets: Path, cached: Path) -> None:
    folder, shards, parquet = (loaded(sets / form) for form in FORMS)
    names = [name for name in folder.features if name != "image"]
    assert "target_probability" in names
    assert "verdict" not in names  # which no judgement here has
    for plain, sharded, viewed in zip(folder, shards, parquet, strict=True):
        assert {name: plain[name] for name in names} == {name: viewed[name] for name in names}
        assert {**sharded["json"], "label": sharded["cls"]} == {name: plain[name] for name in names}


@UNCLOSED
def test_webdataset_reads_the_shards(sets: Path, library: Path, expected: dict[str, tuple[str, bytes]]) -> None:
    import webdataset

    url = str(sets / "webdataset/data/train-{00000..00000}-of-00001.tar")
    read = webdataset.WebDataset(url, shardshuffle=False).decode("pil")
    samples = {sample["__key__"]: sample for sample in read}
    assert samples.keys() == expected.keys()
    for key, sample in samples.items():
        assert CLASSES[sample["cls"]] == expected[key][0] == sample["json"]["label"]
        assert ("source.jpg" in sample) == (sample["json"]["source_path"] is not None)
        if "source.jpg" in sample:
            assert sample["source.jpg"].size == sample["jpg"].size == (48, 48)
    pairs = webdataset.WebDataset(url, shardshuffle=False).decode("pil").to_tuple("jpg;png", "cls")
    assert sum(1 for _ in pairs) == len(expected)


def test_the_shards_are_what_webdatasets_own_writer_writes(sets: Path) -> None:
    from webdataset import TarWriter

    [path] = (sets / "webdataset/data").iterdir()
    again = io.BytesIO()
    with tarfile.open(path) as archive, TarWriter(again, encoder=False, user="", group="", mtime=0) as writer:
        sample: dict[str, Any] = {}
        for member in archive:
            key, _, extension = member.name.partition(".")
            if sample.get("__key__", key) != key:
                writer.write(sample)
                sample = {}
            file = archive.extractfile(member)
            assert file is not None
            sample |= {"__key__": key, extension: file.read()}
        writer.write(sample)
    assert path.read_bytes() == again.getvalue()


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (61, 97), (48, 48), (20, 31)])
def test_a_source_is_as_the_model_saw_it(size: tuple[int, int]) -> None:
    """As `Snapshot.resize_and_crop` does it, by torchvision."""
    from torchvision.transforms.v2 import functional as transform

    image = Image.fromarray(runs.pixels(3, *size))
    seen = transform.center_crop(transform.resize(image, [48]), [48])
    assert as_seen(image, (48, 48)).tobytes() == seen.tobytes()


def test_sources_that_are_not_kept_in_memory_are_the_same(sets: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genie_cli.export.web_dataset._KEPT", 0)
        api.export(sets / "made", tmp_path / "set", format="webdataset", with_=sets / "photos")
    assert tree(tmp_path / "set") == tree(sets / "webdataset")


def test_files_of_the_folder_are_hard_links(sets: Path, library: Path) -> None:
    with manifest.opened(library / "made") as document:
        row = next(document.rows())
    folder = sets / "imagefolder/train" / folder_of(row.job.target)
    assert (folder / f"{row.job.id}.jpg").samefile(library / "made" / row.file)


def test_an_image_still_says_how_it_was_made(sets: Path) -> None:
    from genie_cli import provenance

    for path in (sets / "imagefolder/train").rglob("*.jpg"):
        rows = [json.loads(line) for line in (sets / "imagefolder/train/metadata.jsonl").read_text().splitlines()]
        [row] = [row for row in rows if row["id"] == path.stem]
        if row["synthetic"]:
            assert provenance.read(path).job.id == path.stem


def test_the_order_is_shuffled(sets: Path) -> None:
    rows = [json.loads(line) for line in (sets / "imagefolder/train/metadata.jsonl").read_text().splitlines()]
    order = [row["label"] for row in rows]
    assert order != sorted(order)
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


def test_fiftyone_reads_the_folder(sets: Path, expected: dict[str, tuple[str, bytes]]) -> None:
    reason = "fiftyone is not among the packages for tests: it brings a database server, and pins others"
    fiftyone = pytest.importorskip("fiftyone", reason=reason)
    kind = fiftyone.types.ImageClassificationDirectoryTree
    found: Sequence[Any] = fiftyone.Dataset.from_dir(str(sets / "imagefolder/train"), dataset_type=kind)
    assert sorted(unquote(sample.ground_truth.label) for sample in found) == labels(expected)


def test_a_notebook_gets_what_the_command_gets(sets: Path, library: Path, genie: Any, tmp_path: Path) -> None:
    from tests.conftest import tree

    result = genie("export", library / "made", "--with", library / "photos", "--out", "set")
    assert result.exit_code == 0
    assert tree(tmp_path / "set") == tree(sets / "imagefolder")
    exported = api.export(library / "made", tmp_path / "set", with_=library / "photos")
    assert repr(exported) == f"<Exported: 18 generated images and 6 photos; {tmp_path / 'set'}>"
