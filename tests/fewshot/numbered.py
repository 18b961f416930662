"""Episodes of numbered images (`tests.fewshot.colours`), and of numbered images that were generated for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from genie_cli.data.dataset import Crops, Dataset
from genie_cli.data.folder import scan
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, choose
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.fewshot.augment import PHOTO_CROPS, RandomAugment
from genie_cli.fewshot.episodes import Episode, EpisodeSpec, draw
from genie_cli.fewshot.evaluator import Outcome
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.fewshot.support import SupportSets
from genie_cli.fewshot.task import AS_AUTHORS, FEWSHOT, FINEGRAINED, Protocol
from genie_cli.fewshot.views import Views
from genie_cli.jobs import Job, Source
from tests.fewshot.colours import PREPROCESS, Fitted, Seen, draw_picture, fitted, generate, picture, seen

WAYS, SHOTS, EPISODES = 3, 2, 2
ADDED = (WAYS - 1) * SHOTS
PROTOCOLS = {"few-shot": FEWSHOT.protocol, "fine-grained": FINEGRAINED.protocol, "as authors": AS_AUTHORS}
EACH = pytest.mark.parametrize("protocol", PROTOCOLS)
ROWS = tuple[Seen, int]  # what is seen, and the class that it is labelled with


def one_prompt(label: str) -> tuple[str]:
    """Prompts that nothing is made by."""
    return (label,)


def named(name: str, *, probe: bool = False) -> Augmentation:
    (augmentation,) = choose([AugmentationName(name)], [], probe=probe)
    return augmentation


@dataclass(frozen=True)
class Paster:
    """Red of the object, green of the scene."""

    number_of: dict[str, int]

    def paste(self, target: Source, onto: Source) -> Image.Image:
        return self._both(self.number_of[target.sha256], onto)

    def paste_generated(self, image: Image.Image, onto: Source) -> Image.Image:
        return self._both(image.getpixel((0, 0))[0], onto)  # type: ignore[index]

    def _both(self, number: int, onto: Source) -> Image.Image:
        return picture(number, picture(self.number_of[onto.sha256]).getpixel((0, 0))[1])  # type: ignore[index]


@dataclass
class World:
    """Numbered images of four classes, episodes of them, and what was generated, numbered too."""

    folder: Path
    number_of: dict[str, int]
    dataset: Dataset
    episodes: list[Episode]
    made: dict[str, int] = field(default_factory=dict)  # the number of each job's image, by the job's id

    def numbers(self, sources: Sequence[Source]) -> list[int]:
        return [self.number_of[source.sha256] for source in sources]

    def generate(self, jobs: Sequence[Job], *, probes: bool = False, **oracle: Any) -> GeneratedImages:
        numbers = iter(range(100 if probes else 30, 250))

        def draw_next(job: Job, path: Path) -> str:
            self.made[f"{'probe ' if probes else ''}{job.id}"] = number = next(numbers)
            return draw_picture(path, number)

        return generate(jobs, self.folder / ("probes" if probes else "images"), draw_next, probes=probes, **oracle)

    def fitted(
        self,
        augmentation: Augmentation,
        protocol: Protocol = FEWSHOT.protocol,
        crops: Crops = PHOTO_CROPS,
        needs: EpisodeJobs | None = None,
        images: GeneratedImages | None = None,
        **support: Any,
    ) -> tuple[list[Fitted], list[NDArray[np.float32]], Outcome]:
        needs = needs or EpisodeJobs(one_prompt, "")
        if images is None:
            images = self.generate(list(needs.needed(self.episodes, [augmentation])))
        augment = RandomAugment(PREPROCESS, crops, protocol.flip_vertically)
        views = Views(self.dataset.root, augment, Paster(self.number_of))
        return fitted(self.episodes, SupportSets(views, needs, images, protocol=protocol, **support), augmentation)

    def counted(self, augmentation: Augmentation, protocol: Protocol, **more: Any) -> list[Counter[ROWS]]:
        """Of each episode the rows, which all have hard labels."""
        found = []
        for rows, labels in self.fitted(augmentation, protocol, **more)[0]:
            assert set(labels.ravel()) <= {0, 1}
            assert (labels.sum(axis=1) == 1).all()
            found.append(Counter((seen(row), int(label.argmax())) for row, label in zip(rows, labels, strict=True)))
        return found

    def real(self, episode: Episode, *, whole: int, crops: int) -> Counter[ROWS]:
        """Every support image so many times whole and in crops."""
        views: tuple[tuple[Any, int], ...] = ("whole", whole), ("crop", crops)
        return Counter(
            {
                (Seen(number, None, view), label): count
                for label, part in enumerate(episode.support)
                for number in self.numbers(part)
                for view, count in views
                if count
            }
        )

    def of_others(self, episode: Episode, label: int) -> list[int]:
        """The other classes' support images: of each class after this one, in a circle, the first; then the second."""
        circle = [(label + step) % WAYS for step in range(1, WAYS)]
        parts = [self.numbers(episode.support[place]) for place in circle]
        return [part[shot] for shot in range(SHOTS) for part in parts]

    def jobs_of(self, augmentation: Augmentation, episode: Episode, **needs: Any) -> list[list[Job]]:
        return EpisodeJobs(one_prompt, "", **needs).jobs(episode, augmentation)


@pytest.fixture
def world(tmp_path: Path) -> World:
    number_of = {}
    for place, name in enumerate(("ant", "bee", "cow", "doe")):
        for image in range(5):
            number = 1 + 5 * place + image
            number_of[draw_picture(tmp_path / f"photos/{name}/{image}.png", number)] = number
    found = tuple(scan(tmp_path / "photos").sources)
    dataset = Dataset(tmp_path / "photos", found, found)
    return World(tmp_path, number_of, dataset, draw(dataset, EpisodeSpec(ways=WAYS, shots=SHOTS, queries=2), EPISODES))


def one(*numbers: int, label: int, onto: Sequence[int] = (), view: Any = "whole") -> Counter[ROWS]:
    """Rows of one class."""
    scenes: Sequence[int | None] = onto or [None] * len(numbers)
    return Counter((Seen(n, scene, view), label) for n, scene in zip(numbers, scenes, strict=True))


# How often each real image is seen whole and in crops: with what is made of real images, and beside what is added.
BASIS = {"few-shot": ((0, 5), (0, 5)), "fine-grained": ((1, WAYS - 1), (1, 0)), "as authors": ((0, 5), (0, 5))}
