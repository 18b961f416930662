"""Digits in the wild: deterministic, balanced, readable, and no split sees what another has."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.data.digits import paint
from genie_cli.data.digits.paint import CLASSES, IMAGE_SIZE, DigitsInTheWild, Split, scans_of
from tests.conftest import tree

SPLITS: tuple[Split, ...] = ("train", "val", "test")
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.mark.parametrize("split", SPLITS)
def test_a_sample_is_a_function_of_split_seed_and_index(split: Split) -> None:
    first, again = DigitsInTheWild(split)[7], DigitsInTheWild(split)[7]
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, DigitsInTheWild(split, seed=1)[7].image)
    assert not np.array_equal(first.image, DigitsInTheWild(split)[17].image)


def test_classes_take_turns() -> None:
    assert [DigitsInTheWild()[i].label for i in range(20)] == [*range(10), *range(10)]
    assert len(CLASSES) == 10


def test_an_index_below_zero_is_refused() -> None:
    with pytest.raises(IndexError):
        DigitsInTheWild()[-1]


def test_no_scan_is_in_two_splits_and_none_is_left_out() -> None:
    seen = [{(label, scan.tobytes()) for label, scans in enumerate(scans_of(s)) for scan in scans} for s in SPLITS]
    assert all(not (one & other) for one, other in combinations(seen, 2))
    assert sum(len(scans) for split in SPLITS for scans in scans_of(split)) == 1797


@pytest.mark.parametrize("split", SPLITS)
def test_patches_stay_in_the_splits_own_strips(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs whose every pixel tells its column show where a patch was taken from."""
    columns = np.broadcast_to(np.arange(640) % 107 * 2, (427, 640))
    strip = np.broadcast_to(np.arange(640) // 106, (427, 640))
    marked = np.stack([columns, strip * 40, strip * 40], axis=-1).astype(np.uint8)
    monkeypatch.setattr(paint, "_photographs", lambda: (marked, marked))
    rng = np.random.default_rng(0)
    for photograph in (0, 1):
        for _ in range(50):
            patch = paint._patch(rng, split, photograph)
            found = np.unique((patch[..., 1] * 255 / 40).round())
            assert set(found) <= set(paint._STRIPS[split])
            assert len(found) == 1


def test_strips_are_disjoint() -> None:
    strips = [set(paint._STRIPS[split]) for split in SPLITS]
    assert set.union(*strips) == set(range(6))
    assert sum(map(len, strips)) == 6


@given(st.sampled_from(SPLITS), st.integers(0, 10_000), st.integers(0, 3))
def test_ink_stands_out_from_every_pixel_behind_it(split: Split, index: int, seed: int) -> None:
    sample = DigitsInTheWild(split, seed)[index]
    luma = sample.image / 255 @ LUMA
    ink, background = luma[sample.mask == 1], luma[sample.mask == 0]
    assert len(ink) > 20
    rounding = 0.01
    gap = min(abs(ink.min() - background.max()), abs(background.min() - ink.max()))
    assert gap >= 0.3 - rounding
    assert (ink.min() > background.max()) or (ink.max() < background.min())


@given(st.integers(0, 10_000))
def test_the_digit_is_inside_the_picture(index: int) -> None:
    mask = DigitsInTheWild("train")[index].mask
    assert mask.shape == (IMAGE_SIZE, IMAGE_SIZE)
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert border.mean() < 0.125  # a single one of the first ten thousand, number 3051, has more than a tenth


def test_with_luma_reaches_the_luma_and_keeps_grey_grey() -> None:
    colors = np.random.default_rng(0).random((100, 3))
    for luma in (0.1, 0.5, 0.9):
        assert np.allclose(paint.with_luma(colors, luma) @ LUMA, luma)
    assert np.allclose(paint.with_luma(np.full(3, 0.3), 0.8), 0.8)
    assert np.allclose(paint.with_luma(np.zeros(3), 0.4), 0.4)


def test_save_writes_an_image_folder(tmp_path: Path) -> None:
    DigitsInTheWild("val").save(tmp_path / "one", per_class=2)
    DigitsInTheWild("val").save(tmp_path / "two", per_class=2)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(CLASSES)
    assert len(list((tmp_path / "one").rglob("*.png"))) == 20
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
