"""GeNIe-Ada in an episode: which generated images a classifier is fitted to, with colours for images.

Every image has one colour, and that is its feature. What is expected is computed here word by word; the other readings
of the method, each of which is a slip that has been made or could be, choose otherwise on these colours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from genie_cli.data.dataset import Dataset
from genie_cli.data.folder import scan
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.fewshot.episodes import Episode, EpisodeSpec, draw
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.fewshot.support import SupportSets
from genie_cli.fewshot.views import Views
from genie_cli.jobs import ADA_RATIOS, Job
from tests.fewshot.colours import PREPROCESS, Colour, MeanColour, fitted, generate, paint
from tests.fewshot.numbered import one_prompt

ADA = Augmentation(AugmentationName.GENIE_ADA, ADA_RATIOS)
Choose = Callable[[list[Colour], Colour, list[list[Colour]], int], int]


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
    painted = Painted(dataset, episodes, {}, GeneratedImages(), EpisodeJobs(one_prompt, ""))
    make(painted, tmp_path, rng)
    return painted


def make(painted: Painted, folder: Path, rng: np.random.Generator, rejected: Sequence[float] = ()) -> None:
    """Paint what the episodes need; images at the ratios ``rejected`` were rejected by an oracle."""

    def draw_colour(job: Job, path: Path) -> str:
        painted.colours[job.id] = rng.integers(1, 256, 3).astype(float)
        return paint(path, painted.colours[job.id])

    needed = painted.needs.needed(painted.episodes, [ADA])
    painted.images = generate(needed, folder, draw_colour, lambda job: {"accepted": job.r not in rejected})


def used(painted: Painted) -> list[list[int]]:
    """For each episode and group, the number of the candidate that a classifier was fitted to, under its class."""
    views = Views(painted.dataset.root, RandomAugment(PREPROCESS))
    rows, _, _ = fitted(painted.episodes, SupportSets(views, painted.needs, painted.images), ADA, MeanColour())
    return [numbers(painted, *of) for of in zip(painted.episodes, *zip(*rows, strict=True), strict=True)]


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
    axis = np.mean([unit(colour) for colour in target], axis=0) - unit(source)
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
    make(painted, tmp_path, np.random.default_rng(2), rejected=(0.6, 0.9))
    left = [0, 2, 3]  # r = .5, .7, .8

    def of_the_others(made: list[Colour], source: Colour, support: list[list[Colour]], number: int) -> int:
        return left[as_its_authors([made[number] for number in left], source, support, number)]

    assert used(painted) == [painted.chosen(episode, of_the_others) for episode in painted.episodes]
