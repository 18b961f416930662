"""What is in a packed file comes out: each class's images, in order, with their pixels or bytes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genie_cli import api
from genie_cli.data.folder import list_sources
from genie_cli.errors import UsageError
from tests.unpack import packs
from tests.unpack.packs import LABELS, OF

FOLDERS = ("n01532829", "bullet train", "Ram C%2FV")
NUMBERS = ("0", "1", "2")
BY_NAME = {name: number for number, name in enumerate(LABELS)}


def cache() -> dict[str, Any]:
    return {"image_data": packs.pixels(), "class_dict": packs.class_dict()}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_mini_imagenets_cache_in_every_protocol(protocol: int, tmp_path: Path) -> None:
    file = packs.dumped(tmp_path / "mini-imagenet-cache-train.pkl", cache(), protocol)
    made = api.unpack(file, tmp_path / "out")
    assert repr(made) == f"<Unpacked: 7 images of 3 classes; {tmp_path / 'out'}>"
    packs.require_pixels(tmp_path / "out", packs.pixels(), FOLDERS)
    assert made.images == {"n01532829": 3, "bullet train": 2, "Ram C/V": 2}
    assert made.left_out == ()


def test_a_cache_that_python_2_wrote(tmp_path: Path) -> None:
    classes = b"".join(
        packs.python_2_text(name) + b"(" + b"".join(b"K" + bytes([place]) for place in places) + b"l"
        for name, places in packs.class_dict().items()
    )
    content = packs.python_2_text("image_data") + packs.python_2(packs.pixels())
    content += packs.python_2_text("class_dict") + b"}(" + classes + b"u"
    (tmp_path / "cache.pkl").write_bytes(b"\x80\x02}(" + content + b"u.")
    api.unpack(tmp_path / "cache.pkl", tmp_path / "out")
    packs.require_pixels(tmp_path / "out", packs.pixels(), FOLDERS)


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, NUMBERS),
        ({"catname2label": BY_NAME}, FOLDERS),
        ({"label2catname": list(LABELS)}, FOLDERS),
        ({"label2catname": dict(enumerate(LABELS))}, FOLDERS),
    ],
)
@pytest.mark.parametrize("labels", [list(OF), np.array(OF), [np.int64(label) for label in OF]], ids=type)
def test_data_and_labels(more: dict[str, Any], names: tuple[str, ...], labels: Any, tmp_path: Path) -> None:
    content = {"data": packs.pixels(), "labels": labels, **more}
    api.unpack(packs.dumped(tmp_path / "miniImageNet_category_split_val.pickle", content, 2), tmp_path / "out")
    packs.require_pixels(tmp_path / "out", packs.pixels(), names)


@pytest.mark.parametrize("labels", [[LABELS[of] for of in OF], np.array([LABELS[of] for of in OF])], ids=type)
def test_labels_that_are_texts_and_images_in_a_list(labels: Any, tmp_path: Path) -> None:
    content = {"images": list(packs.pixels()), "labels": labels}
    api.unpack(packs.dumped(tmp_path / "train.pkl", content), tmp_path / "out")
    packs.require_pixels(tmp_path / "out", packs.pixels(), FOLDERS)


def test_the_images_of_each_class_under_its_name(tmp_path: Path) -> None:
    images = packs.pixels()
    content = {name: images[places] for name, places in packs.class_dict().items()}
    api.unpack(packs.dumped(tmp_path / "mini_imagenet_train.pickle", content), tmp_path / "out")
    assert {name: len(found) for name, found in packs.unpacked(tmp_path / "out").items()} == dict(
        zip(FOLDERS, (3, 2, 2), strict=True)
    )
    in_turn = dict(enumerate(np.concatenate(list(content.values()))))
    for found in packs.unpacked(tmp_path / "out").values():
        for number, path in found:
            assert np.array_equal(np.asarray(Image.open(path)), in_turn[number])


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)], ids=["flat", "a column, as older OpenCV returns it"])
@pytest.mark.parametrize("with_labels", [False, True])
def test_tiered_imagenets_png_files(shape: tuple[int, ...], with_labels: bool, tmp_path: Path) -> None:
    images = [packs.encoded(image, "PNG") for image in packs.pixels()]
    arrays = [np.frombuffer(data, np.uint8).reshape(shape) for data in images]
    labels = {"label_specific": np.array(OF), "label_specific_str": list(LABELS), "label_general": np.zeros(7, int)}
    file = packs.dumped(tmp_path / "train_images_png.pkl", arrays)
    beside = packs.dumped(tmp_path / "train_labels.pkl", {**labels, "label_general_str": ["bird"]})
    api.unpack([file, beside] if with_labels else [file], tmp_path / "out")
    packs.require_bytes(tmp_path / "out", images, FOLDERS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: Any, tmp_path: Path) -> None:
    save(tmp_path / "train.npz", images=packs.pixels(), labels=np.array(OF)[:, None])
    save(tmp_path / "names.npz", images=packs.pixels(), labels=[LABELS[of] for of in OF])
    save(tmp_path / "objects.npz", images=packs.pixels(), labels=np.array([LABELS[of] for of in OF], object))
    for name, folders in (("train", NUMBERS), ("names", FOLDERS), ("objects", FOLDERS)):
        api.unpack(tmp_path / f"{name}.npz", tmp_path / name)
        packs.require_pixels(tmp_path / name, packs.pixels(), folders)


@pytest.mark.parametrize(("images", "labels"), [("train_images", "train_labels"), ("x_train", "y_train")])
def test_one_of_several_sets_in_a_file(images: str, labels: str, tmp_path: Path) -> None:
    other = {name.replace("train", "test"): np.zeros((2, 2, 2)) for name in (images, labels)}
    np.savez(tmp_path / "all.npz", **{images: packs.pixels(), labels: OF, **other})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no images under a key") as caught:
        api.unpack(tmp_path / "all.npz", tmp_path / "out")
    assert "--label KEY" in caught.value.hint
    api.unpack(tmp_path / "all.npz", tmp_path / "out", label=labels)
    packs.require_pixels(tmp_path / "out", packs.pixels(), NUMBERS)


def test_tiered_imagenets_npz_with_its_labels_beside_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "train_images.npz", images=packs.pixels())
    packs.dumped(tmp_path / "train_labels.pkl", {"labels": list(OF)})
    api.unpack(tmp_path / "train_images.npz", tmp_path / "out")
    packs.require_pixels(tmp_path / "out", packs.pixels(), NUMBERS)


def test_parquet_of_the_datasets_library(tmp_path: Path) -> None:
    api.unpack(packs.parquet(tmp_path / "train-00000-of-00001.parquet"), tmp_path / "out")
    packs.require_bytes(tmp_path / "out", packs.files(), FOLDERS)


def test_parquet_with_texts_and_another_column(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array([LABELS[of] for of in OF]).dictionary_encode()
    table = pa.table({"img": [{"bytes": data, "path": None} for data in packs.files()], "dish": names})
    pq.write_table(table, tmp_path / "own.parquet")
    with pytest.raises(UsageError, match=r"it has img \(struct<.*\), dish \(dictionary<") as caught:
        api.unpack(tmp_path / "own.parquet", tmp_path / "out")
    assert "--label COLUMN" in caught.value.hint
    assert not (tmp_path / "out").exists()
    api.unpack(tmp_path / "own.parquet", tmp_path / "out", label="dish")
    packs.require_bytes(tmp_path / "out", packs.files(), FOLDERS)


@pytest.mark.parametrize("kind", ["cls", "json", "number and text"])
def test_web_dataset(kind: str, tmp_path: Path) -> None:
    members = {}
    for number, (data, of) in enumerate(zip(packs.files(), OF, strict=True)):
        key = f"part/{number:04d}"
        members[f"{key}.{('jpg', 'PNG', 'webp')[number % 3]}"] = data
        if kind == "cls":
            members[f"{key}.cls"] = f"{of}\n".encode()
        elif kind == "json":
            members[f"{key}.json"] = packs.sample(of)
        else:
            members |= {f"{key}.cls": b"9", f"{key}.json": packs.sample(LABELS[of]), f"{key}.source.jpg": b"photo"}
    api.unpack(packs.tar(tmp_path / "0000.tar", members), tmp_path / "out")
    packs.require_bytes(tmp_path / "out", packs.files(), FOLDERS if kind == "number and text" else NUMBERS)


def test_several_shards_and_what_other_commands_read(tmp_path: Path) -> None:
    members = [(f"{number}.png", packs.encoded(image, "PNG")) for number, image in enumerate(packs.pixels())]
    for part in (0, 1):
        content: dict[str, bytes] = {}
        for number, (name, data) in list(enumerate(members))[part * 4 : part * 4 + 4]:
            content |= {name: data, f"{number}.cls": LABELS[OF[number]].encode()}
        packs.tar(tmp_path / f"{part}.tar", content)
    api.unpack([tmp_path / "0.tar", tmp_path / "1.tar"], tmp_path / "out")
    packs.require_bytes(tmp_path / "out", [data for _, data in members], FOLDERS)
    sources = list_sources(tmp_path / "out")
    assert sorted({source.label for source in sources}) == sorted(FOLDERS)
    assert len(sources) == len(OF)


def test_pixels_in_other_layouts_are_the_same_image(tmp_path: Path) -> None:
    images = packs.pixels()
    for name, data in (
        ("float", images.astype(np.float32)),
        ("first", images.transpose(0, 3, 1, 2)),
        ("fortran", list(map(np.asfortranarray, images))),
    ):
        api.unpack(packs.dumped(tmp_path / name, {"data": data, "labels": list(OF)}), tmp_path / f"of {name}")
        packs.require_pixels(tmp_path / f"of {name}", images, NUMBERS)


def test_classes_of_one_name_stay_apart(tmp_path: Path) -> None:
    content = {"images": packs.pixels(3), "label_specific": [0, 1, 2], "label_specific_str": ["crane", "owl", "crane"]}
    made = api.unpack(packs.dumped(tmp_path / "a.pkl", content), tmp_path / "out")
    assert made.images == {"crane (0)": 1, "owl": 1, "crane (2)": 1}
