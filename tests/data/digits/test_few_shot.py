"""The digits for episodes: support and query share no scan, and only support may have a spurious correlation."""

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

from genie_cli.data.digits import paint
from genie_cli.data.digits.few_shot import QUERY, SUPPORT, Pool, read
from genie_cli.data.digits.paint import (
    CLASSES,
    IMAGE_SIZE,
    NOVEL_CLASSES,
    DigitsInTheWild,
    Split,
    Spurious,
    scans_of,
)
from genie_cli.data.folder import scan
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
    root = Pool(PAINTED).paint(cache)
    for role, count in ((SUPPORT, 20), (QUERY, 200)):
        assert sorted(path.name for path in (root / role).iterdir()) == sorted(PAINTED)
        assert [len(indices(root, role, label)) for label in PAINTED] == [count, count]
    assert sorted(path.name for path in root.iterdir() if path.is_dir()) == [QUERY, SUPPORT]


@pytest.mark.parametrize("label", PAINTED)
def test_support_and_query_share_no_scan_and_use_them_all(cache: Path, label: str) -> None:
    root, number = Pool(PAINTED).paint(cache), CLASSES.index(label)
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
    for path in sorted((Pool(PAINTED).paint(cache) / SUPPORT).rglob("*.png"))[::7]:
        sample = DigitsInTheWild("test")[int(path.stem.rpartition("-")[2])]
        assert CLASSES[sample.label] == path.parent.name
        assert np.array_equal(np.asarray(Image.open(path)), sample.image)


def test_painted_twice_is_the_same_bytes(cache: Path, tmp_path: Path) -> None:
    assert tree(Pool(PAINTED).paint(cache)) == tree(Pool(PAINTED).paint(tmp_path / "again"))


