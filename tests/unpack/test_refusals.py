"""What cannot be unpacked is said with what was found, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genie_cli import api
from genie_cli.errors import UsageError
from tests.conftest import Genie
from tests.unpack import packs
from tests.unpack.packs import OF


def npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "keys": (
        lambda root: packs.dumped(root / "a.pkl", {"data": packs.pixels(), "kind": 3}),
        r"none of the keys of labels that are known \(labels, .*\); it has 'data', 'kind'",
    ),
    "no images": (
        lambda root: npz(root / "a.npz", train_images=packs.pixels(), train_labels=OF),
        r"has no images under a key that is known .*; it has 'train_images', 'train_labels'",
    ),
    "a list": (lambda root: packs.dumped(root / "a.pkl", list(packs.pixels())), "none of the keys .* it has nothing"),
    "too few labels": (
        lambda root: npz(root / "a.npz", images=packs.pixels(), labels=OF[:5]),
        "has 7 images and 5 labels",
    ),
    "no label": (lambda root: npz(root / "a.npz", images=packs.pixels(2), labels=[0, -1]), "label -1, .* none"),
    "no such position": (
        lambda root: packs.dumped(root / "a.pkl", {"image_data": packs.pixels(2), "class_dict": {"a": [0, 2]}}),
        "names image 2, and there are 2",
    ),
    "twice": (
        lambda root: packs.dumped(root / "a.pkl", {"image_data": packs.pixels(1), "class_dict": {"a": [0], "b": [0]}}),
        "has image 0 in two classes",
    ),
    "no class": (
        lambda root: packs.dumped(root / "a.pkl", {"image_data": packs.pixels(2), "class_dict": {"a": [0]}}),
        "has image 1 in no class",
    ),
    "records": (
        lambda root: npz(root / "a.npz", images=np.zeros((2, 8, 8, 3), [("r", "u1")]), labels=OF[:2]),
        r"an array of \[\('r', 'u1'\)\] in the shape",
    ),
    "another order": (
        lambda root: npz(root / "a.npz", images=np.asfortranarray(packs.pixels()), labels=OF),
        r"images of uint8 in the shape \(7, 8, 8, 3\), which are not read",
    ),
    "numbers for images": (
        lambda root: npz(root / "a.npz", images=OF, labels=OF),
        r"images of int64 in the shape \(7,\), which are not read",
    ),
    "tar": (
        lambda root: packs.tar(root / "a.tar", {"1.jpg": packs.files()[0], "1.json": packs.sample(width=8)}),
        r"neither a \.cls nor a label in its \.json; it has \.jpg, \.json, and in its \.json 'width'",
    ),
    "tar of class folders": (
        lambda root: packs.tar(root / "a.tar", {"cat/1.jpg": packs.files()[0]}),
        r"neither a \.cls nor a label in its \.json; it has \.jpg",
    ),
    "empty tar": (lambda root: packs.tar(root / "a.tar", {"README": b"hello"}), "has no images"),
    "zip": (lambda root: written(root / "a.zip", b"PK\5\6" + bytes(18)), "an archive, but not of arrays"),
    "gzip": (lambda root: written(root / "a.tar.gz", b"\x1f\x8b\x08"), "is compressed by gzip"),
    "page": (lambda root: written(root / "a.pkl", b"<!DOCTYPE html>"), "is a page of the web"),
    "empty": (lambda root: written(root / "a.pkl", b""), "is empty"),
    "nothing there": (lambda root: root / "a.pkl", "No such file"),
    "folder": (lambda root: root, "it is a folder, not a file"),
    "not images": (lambda root: npz(root / "a.npz", images=np.zeros((2, 5)), labels=[0, 1]), "no image could be read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_said(what: str, tmp_path: Path) -> None:
    make, said = REFUSED[what]
    (tmp_path / "files").mkdir()
    with pytest.raises(UsageError, match=said) as caught:
        api.unpack(make(tmp_path / "files"), tmp_path / "out")
    assert caught.value.hint
    assert not list(tmp_path.glob("out/[!.]*"))


def test_a_row_without_bytes(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"image": [{"bytes": None, "path": "a.jpg"}], "label": [0]})
    table = table.cast(
        pa.schema([("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", "i8")])
    )
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="row 0 has no bytes of an image"):
        api.unpack(tmp_path / "a.parquet", tmp_path / "out")


@pytest.mark.parametrize(("typed", "said"), [("", "the path is empty"), (".", "it is a folder, not a file")])
def test_what_is_no_file(typed: str, said: str, tmp_path: Path, genie: Genie) -> None:
    result = genie("unpack", typed, "--out", "out")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_files_that_are_cut_off(tmp_path: Path) -> None:
    members = {f"{number}.{end}": data for number in (1, 2) for end, data in (("cls", b"cat"), ("jpg", b"x" * 900))}
    whole = packs.tar(tmp_path / "whole.tar", members).read_bytes()
    for end in (512, 700, 1024, 1536, 2048, 2560, 3072, 4096, 5000, 5120):
        (tmp_path / f"{end}.tar").write_bytes(whole[:end])
        with pytest.raises(UsageError) as caught:
            api.unpack(tmp_path / f"{end}.tar", tmp_path / f"of {end}")
        assert "cut off" in str(caught.value) or "unexpected end of data" in str(caught.value), end
    content = packs.dumped(tmp_path / "a", {"data": packs.pixels(), "labels": list(OF)}).read_bytes()
    for end in (10, 200, len(content) - 1):
        (tmp_path / "a.pkl").write_bytes(content[:end])
        with pytest.raises(UsageError, match=r"cut off|pickle exhausted"):
            api.unpack(tmp_path / "a.pkl", tmp_path / "out")


def test_what_is_no_picture_is_left_out_and_said(tmp_path: Path, genie: Genie) -> None:
    members = {
        "1.jpg": b"hello",
        "1.cls": b"cat",
        "2.jpg": packs.files()[0],
        "2.cls": b"cat",
        "3.jpg": b"",
        "3.cls": b"d",
    }
    packs.tar(tmp_path / "a.tar", members)
    result = genie("unpack", "a.tar", "--out", "out")
    assert result.exit_code == 0
    assert "1 image of 1 class: out" in result.stderr
    assert "a.tar, 1: is not an image that genie reads" in result.stderr
    assert [path.name for path in (tmp_path / "out").glob("[!.]*/*")] == ["00000001.jpg"]


def test_numbers_without_names_are_said(tmp_path: Path, genie: Genie) -> None:
    npz(tmp_path / "a.npz", images=packs.pixels(), labels=OF)
    result = genie("unpack", "a.npz", "--out", "out")
    assert result.exit_code == 0
    assert "the classes are numbers" in result.stderr
    assert "--class-names FILE" in result.stderr


def test_the_refusal_of_a_cache_names_the_command_that_reads_it(tmp_path: Path) -> None:
    import shlex

    from genie_cli.data import catalog
    from genie_cli.errors import FolderError

    root = tmp_path / "mini imagenet"
    root.mkdir()
    packs.dumped(root / "mini-imagenet-cache-train.pkl", {})
    content = {"image_data": packs.pixels(), "class_dict": packs.class_dict()}
    packs.dumped(root / "mini-imagenet-cache-test.pkl", content)
    with pytest.raises(FolderError) as caught:
        catalog.load("fewshot", "mini", str(root))
    words = shlex.split(caught.value.hints[0].partition(": ")[2])
    assert words[:2] == ["genie", "unpack"]
    api.unpack(words[2], words[4])
    with pytest.raises(FolderError, match="20"):  # it is found, and is not all of the data set
        catalog.load("fewshot", "mini", str(root))
