"""Pasted digits: the shape of one image, in the ink and on the background of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genie_cli.backbones.digits import classify
from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.compose import DigitCompositor, ink_mask
from genie_cli.data.digits.few_shot import read
from genie_cli.data.digits.paint import NOVEL_CLASSES, DigitsInTheWild


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read(tmp_path_factory.mktemp("cache"))


def pixels(root: Path, path: str) -> np.ndarray:
    return np.asarray(Image.open(root / path), dtype=float) / 255


def test_pasting_an_image_into_itself_changes_nothing(digits: Dataset) -> None:
    assert digits.compositor
    for source in (digits.train[0], digits.train[-1]):
        assert np.array_equal(
            np.asarray(digits.compositor.paste(source, source)), np.asarray(Image.open(digits.root / source.path))
        )


def test_what_neither_digit_covers_is_the_background_of_the_other_image(digits: Dataset) -> None:
    assert isinstance(digits.compositor, DigitCompositor)
    target, onto = digits.train_by_class["six"][0], digits.train_by_class["nine"][3]
    made = np.asarray(digits.compositor.paste(target, onto), dtype=float) / 255
    masks = [digits.compositor.sample_of(source).mask for source in (target, onto)]
    free = (masks[0] == 0) & (masks[1] == 0)
    assert np.array_equal(made[free], pixels(digits.root, onto.path)[free])
    full = (masks[0] == 1) & (masks[1] == 1)
    assert np.allclose(made[full], pixels(digits.root, onto.path)[full])  # in its ink


def test_the_bundled_oracle_sees_the_target(digits: Dataset) -> None:
    assert digits.compositor
    made, wanted = [], []
    for number, label in enumerate(NOVEL_CLASSES):
        for shift in range(1, 5):
            onto = digits.train_by_class[NOVEL_CLASSES[(number + shift) % 5]][shift]
            source = digits.train_by_class[label][shift]
            real = Image.open(digits.root / source.path)
            made += [digits.compositor.paste(source, onto), digits.compositor.paste_generated(real, onto)]
            wanted += [number + 5] * 2
    views = torch.from_numpy(np.stack([np.asarray(image) for image in made])).permute(0, 3, 1, 2)
    assert (classify(views).argmax(1).numpy() == np.array(wanted)).mean() > 0.9


def test_an_estimated_mask_is_nearly_the_true_one() -> None:
    overlaps = []
    for index in range(100):
        sample = DigitsInTheWild("val")[index]
        found, true = ink_mask(sample.image) > 0.5, sample.mask > 0.5
        overlaps.append((found & true).sum() / (found | true).sum())
    assert np.mean(overlaps) > 0.93
    assert np.median(overlaps) > 0.95


def test_a_generated_image_of_another_size_is_resized(digits: Dataset) -> None:
    assert digits.compositor
    onto = digits.train[0]
    large = Image.open(digits.root / digits.train[30].path).resize((64, 64))
    assert digits.compositor.paste_generated(large, onto).size == (32, 32)
