"""GeNIe-Ada in an episode: which generated images a classifier is fitted to, with colours for images.

Every image has one colour, and that is its feature. What is expected is computed here word by word; the other readings
of the method, each of which is a slip that has been made or could be, choose otherwise on these colours.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from genie_cli import manifest
from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.features import Features
from genie_cli.data.dataset import Dataset
from genie_cli.data.folder import scan
from genie_cli.evaluate.augmentations import ADA_RATIOS, Augmentation, AugmentationName
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.fewshot.classifiers import Classifier
from genie_cli.fewshot.episodes import Episode, EpisodeSpec, draw
from genie_cli.fewshot.evaluator import FewShotEvaluator
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.fewshot.support import SupportSets
from genie_cli.fewshot.views import Views
from genie_cli.header import Header
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status

ADA = Augmentation(AugmentationName.GENIE_ADA, ADA_RATIOS)
Colour = NDArray[np.float64]
Choose = Callable[[list[Colour], Colour, list[list[Colour]], int], int]


class _MeanColour(nn.Module):
    """Features with a known answer: an image's mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


@dataclass
class _Recorder:
    """In a classifier's place: remembers what it is fitted to, episode by episode."""

    fitted: list[tuple[NDArray[np.float32], NDArray[np.float64]]] = field(default_factory=list)

    def predict(
        self, support: NDArray[np.float32], labels: NDArray[np.float64], query: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        self.fitted.append((support, labels))
        return np.zeros(len(query), np.int64)


@dataclass
class Painted:
    """A data set of colours, its episodes and the colours of what was generated for them, by the job's id."""

    dataset: Dataset
    episodes: list[Episode]
    colours: dict[str, Colour]
    images: GeneratedImages
    needs: EpisodeJobs

    def groups(self, episode: Episode) -> list[tuple[int, list[Job]]]:
        """The class and the candidates of each source and target."""
        size = len(ADA_RATIOS)
        return [
            (number, jobs[start : start + size])
            for number, jobs in enumerate(self.needs.jobs(episode, ADA))
            for start in range(0, len(jobs), size)
        ]

    def real(self, path: str) -> Colour:
        with Image.open(self.dataset.root / path) as image:
            return np.array(image.getpixel((0, 0)), float)

    def chosen(self, episode: Episode, choose: Choose) -> list[int]:
        support = [[self.real(source.path) for source in part] for part in episode.support]
        made = []
        for number, jobs in self.groups(episode):
            source = jobs[0].source
            assert source
            made.append(choose([self.colours[job.id] for job in jobs], self.real(source.path), support, number))
        return made


def paint(path: Path, colour: Colour) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), tuple(map(int, colour))).save(path)  # type: ignore[arg-type]
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def painted(tmp_path: Path) -> Painted:
    """Three classes of four colours each; each generated image has a colour of its own, at random."""
    rng = np.random.default_rng(1)
    for name in ("ant", "bee", "cow"):
        for number in range(4):
            paint(tmp_path / "photos" / name / f"{number}.png", rng.integers(1, 256, 3).astype(float))
    found = tuple(scan(tmp_path / "photos").sources)
    dataset = Dataset(tmp_path / "photos", found, found)
    episodes = draw(dataset, EpisodeSpec(ways=3, shots=2, queries=2), 3)
    painted = Painted(dataset, episodes, {}, GeneratedImages(), EpisodeJobs(str, ""))
    generate(painted, tmp_path, rng)
    return painted


def generate(painted: Painted, folder: Path, rng: np.random.Generator, rejected: Sequence[float] = ()) -> None:
    """Paint what the episodes need; images at the ratios ``rejected`` were rejected by an oracle."""
    painted.images = GeneratedImages()
    rows = []
    for job in {job.id: job for job in painted.needs.needed(painted.episodes, [ADA])}.values():
        painted.colours[job.id] = rng.integers(1, 256, 3).astype(float)
        extra: dict[str, Any] = {"oracle": {"accepted": job.r not in rejected}}
        digest = paint(folder / f"made/{job.id}.png", painted.colours[job.id])
        rows.append(Row(job, Status.MADE, f"made/{job.id}.png", digest, extra=extra))
    text = Header(kind="genie.manifest").line() + "".join(row.line() for row in rows)
    painted.images.add(replace(manifest.read(io.StringIO(text), "m.jsonl", "genie.manifest"), folder=folder))


