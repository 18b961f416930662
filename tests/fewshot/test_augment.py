"""A random view is a function of picture and seed, and CutMix and MixUp are what their papers say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from genie_cli.backbones.backbone import Preprocess
from genie_cli.data.dataset import Crops
from genie_cli.fewshot.augment import RandomAugment, mix, seeded

PREPROCESS = Preprocess(resize=36, size=32)
PHOTOS, DIGITS = RandomAugment(PREPROCESS), RandomAugment(PREPROCESS, Crops(0.7, flip=False))
How = Literal["cutmix", "mixup"]
HOWS = pytest.mark.parametrize("how", ["cutmix", "mixup"])
SEEDS = st.integers(0, 2**48)
BOTH = pytest.mark.parametrize("augment", [PHOTOS, DIGITS], ids=["photos", "digits"])


def noise(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8))


def ramp() -> Image.Image:
    """Brighter from left to right, so that any crop shows its width and whether it is mirrored."""
    return Image.fromarray(np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (256, 256, 3)).copy())


def rise(view: torch.Tensor) -> float:
    """By how much the right border is brighter than the left."""
    return float(view[:, :, -1].float().mean() - view[:, :, 0].float().mean())


@BOTH
@pytest.mark.parametrize("how", ["weak", "strong"])
class TestViews:
    def test_a_view_is_as_large_as_the_backbone_wants(self, augment: RandomAugment, how: str) -> None:
        view = getattr(augment, how)(noise(), 1)
        assert (tuple(view.shape), view.dtype) == ((3, 32, 32), torch.uint8)

    @settings(max_examples=20)
    @given(seed=SEEDS, before=st.integers(0, 2**32))
    def test_a_view_depends_on_picture_and_seed_alone(
        self, augment: RandomAugment, how: str, seed: int, before: int
    ) -> None:
        first = getattr(augment, how)(noise(), seed)
        torch.manual_seed(before)
        torch.rand(before % 7)
        getattr(augment, how)(noise(1), seed + 1)
        assert torch.equal(getattr(augment, how)(noise(), seed), first)
        assert not torch.equal(getattr(augment, how)(noise(), seed + 1), first)
        assert not torch.equal(getattr(augment, how)(noise(1), seed), first)

    def test_threads_do_not_disturb_each_other(self, augment: RandomAugment, how: str) -> None:
        alone = [getattr(augment, how)(noise(), seed) for seed in range(40)]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda seed: getattr(augment, how)(noise(), seed), range(40)))
        assert all(map(torch.equal, alone, together))

    def test_the_global_generator_is_left_as_it_was(self, augment: RandomAugment, how: str) -> None:
        before = torch.random.get_rng_state()
        getattr(augment, how)(noise(), 3)
        assert torch.equal(torch.random.get_rng_state(), before)


def test_the_generator_is_put_back_after_an_error_too() -> None:
    before = torch.random.get_rng_state()
    with pytest.raises(RuntimeError, match="cannot be multiplied"), seeded(5):
        torch.rand(2, 3) @ torch.rand(2, 3)
    assert torch.equal(torch.random.get_rng_state(), before)
    with seeded(5):  # and nobody holds the lock
        one = torch.rand(1)
    with seeded(5):
        assert torch.equal(torch.rand(1), one)


def test_a_digit_is_never_mirrored_and_a_photo_half_the_time() -> None:
    picture = ramp()
    assert all(rise(DIGITS.weak(picture, seed)) > 0 for seed in range(200))
    assert all(rise(DIGITS.strong(picture, seed)) > 0 for seed in range(100))
    mirrored = sum(rise(PHOTOS.weak(picture, seed)) < 0 for seed in range(200))
    assert 70 < mirrored < 130


def test_a_digit_is_cut_less_than_a_photo() -> None:
    """The crop's width, as a share of the picture's; a crop of a fifth is 0.39 to 0.52 wide."""
    widths = {
        augment: [abs(rise(augment.weak(ramp(), seed))) / 255 for seed in range(200)] for augment in (DIGITS, PHOTOS)
    }
    assert min(widths[DIGITS]) > 0.7
    assert 0.36 < min(widths[PHOTOS]) < 0.5
    assert max(widths[PHOTOS]) > 0.9


def test_strong_is_the_weak_crop_recoloured_and_sometimes_grey() -> None:
    colourful = Image.fromarray(np.array([[[200, 60, 30], [30, 160, 90]]], np.uint8)).resize((40, 40))
    grey = 0
    for seed in range(100):
        weak, strong = PHOTOS.weak(colourful, seed), PHOTOS.strong(colourful, seed)
        assert not bool((weak[0] == weak[1]).all())
        grey += bool((strong[0] == strong[1]).all() and (strong[1] == strong[2]).all())
    assert 8 < grey < 35
    same = sum(torch.equal(PHOTOS.weak(noise(), seed), PHOTOS.strong(noise(), seed)) for seed in range(100))
    assert 1 < same < 20  # none of the three changes: 0.2 * 0.8 * 0.5


def constant(count: int) -> torch.Tensor:
    """Images of one tone each, 0, 10, 20, ..."""
    return (10 * torch.arange(count)).to(torch.uint8)[:, None, None, None].expand(count, 3, 8, 8).contiguous()


@HOWS
class TestMix:
    @settings(max_examples=30)
    @given(count=st.integers(2, 25), seed=SEEDS)
    def test_labels_say_what_an_image_is_made_of(self, how: How, count: int, seed: int) -> None:
        mixed, soft = mix(how, constant(count), torch.arange(count), count, seed)
        assert (tuple(mixed.shape), mixed.dtype) == ((count, 3, 8, 8), torch.uint8)
        assert torch.allclose(soft.sum(dim=1), torch.ones(count), atol=1e-5)
        assert int((soft > 0).sum(dim=1).max()) <= 2
        # Every image is the one and the other of a pair once.
        assert torch.allclose(soft.sum(dim=0), torch.ones(count), atol=1e-5)
        tones = soft @ (10 * torch.arange(count).float())
        assert torch.allclose(mixed.float().mean(dim=(1, 2, 3)), tones, atol=0.51 if how == "mixup" else 1e-2)

    def test_labels_of_one_class_stay_whole(self, how: How) -> None:
        _, soft = mix(how, constant(4), torch.tensor([1, 1, 1, 1]), 3, seed=2)
        assert torch.allclose(soft, torch.tensor([[0.0, 1.0, 0.0]]).expand(4, 3), atol=1e-6)

    def test_an_image_alone_is_mixed_with_itself(self, how: How) -> None:
        image = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        mixed, soft = mix(how, image, torch.tensor([0]), 2, seed=1)
        assert torch.equal(mixed, image)
        assert torch.allclose(soft, torch.tensor([[1.0, 0.0]]))

    def test_the_same_seed_gives_the_same_and_leaves_the_generator(self, how: How) -> None:
        before = torch.random.get_rng_state()
        images, labels = constant(6), torch.arange(6)
        first, again, other = (mix(how, images, labels, 6, seed) for seed in (1, 1, 2))
        assert all(map(torch.equal, first, again))
        assert not all(map(torch.equal, first, other))
        assert torch.equal(images, constant(6))
        assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("how", "alpha", "drawn_from"), [("mixup", None, 0.2), ("mixup", 0.8, 0.8)])
def test_the_mixing_ratio_is_drawn_from_the_papers_distributions(
    how: How, alpha: float | None, drawn_from: float
) -> None:
    """Of Beta(a, a) the mean is a half and the variance 1 / (4 (2 a + 1)): .179 for a = .2, .096 for .8."""
    images, labels = constant(2)[..., :1, :1], torch.arange(2)
    shares = [float(mix(how, images, labels, 2, seed, alpha)[1][0, 0]) for seed in range(1500)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.04)
    assert np.var(shares) == pytest.approx(1 / (4 * (2 * drawn_from + 1)), rel=0.07)


@pytest.mark.parametrize(("alpha", "drawn_from"), [(None, 1.0), (0.8, 0.8), (0.2, 0.2)])
def test_cutmix_pastes_a_box_of_that_share_anywhere(alpha: float | None, drawn_from: float) -> None:
    """The box has its center anywhere, and is cut at the border: so drawn here once more, 100,000 times."""
    images, labels = constant(2)[..., :1, :1].expand(2, 3, 50, 50), torch.arange(2)
    soft = torch.stack([mix("cutmix", images, labels, 2, seed, alpha)[1] for seed in range(1500)])
    shares = np.sort(soft[:, :, 0].flatten().numpy())
    rng = np.random.default_rng(0)
    half = np.sqrt(1 - rng.beta(drawn_from, drawn_from, 100_000)) / 2
    center = rng.random((2, 100_000))
    pasted = np.prod(np.minimum(center + half, 1) - np.maximum(center - half, 0), axis=0)
    expected = np.sort(np.concatenate([pasted, 1 - pasted]))
    assert np.quantile(shares, [0.1, 0.25, 0.4]) == pytest.approx(np.quantile(expected, [0.1, 0.25, 0.4]), abs=0.03)


@settings(max_examples=30)
@given(SEEDS)
def test_cutmix_takes_every_pixel_from_one_of_two_images(seed: int) -> None:
    images = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    mixed, soft = mix("cutmix", images, torch.arange(5), 5, seed)
    for image, label in zip(mixed, soft, strict=True):
        of = [images[number] for number in label.nonzero().flatten()]
        pixels = torch.stack([(image == one).all(dim=0) for one in of])
        assert bool(pixels.any(dim=0).all())


@settings(max_examples=30)
@given(SEEDS)
def test_mixup_is_the_convex_combination_of_two_images(seed: int) -> None:
    images = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    mixed, soft = mix("mixup", images, torch.arange(5), 5, seed)
    expected = torch.einsum("nc,cdhw->ndhw", soft, images.float())
    assert float((mixed.float() - expected).abs().max()) < 0.51
