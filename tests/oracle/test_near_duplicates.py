"""Near-duplicates, by features that one can draw: a colour's angle round gray."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.features import Features
from genie_cli.errors import FolderError, ImageError, ManifestError, UsageError
from genie_cli.jobs import Source
from genie_cli.manifest import Row
from genie_cli.observer import Observer
from genie_cli.oracle.conditions import Conditions
from genie_cli.oracle.manifests import ManifestImages
from genie_cli.oracle.near_duplicates import NearDuplicates, prepare, read_held_out, require_used
from genie_cli.oracle.select import select
from genie_cli.oracle.selected import Leak
from tests.manifests import HEADER, a_job, a_row
from tests.oracle.judgements import Ears


class Hue(nn.Module):
    """The mean of red and green, less gray: two features, whose angle is the hue."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :2].mean(dim=(2, 3)) - 128 / 255


HUE = Backbone("hue@0", Hue(), Preprocess(8, 8, (0, 0, 0), (1, 1, 1)))


def draw(path: Path, degrees: float) -> str:
    """An image of this hue, and its SHA-256."""
    angle = math.radians(degrees)
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = round(128 + 120 * math.cos(angle)), round(128 + 120 * math.sin(angle)), 0
    Image.new("RGB", (8, 8), colour).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def apart(degrees: float) -> float:
    """The cosine distance of two hues; of colours in 8 bits it is this to a thousandth."""
    return 1 - math.cos(math.radians(degrees))


@pytest.fixture
def world(tmp_path: Path) -> ManifestImages:
    """Two classes of sources, whose nearest neighbours are 20 degrees apart or more; no image yet."""
    sources = [("cat", hue) for hue in (0, 20, 60)] + [("dog", hue) for hue in (180, 240, 10)]
    rows = []
    for number, (label, hue) in enumerate(sources):
        path = f"{label}/{hue}.png"
        source = Source(path=path, sha256=draw(tmp_path / "photos" / path, hue), label=label)
        rows.append(made(tmp_path, f"fox{number}", 97 * number, source))
    header = HEADER.model_copy(update={"source_root": str(tmp_path / "photos")})
    return ManifestImages("m.jsonl", header, tuple(rows), tmp_path, tmp_path / "photos")


def made(root: Path, target: str, hue: float, source: Source, probability: float = 0.5, replicate: int = 0) -> Row:
    job = a_job(target, source=source, replicate=replicate)
    sha256 = draw(root / "train" / f"{job.id}.png", hue)
    said = {"oracle": {"target_probability": probability}}
    return a_row(job, file=f"train/{job.id}.png", sha256=sha256, extra=said)


def near(images: ManifestImages, held_out: Path | None = None, observer: Observer | None = None) -> NearDuplicates:
    pictures = read_held_out(held_out, Observer()) if held_out else []
    return NearDuplicates(images, Features(HUE, None), pictures, observer or Observer())


def test_the_threshold_is_that_of_real_images_of_one_class(world: ManifestImages) -> None:
    """A dog's 10 degrees from a cat do not count: they are of different classes."""
    ears = Ears()
    threshold = near(world, observer=ears).threshold
    assert threshold == pytest.approx(apart(20), abs=2e-3)
    (heard,) = ears.heard
    assert f"features of hue@0 with a cosine distance below {threshold:.4g}, as 5% of 6 real images have" in heard


def test_it_is_the_twentieth_part_of_the_distances(tmp_path: Path) -> None:
    """Of 41 images of one class, two have a neighbour as near as 1 degree; the others are 8 degrees apart."""
    hues = [8.0 * place for place in range(40)] + [1.0]
    sources = [
        Source(path=f"cat/{n}.png", sha256=draw(tmp_path / f"cat/{n}.png", h), label="cat") for n, h in enumerate(hues)
    ]
    rows = [made(tmp_path, "fox", 3 * n, source) for n, source in enumerate(sources)]
    found = near(ManifestImages("m.jsonl", HEADER, tuple(rows), tmp_path, tmp_path))
    nearest = sorted(min(abs(math.remainder(a - b, 360)) for b in hues if b is not a) for a in hues)
    assert found.threshold == pytest.approx(apart(nearest[int(0.05 * (len(hues) - 1))]), abs=2e-3)