def test_what_is_there_is_not_painted_again_and_other_classes_lie_elsewhere(tmp_path: Path) -> None:
    root = Pool(("one",), "val").paint(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert Pool(("one",), "val").paint(tmp_path) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    other = Pool(("two",), "val").paint(tmp_path)
    assert [path.name for path in (other / SUPPORT).iterdir()] == ["two"]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        Pool(("one", "eleven"), "val").paint(tmp_path)  # there is no such digit, which shows when the first is painted
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spurious", [None, "background"])
def test_support_is_the_training_split_and_query_the_test_split(tmp_path: Path, spurious: Spurious | None) -> None:
    found = read(tmp_path, spurious=spurious, superclass="digit")
    assert found.root.parent == tmp_path
    assert found.root.name.endswith("-spurious-background" if spurious else "-nine")
    assert {label: len(sources) for label, sources in found.train_by_class.items()} == dict.fromkeys(
        sorted(NOVEL_CLASSES), 20
    )
    assert {label: len(sources) for label, sources in found.test_by_class.items()} == dict.fromkeys(
        sorted(NOVEL_CLASSES), 200
    )
    assert {source.path.split("/")[0] for source in found.train} == {SUPPORT}
    assert {source.path.split("/")[0] for source in found.test} == {QUERY}
    assert all((found.root / source.path).is_file() for source in (*found.train, *found.test))
    assert (found.superclass, found.image_size) == ("digit", IMAGE_SIZE)


class TestPools:
    def test_each_has_its_own_paint_of_the_same_scans_which_change_places(self, cache: Path) -> None:
        roots = [Pool(PAINTED, number=number).paint(cache) for number in range(3)]
        assert len({tuple(sorted(tree(root).items())) for root in roots}) == 3
        halves = [[{Pool(PAINTED).scan_of(source) for source in scan(root / role).sources} for role in (SUPPORT, QUERY)]
                  for root in roots]  # fmt: skip
        assert halves[0] == halves[2] == halves[1][::-1]

    def test_a_source_says_its_scan_and_is_painted_again(self, tmp_path: Path) -> None:
        found = read(tmp_path, pool=3, spurious="ink")
        assert found.root.name.endswith("-spurious-ink-pool-3")
        support, query = ({found.original_of(source) for source in part} for part in (found.train, found.test))
        assert not support & query
        assert sorted(support | query) == sorted(
            f"{label}-{number}"
            for label in NOVEL_CLASSES
            for number in range(len(scans_of("test")[CLASSES.index(label)]))
        )
        pool = Pool(NOVEL_CLASSES, "test", 3, "ink")
        for source in (found.train[7], found.test[77]):
            assert np.array_equal(np.asarray(Image.open(found.root / source.path)), pool.sample_of(source).image)


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        Pool(("one",), "val").paint(tmp_path / "file" / "cache")


def ink(path: Path) -> float:
    """The hue of a file's full ink, 0..1; where the ink is, the sample knows."""
    sample = DigitsInTheWild("test")[int(path.stem.rpartition("-")[2])]
    pixels = np.asarray(Image.open(path))[sample.mask == 1]
    return colorsys.rgb_to_hsv(*(np.median(pixels, axis=0) / 255))[0]


def apart(one: float, other: float) -> float:
    """Between two hues, round the circle."""
    return abs((one - other + 0.5) % 1 - 0.5)


def test_spurious_ink_has_one_hue_per_class_in_the_support_alone(cache: Path) -> None:
    root = Pool(PAINTED, spurious="ink").paint(cache)
    middles = []
    for label in PAINTED:
        support = [ink(path) for path in sorted((root / SUPPORT / label).iterdir())]
        query = [ink(path) for path in sorted((root / QUERY / label).iterdir())[:40]]
        assert max(apart(hue, support[0]) for hue in support) < 0.05
        assert max(apart(hue, support[0]) for hue in query) > 0.3
        middles.append(support[0])
    assert apart(*middles) > 0.15


@pytest.mark.parametrize("spurious", get_args(Spurious))
def test_the_query_pool_has_no_spurious_correlation(cache: Path, spurious: Spurious) -> None:
    plain, other = tree(Pool(PAINTED).paint(cache)), tree(Pool(PAINTED, spurious=spurious).paint(cache))
    assert plain.keys() == other.keys()
    for path, digest in plain.items():
        changed = (path.startswith(SUPPORT) and path.endswith(".png")) or path.startswith(".")
        assert (other[path] != digest) == changed


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs in which every region, half a strip, has a hue of its own, 1/24 apart."""

    def photograph(number: int) -> NDArray[np.uint8]:
        rows, columns = np.mgrid[:427, :640]
        region = number * 12 + np.minimum(columns // 106, 5) * 2 + (rows < 427 // 2)
        colors = [colorsys.hsv_to_rgb(place / 24, 1, 1) for place in range(24)]
        painted: NDArray[np.uint8] = (np.array(colors)[region] * 255).astype(np.uint8)
        return painted

    both = photograph(0), photograph(1)
    monkeypatch.setattr(paint, "_photographs", lambda: both)


def regions(label: int, spurious: Spurious | None) -> set[int]:
    """Which regions are behind the first 40 digits of a class."""
    found = set()
    for turn in range(40):
        sample = DigitsInTheWild("test", spurious=spurious)[turn * 10 + label]
        behind = np.unique(sample.image[sample.mask == 0], axis=0) / 255
        found |= {round(colorsys.rgb_to_hsv(*color)[0] * 24) % 24 for color in behind}
    return found


@pytest.mark.usefixtures("marked")
def test_a_spurious_background_is_one_region_and_the_novel_classes_have_different_ones() -> None:
    only = [regions(label, "background") for label in NOVEL]
    assert [len(found) for found in only] == [1] * 5
    assert len(set.union(*only)) == 5
    free = [regions(label, None) for label in NOVEL]
    assert min(len(found) for found in free) > 4
    for one, other in zip(only, free, strict=True):
        assert one <= other  # held-out strips, like all of the split's


@given(st.sampled_from(get_args(Split)), st.sampled_from(get_args(Spurious)), st.integers(0, 10_000), st.integers(0, 3))
def test_spurious_ink_stands_out_from_every_pixel_behind_it(
    split: Split, spurious: Spurious, index: int, seed: int
) -> None:
    sample = DigitsInTheWild(split, seed, spurious)[index]
    luma = sample.image / 255 @ LUMA
    full, behind = luma[sample.mask == 1], luma[sample.mask == 0]
    gap = max(full.min() - behind.max(), behind.min() - full.max())
    assert gap >= 0.3 - 0.01


@pytest.mark.parametrize("spurious", get_args(Spurious))
@given(index=st.integers(0, 10_000))
def test_a_spurious_correlation_changes_neither_the_digit_nor_its_place(spurious: Spurious, index: int) -> None:
    plain, other = DigitsInTheWild("test")[index], DigitsInTheWild("test", spurious=spurious)[index]
    assert plain.label == other.label
    assert np.array_equal(plain.mask, other.mask)
