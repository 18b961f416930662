"""Small trees in the exact formats in which the data sets are published, and what tests ask of all readers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from genie_cli.data import cub, fgvc_aircraft, food101, stanford_cars, train_test_folder
from genie_cli.data.published import Published
from genie_cli.errors import FolderError
from genie_cli.jobs import Source

Images = Sequence[tuple[str, str]]  # as a list has them, and class


def put(root: Path, *paths: str) -> None:
    """Write files, each with its own path as content."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)


def put_pictures(root: Path, paths: Iterable[str]) -> None:
    """Tiny JPEGs, no two alike."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        seed = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big")
        pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file, "JPEG")


def write(file: Path, lines: Sequence[str], end: str = "\n") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(line + end for line in lines), newline="")


def found(sources: Sequence[Source]) -> list[tuple[str, str]]:
    return [(source.path, source.label) for source in sources]


def failure(dataset: ModuleType, root: Path, *arguments: Any, **options: Any) -> tuple[str, str]:
    """The message and hint of reading a data set; whatever is wrong, the hint says where to get the data set."""
    with pytest.raises(FolderError) as caught:
        dataset.read(root, *arguments, **options)
    assert caught.value.hint.endswith(dataset.HOW_TO_GET) or not root.exists()
    return str(caught.value), caught.value.hint


# mini- and tiered-ImageNet


FINCH, ROBIN, CRANE = "n01532829", "n01558993", "n02012849"


SUPERCLASS = "n00020090"


def ravi_name(wnid: str, place: int) -> str:
    return f"{wnid}{place:08d}.jpg"


def put_ravi(root: Path, rows: Sequence[tuple[str, int]], split: str = "test") -> None:
    lines = ["filename,label", *(f"{ravi_name(wnid, place)},{wnid}" for wnid, place in rows)]
    (root / f"{split}.csv").write_text("\n".join(lines) + "\n")


def put_json(root: Path, names: Sequence[str], labels: Sequence[int], file: str = "novel.json") -> None:
    lists = {"label_names": [FINCH, ROBIN, CRANE], "image_names": names, "image_labels": labels}
    (root / file).write_text(json.dumps(lists))


def put_ilsvrc(root: Path, wnid: str, numbers: Sequence[int], place: str = "train") -> None:
    put(root, *(f"{place}/{wnid}/{wnid}_{number}.JPEG".lstrip("/") for number in numbers))


def put_classes(root: Path, wnids: Sequence[str], file: str = "test.csv") -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text("".join(f"{wnid},{SUPERCLASS}\n" for wnid in wnids))


# The fine-grained data sets. Each writes its lists, and its images unless told not to.


BIRDS = ("001.Black_footed_Albatross", "002.Laysan_Albatross", "023.Brandt_Cormorant")


CUB_TRAIN = [(f"{BIRDS[0]}/Black_Footed_Albatross_0009_34.jpg", BIRDS[0]), (f"{BIRDS[1]}/a_0001.jpg", BIRDS[1])]


CUB_TEST = [
    (f"{BIRDS[0]}/Black_Footed_Albatross_0046_18.jpg", BIRDS[0]),
    (f"{BIRDS[0]}/Black_Footed_Albatross_0002_55.jpg", BIRDS[0]),
    (f"{BIRDS[1]}/a_0002.jpg", BIRDS[1]),
]


def put_cub(
    root: Path, train: Images = CUB_TRAIN, test: Images = CUB_TEST, names: Sequence[str] = BIRDS, images: bool = True
) -> None:
    rows = list(enumerate(sorted([(*image, 1) for image in train] + [(*image, 0) for image in test]), start=1))
    write(root / "classes.txt", [f"{number} {name}" for number, name in enumerate(names, start=1)])
    write(root / "images.txt", [f"{number} {path}" for number, (path, _, _) in rows])
    write(root / "image_class_labels.txt", [f"{number} {names.index(label) + 1}" for number, (_, label, _) in rows])
    write(root / "train_test_split.txt", [f"{number} {side}" for number, (_, _, side) in rows])
    put(root, *(f"images/{path}" for path, _ in (*train, *test) if images))


CARS = ("AM General Hummer SUV 2000", "BMW M3 Coupe 2012", "Ram C/V Cargo Van Minivan 2012")


CARS_TRAIN = [("00001.jpg", CARS[2]), ("00002.jpg", CARS[0]), ("00003.jpg", CARS[1]), ("00004.jpg", CARS[0])]


CARS_TEST = [("00001.jpg", CARS[1]), ("00002.jpg", CARS[2]), ("00003.jpg", CARS[0])]


def put_annotations(file: Path, images: Images, names: Sequence[str]) -> None:
    """Stanford's structure: 1 x N records of boxes, a class from 1 in 8 bits, and a file name."""
    fields = [(name, "O") for name in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")]
    records = np.empty((1, len(images)), dtype=fields)
    for place, (fname, label) in enumerate(images):
        number = np.uint8(names.index(label) + 1)
        records[0, place] = (np.uint16(39), np.uint16(116), np.uint16(569), np.uint16(375), number, fname)
    file.parent.mkdir(parents=True, exist_ok=True)
    savemat(file, {"annotations": records})


def put_cars(
    root: Path,
    train: Images = CARS_TRAIN,
    test: Images = CARS_TEST,
    names: Sequence[str] = CARS,
    images: bool = True,
    labelled: str = "cars_test_annos_withlabels.mat",
) -> None:
    put_annotations(root / "devkit/cars_train_annos.mat", train, names)
    put_annotations(root / labelled, test, names)
    savemat(root / "devkit/cars_meta.mat", {"class_names": np.array([names], dtype=object)})
    for folder, split in (("cars_train", train), ("cars_test", test)):
        (root / folder).mkdir(exist_ok=True)
        put(root, *(f"{folder}/{fname}" for fname, _ in split if images))


FOOD_TRAIN = [(f"{name}/{number}", name) for name in ("apple_pie", "waffles") for number in (1005649, 134, 99)]


FOOD_TEST = [("apple_pie/1011328", "apple_pie"), ("waffles/7", "waffles")]


def put_food(
    root: Path, train: Images = FOOD_TRAIN, test: Images = FOOD_TEST, suffix: str = "json", images: bool = True
) -> None:
    for split, listed in (("train", train), ("test", test)):
        names = dict.fromkeys(name for _, name in listed)
        write(root / f"meta/{split}.txt", [path for path, _ in listed])
        if suffix == "json":
            entries: dict[str, list[str]] = {name: [] for name in names}
            for path, name in listed:
                entries[name].append(path)
            (root / f"meta/{split}.json").write_text(json.dumps(entries))
    write(root / "meta/classes.txt", list(names))
    write(root / "meta/labels.txt", [name.replace("_", " ").capitalize() for name in names])
    (root / "images").mkdir(exist_ok=True)
    put(root, *(f"images/{path}.jpg" for path, _ in (*train, *test) if images))


MAKERS = ("ATR", "Boeing", "Douglas Aircraft Company", "de Havilland")


AIRCRAFT_TRAIN = [("1025794", "Boeing"), ("0056978", "Boeing"), ("0034309", "de Havilland"), ("1", MAKERS[2])]


AIRCRAFT_TEST = [("0062765", "Boeing"), ("2", "de Havilland"), ("0501291", MAKERS[2])]


def put_aircraft(
    root: Path,
    train: Images = AIRCRAFT_TRAIN,
    test: Images = AIRCRAFT_TEST,
    names: Sequence[str] = MAKERS,
    images: bool = True,
) -> None:
    write(root / "manufacturers.txt", names)
    write(root / "images_manufacturer_trainval.txt", [f"{number} {name}" for number, name in train])
    write(root / "images_manufacturer_test.txt", [f"{number} {name}" for number, name in test])
    put(root, *(f"images/{number}.jpg" for number, _ in (*train, *test) if images))


MODULES: Mapping[str, ModuleType] = {
    "cub": cub,
    "cars": stanford_cars,
    "food": food101,
    "aircraft": fgvc_aircraft,
    "folder": train_test_folder,
}

PUBLISHED: Mapping[str, Published] = {
    "cub": cub.CUB,
    "cars": stanford_cars.STANFORD_CARS,
    "food": food101.FOOD101,
    "aircraft": fgvc_aircraft.FGVC_AIRCRAFT,
    "folder": train_test_folder.TRAIN_TEST_FOLDER,
}

PUT: Mapping[str, tuple[Callable[..., None], str]] = {
    "cub": (put_cub, "CUB_200_2011"),
    "cars": (put_cars, "stanford_cars"),
    "food": (put_food, "food-101"),
    "aircraft": (put_aircraft, "fgvc-aircraft-2013b/data"),
}


def many(total: int, names: Sequence[str], path: str) -> list[tuple[str, str]]:
    """Images of all classes in turn."""
    return [(path.format(name=names[n % len(names)], n=n), names[n % len(names)]) for n in range(total)]


def put_published(dataset: str, root: Path, images: bool) -> None:
    train, test = PUBLISHED[dataset].sizes["train"], PUBLISHED[dataset].sizes["test"]
    names = [f"{number:03d}.Bird_{number}" if dataset == "cub" else f"kind{number}" for number in range(train.classes)]
    path = {"cub": "{name}/{n}", "cars": "{n:05d}.jpg", "food": "{name}/{n}", "aircraft": "{n:07d}"}[dataset]
    tests = many(test.images, names, path.replace("{n:", "9{n:").replace("{n}", "9{n}"))
    known = {} if dataset == "food" else {"names": names}
    PUT[dataset][0](root, many(train.images, names, path), tests, images=images, **known)