def test_the_best_of_each_group_is_kept_and_the_others_name_it(world: ManifestImages) -> None:
    source = world.rows[0].job.source
    assert source
    hues = {0: 0.7, 12: 0.9, 24: 0.8, 36: 0.6, 90: 0.5}
    rows = [made(world.root, "owl", hue, source, share, n) for n, (hue, share) in enumerate(hues.items())]
    rows.append(made(world.root, "elk", 12, source, 0.1, 9))  # of another target
    images = replace(world, rows=(*world.rows, *rows))
    result = select(images, Conditions(distinct=True), near(images), Observer())
    own = result.table[len(world.rows) :]
    # 12 is the best, and 0 and 24 are within 20 degrees of it; 36 is so only of 24, which is not kept.
    assert [row.is_accepted for row in own] == [False, True, False, True, True, True]
    for place in (0, 2):
        assert own[place].selection is not None
        assert own[place].selection.reason.endswith(f"from {own[1].file}")  # type: ignore[union-attr]
        assert own[place].selection.reason.startswith("distinct: 0.02")  # type: ignore[union-attr]
    kept = [row for row in result.table if row.is_accepted]
    again = select(replace(images, rows=tuple(kept)), Conditions(distinct=True), near(images), Observer())
    assert all(row.is_accepted for row in again.table)
    shuffled = select(replace(images, rows=images.rows[::-1]), Conditions(distinct=True), near(images), Observer())
    assert shuffled.table == result.table[::-1]


def test_images_that_show_held_out_ones_are_named_in_pairs(world: ManifestImages, tmp_path: Path) -> None:
    source, other = world.rows[0].job.source, world.rows[1].job.source
    assert source
    assert other
    draw(tmp_path / "test/a/1.png", 100)
    draw(tmp_path / "test/2.png", 200)
    (tmp_path / "test/copy.png").write_bytes((tmp_path / "photos" / other.path).read_bytes())
    rows = [made(tmp_path, "owl", hue, source, replicate=n) for n, hue in enumerate((95, 130, 203))]
    rows.append(made(tmp_path, "owl", 300, other))  # looks like nothing there, but was made from the copy
    images = replace(world, rows=(*world.rows[2:], *rows))
    result = select(images, Conditions(held_out=True), near(images, tmp_path / "test"), Observer())
    own = result.table[-4:]
    assert [row.is_accepted for row in own] == [False, True, False, False]
    pairs = {leak.file: leak for leak in result.leaks}
    for row, name, degrees in ((own[0], "test/a/1.png", 5), (own[2], "test/2.png", 3)):
        assert pairs[row.file].held_out == str(tmp_path / name)
        assert pairs[row.file].distance == pytest.approx(apart(degrees), abs=2e-3)
    assert pairs[own[3].file] == Leak(own[3].file, str(tmp_path / "test/copy.png"), None)
    distances = [leak.distance for leak in result.leaks if leak.distance is not None]
    assert distances == sorted(distances)
    assert own[3].selection is not None
    assert own[3].selection.reason == f"held-out: made from {tmp_path / 'test/copy.png'}"


def test_many_images_are_compared_in_parts(
    world: ManifestImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "test/1.png", 100)
    finder = near(world, tmp_path / "test")
    whole = finder.of_held_out(world.rows)
    assert any(whole)
    monkeypatch.setattr("genie_cli.oracle.near_duplicates._BLOCK", 2)
    assert finder.of_held_out(world.rows) == whole


