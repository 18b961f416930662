"""ImageNet-LT in the layouts that it is kept in: small trees in those exact formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genie_cli.data import imagenet_lt
from tests.data import trees
from tests.data.trees import put_pictures

TENCH, GOLDFISH, CRANE = "n01440764", "n01443537", "n03126707"  # labels 0, 1 and 517
TRAIN = [(TENCH, 190), (TENCH, 18), (TENCH, 10026), (GOLDFISH, 7), (GOLDFISH, 10007), (CRANE, 5)]
TEST = [(TENCH, 293), (TENCH, 2138), (GOLDFISH, 236), (CRANE, 1)]
LABEL = {TENCH: 0, GOLDFISH: 1, CRANE: 517}
LISTS = ("ImageNet_LT_train.txt", "ImageNet_LT_test.txt")


def training_name(wnid: str, number: int) -> str:
    return f"{wnid}/{wnid}_{number}.JPEG"


def validation_name(wnid: str, number: int, in_folder: bool) -> str:
    return (f"{wnid}/" if in_folder else "") + f"ILSVRC2012_val_{number:08d}.JPEG"


def put_lists(folder: Path, train: Sequence[str], test: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(LISTS, (train, test), strict=True):
        (folder / name).write_text("".join(row + "\n" for row in rows))
    (folder / "ImageNet_LT_val.txt").write_text("train/n01440764/n01440764_1.JPEG 0\n")  # is there, and is not read


def put_imagenet_lt(
    root: Path,
    lists: str = "",
    train_at: str = "train",
    val_at: str = "val",
    listed_in_folders: bool = True,
    lie_in_folders: bool = True,
) -> None:
    """The lists as published, in ``lists``, and the images; those for testing with or without class folders."""
    train_rows = [f"train/{training_name(*image)} {LABEL[image[0]]}" for image in TRAIN]
    test_rows = [f"val/{validation_name(*image, listed_in_folders)} {LABEL[image[0]]}" for image in TEST]
    put_lists(root / lists, train_rows, test_rows)
    put_pictures(root, (f"{train_at}/{training_name(*image)}".lstrip("/") for image in TRAIN))
    put_pictures(root, (f"{val_at}/{validation_name(*image, lie_in_folders)}" for image in TEST))


def failure(root: Path, partial: bool = False, lists: Path | None = None) -> tuple[str, str]:
    return trees.failure(imagenet_lt, root, partial=partial, lists=lists)
