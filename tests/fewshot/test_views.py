"""The views of images: each has a key of its own, under which features are cached."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genie_cli.backbones.backbone import Preprocess
from genie_cli.data.dataset import Crops
from genie_cli.errors import ImageError
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.fewshot.views import View, Views
from genie_cli.jobs import Source

PREPROCESS = Preprocess(resize=36, size=32)
PHOTOS, DIGITS = RandomAugment(PREPROCESS), RandomAugment(PREPROCESS, Crops(0.7, flip=False))


def noise(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "cat").mkdir()
    noise().save(tmp_path / "cat" / "1.png")
    digest = hashlib.sha256((tmp_path / "cat" / "1.png").read_bytes()).hexdigest()
    return Source(path="cat/1.png", sha256=digest, label="cat")


def test_a_center_crop_goes_by_the_hash_of_a_real_or_generated_image(tmp_path: Path, source: Source) -> None:
    views = Views(tmp_path, PHOTOS)
    real, generated = views.center_crop(source), views.generated(tmp_path / source.path, source.sha256)
    assert real[0] == generated[0] == source.sha256
    assert torch.equal(real[1](), generated[1]())
    assert torch.equal(real[1](), PREPROCESS.center_crop(noise()))


def test_every_other_view_has_a_key_of_its_own(tmp_path: Path, source: Source) -> None:
    other = source.model_copy(update={"sha256": "0" * 64})

    def views_of(one: Source) -> list[View]:
        kinds = [
            view
            for augment in (PHOTOS, DIGITS)
            for view in (Views(tmp_path, augment).weak, Views(tmp_path, augment).strong)
        ]
        return [view(one, number) for view in kinds for number in range(3)]

    views = [*views_of(source), *views_of(other)]
    assert len({key for key, _ in views}) == len(views)
    seen = [make() for _, make in views_of(source)]
    assert not any(torch.equal(one, other) for one, other in pairwise(seen))


def test_a_random_view_is_the_same_each_time(tmp_path: Path, source: Source) -> None:
    def shown(view: View) -> torch.Tensor:
        return view[1]()

    views, again = Views(tmp_path, PHOTOS), Views(tmp_path, PHOTOS)
    for number in range(5):
        one = shown(views.weak(source, number))
        assert torch.equal(one, shown(views.weak(source, number)))
        assert torch.equal(one, shown(again.weak(source, number)))
        assert torch.equal(shown(views.strong(source, number)), shown(again.strong(source, number)))


def test_a_picture_that_is_not_there_or_another_one_is_named(tmp_path: Path, source: Source) -> None:
    views, path = Views(tmp_path, PHOTOS), tmp_path / source.path
    noise(1).save(path)
    with pytest.raises(ImageError, match=r"1\.png: has changed"):
        views.generated(path, source.sha256)[1]()
    with pytest.raises(ImageError, match=r"1\.png: has changed"):
        views.weak(source, 0)[1]()
    path.unlink()
    for _, make in (views.center_crop(source), views.strong(source, 0), views.generated(path, source.sha256)):
        with pytest.raises(ImageError, match=r"1\.png: cannot be read: No such file"):
            make()


def test_keys_stay_what_they_are(tmp_path: Path, source: Source) -> None:
    """Or every feature that anybody has cached would be computed again."""
    assert Views(tmp_path, PHOTOS).weak(source, 3)[0] == f"{source.sha256}:weak-0.2-flip:3"
    assert Views(tmp_path, DIGITS).strong(source, 0)[0] == f"{source.sha256}:strong-0.7-no-flip:0"


def test_views_that_may_be_upside_down_are_not_taken_for_others(tmp_path: Path, source: Source) -> None:
    turning = Views(tmp_path, RandomAugment(PREPROCESS, flip_vertically=True))
    assert turning.strong(source, 0)[0] != Views(tmp_path, PHOTOS).strong(source, 0)[0]
    assert turning.weak(source, 0)[0] == Views(tmp_path, PHOTOS).weak(source, 0)[0]  # these are the same