@given(angles=st.lists(st.integers(0, 359), max_size=30), threshold=st.sampled_from([0, 0.001, 0.01, 0.2]))
def test_of_near_ones_the_first_is_kept_however_many_are_compared_at_once(angles: list[int], threshold: float) -> None:
    found = object.__new__(NearDuplicates)
    found.threshold = threshold
    turned = np.radians(np.array(angles, dtype=np.float64))
    kept: list[int] = []
    expected: list[tuple[int | None, float]] = []
    for place, angle in enumerate(angles):  # one by one, by the angles between them
        distance, nearest = min([(round(apart(angle - angles[before]), 6), before) for before in kept], default=(9, 0))
        is_near = distance < threshold or distance == 0
        expected.append((nearest, pytest.approx(distance, abs=2e-6)) if is_near else (None, 0))  # type: ignore[arg-type]
        kept += [] if is_near else [place]
    for few in (1, 7, 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("genie_cli.oracle.near_duplicates._FEW", few)
            assert list(found._greedy(np.stack([np.cos(turned), np.sin(turned)], axis=1))) == expected


def test_sources_that_were_deleted_since_are_not_measured_on(world: ManifestImages, tmp_path: Path) -> None:
    assert near(world).threshold == pytest.approx(apart(20), abs=2e-3)
    (tmp_path / "photos/cat/0.png").unlink()
    assert near(world).threshold == pytest.approx(apart(40), abs=2e-3)


def test_without_sources_held_out_images_are_the_real_ones(world: ManifestImages, tmp_path: Path) -> None:
    """Groups are folders; what lies alone in one tells nothing."""
    gone = replace(world, source_root=None)
    for path, hue in (("a/1.png", 0), ("a/2.png", 50), ("b/1.png", 3)):
        draw(tmp_path / "test" / path, hue)
    assert near(gone, tmp_path / "test").threshold == pytest.approx(apart(50), abs=2e-3)
    with pytest.raises(UsageError, match=r"and the folder of the sources, .*photos, is not there"):
        near(gone)
    alone = replace(world, rows=(world.rows[0], world.rows[3]))
    with pytest.raises(UsageError, match="there are no two sources of one class"):
        near(alone)


def test_real_images_that_are_copies_leave_only_copies(world: ManifestImages, tmp_path: Path) -> None:
    ears = Ears()
    for label in ("cat", "dog"):
        Image.open(tmp_path / f"photos/{label}/{0 if label == 'cat' else 180}.png").save(
            tmp_path / f"photos/{label}/c.png", compress_level=1
        )
    sources = [
        Source(path=path, sha256=hashlib.sha256((tmp_path / "photos" / path).read_bytes()).hexdigest(), label=path[:3])
        for path in ("cat/0.png", "cat/c.png", "dog/180.png", "dog/c.png")
    ]
    rows = tuple(made(tmp_path, "owl", hue, source) for hue, source in zip((0, 0, 1, 90), sources, strict=True))
    images = replace(world, rows=rows)
    result = select(images, Conditions(distinct=True), near(images, observer=ears), Observer())
    assert "only copies count" in ears.heard[-1]
    assert sorted(row.is_accepted for row in result.table) == [False, True, True, True]


def test_what_cannot_be_compared_is_named(world: ManifestImages, tmp_path: Path) -> None:
    nameless = replace(world, rows=(*world.rows, replace(world.rows[0], sha256="")))
    with pytest.raises(ManifestError, match="has no sha256"):
        near(nameless).of_each_other(nameless.rows)
    (tmp_path / world.rows[1].file).write_bytes(b"other")
    with pytest.raises(ImageError, match="has changed") as changed:
        near(world).of_each_other(world.rows)
    assert "nothing was written" in changed.value.hint
    (tmp_path / "test").mkdir()
    with pytest.raises(FolderError, match="has no images"):
        prepare(world, tmp_path / "test", "digits", None, "cpu", Observer())
    (tmp_path / "test/broken.png").write_bytes(b"\x89PNG")
    with pytest.raises(ImageError, match=r"broken\.png: is") as broken:
        near(world, tmp_path / "test").of_held_out(world.rows)
    assert broken.value.hint


def test_a_backbone_is_only_for_what_needs_features() -> None:
    with pytest.raises(UsageError, match="--backbone, --device: used only with --distinct and --held-out"):
        require_used({"backbone": "digits", "checkpoint": None, "device": "cpu"}, Conditions(balanced=True))
    require_used({"backbone": "digits"}, Conditions(distinct=True))


def test_a_re_encoded_image_is_a_near_duplicate_and_another_photograph_is_not(tmp_path: Path) -> None:
    """With the bundled encoder, on digits in the wild."""
    from genie_cli.backbones.load import load
    from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild

    digits = DigitsInTheWild("test")
    sources = []
    for number in range(40):
        path = tmp_path / f"{CLASSES[number % 10]}/{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(digits[number].image).save(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        sources.append(Source(path=path.relative_to(tmp_path).as_posix(), sha256=sha256, label=path.parent.name))
    (tmp_path / "test").mkdir()
    rows = []
    for number in range(40, 60):
        name = f"test/{number}.png"
        Image.fromarray(digits[number].image).save(tmp_path / name)
        Image.fromarray(digits[number].image).save(tmp_path / f"{number}.jpg", quality=80)
        sha256 = hashlib.sha256((tmp_path / f"{number}.jpg").read_bytes()).hexdigest()
        rows.append(a_row(a_job("fox", source=sources[number - 20]), file=f"{number}.jpg", sha256=sha256))
    # Only the first ten are held out; the other ten are photographs of the same classes.
    for number in range(50, 60):
        (tmp_path / f"test/{number}.png").unlink()
    images = ManifestImages("m.jsonl", HEADER, tuple(rows), tmp_path, tmp_path)
    finder = NearDuplicates(
        images, Features(load("digits"), None), read_held_out(tmp_path / "test", Observer()), Observer()
    )
    found = finder.of_held_out(rows)
    assert [near.name if near else "" for near in found[:10]] == [
        str(tmp_path / f"test/{n}.png") for n in range(40, 50)
    ]
    assert np.mean([near is not None for near in found[10:]]) <= 0.3
