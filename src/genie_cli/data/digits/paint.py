"""Digits in the wild: handwritten digits in random ink over patches of real photographs.

Both ingredients ship inside scikit-learn (`load_digits`, 1,797 scans of UCI's test set, and
`load_sample_images`, two photographs), so the data set needs no download. It has ten classes, "zero" to
"nine", and a background that a hard negative must keep while the digit changes.

Splits share neither a scan nor a region of a photograph: scans are dealt out class by class, and each
photograph is cut into six vertical strips. A sample is a function of (split, seed, spurious, index) alone.

This module does not import torch.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Split = Literal["train", "val", "test"]
Spurious = Literal["background", "ink"]
CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# The classes that the bundled few-shot encoder was trained on, and those that are new to it.
BASE_CLASSES = ("zero", "one", "two", "three", "four")
NOVEL_CLASSES = ("five", "six", "seven", "eight", "nine")
IMAGE_SIZE = 32  # pixels, width and height

# The share of each class's scans that a split owns, and its strips of each photograph, out of six.
_SCANS: dict[Split, tuple[float, float]] = {"train": (0.0, 0.65), "val": (0.65, 0.8), "test": (0.8, 1.0)}
_STRIPS: dict[Split, tuple[int, ...]] = {"train": (0, 2, 4), "val": (3,), "test": (1, 5)}
_SPLIT_KEY: dict[Split, int] = {"train": 0, "val": 1, "test": 2}

# Luma (Rec. 601, 0..1) that ink and background may take: a gap of at least 0.3 between any pixel of the
# background and full ink keeps every digit readable.
_DARK_BACKGROUND, _BRIGHT_INK = (0.0, 0.45), (0.75, 0.95)
_BRIGHT_BACKGROUND, _DARK_INK = (0.55, 1.0), (0.05, 0.25)
LUMA = np.array([0.299, 0.587, 0.114])

Pixels = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One image and what it was painted from.

    Attributes:
        image: RGB, uint8, (size, size, 3).
        mask: opacity of the ink in each pixel, float, (size, size), 0..1.
        label: class index, 0..9.
        photograph: the photograph behind the digit, 0 or 1.
        background: the image without the digit, float, (size, size, 3), 0..1.
        ink: the digit's color, float, (3,), 0..1.
        scan: the number of the class's scan, within the split.
    """

    image: NDArray[np.uint8]
    mask: Pixels
    label: int
    photograph: int
    background: Pixels
    ink: Pixels
    scan: int