def used(painted: Painted) -> list[list[int]]:
    """For each episode and group, the number of the candidate that a classifier was fitted to, under its class."""
    preprocess, recorder = Preprocess(resize=8, size=8, mean=(0, 0, 0), std=(1, 1, 1)), _Recorder()
    FewShotEvaluator(
        painted.episodes,
        SupportSets(Views(painted.dataset.root, RandomAugment(preprocess)), painted.needs, painted.images),
        Features(Backbone("mean-colour", _MeanColour(), preprocess), None),
        cast("Classifier", recorder),
    ).run(ADA)
    assert len(recorder.fitted) == len(painted.episodes)
    return [numbers(painted, *of) for of in zip(painted.episodes, *zip(*recorder.fitted, strict=True), strict=True)]


def numbers(painted: Painted, episode: Episode, rows: NDArray[np.float32], labels: NDArray[np.float64]) -> list[int]:
    found = []
    for label, jobs in painted.groups(episode):
        own = rows[labels[:, label] == 1]
        there = [
            number
            for number, job in enumerate(jobs)
            if (np.abs(own - painted.colours[job.id] / 255).max(axis=1) < 1e-3).any()
        ]
        assert len(there) == 1, "not one image of each source and target"
        found += there
    return found


def unit(colour: Colour) -> Colour:
    return colour / np.linalg.norm(colour)


def places(made: list[Colour], source: Colour, target: list[Colour]) -> list[float]:
    axis = sum(map(unit, target), np.zeros(3)) / len(target) - unit(source)
    return [float(unit(colour) @ axis) for colour in made]


def after_largest(jumps: list[float]) -> int:
    return jumps.index(max(jumps)) + 1


def as_its_authors(made: list[Colour], source: Colour, support: list[list[Colour]], number: int) -> int:
    at = places(made, source, support[number])
    return after_largest([abs(b - a) for a, b in pairwise(at)])


def signed(made: list[Colour], source: Colour, support: list[list[Colour]], number: int) -> int:
    at = places(made, source, support[number])
    return after_largest([b - a for a, b in pairwise(at)])


OTHERS: dict[str, Choose] = {
    "signed": signed,
    "the image before the jump": lambda m, s, t, n: as_its_authors(m, s, t, n) - 1,
    "the first": lambda *_: 0,
    "the last": lambda made, *_: len(made) - 1,
    "the axis of class 0": lambda m, s, t, _: as_its_authors(m, s, t, 0),
    "the axis of the first support image": lambda m, s, t, n: as_its_authors(m, s, [part[:1] for part in t], n),
    "no source": lambda m, s, t, n: as_its_authors(m, 0 * s + 1e-9, t, n),
    "the furthest on the axis": lambda m, s, t, n: int(np.argmax(places(m, s, t[n]))),
}


def test_a_classifier_is_fitted_to_the_image_after_the_largest_jump(painted: Painted) -> None:
    assert used(painted) == [painted.chosen(episode, as_its_authors) for episode in painted.episodes]


@pytest.mark.parametrize("other", OTHERS)
def test_no_other_reading_chooses_the_same(painted: Painted, other: str) -> None:
    """Else the test above would not tell it from the method."""
    assert used(painted) != [painted.chosen(episode, OTHERS[other]) for episode in painted.episodes]


def test_what_the_oracle_rejected_is_not_among_the_candidates(painted: Painted, tmp_path: Path) -> None:
    generate(painted, tmp_path, np.random.default_rng(2), rejected=(0.6, 0.9))
    left = [0, 2, 3]  # r = .5, .7, .8

    def of_the_others(made: list[Colour], source: Colour, support: list[list[Colour]], number: int) -> int:
        return left[as_its_authors([made[number] for number in left], source, support, number)]

    assert used(painted) == [painted.chosen(episode, of_the_others) for episode in painted.episodes]
