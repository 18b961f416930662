"""The digits' pools: support and query share no scan, and only the support is tied."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from genie_cli.data import digits
from genie_cli.data.digits import CLASSES, DigitsInTheWild, Split, Spurious, scans_of
from genie_cli.data.digits_pool import QUERY, SUPPORT, paint
from tests.conftest import tree

PAINTED = ("six", "nine")
NOVEL = range(5, 10)
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "data"


def indices(root: Path, role: str, label: str) -> list[int]:
    """Which samples a class's files are."""
    return sorted(int(path.stem.rpartition("-")[2]) for path in (root / role / label).iterdir())


def test_every_class_has_20_images_for_support_and_200_for_query(cache: Path) -> None:
    root = paint(cache, PAINTED)
    for role, count in ((SUPPORT, 20), (QUERY, 200)):
        assert sorted(path.name for path in (root / role).iterdir()) == sorted(PAINTED)
        assert [len(indices(root, role, label)) for label in PAINTED] == [count, count]
    assert sorted(path.name for path in root.iterdir()) == [QUERY, SUPPORT]


@pytest.mark.parametrize("label", PAINTED)
def test_support_and_query_share_no_scan_and_use_them_all(cache: Path, label: str) -> None:
    root, number = paint(cache, PAINTED), CLASSES.index(label)
    scans = scans_of("test")[number]
    used = []
    for role in (SUPPORT, QUERY):
        own = indices(root, role, label)
        assert {index % len(CLASSES) for index in own} == {number}
        used.append({index // len(CLASSES) % len(scans) for index in own})
    assert not used[0] & used[1]
    assert used[0] | used[1] == set(range(len(scans)))
    assert not {scans[i].tobytes() for i in used[0]} & {scans[i].tobytes() for i in used[1]}


def test_a_file_is_the_sample_it_is_named_after(cache: Path) -> None:
    for path in sorted((paint(cache, PAINTED) / SUPPORT).rglob("*.png"))[::7]:
        sample = DigitsInTheWild("test")[int(path.stem.rpartition("-")[2])]
        assert CLASSES[sample.label] == path.parent.name
        assert np.array_equal(np.asarray(Image.open(path)), sample.image)


def test_painted_twice_is_the_same_bytes(cache: Path, tmp_path: Path) -> None:
    assert tree(paint(cache, PAINTED)) == tree(paint(tmp_path / "again", PAINTED))


def test_what_is_there_is_not_painted_again_and_other_classes_lie_elsewhere(tmp_path: Path) -> None:
    root = paint(tmp_path, ("one",), "val")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert paint(tmp_path, ("one",), "val") == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    other = paint(tmp_path, ("two",), "val")
    assert [path.name for path in (other / SUPPORT).iterdir()] == ["two"]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        paint(tmp_path, ("one", "eleven"), "val")  # there is no such digit, which shows when the first is painted
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        paint(tmp_path / "file" / "cache", ("one",), "val")


def ink(path: Path) -> float:
    """The hue of a file's full ink, 0..1; where the ink is, the sample knows."""
    sample = DigitsInTheWild("test")[int(path.stem.rpartition("-")[2])]
    pixels = np.asarray(Image.open(path))[sample.mask == 1]
    return colorsys.rgb_to_hsv(*(np.median(pixels, axis=0) / 255))[0]


def apart(one: float, other: float) -> float:
    """Between two hues, round the circle."""
    return abs((one - other + 0.5) % 1 - 0.5)


def test_tied_ink_has_one_hue_a_class_in_the_support_alone(cache: Path) -> None:
    root = paint(cache, PAINTED, spurious="ink")
    middles = []
    for label in PAINTED:
        support = [ink(path) for path in sorted((root / SUPPORT / label).iterdir())]
        query = [ink(path) for path in sorted((root / QUERY / label).iterdir())[:40]]
        assert max(apart(hue, support[0]) for hue in support) < 0.05
        assert max(apart(hue, support[0]) for hue in query) > 0.3
        middles.append(support[0])
    assert apart(*middles) > 0.15


@pytest.mark.parametrize("tied", get_args(Spurious))
def test_the_query_pool_is_never_tied(cache: Path, spurious: Spurious) -> None:
    plain, other = tree(paint(cache, PAINTED)), tree(paint(cache, PAINTED, spurious=spurious))
    assert plain.keys() == other.keys()
    for path, digest in plain.items():
        changed = path.startswith(SUPPORT) and path.endswith(".png")
        assert (other[path] != digest) == changed


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs in which every region, half a strip, has a hue of its own, 1/24 apart."""

    def photograph(number: int) -> NDArray[np.uint8]:
        rows, columns = np.mgrid[:427, :640]
        region = number * 12 + np.minimum(columns // 106, 5) * 2 + (rows < 427 // 2)
        colours = [colorsys.hsv_to_rgb(place / 24, 1, 1) for place in range(24)]
        return (np.array(colours)[region] * 255).astype(np.uint8)

    both = photograph(0), photograph(1)
    monkeypatch.setattr(digits, "_photographs", lambda: both)


def regions(label: int, spurious: Spurious | None) -> set[int]:
    """Which regions are behind the first 40 digits of a class."""
    found = set()
    for turn in range(40):
        sample = DigitsInTheWild("test", spurious=spurious)[turn * 10 + label]
        behind = np.unique(sample.image[sample.mask == 0], axis=0) / 255
        found |= {round(colorsys.rgb_to_hsv(*colour)[0] * 24) % 24 for colour in behind}
    return found


@pytest.mark.usefixtures("marked")
def test_a_tied_background_is_one_region_and_the_novel_classes_have_different_ones() -> None:
    spurious = [regions(label, "background") for label in NOVEL]
    assert [len(found) for found in spurious] == [1] * 5
    assert len(set.union(*spurious)) == 5
    free = [regions(label, None) for label in NOVEL]
    assert min(len(found) for found in free) > 4
    for one, other in zip(spurious, free, strict=True):
        assert one <= other  # held-out strips, like all of the split's


@given(st.sampled_from(get_args(Split)), st.sampled_from(get_args(Spurious)), st.integers(0, 10_000), st.integers(0, 3))
def test_tied_ink_stands_out_from_every_pixel_behind_it(
    split: Split, spurious: Spurious, index: int, seed: int
) -> None:
    sample = DigitsInTheWild(split, seed, spurious)[index]
    luma = sample.image / 255 @ LUMA
    full, behind = luma[sample.mask == 1], luma[sample.mask == 0]
    gap = max(full.min() - behind.max(), behind.min() - full.max())
    assert gap >= 0.3 - 0.01


@pytest.mark.parametrize("tied", get_args(Spurious))
@given(index=st.integers(0, 10_000))
def test_a_tie_changes_neither_the_digit_nor_its_place(spurious: Spurious, index: int) -> None:
    plain, other = DigitsInTheWild("test")[index], DigitsInTheWild("test", spurious=spurious)[index]
    assert plain.label == other.label
    assert np.array_equal(plain.mask, other.mask)