@dataclass(frozen=True)
class DigitsInTheWild:
    """An endless, class-balanced sequence of samples; sample ``i`` has class ``i % 10``.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``; no scan and no region of a photograph is in two of them.
        seed: decides ink, background and pose; the scans are the same for every seed.
        spurious: what correlates with the class, so that a classifier may mistake it for the class: every class has
            one kind of background (one of the split's regions of a photograph), or one hue of ink.
        negatives: the photographs are turned into negatives, which no bundled model has seen in its training.
    """

    split: Split = "train"
    seed: int = 0
    spurious: Spurious | None = None
    negatives: bool = False

    def __getitem__(self, index: int) -> Sample:
        if index < 0:
            raise IndexError(f"expected an index from 0, found {index}")
        rng = np.random.default_rng([self.seed, _SPLIT_KEY[self.split], index])
        label, scan = index % len(CLASSES), scan_of_index(self.split, index)
        scans = scans_of(self.split)[label]
        photograph = int(rng.integers(len(_photographs())))
        if self.spurious == "background":
            photograph = label % len(_photographs())
        background = _patch(rng, self.split, photograph, label // 2 if self.spurious == "background" else None)
        background = 1 - background if self.negatives else background
        mask = _place(rng, scans[scan])
        background, ink = _contrast(rng, background, label % 5 / 5 if self.spurious == "ink" else None)
        return Sample(blend(background, ink, mask), mask, label, photograph, background, ink, scan)

    def save(self, root: Path, per_class: int) -> None:
        """Write the first ``per_class`` samples of each class as PNG into ``root/<class name>/<index>.png``."""
        self.save_samples(root, range(per_class * len(CLASSES)))

    def save_samples(self, root: Path, indices: Iterable[int]) -> None:
        """Write the samples of these indices; see `save`."""
        for index in indices:
            sample = self[index]
            folder = root / CLASSES[sample.label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(sample.image).save(folder / f"{self.split}-{index:05d}.png")


def blend(background: Pixels, ink: Pixels, mask: Pixels) -> NDArray[np.uint8]:
    """A digit on a background: RGB, uint8, (size, size, 3); see `Sample`."""
    image = background * (1 - mask[..., None]) + ink * mask[..., None]
    return np.asarray((image * 255).round().astype(np.uint8))


def scan_of_index(split: Split, index: int) -> int:
    """The number of the class's scan that sample ``index`` shows: the class's scans in turn."""
    return index // len(CLASSES) % len(scans_of(split)[index % len(CLASSES)])


@cache
def scans_of(split: Split) -> tuple[tuple[Pixels, ...], ...]:
    """The split's scans by class: arrays of (8, 8), 0..1. A fixed shuffle within each class assigns them to splits."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    low, high = _SCANS[split]
    by_class = []
    for label in range(len(CLASSES)):
        own = order[digits.target[order] == label]
        chosen = own[round(low * len(own)) : round(high * len(own))]
        by_class.append(tuple(digits.images[i] / 16 for i in chosen))
    return tuple(by_class)


@cache
def _photographs() -> tuple[NDArray[np.uint8], ...]:
    from sklearn.datasets import load_sample_images

    return tuple(cast("list[NDArray[np.uint8]]", load_sample_images().images))


def _patch(rng: np.random.Generator, split: Split, photograph: int, region: int | None = None) -> Pixels:
    """A square crop of the split's strips, 32 to 96 pixels wide, perhaps mirrored, resized; (size, size, 3), 0..1.

    A ``region`` is one half, upper or lower, of one strip.
    """
    whole = _photographs()[photograph]
    width, (top, bottom) = whole.shape[1] // 6, (0, whole.shape[0])
    strip = int(rng.choice(_STRIPS[split]))
    if region is not None:
        strip, half = _STRIPS[split][region // 2 % len(_STRIPS[split])], bottom // 2
        top, bottom = (0, half) if region % 2 else (half, bottom)
    left = width * strip
    side = int(rng.integers(32, 97))
    x = int(rng.integers(left, left + width - side + 1))
    y = int(rng.integers(top, bottom - side + 1))
    crop = Image.fromarray(whole[y : y + side, x : x + side])
    pixels = np.asarray(crop.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.LANCZOS)) / 255.0
    return pixels[:, ::-1] if rng.random() < 0.5 else pixels


def _place(rng: np.random.Generator, scan: Pixels) -> Pixels:
    """The scan enlarged, slightly turned, sheared and shifted, with a crisp edge; (size, size), 0..1."""
    scale = rng.uniform(2.9, 3.5)
    angle, shear = np.deg2rad(rng.uniform(-12, 12)), rng.uniform(-0.12, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(scale * turn @ np.array([[1, shear], [0, 1]]))
    center = (IMAGE_SIZE - 1) / 2 + rng.uniform(-2, 2, size=2)
    # The scan is enlarged fourfold first: an affine warp of 8x8 pixels in one go leaves visible steps.
    padded = np.pad(scan, 1)
    large = Image.fromarray((padded * 255).astype(np.uint8)).resize((40, 40), Image.Resampling.BICUBIC)
    inverse = inverse * 4
    offset = np.array([19.5, 19.5]) - inverse @ center
    coefficients = (*inverse[0], offset[0], *inverse[1], offset[1])
    size = (IMAGE_SIZE, IMAGE_SIZE)
    warped = large.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
    # A pen of about one width: faint scans are taken at a lower threshold, blotted ones at a higher.
    threshold = np.clip(np.quantile(scan, 0.7), 0.45, 0.8)
    return np.clip((np.asarray(warped) / 255.0 - threshold) / 0.3 + 0.5, 0, 1)


def _contrast(rng: np.random.Generator, background: Pixels, hue: float | None) -> tuple[Pixels, Pixels]:
    """The background with its luma squeezed to one side, and an ink, (3,), from the other side, perhaps of ``hue``."""
    luma = background @ LUMA
    dark = luma.mean() < 0.5
    low, high = _DARK_BACKGROUND if dark else _BRIGHT_BACKGROUND
    darkest, brightest = luma.min(), luma.max()
    # Change as little as possible: a patch that already fits keeps its tones.
    new_low, new_high = np.clip([darkest, brightest], low, high)
    if new_high - new_low < 0.1:
        new_low, new_high = (low, high)
    gain = min(1.0, (new_high - new_low) / max(brightest - darkest, 1e-6))
    squeezed = (luma - luma.mean()) * gain
    squeezed += np.clip(luma.mean(), low - squeezed.min(), high - squeezed.max())
    background = with_luma(background, squeezed)
    any_hue, saturation = rng.random(), rng.uniform(0.5, 1.0)
    tone = rng.uniform(*(_BRIGHT_INK if dark else _DARK_INK))
    ink = with_luma(np.array(colorsys.hsv_to_rgb(any_hue if hue is None else hue, saturation, 1.0)), tone)
    return background, ink


def with_luma(color: Pixels, luma: Pixels | float) -> Pixels:
    """The same hue at another luma, (..., 3), 0..1: scaled towards black, or mixed with white where it must be."""
    target = np.asarray(luma)[..., None]
    current = (color @ LUMA)[..., None]
    darker = color * np.divide(target, current, out=np.ones_like(current), where=current > 1e-6)
    overshoot = darker.max(axis=-1, keepdims=True)
    # Where scaling would clip a channel, take the brightest scaling that fits and mix in white for the rest.
    brightest = darker / np.maximum(overshoot, 1)
    missing = target - (brightest @ LUMA)[..., None]
    white = np.divide(missing, 1 - (brightest @ LUMA)[..., None], out=np.zeros_like(missing), where=missing > 1e-9)
    mixed = brightest + (1 - brightest) * white
    black = np.broadcast_to(target, mixed.shape)
    return np.asarray(np.where(current > 1e-6, mixed, black)).clip(0, 1)
