"""Images that say in their colours which image they are, and a backbone that reads it off: rows that can be named.

An image's red value is its number. Green is another function of the number, so that an object that was pasted into
another image, red of the one and green of the other, is told from both. Blue rises to the right and, steeper, to the
bottom: a view shows how much of the image it has and which way up it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.features import Features
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.evaluate.obtain import read
from genie_cli.fewshot.classifiers import Classifier
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.evaluator import FewShotEvaluator, Outcome
from genie_cli.fewshot.fitting import Fitter
from genie_cli.fewshot.support import SupportSets
from genie_cli.header import Header
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status

Colour = NDArray[np.float64]
Fitted = tuple[NDArray[np.float32], NDArray[np.float64]]  # features (n, D) and labels (n, ways) of an episode

SIDE, SIZE = 32, 8  # pixels of an image, and of its views
PREPROCESS = Preprocess(resize=SIZE, size=SIZE, mean=(0, 0, 0), std=(1, 1, 1))
_TO_RIGHT, _DOWN = 2, 3  # by how much blue rises from pixel to pixel


class MeanColour(nn.Module):
    """Features with a known answer: an image's mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


class ColourAndSlopes(MeanColour):
    """The mean colour, and by how much the right half and the lower half are bluer than the other: (N, 5)."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        blue, half = images[:, 2], images.shape[-1] // 2
        right = blue[:, :, half:].mean(dim=(1, 2)) - blue[:, :, :half].mean(dim=(1, 2))
        down = blue[:, half:].mean(dim=(1, 2)) - blue[:, :half].mean(dim=(1, 2))
        return torch.cat([super().forward(images), right[:, None], down[:, None]], dim=1)


@dataclass
class Recorder:
    """In a classifier's place: remembers what it is fitted to and asked, episode by episode."""

    fitted: list[Fitted] = field(default_factory=list)
    asked: list[NDArray[np.float32]] = field(default_factory=list)

    def predict(
        self, support: NDArray[np.float32], labels: NDArray[np.float64], query: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        self.fitted.append((support, labels))
        self.asked.append(query)
        return np.zeros(len(query), np.int64)


def paint(path: Path, colour: Colour) -> str:
    """An image of one colour; returns its SHA-256."""
    return _saved(Image.new("RGB", (8, 8), tuple(map(int, colour))), path)


def picture(red: int, green: int | None = None) -> Image.Image:
    """The image with this number, 1 .. 250."""
    y, x = np.mgrid[:SIDE, :SIDE]
    pixels = np.empty((SIDE, SIDE, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = red, _green(red) if green is None else green
    pixels[..., 2] = 60 + _TO_RIGHT * x + _DOWN * y
    return Image.fromarray(pixels)


def draw_picture(path: Path, number: int) -> str:
    """The image with this number, at ``path``; returns its SHA-256."""
    return _saved(picture(number), path)


def _green(number: int) -> int:
    return 7 * number % 251


def _saved(image: Image.Image, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def generate(
    jobs: Iterable[Job],
    folder: Path,
    draw: Callable[[Job, Path], str],
    oracle: Callable[[Job], dict[str, Any] | None] = lambda _: None,
    *,
    probes: bool = False,
) -> GeneratedImages:
    """In a model's place: draw what the jobs ask for, each once, and write a manifest, ``folder/m.jsonl``.

    Args:
        draw: draws a job's image at a path, and returns its SHA-256.
        oracle: what an oracle has said of a job's image, if anything.
        probes: they are probes.
    """
    rows = []
    for job in {job.id: job for job in jobs}.values():
        digest = draw(job, folder / f"made/{job.id}.png")
        said = oracle(job)
        extra = {} if said is None else {"oracle": said}
        rows.append(Row(job, Status.MADE, f"made/{job.id}.png", digest, extra=extra))
    header = Header(kind="genie.manifest", settings={"probe": True} if probes else {"steps": 50})  # type: ignore[arg-type]
    text = header.line() + "".join(row.line() for row in rows)
    folder.mkdir(exist_ok=True)
    (folder / "m.jsonl").write_text(text)
    return read((str(folder / "m.jsonl"),), probes=probes)


@dataclass(frozen=True)
class Seen:
    """What a row shows.

    Attributes:
        number: of the image, or of the object that was pasted; None for none of them, as after color jitter.
        onto: of the image that it was pasted into; None if the image is as it was.
        view: the whole image, or a random crop of it, mirrored or not; one that is upside down.
    """

    number: int | None
    onto: int | None
    view: Literal["whole", "crop", "upside down"]


def seen(row: NDArray[np.float32]) -> Seen:
    """Read a row of `ColourAndSlopes`."""
    red, green, _, right, down = 255 * row.astype(float)
    number, onto = round(red), round(green) * pow(7, -1, 251) % 251
    known = abs(red - number) < 0.3 and abs(green - round(green)) < 0.3 and 1 <= number <= 250 and 1 <= onto <= 250
    whole = abs(right - _TO_RIGHT * SIDE / 2) < 1 and abs(down - _DOWN * SIDE / 2) < 1
    view: Literal["whole", "crop", "upside down"] = "whole" if whole else "crop" if down > 0 else "upside down"
    return Seen(number if known else None, onto if known and onto != number else None, view)


def fitted(
    episodes: Sequence[Episode],
    support: SupportSets,
    augmentation: Augmentation,
    network: nn.Module | None = None,
) -> tuple[list[Fitted], list[NDArray[np.float32]], Outcome]:
    """What a classifier is fitted to and asked in each episode, and the outcome."""
    recorder = Recorder()
    features = Features(Backbone("colours", (network or ColourAndSlopes()).eval(), PREPROCESS), None)
    outcome = FewShotEvaluator(episodes, support, features, Fitter(cast("Classifier", recorder), 1)).run(augmentation)
    assert len(recorder.fitted) == len(episodes)
    return recorder.fitted, recorder.asked, outcome
