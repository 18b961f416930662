"""Stanford Cars by its MATLAB files and in class folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from genie_cli.data import stanford_cars
from genie_cli.generate.paths import folder_of
from tests.data.trees import CARS, CARS_TEST, CARS_TRAIN, failure, found, put_cars


@pytest.mark.parametrize("place", ["", "car_data", "car_data/car_data"])
def test_cars_in_class_folders_are_the_same_images_in_the_same_order(place: str, tmp_path: Path) -> None:
    put_cars(tmp_path / "lists")
    for split, images in (("train", CARS_TRAIN), ("test", CARS_TEST)):
        for fname, label in images:
            file = tmp_path / "folders" / place / split / label.replace("/", "-") / fname
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"cars_{split}/{fname}")
    listed, folders = (stanford_cars.read(tmp_path / name, partial=True) for name in ("lists", "folders"))
    assert folders.names == listed.names
    assert list(folders.names) == [*CARS]
    for one, other in ((listed.train, folders.train), (listed.test, folders.test)):
        assert [(source.label, source.sha256) for source in one] == [(source.label, source.sha256) for source in other]
    assert folders.layout.startswith("class folders train and test" + (f" in {place};" if place else ";"))
    assert folders.layout.endswith("3 of the published 196 classes, 4 of 8144 training and 3 of 8041 test images")


def test_cars_lists_with_one_image_and_labels_in_the_devkit(tmp_path: Path) -> None:
    put_cars(tmp_path, CARS_TRAIN[:1], CARS_TEST[1:2], CARS, labelled="devkit/cars_test_annos_withlabels.mat")
    images = stanford_cars.read(tmp_path, partial=True)
    assert found(images.train) == [("cars_train/00001.jpg", CARS[2])]
    assert found(images.test) == [("cars_test/00002.jpg", CARS[2])]
    assert folder_of(images.train[0].label) == "Ram C%2FV Cargo Van Minivan 2012"


@pytest.mark.parametrize(
    ("file", "variables", "problem"),
    [
        ("devkit/cars_meta.mat", {"names": [1.0]}, "expected class_names, a list; found "),
        ("devkit/cars_meta.mat", {"class_names": np.eye(2)}, "expected class_names, a name for each class"),
        ("devkit/cars_meta.mat", {"class_names": np.ones(3)}, "expected class_names, a name for each class"),
        ("devkit/cars_meta.mat", {"class_names": np.array([["A", "A"]], object)}, "expected class_names, a name for"),
        ("devkit/cars_meta.mat", {"class_names": np.array([["A", "B"]], object)}, "a class from 1 to 2, found '00001"),
        ("devkit/cars_train_annos.mat", {"annotations": np.ones(3)}, "expected annotations with fname and class"),
        ("devkit/cars_train_annos.mat", {}, "expected annotations, a list; found "),
    ],
)
def test_matlab_files_that_are_wrong(file: str, variables: dict[str, Any], problem: str, tmp_path: Path) -> None:
    put_cars(tmp_path)
    savemat(tmp_path / file, variables)
    message, _ = failure(stanford_cars, tmp_path, partial=True)
    assert problem in message


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0", b"<html>moved</html>" * 20])
def test_files_that_are_not_matlabs(content: bytes, tmp_path: Path) -> None:
    put_cars(tmp_path)
    (tmp_path / "devkit/cars_meta.mat").write_bytes(content)
    message, hint = failure(stanford_cars, tmp_path)
    assert message.startswith(f"{tmp_path / 'devkit/cars_meta.mat'} is not a MATLAB file, or is damaged: its header ")
    assert hint.startswith("copy it again from its source\n")


def test_cars_may_not_leave_their_folder_nor_have_a_class_zero(tmp_path: Path) -> None:
    put_cars(tmp_path, [("../../secret.jpg", CARS[0])], images=False)
    assert "leaves its root" in failure(stanford_cars, tmp_path, partial=True)[0]
    put_cars(tmp_path, CARS_TRAIN, images=False)
    fields = [("class", "O"), ("fname", "O")]
    savemat(tmp_path / "devkit/cars_train_annos.mat", {"annotations": np.array([[(0, "00001.jpg")]], dtype=fields)})
    expected = "expected a file name and a class from 1 to 3, found '00001.jpg' and '0'"
    assert failure(stanford_cars, tmp_path, partial=True)[0].endswith(expected)
